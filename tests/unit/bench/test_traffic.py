"""Load at a pace of its own: latency that a stall cannot hide."""

from __future__ import annotations

import asyncio

from bench.arrivals import Arrivals
from bench.closed import HOST
from bench.traffic import Callers, Outcome, Traffic

UNTIL_US = 1_795_492_800_000_000
STALL_S = 0.5


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
