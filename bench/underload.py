"""One real gateway on a fresh database, runs against it, and whether everything that it acknowledged is stored."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import uvloop
from rich.console import Console

from bench.arrivals import Arrivals
from bench.engines import Engine
from bench.forking import BenchError, Forked, raise_descriptor_limit
from bench.proving import prove
from bench.records import ROWS_A_BATCH, name_parks
from bench.servers import Server, gateway
from bench.showing import show_run
from bench.traffic import ANSWER_S_MAX, Callers, Outcome, Traffic
from bench.watching import Look, look_at
from vipgate.clock import clock_us

DESCRIPTORS: Final = 20_000
LOOK_S: Final = 1.0
# Connections in all of each step of the search for the capacity, as long as they do not send more rows than may wait.
STEPS: Final = (64, 256, 1024, 4096)
ROWS_AT_ONCE_MAX: Final = 100_000
WARM_S: Final = 2.0
PROCESS_SLACK_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is sent, and to what kind of gateway."""

    parks: int = 64
    rows: int = 1
    seed: int = 1
    workers: int = 1
    poisson: bool = True
    prefill_s: float = 0.0
    flags: tuple[str, ...] = ()


@dataclass(slots=True)
class Run:
    """What came of a run, and how the gateway was meanwhile."""

    outcome: Outcome
    looks: list[Look] = field(default_factory=list)

    @property
    def acknowledged_a_second(self) -> float:
        return sum(one.in_time for one in self.outcome.ledgers) / self.outcome.elapsed_s


class LoadBench:
    """One gateway on a fresh database, and runs against it, each with order numbers of its own."""

    def __init__(self, server: Server, parks: Sequence[str], plan: Plan, console: Console) -> None:
        self.server = server
        self.console = console
        self.plan = plan
        self._parks = parks
        self._until_us = clock_us()
        self._runs = 0

    def search_capacity(self, seconds: float) -> float:
        """The most requests a second that it acknowledges when each connection waits for its answer."""
        best = 0.0
        for connections in [one for one in STEPS if one * self.plan.rows <= ROWS_AT_ONCE_MAX] or STEPS[:1]:
            callers = self.callers(max(1, connections // len(self._parks)))
            run = self._run(callers, lambda traffic: traffic.by_turns(seconds), seconds)
            best = max(best, run.acknowledged_a_second)
            show_run(self.console, f"closed loop, {connections} connections", run.outcome, run.looks)
        return best

    def callers(self, connections: int, noisy_connections: int | None = None) -> list[Callers]:
        """The parks with so many connections each; the first, where it is noisy, with more."""
        counts = [connections] * len(self._parks)
        if noisy_connections is not None:
            counts[0] = noisy_connections
        return [Callers(park, count, self.plan.rows) for park, count in zip(self._parks, counts, strict=True)]

    def arrive(self, callers: Sequence[Callers], weights: Sequence[float], a_second: float, seconds: float) -> Run:
        """A run in which requests come when they come."""
        plan = self.plan
        arrivals = Arrivals(a_second=a_second, seconds=seconds, weights=weights, seed=plan.seed, poisson=plan.poisson)
        return self._run(callers, lambda traffic: traffic.at_times(arrivals), seconds)

    def _run(
        self, callers: Sequence[Callers], steps: Callable[[Traffic], Coroutine[Any, Any, Outcome]], seconds: float
    ) -> Run:
        self._runs += 1
        series = f"S{self._runs}"

        async def work() -> Outcome:
            return await steps(Traffic(self.server.port, callers, series, self._until_us))

        process = Forked(lambda pipe: pipe.send(uvloop.run(work())))
        looks = [look_at(self.server)]
        try:
            end_s = looks[0].at_s + seconds + ANSWER_S_MAX + PROCESS_SLACK_S
            while not process.has_said(LOOK_S) and looks[-1].at_s < end_s:
                looks.append(look_at(self.server))
            outcome: Outcome = process.receive(LOOK_S)
        finally:
            process.end()
        return Run(outcome, looks)

    def settle(self, run: Run) -> None:
        """Checks that everything acknowledged is stored. Raises BenchError where it is not."""
        proof = prove(self.server.database, run.outcome.ledgers)
        self.console.print(
            f"stored: {proof.acknowledged:,} acknowledged requests, {proof.missing} of them missing, "
            f"{proof.half} stored by half; {proof.stored_anyway:,} stored though the answer did not arrive"
        )
        if proof.missing or proof.half:
            raise BenchError("The gateway lost what it had acknowledged, or stored half of a request.")

    @staticmethod
    def resized(callers: Callers, rows: int) -> Callers:
        """The same callers with so many rows in each request."""
        return Callers(callers.park_uuid, callers.connections, rows)

    def fill(self, seconds: float) -> int:
        """Stores batches for so long; how many rows. On an empty database each request costs more than the last."""
        callers = [Callers(park_uuid, 1, ROWS_A_BATCH) for park_uuid in self._parks]
        run = self._run(callers, lambda traffic: traffic.by_turns(seconds), seconds)
        return sum(one.codes["1001"] * one.rows for one in run.outcome.ledgers)

    def warm(self) -> None:
        """Its first requests would measure imports and compilation."""
        self._run(self.callers(1), lambda traffic: traffic.by_turns(WARM_S), WARM_S)


@contextmanager
def under_load(engine: Engine, plan: Plan, console: Console) -> Iterator[LoadBench]:
    """A gateway that has done a little already."""
    raise_descriptor_limit(DESCRIPTORS)
    park_uuids = name_parks(plan.parks, "load")
    with gateway(engine, park_uuids, workers=plan.workers, flags=plan.flags) as server:
        bench = LoadBench(server, park_uuids, plan, console)
        bench.warm()
        if plan.prefill_s:
            console.print(f"stored beforehand: {bench.fill(plan.prefill_s):,} records")
        yield bench
