"""The measurements. Each runs in rounds on fresh databases, and gateway, peer and floor take turns: drift hits all alike."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from statistics import median
from typing import Final

from rich.console import Console

from bench.closed import Load, run_load
from bench.console import ConsoleBench
from bench.engines import Engine, Sqlite, opened
from bench.findings import Fact, Findings, Sample, Speed, Target, cpu_spread, median_sample, pair_ratios, sample
from bench.floor import make_push, run_driver_floor, run_floor
from bench.held import held_connections
from bench.lookups import time_lookups
from bench.parkside import ParkSide
from bench.plan import POSTGRES_GOALS, SQLITE_GOALS, Plan
from bench.records import (
    RECORDS_A_PARK,
    ROWS_A_BATCH,
    make_batches,
    make_largest_body,
    make_many,
    make_request,
    make_singles,
    name_parks,
    spread,
)
from bench.servers import Server, add_park, gateway, gateway_of_two, peer_server
from vipgate.cli.sample import sample_renewals
from vipgate.clock import clock_us
from vipgate.protocol.envelope import encode_renewals
from vipgate.protocol.renewal import Renewal
from vipgate.protocol.seqno import SeqnoGenerator
from vipgate.store.interfaces.ledger import Store

CONNECTIONS: Final = (1, 4, 16)
# The number of connections that the targets speak of, and that the rows are sent again with.
CONNECTIONS_MAIN: Final = 4
SINGLE_PARKS: Final = 64
OTHERS: Final = 16
WARM_ROWS: Final = 200
MIB: Final = 1024 * 1024

_INSERTED_BATCH: Final = b'"inserted":%d,' % ROWS_A_BATCH
_UNCHANGED_BATCH: Final = b'"unchanged":%d}' % ROWS_A_BATCH
_INSERTED_ONE: Final = b'"inserted":1,'
_SERVERS: Final = {"gateway": gateway, "peer": peer_server, "2 workers": gateway_of_two}


class Bench:
    """Runs the measurements of a plan and says on `console` what each round gave."""

    def __init__(self, plan: Plan, console: Console, engine: Engine) -> None:
        self._plan = plan
        self._engine = engine
        self._is_postgres = engine.name != Sqlite.name
        self._goals = POSTGRES_GOALS if self._is_postgres else SQLITE_GOALS
        self._console = console
        self._until_us = clock_us()
        self._samples: defaultdict[tuple[str, str], list[Sample]] = defaultdict(list)

    def _note(self, what: str, who: str, found: Sample) -> None:
        self._samples[what, who].append(found)
        cpu = "" if found.cpu_us is None else f", {found.cpu_us.total_s:.1f} µs of processor time a row"
        self._console.print(
            f"  {what}, {who}: {found.a_second:,.0f}/s, p50 {found.p50_ms:.2f} ms, p99 {found.p99_ms:.2f} ms{cpu}"
        )

    def _median(self, what: str, who: str) -> Sample:
        return median_sample(self._samples[what, who])

    def _of_two(self, what: str) -> Speed:
        return Speed(f"{what}, 2 workers", gateway=self._samples[what, "2 workers"])

    def _speed(self, what: str, whose: Sequence[str]) -> Speed:
        return Speed(what, **{who: self._samples[what, who] for who in whose})

    def _run(self, what: str, who: str, server: Server, load: Load, rows_a_request: int = 1) -> None:
        """Runs `load`, and notes rates and processor time."""
        before = server.cpu()
        timing = run_load(server.port, load)
        self._note(what, who, sample(timing, rows_a_request, server.cpu().since(before)))

    def _peer_target(self, what: str, shown: str, bound: float) -> Target:
        ratio = pair_ratios(self._samples[what, "gateway"], self._samples[what, "peer"]).middle
        return Target(f"gateway / peer, {shown}, pair by pair", ratio, bound, at_least=True)

    def _cpu_target(self, what: str, shown: str, bound: float | None) -> list[Target]:
        spent = cpu_spread(self._samples[what, "gateway"], lambda cpu: cpu.total_s)
        whose = "gateway and database server" if self._is_postgres else "gateway"
        if spent is None or bound is None:
            return []
        return [Target(f"{whose}: processor time of a row, {shown}, µs", spent.middle, bound, at_least=False)]

    @contextmanager
    def _server(self, who: str, park_uuids: Sequence[str]) -> Iterator[Server]:
        """A fresh server that has done a little already: its first requests would measure imports and compilation."""
        start: Callable[[Engine, Sequence[str]], AbstractContextManager[Server]] = _SERVERS[who]
        (warm,) = name_parks(1, "warm")
        with start(self._engine, [*park_uuids, warm]) as server:
            run_load(server.port, Load([make_singles(warm, 1, WARM_ROWS, self._until_us)], _INSERTED_ONE))
            yield server

    # ---- batches -----------------------------------------------------------------------------------------------------

    def batches(self) -> Findings:
        """Rows a second in batches of 1,000: new over 1, 4 and 16 connections, then the same rows again."""
        parks = name_parks(self._plan.batch_parks, "batches")
        parks_batches = [make_batches(park_uuid, seed, self._until_us) for seed, park_uuid in enumerate(parks)]
        as_sent = [batch for at_once in zip(*spread(parks_batches, CONNECTIONS_MAIN), strict=True) for batch in at_once]
        requests = [[batch.request for batch in batches] for batches in parks_batches]
        for turn in range(self._plan.rounds):
            for connections in CONNECTIONS:
                for who in _in_turn(turn):
                    self._push_batches(who, parks, requests, connections)
            if self._is_postgres:
                self._push_batches("2 workers", parks, requests, CONNECTIONS_MAIN)
                self._note(_DRIVER, "floor", sample(run_driver_floor(self._engine, parks, as_sent), ROWS_A_BATCH))
            self._note(_FLOOR, "floor", sample(run_floor(self._engine, parks, as_sent), ROWS_A_BATCH))
        return self._batch_findings()

    def _push_batches(
        self, who: str, parks: Sequence[str], requests: Sequence[Sequence[bytes]], connections: int
    ) -> None:
        lines = spread(requests, connections)
        with self._server(who, parks) as server:
            self._run(_new_rows(connections), who, server, Load(lines, _INSERTED_BATCH), ROWS_A_BATCH)
            if connections == CONNECTIONS_MAIN:
                self._run(_AGAIN, who, server, Load(lines, _UNCHANGED_BATCH), ROWS_A_BATCH)

    def _batch_findings(self) -> Findings:
        both = ("gateway", "peer")
        speeds = [self._speed(_new_rows(connections), both) for connections in CONNECTIONS]
        main = _new_rows(CONNECTIONS_MAIN)
        if self._is_postgres:
            speeds += [self._of_two(main), self._of_two(_AGAIN)]
        floors = [_FLOOR, _DRIVER] if self._is_postgres else [_FLOOR]
        speeds += [self._speed(_AGAIN, both), *(self._speed(floor, ("floor",)) for floor in floors)]
        of_floor = pair_ratios(self._samples[main, "gateway"], self._samples[floors[-1], "floor"]).middle
        shown = f"batches, {CONNECTIONS_MAIN} connections"
        targets = [
            Target(f"gateway / floor, {shown}", of_floor, self._goals.of_floor, at_least=True),
            self._peer_target(main, shown, self._goals.of_peer_batches),
            *self._cpu_target(main, shown, self._goals.batch_row_us),
        ]
        return Findings(speeds, [], targets)

    # ---- single rows -------------------------------------------------------------------------------------------------

    def singles(self) -> Findings:
        """Requests a second of one new row each, 64 connections, each with a park of its own."""
        parks = name_parks(SINGLE_PARKS, "singles")
        lines = self._single_lines(parks)
        for turn in range(self._plan.rounds):
            for who in [*_in_turn(turn), *(["2 workers"] if self._is_postgres else [])]:
                with self._server(who, parks) as server:
                    self._run(_SINGLES, who, server, Load(lines, _INSERTED_ONE, self._plan.singles_s))
        shown = f"single rows, {SINGLE_PARKS} connections"
        targets = [
            self._peer_target(_SINGLES, shown, self._goals.of_peer_singles),
            *self._cpu_target(_SINGLES, shown, self._goals.single_row_us),
        ]
        speeds = [self._speed(_SINGLES, ("gateway", "peer"))]
        if self._is_postgres:
            speeds.append(self._of_two(_SINGLES))
        return Findings(speeds, [], targets)

    def _single_lines(self, parks: Sequence[str]) -> list[list[bytes]]:
        count = self._plan.singles_a_park
        return [make_singles(park_uuid, seed, count, self._until_us) for seed, park_uuid in enumerate(parks)]

    # ---- complete=1 --------------------------------------------------------------------------------------------------

    def complete(self) -> Findings:
        """The time of `complete=1` with 1,000 rows on a park that holds a million, and on one that holds nothing."""
        full, *empty = name_parks(1 + self._plan.completes, "complete")
        times: dict[str, list[float]] = {"full": [], "empty": []}
        with gateway(self._engine, [full], lambda store: self._fill(store, full)) as server:
            for park_uuid in empty:
                # Both come after a write from outside, which makes the gateway's connection drop what it had cached.
                with opened(server.database) as store:
                    add_park(store, server.home, park_uuid)
                times["empty"].append(self._replace_stock(server, park_uuid))
                with opened(server.database) as store:
                    store.restore(full, 1, clock_us())
                times["full"].append(self._replace_stock(server, full))
        full_ms, empty_ms = median(times["full"]), median(times["empty"])
        facts = [
            Fact(
                f"`complete=1`, {ROWS_A_BATCH:,} rows, park of {self._plan.full_records:,} records", f"{full_ms:.1f} ms"
            ),
            Fact(f"`complete=1`, {ROWS_A_BATCH:,} rows, empty park", f"{empty_ms:.1f} ms"),
        ]
        target = Target("`complete=1`: full park / empty park", full_ms / empty_ms, 2, at_least=False)
        return Findings([], facts, [target])

    def _fill(self, store: Store, park_uuid: str) -> None:
        """Brings `full_records` into a park through the store, in requests as large as the wire allows."""
        seqnos = SeqnoGenerator(0)
        self._fill_with(store, park_uuid, self._plan.full_records, seqnos)

    def _fill_with(self, store: Store, park_uuid: str, records: int, seqnos: SeqnoGenerator) -> list[Renewal]:
        """Records that are in it now, to look for."""
        base = list(sample_renewals(RECORDS_A_PARK, 1, until_us=self._until_us))
        sought: list[Renewal] = []
        for renewals in make_many(base, records // RECORDS_A_PARK):
            store.commit([make_push(park_uuid, renewals, seqnos)])
            sought += renewals[:: max(1, records // RECORDS_A_PARK)]
        self._console.print(f"  filled a park with {records:,} records")
        return sought

    def _replace_stock(self, server: Server, park_uuid: str) -> float:
        """The milliseconds of one `complete=1`."""
        renewals = sample_renewals(ROWS_A_BATCH, 2, until_us=self._until_us)
        request = make_request(encode_renewals(park_uuid, renewals, complete=True))
        return run_load(server.port, Load([[request]], _INSERTED_BATCH)).percentile_ms(50)

    # ---- look-ups ----------------------------------------------------------------------------------------------------

    def lookups(self) -> Findings:
        """The p99 of look-ups in a park of many records, and in one of 10,000, each in a database of its own."""
        found: dict[int, dict[str, float]] = {}
        for records in (RECORDS_A_PARK, self._plan.looked_up_records):
            with (
                tempfile.TemporaryDirectory(prefix="vipgate-bench-") as folder,
                self._engine.fresh(Path(folder)) as url,
            ):
                (park_uuid,) = name_parks(1, "lookups")
                with opened(url) as store:
                    add_park(store, Path(folder), park_uuid)
                    sought = self._fill_with(store, park_uuid, records, SeqnoGenerator(0))
                    found[records] = time_lookups(store, park_uuid, sought)
            self._console.print(f"  {records:,} records: {found[records]}")
        few, many = found.values()
        size = f"{self._plan.looked_up_records:,} / {RECORDS_A_PARK:,} records"
        facts = [Fact(f"look-up {what}, p99, {size}", f"{many[what]:.2f} / {few[what]:.2f} ms") for what in few]
        worst = max(many[what] / few[what] for what in few)
        return Findings([], facts, [Target(f"look-ups, p99, the worst: {size}", worst, 3, at_least=False)])

    # ---- the agent ---------------------------------------------------------------------------------------------------

    def agent(self) -> Findings:
        """The agent: a snapshot of a database, memory, and how soon a changed row is stored; runs `batches` to compare."""
        what = _new_rows(CONNECTIONS_MAIN)
        if not self._samples[what, "gateway"]:
            self.batches()
        batches = self._median(what, "gateway").a_second
        return ParkSide(self._engine, self._console, self._until_us).measure(self._plan.full_records, batches)

    # ---- the console -------------------------------------------------------------------------------------------------

    def pages(self) -> Findings:
        """The console: its pages and the API over 5,000,000 records, memory, and ingest while it is browsed."""
        plan = self._plan
        return ConsoleBench(
            self._engine, self._console, self._until_us, plan.console_records, plan.console_looks, plan.rounds
        ).measure()

    # ---- memory ------------------------------------------------------------------------------------------------------

    def memory(self) -> Findings:
        """The gateway's peak above idle for one body of nearly 16 MiB, as an array and as a string that holds it."""
        facts: list[Fact] = []
        ratios: list[float] = []
        for what, as_text in (("`row` an array", False), ("`row` a JSON string", True)):
            (park_uuid,) = name_parks(1, "memory")
            body = make_largest_body(park_uuid, 1, self._until_us, as_text=as_text)
            request = make_request(body)
            peak = median(self._peak_bytes(park_uuid, request) for _ in range(self._plan.rounds))
            ratios.append(peak / len(body))
            figure = f"{peak / MIB:.0f} MiB = {ratios[-1]:.1f} × the body"
            facts.append(Fact(f"peak memory above idle, body of {len(body) / MIB:.1f} MiB, {what}", figure))
            self._console.print(f"  {what}: {figure}")
        return Findings(
            [], facts, [Target("peak memory / body, the worse of both forms", max(ratios), 5, at_least=False)]
        )

    def _peak_bytes(self, park_uuid: str, request: bytes) -> int:
        with self._server("gateway", [park_uuid]) as server:
            idle = server.reset_peak()
            run_load(server.port, Load([[request]], b'"inserted":'))
            return server.peak_bytes() - idle

    # ---- held connections --------------------------------------------------------------------------------------------

    def held(self) -> Findings:
        """p99 of 16 connections pushing single rows, with and without 1,000 that send a byte a second."""
        parks = name_parks(SINGLE_PARKS, "held")
        lines = self._single_lines(parks)
        halves = [spread(lines[: SINGLE_PARKS // 2], OTHERS), spread(lines[SINGLE_PARKS // 2 :], OTHERS)]
        for turn in range(self._plan.rounds):
            with self._server("gateway", parks) as server:
                for half, is_held in zip(halves, (turn % 2 == 0, turn % 2 == 1), strict=True):
                    self._push_with_held(server, half, lines[0][0], is_held=is_held)
        ratio = self._median(_WITH_HELD, "gateway").p99_ms / self._median(_ALONE, "gateway").p99_ms
        target = Target(f"p99 with {self._plan.held:,} held connections / without", ratio, 2, at_least=False)
        return Findings([self._speed(what, ("gateway",)) for what in (_ALONE, _WITH_HELD)], [], [target])

    def _push_with_held(self, server: Server, lines: Sequence[Sequence[bytes]], drip: bytes, *, is_held: bool) -> None:
        load = Load(lines, _INSERTED_ONE, self._plan.held_s)
        if not is_held:
            self._run(_ALONE, "gateway", server, load)
            return
        with held_connections(server.port, self._plan.held, drip):
            self._run(_WITH_HELD, "gateway", server, load)


_AGAIN: Final = f"the same rows again, {CONNECTIONS_MAIN} connections"
_FLOOR: Final = f"batches of {ROWS_A_BATCH:,} new rows, no HTTP, one thread"
_DRIVER: Final = f"batches of {ROWS_A_BATCH:,} new rows, one COPY each, bare driver"
_SINGLES: Final = f"single new rows, {SINGLE_PARKS} connections"
_ALONE: Final = f"single new rows, {OTHERS} connections"
_WITH_HELD: Final = f"{_ALONE}, with held connections"


def _new_rows(connections: int) -> str:
    return f"batches of {ROWS_A_BATCH:,} new rows, {connections} connection{'s' * (connections > 1)}"


def _in_turn(turn: int) -> list[str]:
    """Who goes first changes from round to round."""
    return ["gateway", "peer"] if turn % 2 == 0 else ["peer", "gateway"]


MEASUREMENTS: Final[dict[str, Callable[[Bench], Findings]]] = {
    "batches": Bench.batches,
    "singles": Bench.singles,
    "complete": Bench.complete,
    "agent": Bench.agent,
    "lookups": Bench.lookups,
    "memory": Bench.memory,
    "held": Bench.held,
    "console": Bench.pages,
}
# What does not depend on the database is measured on one of them; look-ups at size are asked of the other.
OF_ENGINE: Final = {
    "sqlite": ("batches", "agent", "singles", "complete", "memory", "held", "console"),
    "postgres": ("batches", "singles", "complete", "lookups"),
}
