"""Requests of one park reach the commit in the order they came, whatever the first of them has to wait for.

Whoever only says that he is the park holds none of them up, and takes none of their room.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, cast

import pytest

import vipgate.gateway.park_order
import vipgate.gateway.pipeline
from support.protocol_pipeline import SECRET
from support.push_requests import GBK, VAULT, knock
from vipgate.gateway.group_commit import GroupCommitter
from vipgate.gateway.http.messages import Response
from vipgate.gateway.park_access import ParkAccessCache
from vipgate.gateway.park_order import park_meant
from vipgate.gateway.pipeline import PushPipeline
from vipgate.gateway.push_request import PushRequest
from vipgate.gateway.reconcile import ReconcileService
from vipgate.protocol.charset import Charset
from vipgate.protocol.seqno import SeqnoGenerator
from vipgate.protocol.signature_hmac import WebhookSignature
from vipgate.store.interfaces.ledger import ParkAccess, Push, PushResult, RejectedRequest
from vipgate.support.metrics import SharedMetrics, WorkerRecorder


class SlowStore:
    """Says who a park is when the test lets it, and writes down what reaches the commit."""

    def __init__(self, charset: Charset = "utf-8") -> None:
        self.may_answer = threading.Event()
        self.charset = charset
        self.committed: list[str] = []

    def read(self, park_uuids: Sequence[str]) -> dict[str, ParkAccess]:
        assert self.may_answer.wait(WAIT_S)
        sealed = {one: VAULT.seal(SECRET, one) for one in park_uuids}
        return {one: ParkAccess(one, True, sealed[one], None, (), None, charset=self.charset) for one in park_uuids}

    def ensure_capacity(self, park_uuid: str, rows: int, body_bytes: int) -> None:
        """There is always room."""

    def submit(self, push: Push) -> asyncio.Future[PushResult]:
        self.committed.append(push.renewals[0].pay_partner)
        done: asyncio.Future[PushResult] = asyncio.get_running_loop().create_future()
        done.set_result(PushResult(1, 0, 0))
        return done

    def log_rejection(self, refused: RejectedRequest) -> None:
        """Refusals are not looked at here."""


def beside(job: Callable[[], None]) -> None:
    threading.Thread(target=job, daemon=True).start()


def road_of(store: SlowStore, slow: ThreadPoolExecutor, unproved: ThreadPoolExecutor) -> PushPipeline:
    clock_s = asyncio.get_running_loop().time
    directory = ParkAccessCache(store.read, beside, VAULT, clock_s)
    committer, digests = cast("GroupCommitter", store), cast("ReconcileService", None)
    return PushPipeline(
        directory, committer, SeqnoGenerator(0), slow, unproved, digests, WorkerRecorder(SharedMetrics(1), 0), clock_s
    )


@pytest.mark.parametrize("answered_at", [0, 1, 2, 3, 5, 8])
def test_later_requests_wait_behind_one_that_waits(answered_at: int) -> None:
    async def scenario() -> list[str]:
        store = SlowStore()
        with ThreadPoolExecutor(1) as slow, ThreadPoolExecutor(1) as unproved:
            road = road_of(store, slow, unproved)
            tasks = []
            for number in range(12):
                if number == answered_at:
                    store.may_answer.set()
                wrong = number % 5 == 4
                secret = "wrong" if wrong else SECRET
                tasks.append(asyncio.create_task(road.push(knock(number, large=number in (0, 7), secret=secret))))
                await asyncio.sleep(0)
            replies = await asyncio.gather(*tasks)
        assert [reply.status for reply in replies] == [401 if number % 5 == 4 else 200 for number in range(12)]
        return store.committed

    committed = asyncio.run(scenario())
    assert committed == [f"{number}-0" for number in range(12) if number % 5 != 4]


@contextmanager
def busy(slow: ThreadPoolExecutor) -> Iterator[None]:
    """The thread for what takes long has no time meanwhile."""
    go_on = threading.Event()
    slow.submit(go_on.wait)
    try:
        yield
    finally:
        go_on.set()


UNSIGNED = WebhookSignature("id", "1795492800", "v1,none")
WAIT_S = 10.0


def test_stranger_who_names_a_park_holds_none_of_its_requests_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vipgate.gateway.park_order, "PARK_BYTES_MAX", 4 * 1024 * 1024)

    async def scenario() -> None:
        store = SlowStore()
        store.may_answer.set()
        with ThreadPoolExecutor(1) as slow, ThreadPoolExecutor(1) as unproved:
            road = road_of(store, slow, unproved)
            with busy(unproved):
                unsigned = [road.push(knock(one, large=True, stamp=UNSIGNED)) for one in range(5)]
                unsigned += [road.push(knock(one, large=True, secret="wrong")) for one in range(5, 9)]
                strangers = [asyncio.create_task(one) for one in unsigned]
                await asyncio.sleep(0)
                for number in (10, 11):
                    own = road.push(knock(number, large=number == 11))
                    assert (await asyncio.wait_for(own, WAIT_S)).status == 200
                assert not any(one.done() for one in strangers)
            assert [one.status for one in await asyncio.gather(*strangers)] == [401] * 9
        assert store.committed == ["10-0", "11-0"]

    asyncio.run(scenario())


def test_stranger_who_names_a_park_takes_none_of_the_room_of_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vipgate.gateway.park_order, "PARK_BYTES_MAX", 4 * 1024 * 1024)

    async def scenario() -> None:
        store = SlowStore()
        store.may_answer.set()
        with ThreadPoolExecutor(1) as slow, ThreadPoolExecutor(1) as unproved:
            road = road_of(store, slow, unproved)
            with busy(slow):
                own = [asyncio.create_task(road.push(knock(0, large=True)))]
                await asyncio.sleep(0)
                wrong = [road.push(knock(one, large=True, secret="wrong")) for one in range(1, 6)]
                strangers = [asyncio.create_task(one) for one in wrong]
                await asyncio.sleep(0)
                own.append(asyncio.create_task(road.push(knock(10))))
                # They hear at once that they are nobody, whatever waits.
                refused = await asyncio.wait_for(asyncio.gather(*strangers), WAIT_S)
                assert [one.status for one in refused] == [401] * 5
                # What the park itself sends has its bound.
                more = [asyncio.create_task(road.push(knock(one, large=True))) for one in (20, 21, 22)]
                done, own_more = await asyncio.wait(more, timeout=WAIT_S, return_when=asyncio.FIRST_COMPLETED)
                assert [one.result().status for one in done] == [503] * 2
            assert [one.status for one in await asyncio.gather(*own, *own_more)] == [200] * 3
        assert store.committed == ["0-0", "10-0", "20-0"]

    asyncio.run(scenario())


class Threads:
    """Notes in which thread the steps of the pipeline are taken."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: dict[str, list[str]] = {}
        for name in ("parse_request", "decode_rows"):
            monkeypatch.setattr(
                vipgate.gateway.pipeline, name, self._noting(name, getattr(vipgate.gateway.pipeline, name))
            )

    def _noting(self, name: str, step: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*args: Any) -> Any:
            self.seen.setdefault(name, []).append(threading.current_thread().name.partition("_")[0])
            return step(*args)

        return noted


LOOP = "MainThread"


async def answer(step: str, push: PushRequest) -> int:
    """The status of one request, with a thread for each of the two kinds of work."""
    store = SlowStore("gbk" if push.content_type == GBK else "utf-8")
    store.may_answer.set()
    with ThreadPoolExecutor(1, "slow") as slow, ThreadPoolExecutor(1, "unproved") as unproved:
        road = road_of(store, slow, unproved)
        reply: Response = await getattr(road, step)(push)
        return reply.status


@pytest.mark.parametrize(
    ("members", "status", "split_in"),
    [
        ({}, 200, [LOOP]),
        ({"secret": "wrong"}, 401, [LOOP]),
        ({"broken": True}, 400, [LOOP]),
        ({"large": True}, 200, ["slow"]),
        ({"large": True, "content_type": GBK}, 200, ["slow"]),
        ({"large": True, "last": True}, 200, ["slow"]),
        ({"large": True, "broken": True}, 400, ["slow"]),
        ({"large": True, "hidden": True}, 200, ["unproved"]),
        ({"large": True, "decoy": True}, 200, ["slow", "unproved"]),
        ({"large": True, "secret": "wrong"}, 401, ["unproved"]),
        ({"large": True, "secret": "wrong", "content_type": GBK}, 401, ["unproved"]),
        ({"large": True, "secret": "wrong", "broken": True}, 400, ["unproved"]),
        ({"large": True, "stamp": UNSIGNED}, 401, ["unproved"]),
    ],
    ids=str,
)
def test_large_body_is_read_off_the_loop_and_apart_where_nobody_has_signed_it(
    members: dict[str, Any], status: int, split_in: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = Threads(monkeypatch)
    assert asyncio.run(answer("push", knock(1, **members))) == status
    assert threads.seen["parse_request"] == split_in
    if status == 200:
        assert threads.seen["decode_rows"] == ["slow" if members.get("large") else LOOP]


@pytest.mark.parametrize(
    ("body", "park"),
    [
        ('{"park_uuid":"p","row":[', "p"),
        ('{ "complete": 1,\n "park_uuid" :\t" 园-1 " , "row":[', "园-1"),
        ('{"park_uuid":"' + "园" * 64 + '"', "园" * 64),
        ('{"park_uuid":"' + "园" * 65 + '"', None),
        ('{"park_uuid":""', None),
        ('{"park_uuid":" "', None),
        (r'{"park_uuid":"a\u0062"', None),
        ('{"park_uuid":"a\x00b"', None),
        ('{"park_uuid":"a\nb"', None),
        ('{"park_uuid":7', None),
        ("", None),
    ],
)
def test_park_is_looked_for_in_an_unread_body(body: str, park: str | None) -> None:
    for whole in (body + " " * 2_000_000, " " * 2_000_000 + body, body):
        assert park_meant(whole.encode()) == park
    assert park_meant((" " * 2_000_000 + body + " " * 2_000_000).encode()) is None


@pytest.mark.parametrize(("large", "split_in"), [(False, LOOP), (True, "unproved")])
def test_large_question_of_a_stranger_is_read_off_the_loop(
    large: bool, split_in: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = Threads(monkeypatch)
    assert asyncio.run(answer("reconcile", knock(1, large=large, secret="wrong"))) == 401
    assert threads.seen["parse_request"] == [split_in]
