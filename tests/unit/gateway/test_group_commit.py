"""A refusal for want of room tells whose fault it is: who has nothing waiting is not told to send less."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace

import pytest

from vipgate.cli.sample import sample_renewals
from vipgate.errors import OVERLOADED, PARK_QUEUE_FULL, ServiceUnavailable
from vipgate.gateway.group_commit import CommitLimits, GroupCommitter
from vipgate.i18n import LocalizedText
from vipgate.store.interfaces.ledger import Push, RequestOrigin, Retention, Store
from vipgate.support.metrics import SharedMetrics, WorkerRecorder

UNTIL_US = 1_795_492_800_000_000
ROWS = list(sample_renewals(60, 1, until_us=UNTIL_US))
LIMITS = CommitLimits(queue_requests_max=100, queue_rows_max=100, queue_bytes_max=100_000)


def no_store() -> Store:
    raise AssertionError


def push(park_uuid: str, rows: int, body_bytes: int) -> Push:
    caller = RequestOrigin(received_us=UNTIL_US, peer="", body_bytes=body_bytes, body_sha256="")
    return Push("1" * 32, park_uuid, ROWS[:rows], rows, False, "current", caller)


def told(limits: CommitLimits, before: Iterable[Push], last: Push) -> LocalizedText:
    """What `last` is told where it finds no room behind `before`. Nothing is written meanwhile."""

    async def scenario() -> LocalizedText:
        committer = GroupCommitter(
            no_store, limits, Retention(), WorkerRecorder(SharedMetrics(1), 0), lambda: 0, lambda: 0.0
        )
        for one in before:
            committer.submit(one)
        with pytest.raises(ServiceUnavailable) as refused:
            committer.submit(last)
        return refused.value.hint

    return asyncio.run(scenario())


@pytest.mark.parametrize(
    ("before", "last", "words"),
    [
        ([("a", 40, 1)], ("a", 40, 1), PARK_QUEUE_FULL),
        ([("a", 1, 60_000)], ("a", 1, 30_000), PARK_QUEUE_FULL),
        ([("a", 50, 1), ("b", 40, 1)], ("quiet", 20, 1), OVERLOADED),
        ([("a", 1, 50_000), ("b", 1, 50_000)], ("quiet", 1, 1), OVERLOADED),
        ([("a", 1, 50_000), ("b", 1, 50_000)], ("a", 1, 1), OVERLOADED),
    ],
)
def test_only_a_park_of_which_much_waits_is_told_so(
    before: list[tuple[str, int, int]], last: tuple[str, int, int], words: LocalizedText
) -> None:
    assert told(LIMITS, [push(*one) for one in before], push(*last)) == words


def test_room_that_is_full_of_bytes_is_told_on_the_head() -> None:
    async def scenario() -> None:
        limits = replace(LIMITS, queue_bytes_max=1_000)
        committer = GroupCommitter(
            no_store, limits, Retention(), WorkerRecorder(SharedMetrics(1), 0), lambda: 0, lambda: 0.0
        )
        committer.submit(push("a", 1, 600))
        assert committer.overload_error() is None
        committer.submit(push("b", 1, 400))
        assert committer.overload_error() is not None

    asyncio.run(scenario())
