"""Sends prebuilt requests over kept connections, each the next once the last is answered, and times every answer.

It shares the cores with the server that it measures, so it does next to nothing: no building, no JSON, no headers kept.
"""

from __future__ import annotations

import asyncio
import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter_ns
from typing import Final, cast

import uvloop

from bench.forking import BenchError, forked

HOST: Final = "127.0.0.1"
# Far more than any run takes: a server that hangs must end the bench, not stop it.
RUN_S_MAX: Final = 300.0
SHOWN_BYTES_MAX: Final = 2000

_SUCCESS: Final = b'"code":"1001"'
_HEAD_END: Final = b"\r\n\r\n"
_length = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE).search


@dataclass(frozen=True, slots=True)
class Load:
    """What one run sends: a line is what one connection sends, in order. Each answer must be 1001 and hold `wanted`.

    With `seconds` it ends when they have passed or the first line is through, so that all connections are busy to the end;
    without, when all lines are through.
    """

    lines: Sequence[Sequence[bytes]]
    wanted: bytes
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Timing:
    """How long each answer took, and all together."""

    latencies_ns: Sequence[int]
    elapsed_ns: int

    @property
    def answers_a_second(self) -> float:
        return len(self.latencies_ns) / self.elapsed_ns * 1e9

    def percentile_ms(self, percent: float) -> float:
        """The latency that `percent` of the answers did not exceed."""
        ordered = sorted(self.latencies_ns)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] / 1e6


def run_load(port: int, load: Load) -> Timing:
    """Runs `load` in a process of its own. Raises BenchError where an answer is not the wanted one."""
    return forked(lambda: uvloop.run(_Run(load).through(port)), RUN_S_MAX + 10)


class _Run:
    """One run: its clock, its connections, its end."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.latencies_ns = array("q")
        self.ending = False
        self._busy = len(load.lines)
        self._done: asyncio.Future[None]

    async def through(self, port: int) -> Timing:
        """Connects all, starts the clock, and waits for the end."""
        loop = asyncio.get_running_loop()
        self._done = loop.create_future()
        makers = [partial(_Line, self, requests) for requests in self.load.lines]
        lines = [(await loop.create_connection(make, HOST, port))[1] for make in makers]
        if self.load.seconds is not None:
            loop.call_later(self.load.seconds, self.end)
        started_ns = perf_counter_ns()
        for line in lines:
            line.send_next()
        try:
            await asyncio.wait_for(self._done, RUN_S_MAX)
        except TimeoutError:
            raise BenchError(f"The load was not through after {RUN_S_MAX:g} s.") from None
        return Timing(self.latencies_ns, perf_counter_ns() - started_ns)

    def end(self) -> None:
        """Nothing more is sent; what is under way is waited for."""
        self.ending = True

    def line_through(self) -> None:
        """One connection has its last answer."""
        if self.load.seconds is not None:
            self.end()
        self._busy -= 1
        if not self._busy and not self._done.done():
            self._done.set_result(None)

    def fail(self, reason: str) -> None:
        """One wrong answer spoils the figure."""
        self.ending = True
        if not self._done.done():
            self._done.set_exception(BenchError(reason))


class _Line(asyncio.Protocol):
    """One connection."""

    def __init__(self, run: _Run, requests: Sequence[bytes]) -> None:
        self._run = run
        self._requests = iter(requests)
        self._answer = b""
        self._sent_ns = 0
        self._is_through = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._is_through:
            self._run.fail(f"The server closed a connection before its answer: {exc or 'without a reason'}.")

    def send_next(self) -> None:
        """Sends the next request and starts its clock, or ends the line."""
        request = None if self._run.ending else next(self._requests, None)
        if request is None:
            self._is_through = True
            self._transport.close()
            self._run.line_through()
            return
        self._sent_ns = perf_counter_ns()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """A piece of the answer; answers are small, so it is nearly always all of it."""
        answer = self._answer + data if self._answer else data
        if not is_whole(answer):
            self._answer = answer
            return
        self._answer = b""
        self._run.latencies_ns.append(perf_counter_ns() - self._sent_ns)
        if _SUCCESS not in answer or self._run.load.wanted not in answer:
            wanted = self._run.load.wanted.decode()
            shown = answer[:SHOWN_BYTES_MAX].decode("utf-8", "replace")
            self._run.fail(f"Wanted 1001 and {wanted}; the server answered:\n{shown}")
        self.send_next()


def is_whole(answer: bytes) -> bool:
    """Whether head and body are there."""
    head_end = answer.find(_HEAD_END)
    if head_end < 0:
        return False
    length = _length(answer, 0, head_end)
    return length is not None and len(answer) >= head_end + len(_HEAD_END) + int(length[1])
