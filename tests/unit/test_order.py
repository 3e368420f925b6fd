"""Requests of one park reach the commit in the order they came, whatever the first of them has to wait for."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from hashlib import md5
from typing import Any, cast

import pytest

from unit.road import SECRET, request, row
from vipgate.commit import Committer
from vipgate.digests import Digests
from vipgate.ingest import Knock, Road
from vipgate.metrics import Board, WorkerMeter
from vipgate.parks import Directory
from vipgate.seqno import SeqnoMint
from vipgate.signature import sign
from vipgate.store.interface import Outcome, ParkAccess, Push, Refused
from vipgate.vault import Vault

VAULT = Vault("k" * 32)
PARK = "p"


class SlowStore:
    """Says who a park is when the test lets it, and writes down what reaches the commit."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.committed: list[str] = []

    async def read(self, park_uuid: str) -> ParkAccess:
        await self.may_answer.wait()
        return ParkAccess(park_uuid, True, VAULT.seal(SECRET, park_uuid), None, (), None)

    def check_room(self, park_uuid: str, rows: int, body_bytes: int) -> None:
        """There is always room."""

    def submit(self, push: Push) -> asyncio.Future[Outcome]:
        self.committed.append(push.renewals[0].pay_partner)
        done: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        done.set_result(Outcome(1, 0, 0))
        return done

    def note(self, refused: Refused) -> None:
        """Refusals are not looked at here."""


def knock(number: int, *, large: bool = False, secret: str = SECRET) -> Knock:
    padding: dict[str, Any] = {"padding": "x" * 4000} if large else {}
    rows = [row(pay_partner=f"{number}-{place}", **padding) for place in range(400 if large else 1)]
    body = request(*rows)
    return Knock(
        body=body,
        body_md5=md5(body, usedforsecurity=False),
        body_sha256="",
        content_type=None,
        authorization=sign(body, secret),
        peer="127.0.0.1",
        received_us=1_795_492_800_000_000 + number,
        language="zh",
    )


@pytest.mark.parametrize("answered_at", [0, 1, 2, 3, 5, 8])
def test_later_requests_wait_behind_one_that_waits(answered_at: int) -> None:
    async def scenario() -> list[str]:
        store = SlowStore()
        clock_s = asyncio.get_running_loop().time
        with ThreadPoolExecutor(1) as slow:
            directory = Directory(store.read, VAULT, clock_s)
            meter = WorkerMeter(Board(1), 0)
            committer, digests = cast("Committer", store), cast("Digests", None)
            road = Road(directory, committer, SeqnoMint(0), slow, digests, meter, clock_s)
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
