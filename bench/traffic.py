"""Sends pushes of many parks over kept connections, at the times of a schedule whatever the answers, or each after the last answer.

Latency counts from the moment a request was due, not from when it went out: a server that stalls must not hide that by
stalling its callers. The generator shares the cores with the server, so a request is a template with a number and a
signature put in.
"""

from __future__ import annotations

import asyncio
import resource
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import md5
from time import perf_counter_ns
from typing import Final, cast

import msgspec

from bench.arrivals import Arrivals
from bench.closed import HOST, is_whole
from bench.histogram import Histogram
from bench.records import SECRET, make_request
from vipgate.cli.sample import sample_renewals
from vipgate.protocol.envelope import encode_renewals
from vipgate.protocol.renewal import Renewal

TEMPLATES: Final = 64
# Requests of one park that are due while all its connections are busy; what comes then is given up, and reported.
BACKLOG_MAX: Final = 100_000
ANSWER_S_MAX: Final = 60.0
# So many at a time, so that answers are read between them.
_TURN: Final = 64
_EARLY_NS: Final = 200_000
_RECONNECT_S: Final = 0.05
_CONNECTING_MAX: Final = 64

_MARK: Final = b"@@@@@@@@@@"
_SIGNED: Final = b"Authorization: "
_SECRET_MARK: Final = b"&app_secret=" + SECRET.encode()
_REFUSED_LATER: Final = frozenset({b"429", b"503"})


class Templates:
    """A park's requests: some texts in turn, in which only order numbers and signature change."""

    def __init__(self, park_uuid: str, series: str, rows: int, seed: int, until_us: int) -> None:
        count = max(1, TEMPLATES // rows)
        sold = list(sample_renewals(count * rows, seed, until_us=until_us))
        numbered = [_numbered(one, series, place % rows) for place, one in enumerate(sold)]
        self._texts = [_cut(park_uuid, numbered[first : first + rows]) for first in range(0, len(sold), rows)]

    def request(self, number: int) -> bytes:
        """All the bytes of request `number`."""
        head, rest, body = self._texts[number % len(self._texts)]
        body = body.replace(_MARK, b"%010d" % number)
        digest = md5(body + _SECRET_MARK, usedforsecurity=False).hexdigest().encode()
        return b"".join((head, digest, rest, body))


def _cut(park_uuid: str, renewals: Sequence[Renewal]) -> tuple[bytes, bytes, bytes]:
    """A request, in three: up to its signature, up to its body, its body."""
    head, _, body = make_request(encode_renewals(park_uuid, renewals)).partition(b"\r\n\r\n")
    before, _, after = head.partition(_SIGNED)
    return before + _SIGNED, after[after.index(b"\r\n") :] + b"\r\n\r\n", body


def _numbered(renewal: Renewal, series: str, row: int) -> Renewal:
    """Its order number names series, request and row, and is so long in each request."""
    return msgspec.structs.replace(renewal, pay_partner=f"{series}-{_MARK.decode()}-{row}")


@dataclass(frozen=True, slots=True)
class Callers:
    """A park, how many connections it has, and how many rows are in each of its requests."""

    park_uuid: str
    connections: int
    rows: int = 1


@dataclass(slots=True)
class Ledger:
    """What became of one park's requests."""

    park_uuid: str
    series: str
    rows: int
    offered: int = 0
    # Due, and not sent before the end because no connection of the park was free, or more than BACKLOG_MAX waited.
    not_sent: int = 0
    # Sent, and the connection ended or the run did before an answer.
    unanswered: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    # Acknowledged before the end of the run: requests that still waited must not improve the figure.
    in_time: int = 0
    without_retry_after: int = 0
    acknowledged_us: Histogram = field(default_factory=Histogram)
    rejected_us: Histogram = field(default_factory=Histogram)
    # By request number, 1 where it was acknowledged.
    stored: bytearray = field(default_factory=bytearray)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run: what became of each park's requests, for how long, and what the generator itself took."""

    ledgers: Sequence[Ledger]
    elapsed_s: float
    own_cpu_s: float
    # How late a request went out although its park had a connection free.
    late_us: Histogram
    # Acknowledged in each whole second.
    by_second: Sequence[int]


class Traffic:
    """One run, on the event loop of a process of its own."""

    def __init__(self, port: int, callers: Sequence[Callers], series: str, until_us: int) -> None:
        self.port = port
        self.late_us = Histogram()
        self.started_ns = 0
        self.ending = False
        self.by_second: list[int] = []
        self.connecting = asyncio.Semaphore(_CONNECTING_MAX)
        self.parks = [
            Park(
                self,
                Ledger(one.park_uuid, series, one.rows),
                Templates(one.park_uuid, series, one.rows, seed, until_us),
                one.connections,
            )
            for seed, one in enumerate(callers)
        ]

    async def at_times(self, arrivals: Arrivals) -> Outcome:
        """Sends what the schedule says when it says it, and waits for the last answers."""
        await self._connect()
        for due_ns, park in arrivals.schedule():
            await self._wait_for(due_ns)
            self.parks[park].offer(self.started_ns + due_ns)
        await self._wait_for(int(arrivals.seconds * 1e9))
        return await self._end()

    async def by_turns(self, seconds: float) -> Outcome:
        """Each connection sends the next request when it has the last answer, for `seconds`."""
        await self._connect()
        for park in self.parks:
            park.begin_turns()
        await asyncio.sleep(seconds)
        return await self._end()

    async def _connect(self) -> None:
        await asyncio.gather(*[park.connect() for park in self.parks])
        self.started_ns = perf_counter_ns()
        self._turn = 0

    async def _wait_for(self, due_ns: int) -> None:
        ahead_ns = self.started_ns + due_ns - perf_counter_ns()
        self._turn += 1
        if ahead_ns > _EARLY_NS:
            self._turn = 0
            await asyncio.sleep(ahead_ns / 1e9)
        elif self._turn >= _TURN:
            self._turn = 0
            await asyncio.sleep(0)

    async def _end(self) -> Outcome:
        self.ending = True
        for park in self.parks:
            park.give_up()
        elapsed_s = (perf_counter_ns() - self.started_ns) / 1e9
        deadline_ns = perf_counter_ns() + int(ANSWER_S_MAX * 1e9)
        while any(park.busy for park in self.parks) and perf_counter_ns() < deadline_ns:  # noqa: ASYNC110 - 64 parks, no event
            await asyncio.sleep(0.01)
        used = resource.getrusage(resource.RUSAGE_SELF)
        ledgers = [park.close() for park in self.parks]
        return Outcome(ledgers, elapsed_s, used.ru_utime + used.ru_stime, self.late_us, self.by_second)

    def acknowledged(self, now_ns: int) -> None:
        """Counts one by the second that it came in."""
        second = (now_ns - self.started_ns) // 1_000_000_000
        while len(self.by_second) <= second:
            self.by_second.append(0)
        self.by_second[second] += 1


class Park:
    """One park's program: its connections, what waits for one of them, and what came of it."""

    def __init__(self, traffic: Traffic, ledger: Ledger, templates: Templates, connections: int) -> None:
        self.traffic = traffic
        self.ledger = ledger
        self.templates = templates
        self.in_turns = False
        # The one that has rested longest is the next: a gateway does not hear at once whom it asked to wait.
        self.idle: deque[Caller] = deque()
        self._connections = connections
        self._backlog: deque[int] = deque()
        self._sent = 0
        self._asked: set[asyncio.Task[None]] = set()
        self.under_way = 0

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return bool(self.under_way)

    async def connect(self) -> None:
        """Opens all its connections."""
        for _ in range(self._connections):
            await self._open()

    async def _open(self) -> None:
        async with self.traffic.connecting:
            make = partial(Caller, self)
            _, caller = await asyncio.get_running_loop().create_connection(make, HOST, self.traffic.port)
        self.free(caller)

    def begin_turns(self) -> None:
        """From now on each connection sends when it is free."""
        self.in_turns = True
        idle, self.idle = self.idle, deque()
        for caller in idle:
            self.free(caller)

    def offer(self, due_ns: int) -> None:
        """A request is due."""
        self.ledger.offered += 1
        if self.idle:
            self.traffic.late_us.add((perf_counter_ns() - due_ns) // 1000)
            self._send(self.idle.popleft(), due_ns)
        elif len(self._backlog) < BACKLOG_MAX:
            self._backlog.append(due_ns)
        else:
            self.ledger.not_sent += 1

    def free(self, caller: Caller) -> None:
        """A connection has nothing to do."""
        if self._backlog:
            self._send(caller, self._backlog.popleft())
        elif self.in_turns and not self.traffic.ending:
            self.ledger.offered += 1
            self._send(caller, perf_counter_ns())
        else:
            self.idle.append(caller)

    def _send(self, caller: Caller, due_ns: int) -> None:
        number, self._sent = self._sent, self._sent + 1
        self.ledger.stored.append(0)
        self.under_way += 1
        caller.send(number, due_ns, self.templates.request(number))

    def answered(self, number: int, due_ns: int, answer: bytes) -> None:
        """Counts an answer."""
        now_ns = perf_counter_ns()
        self.under_way -= 1
        status = answer[9:12]
        ledger = self.ledger
        if status == b"200" and b'"code":"1001"' in answer:
            ledger.codes["1001"] += 1
            ledger.stored[number] = 1
            ledger.acknowledged_us.add((now_ns - due_ns) // 1000)
            if not self.traffic.ending:
                ledger.in_time += 1
                self.traffic.acknowledged(now_ns)
            return
        ledger.codes[status.decode("latin-1")] += 1
        ledger.rejected_us.add((now_ns - due_ns) // 1000)
        if status in _REFUSED_LATER and b"\r\nRetry-After: " not in answer:
            ledger.without_retry_after += 1

    def lost(self, caller: Caller) -> None:
        """A connection has ended; another takes its place while the run goes on."""
        if caller.number is not None:
            self.under_way -= 1
            self.ledger.unanswered += 1
        if caller in self.idle:
            self.idle.remove(caller)
        if not self.traffic.ending:
            task = asyncio.get_running_loop().create_task(self._again())
            self._asked.add(task)
            task.add_done_callback(self._asked.discard)

    async def _again(self) -> None:
        try:
            await self._open()
        except OSError:
            await asyncio.sleep(_RECONNECT_S)
            await self._open()

    def give_up(self) -> None:
        """Sends no more of what waits."""
        self.ledger.not_sent += len(self._backlog)
        self._backlog.clear()

    def close(self) -> Ledger:
        """What came of it, once all connections are let go of."""
        self.ledger.unanswered += self.under_way
        for caller in self.idle:
            caller.close()
        return self.ledger


class Caller(asyncio.Protocol):
    """One connection: a request, its answer, the next."""

    def __init__(self, park: Park) -> None:
        self._park = park
        self.number: int | None = None
        self._due_ns = 0
        self._answer = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def send(self, number: int, due_ns: int, request: bytes) -> None:
        """Sends a request that was due at `due_ns`."""
        self.number, self._due_ns = number, due_ns
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        answer = self._answer + data if self._answer else data
        if not is_whole(answer):
            self._answer = answer
            return
        self._answer = b""
        number, self.number = self.number, None
        if number is None:
            return
        self._park.answered(number, self._due_ns, answer)
        # A connection that the server is about to close is not sent on.
        if b"\r\nConnection: close" not in answer:
            self._park.free(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._park.lost(self)

    def close(self) -> None:
        """Lets go of it."""
        self._transport.abort()
