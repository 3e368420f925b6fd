"""Refusals that a caller provokes by sending more do not fill the journal: a line of it costs as much as a record."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import cast

import pytest

from support.protocol_pipeline import SECRET
from support.push_requests import VAULT, knock
from vipgate.errors import OVERLOADED, ServiceUnavailable
from vipgate.gateway.group_commit import GroupCommitter
from vipgate.gateway.limits.rate_limit import (
    LOGGED_PARKS_MAX,
    LOGGED_PER_MINUTE_MAX,
    STRANGERS_SHARE,
    PacedWork,
    RejectionLogLimiter,
)
from vipgate.gateway.park_access import ParkAccessCache
from vipgate.gateway.pipeline import PushPipeline
from vipgate.gateway.reconcile import ReconcileService
from vipgate.protocol.seqno import SeqnoGenerator
from vipgate.store.interfaces.ledger import ParkAccess, Push, PushResult, RejectedRequest
from vipgate.support.metrics import UNLOGGED_REQUESTS, SharedMetrics, WorkerRecorder

MORE = 50


class Journal:
    """Writes down what it is given to note; `full` has no room for any push."""

    def __init__(self, *, full: bool) -> None:
        self.full = full
        self.noted: list[str] = []

    def ensure_capacity(self, *_: object) -> None:
        if self.full:
            raise ServiceUnavailable(OVERLOADED, retry_after_s=2)

    def submit(self, _: Push) -> asyncio.Future[PushResult]:
        return self._done()

    def log_rejection(self, refused: RejectedRequest) -> asyncio.Future[PushResult]:
        self.noted.append(refused.code)
        return self._done()

    def _done(self) -> asyncio.Future[PushResult]:
        done: asyncio.Future[PushResult] = asyncio.get_running_loop().create_future()
        done.set_result(PushResult(1, 0, 0))
        return done


@pytest.mark.parametrize(("full", "rate", "code"), [(True, None, "503"), (False, 1, "429")])
def test_flood_of_refusals_is_counted_and_answered_but_not_written_line_by_line(
    full: bool, rate: int | None, code: str
) -> None:
    def read(park_uuids: Sequence[str]) -> dict[str, ParkAccess]:
        return {one: ParkAccess(one, True, VAULT.seal(SECRET, one), None, (), rate) for one in park_uuids}

    async def scenario() -> tuple[Journal, float]:
        journal, board = Journal(full=full), SharedMetrics(1)
        with ThreadPoolExecutor(1) as slow:
            directory = ParkAccessCache(read, slow.submit, VAULT, lambda: 0.0)
            committer, digests = cast("GroupCommitter", journal), cast("ReconcileService", None)
            road = PushPipeline(
                directory, committer, SeqnoGenerator(0), slow, slow, digests, WorkerRecorder(board, 0), lambda: 0.0
            )
            if not full:
                assert (await road.push(knock(0))).status == 200
            replies = [await road.push(knock(number)) for number in range(1, LOGGED_PER_MINUTE_MAX + MORE + 1)]
            wrong = await road.push(knock(9_999, secret="wrong"))
        assert {(reply.status, (reply.retry_after_s or 0) > 0) for reply in replies} == {(int(code), True)}
        assert wrong.status == 401
        return journal, board.value(UNLOGGED_REQUESTS, 0)

    journal, unjournaled = asyncio.run(scenario())
    # What is no matter of more or less is written as ever.
    assert journal.noted == [code] * LOGGED_PER_MINUTE_MAX + ["401"]
    assert unjournaled == MORE


def test_park_that_floods_uses_up_no_lines_of_the_request_log_but_its_own() -> None:
    def read(park_uuids: Sequence[str]) -> dict[str, ParkAccess]:
        return {one: ParkAccess(one, True, VAULT.seal(SECRET, one), None, (), None) for one in park_uuids}

    async def scenario() -> list[str]:
        journal = Journal(full=True)
        with ThreadPoolExecutor(1) as slow:
            directory = ParkAccessCache(read, slow.submit, VAULT, lambda: 0.0)
            committer, digests = cast("GroupCommitter", journal), cast("ReconcileService", None)
            road = PushPipeline(
                directory,
                committer,
                SeqnoGenerator(0),
                slow,
                slow,
                digests,
                WorkerRecorder(SharedMetrics(1), 0),
                lambda: 0.0,
            )
            for number in range(1_000):
                await road.push(knock(number))
            journal.noted.clear()
            assert [(await road.push(knock(number, park="quiet"))).status for number in range(3)] == [503] * 3
        return journal.noted

    assert asyncio.run(scenario()) == ["503"] * 3


def test_lines_come_back_after_a_minute() -> None:
    now_s = 1_000.0
    often = RejectionLogLimiter(lambda: now_s)
    assert sum(often.take("noisy") for _ in range(100)) == LOGGED_PER_MINUTE_MAX
    now_s += 59
    assert not often.take("noisy")
    now_s += 1
    assert often.take("noisy")


def test_lines_of_endlessly_many_parks_are_bounded() -> None:
    often = RejectionLogLimiter(lambda: 0.0)
    taken = sum(often.take(f"park-{number}") for number in range(5 * LOGGED_PARKS_MAX))
    assert taken == LOGGED_PARKS_MAX + LOGGED_PER_MINUTE_MAX
    assert len(often._counts) <= LOGGED_PARKS_MAX + 1


def test_work_of_strangers_takes_a_fifth_of_the_time_whatever_it_takes() -> None:
    now_s, worked_s, rested_s = 100.0, 0.0, 0.0

    def rest(seconds: float) -> None:
        nonlocal now_s, rested_s
        now_s, rested_s = now_s + seconds, rested_s + seconds

    def work(seconds: float, broken: bool) -> float:
        nonlocal now_s, worked_s
        now_s, worked_s = now_s + seconds, worked_s + seconds
        if broken:
            raise ValueError
        return seconds

    paced = PacedWork(lambda: now_s, rest)
    assert paced.do(work, 0.25, False) == 0.25
    assert rested_s == 0.0
    for number in range(100):
        with suppress(ValueError):
            paced.do(work, 0.01 * (number % 7), number % 3 == 0)
    assert worked_s / (worked_s + rested_s) == pytest.approx(STRANGERS_SHARE, abs=0.01)
    now_s += 10.0
    rested_s = 0.0
    paced.do(work, 0.01, False)
    assert rested_s == 0.0
