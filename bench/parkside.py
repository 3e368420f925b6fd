"""What the agent does, measured: snapshot, memory, changes, and the interface page's example for comparison."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Final

from rich.console import Console

from bench.agent import run_loop, run_stock, running_agent, time_changes, wait_for_stock
from bench.engines import Engine, opened
from bench.findings import Fact, Findings, Target
from bench.park import make_park, write_config
from bench.records import RECORDS_A_PARK, name_parks
from bench.servers import gateway
from vipgate.cli.sample import sample_renewals

LOOP_ROWS: Final = 2_000
CHANGES: Final = 25
MIB: Final = 1024 * 1024


class ParkSide:
    """The agent against a gateway on `engine`."""

    def __init__(self, engine: Engine, console: Console, until_us: int) -> None:
        self._engine = engine
        self._console = console
        self._until_us = until_us

    def measure(self, many: int, batches: float) -> Findings:
        """A snapshot of `many` records, the page's loop for comparison, and changes with and without a snapshot.

        `batches`: how many rows a second the gateway takes of a client that does nothing but send.
        """
        few = RECORDS_A_PARK
        speeds = {records: self._stock(records) for records in (few, many)}
        loop = self._loop()
        quiet_s, busy_s = self._changes(many)
        rate = speeds[many][0]
        memory = speeds[many][1] / speeds[few][1]
        facts = [
            Fact(f"agent, snapshot of {many:,} records from a database", f"{rate:,.0f} rows/s"),
            Fact("the page's example in a loop, 1 row a call", f"{loop:,.0f} rows/s"),
            Fact(
                f"agent's peak of memory, {many:,} / {few:,} records",
                f"{speeds[many][1] / MIB:.0f} / {speeds[few][1] / MIB:.0f} MiB",
            ),
            Fact("a changed row → stored, poll every second, p50 / p99", _shown_s(quiet_s)),
            Fact("the same while a snapshot runs", _shown_s(busy_s)),
        ]
        targets = [
            Target("agent / the page's loop", rate / loop, 50, at_least=True),
            Target("agent / gateway, batches of new rows, 4 connections", rate / batches, 0.5, at_least=True),
            Target(f"agent's memory, {many:,} / {few:,} records", memory, 1.3, at_least=False),
            Target(
                "a changed row → stored, p99 in s, the worse of both",
                max(_p99(quiet_s), _p99(busy_s)),
                2,
                at_least=False,
            ),
        ]
        return Findings([], facts, targets)

    def _stock(self, records: int) -> tuple[float, int]:
        """Rows a second, and the agent's peak in bytes."""
        (park_uuid,) = name_parks(1, "agent")
        with (
            tempfile.TemporaryDirectory(prefix="vipgate-bench-") as folder,
            gateway(self._engine, [park_uuid]) as server,
        ):
            make_park(Path(folder), records)
            spent_s, peak = run_stock(write_config(Path(folder), server.port, park_uuid, lag_s=0))
        self._console.print(f"  agent, {records:,} records: {records / spent_s:,.0f}/s, {peak / MIB:.0f} MiB")
        return records / spent_s, peak

    def _loop(self) -> float:
        (park_uuid,) = name_parks(1, "loop")
        renewals = list(sample_renewals(LOOP_ROWS, 1, until_us=self._until_us))
        with gateway(self._engine, [park_uuid]) as server:
            rate = run_loop(server.port, park_uuid, renewals)
        self._console.print(f"  the page's loop: {rate:,.0f}/s")
        return rate

    def _changes(self, records: int) -> tuple[list[float], list[float]]:
        """The seconds that changes take, when nothing else is to do and while a snapshot runs."""
        (park_uuid,) = name_parks(1, "changes")
        with (
            tempfile.TemporaryDirectory(prefix="vipgate-bench-") as folder,
            gateway(self._engine, [park_uuid]) as server,
        ):
            park = make_park(Path(folder), records)
            config = write_config(Path(folder), server.port, park_uuid, lag_s=1)
            with running_agent(config):
                wait_for_stock(server.database, park_uuid, min(records, 2_000))
                numbers = range(2 * records, 2 * records + CHANGES)
                busy_s = time_changes(park, server.database, park_uuid, numbers, 0.1)
                with opened(server.database) as store:
                    found = store.find_park(park_uuid)
                if found is None or found.records >= records:
                    self._console.print("  the snapshot was through before the changes were")
                wait_for_stock(server.database, park_uuid, records + CHANGES)
                numbers = range(3 * records, 3 * records + CHANGES)
                quiet_s = time_changes(park, server.database, park_uuid, numbers, 0.1)
        self._console.print(f"  changes: quiet {_shown_s(quiet_s)}, during a snapshot {_shown_s(busy_s)}")
        return quiet_s, busy_s


def _p99(spent_s: Sequence[float]) -> float:
    return sorted(spent_s)[int(len(spent_s) * 0.99)]


def _shown_s(spent_s: Sequence[float]) -> str:
    return f"{median(spent_s):.2f} / {_p99(spent_s):.2f} s"
