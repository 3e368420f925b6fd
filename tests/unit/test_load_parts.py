"""The parts of the load generator: percentiles that are right, a schedule that a seed repeats, latency that a stall cannot hide."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from itertools import pairwise

import pytest
from bench.arrivals import Arrivals
from bench.closed import HOST
from bench.histogram import Histogram
from bench.traffic import Callers, Outcome, Traffic

UNTIL_US = 1_795_492_800_000_000
STALL_S = 0.5


@pytest.mark.parametrize("highest", [1, 2_000, 2_047, 2_048, 5_000_000, 2**35])
def test_percentile_is_off_by_a_thousandth_at_most(highest: int) -> None:
    chance = random.Random(highest)
    values = sorted(int(highest ** chance.random()) for _ in range(5_000))
    parts = (Histogram(), Histogram())
    for place, value in enumerate(values):
        parts[place % 2].add(value)
    parts[0].merge(parts[1])
    for percent in (0.1, 50, 99, 99.9, 100):
        exact = values[max(0, -int(-len(values) * percent // 100) - 1)]
        assert exact <= parts[0].percentile(percent) <= exact * 1.001
    assert (parts[0].count, parts[0].largest) == (5_000, values[-1])


def test_nothing_measured_and_what_is_beyond_the_largest_bucket_are_figures_too() -> None:
    found = Histogram()
    assert found.percentile(99) == 0
    found.add(-5)
    found.add(2**60)
    assert found.percentile(50) <= 0
    assert found.percentile(100) > 2**35


def test_schedule_is_the_same_for_the_same_seed_and_keeps_rate_and_weights() -> None:
    arrivals = Arrivals(a_second=1_000, seconds=10, weights=(3.0, 1.0, 0.0), seed=7)
    schedule = list(arrivals.schedule())
    assert schedule == list(arrivals.schedule())
    assert schedule != list(Arrivals(a_second=1_000, seconds=10, weights=(3.0, 1.0, 0.0), seed=8).schedule())
    assert 9_500 < len(schedule) < 10_500
    assert all(before <= after for (before, _), (after, _) in pairwise(schedule))
    parks = Counter(park for _, park in schedule)
    assert 2.7 < parks[0] / parks[1] < 3.3
    assert parks[2] == 0
    # A Poisson process has gaps of all sizes.
    gaps = sorted(after - before for (before, _), (after, _) in pairwise(schedule))
    assert gaps[len(gaps) // 10] < 200_000
    assert gaps[-len(gaps) // 10] > 1_800_000


def test_fixed_rhythm_is_fixed() -> None:
    schedule = list(Arrivals(a_second=100, seconds=1, weights=(1.0,), seed=1, poisson=False).schedule())
    assert [due_ns for due_ns, _ in schedule] == [10_000_000 * place for place in range(1, 100)]


class Stalling:
    """Answers each request at once, but for a while after the tenth it answers nobody."""

    def __init__(self) -> None:
        self.requests = 0
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split()[0]))
            self.requests += 1
            if self.requests == 10:
                self.may_go_on.clear()
                asyncio.get_running_loop().call_later(STALL_S, self.may_go_on.set)
            await self.may_go_on.wait()
            body = b'{"code":"1001"}' if self.requests % 5 else b'{"code":"503"}'
            status = b"200 OK" if self.requests % 5 else b"503 Busy\r\nRetry-After: 1"
            writer.write(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))


def test_stall_shows_in_every_request_that_was_due_meanwhile() -> None:
    async def run() -> Outcome:
        server = await asyncio.start_server(Stalling().serve, HOST, 0)
        traffic = Traffic(server.sockets[0].getsockname()[1], [Callers("park", connections=1)], "S", UNTIL_US)
        return await traffic.at_times(Arrivals(a_second=100, seconds=1.5, weights=(1.0,), seed=1, poisson=False))

    outcome = asyncio.run(run())
    [ledger] = outcome.ledgers
    assert ledger.offered == 149
    # One request was held up; a loop that waits for its answer would have told of that one alone.
    assert ledger.acknowledged_us.percentile(80) >= 100_000
    assert ledger.acknowledged_us.largest >= 0.4e6
    assert ledger.codes["1001"] + ledger.codes["503"] + ledger.unanswered + ledger.not_sent == 149
    assert ledger.codes["503"] > 0
    assert ledger.without_retry_after == 0
    assert sum(ledger.stored) == ledger.codes["1001"] == ledger.acknowledged_us.count
