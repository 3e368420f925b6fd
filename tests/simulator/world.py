"""One simulated run: a park that sells, a line that fails, agents that are killed, and at last what both sides hold."""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import TimeoutError as TooLong
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final, Literal, Self

import msgspec

from simulator.events import Events
from simulator.network import Line
from simulator.park import LAG_S, MAP, Habits, Park, Sale, Truth
from simulator.park_database import MariadbDatabase, ParkDatabase, SqliteDatabase
from support.fork_server import ForkServer, Process
from support.gateway_process import SECRET, Gateway
from vipgate.agent.sources.base import load_cursor
from vipgate.cli.sample import sample_renewals
from vipgate.protocol.envelope import encode_renewals
from vipgate.protocol.renewal import Renewal
from vipgate.store.interfaces.ledger import Filter

TIMEOUT_S: Final = 0.7
ONCE_S_MAX: Final = 60.0
COMMAND_S_MAX: Final = 30.0
REPLACED_S_MAX: Final = 15.0
# A round of the sweep, and what late copies hold back; generous, as all processes share a machine.
SWEPT_S_MAX: Final = 30.0
DUE_S_MAX: Final = 30.0
ONCE_RUNS_MAX: Final = 4
SHOWN: Final = 3
SEEDS_A_MARIADB: Final = 3
FOREIGN_MAX: Final = 5
DEAD_LETTERS_EXIT: Final = 3
UNTIL_US: Final = 1_795_492_800_000_000
FAULTS: Final = (
    "drop", "lose", "cut", "hold", "slow", "twice", "echo", "error", "large", "garbage", "hint", "recode", "shut", "trickle",
)  # fmt: skip


CURSORS: Final = (
    (("更新时间",), ("编号",)), (("更新时间",), ("编号",)), (("更新时间",),), (("更新时间", "创建时间"), ("编号",)),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What kind of run a seed stands for."""

    cursor: tuple[tuple[str, ...], ...]
    access: Literal["table", "heap", "query", "query with a key"]
    habits: Habits
    sweeps: bool
    replace: bool
    hot: bool
    stock_rows: int
    foreign_rows: int
    batch_rows: int
    in_flight: int
    kills: int
    ends_gently: bool
    share: float
    faults: list[str]

    @classmethod
    def of(cls, seed: int) -> Self:
        rng = random.Random(f"shape {seed}")
        hot = rng.random() < 0.4
        faults = set(rng.sample(FAULTS, rng.choice((0, 1, 2) if hot else (2, 5, len(FAULTS)))))
        return cls(
            cursor=() if rng.random() < 0.3 else rng.choice(CURSORS),
            access=rng.choice(("table", "heap", "query", "query with a key")),
            habits=Habits.of(rng),
            sweeps=rng.random() < 0.5,
            replace=rng.random() < (0.2 if hot else 0.35),
            hot=hot,
            stock_rows=50 if hot else rng.choice((50, 200, 800, 3000)),
            foreign_rows=rng.choice((0, 1, FOREIGN_MAX)),
            batch_rows=rng.choice((20, 100) if hot else (20, 100, 500, 1000)),
            in_flight=rng.choice((1, 2, 4, 4)),
            kills=rng.randrange(3 if hot else 5),
            ends_gently=rng.random() < 0.3,
            share=0.5 if hot else rng.choice((0.15, 0.35, 0.6)),
            faults=sorted(faults | {"hold"} if hot else faults),
        )


class Diverged(AssertionError):
    """Both sides are not alike in the end."""


@dataclass(slots=True)
class World:
    """One park, one line, one agent after another."""

    seed: int
    gateway: Gateway
    fork_server: ForkServer
    folder: Path
    # The server on which every third park is; None: all are in SQLite files.
    mariadb_url: str | None = None
    faults: tuple[str, ...] = FAULTS
    events: Events = field(default_factory=Events)
    shape: Shape = field(init=False)
    park_uuid: str = field(init=False)
    foreign: dict[str, Renewal] = field(init=False)
    rng: random.Random = field(init=False)
    park: Park = field(init=False)

    def __post_init__(self) -> None:
        self.shape = Shape.of(self.seed)
        self.rng = random.Random(f"world {self.seed}")
        self.park_uuid = f"sim-{self.seed}"
        shape, name = self.shape, f"vipgate_test_sim_{self.seed}"
        database: ParkDatabase = SqliteDatabase(self.folder)
        if self.mariadb_url is not None and self.seed % SEEDS_A_MARIADB == 0:
            database = MariadbDatabase(self.mariadb_url, name)
        self.park = Park(
            database, self.seed, shape.habits, self.events, cursor=shape.cursor, hot=shape.hot, has_key=shape.access == "table"
        )  # fmt: skip
        foreign = sample_renewals(FOREIGN_MAX, self.seed, until_us=UNTIL_US)
        self.foreign = {one.pay_partner: one for one in islice(foreign, self.shape.foreign_rows)}

    # ---- the run -----------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Raises Diverged with all that helps to find out why."""
        self.gateway.add_park(self.park_uuid)
        if self.foreign:
            assert self.gateway.push(encode_renewals(self.park_uuid, self.foreign.values())).code == "1001"
        self.park.stock(self.shape.stock_rows)
        with Line(self.gateway.port, self.seed, self.events) as line:
            self._write_config(line.port)
            try:
                self._live_badly(line)
                line.calm()
                if self.shape.sweeps:
                    self._sweep()
                self._settle()
            except Diverged as error:
                raise Diverged(f"{error}\n{self._told(line)}") from None

    def _write_config(self, port: int) -> None:
        shape = self.shape
        is_query = shape.access.startswith("query")
        source = 'query = "SELECT * FROM 续费记录 WHERE 编号 > 0"' if is_query else 'table = "续费记录"'
        key = 'key = "编号"' if shape.access == "query with a key" else ""
        cursor = f"cursor = {json.dumps(shape.cursor, ensure_ascii=False)}" if shape.cursor else ""
        text = f"""
[platform]
url = "http://127.0.0.1:{port}"
park_uuid = "{self.park_uuid}"
secret = "{SECRET}"
timeout_s = {TIMEOUT_S}
batch_rows = {shape.batch_rows}
in_flight = {shape.in_flight}

[source]
database = "{self.park.database.address}"
{source}
{key}
{cursor}
lag_s = {LAG_S}
poll_s = 0.1
sweep_share = 1
sweep_every_s = 1

[log]
file = "agent.log"
{MAP}"""
        (self.folder / "agent.toml").write_text(text, encoding="utf-8")

    def _start(self, output: str, *arguments: str) -> Process:
        command, *flags = arguments
        return self.fork_server.start(
            ["agent", *command.split(), "agent.toml", "--spool", "spool", *flags], self.folder, output
        )  # fmt: skip

    def _live_badly(self, line: Line) -> None:
        """The park sells while the line fails and one agent after another is killed."""
        line.faulty(self.shape.share, [one for one in self.shape.faults if one in self.faults])
        self.park.start()
        try:
            for life in range(self.shape.kills + 1):
                self._live(line, life)
                time.sleep(self.rng.uniform(0.0, 0.3))
        finally:
            self.park.stop()

    def _live(self, line: Line, life: int) -> None:
        is_last = life == self.shape.kills
        replace = self.shape.replace and (life == 0 or self.rng.random() < 0.15)
        before, requests = line.replacements, line.counts.total()
        agent = self._start(f"agent-{life}", "run", *(["--replace", "--yes"] if replace else []))
        self.events.add("agent", f"{agent.pid} begins{' --replace' if replace else ''}")
        if replace:
            # Killed before it has noted what is wanted, it would have to be told again.
            self._wait_for_replacement(line, before, agent)
        time.sleep(
            self.rng.uniform(1.2, 2.2) + 1.5 * self.shape.hot
            if is_last
            else self.rng.choice((0.05, 0.4, 1.2)) * self.rng.random()
        )
        if agent.ended.done():
            raise Diverged(f"agent {agent.pid} ended by itself: {self._said(f'agent-{life}')}")
        gently = is_last and self.shape.ends_gently
        agent.signal(signal.SIGTERM if gently else signal.SIGKILL)
        status = self._status_of(agent, f"agent-{life}")
        self.events.add("agent", f"{agent.pid} {'stopped' if gently else 'killed'}, status {status}")
        # An agent that has sent something knows what SIGTERM means.
        if gently and status != 0 and line.counts.total() > requests:
            raise Diverged(f"SIGTERM ended the agent with {status}: {self._said(f'agent-{life}')}")
        self._check_position()

    def _wait_for_replacement(self, line: Line, before: int, agent: Process) -> None:
        until_s = time.monotonic() + REPLACED_S_MAX
        while line.replacements == before:
            if agent.ended.done() or time.monotonic() > until_s:
                raise Diverged(f"run --replace sent no complete=1 within {REPLACED_S_MAX:g} s")
            time.sleep(0.01)

    def _status_of(self, agent: Process, output: str) -> int:
        """Waits for the end of an agent that got a signal."""
        try:
            return agent.wait(COMMAND_S_MAX)
        except TooLong:
            agent.signal(signal.SIGABRT)
            agent.wait(COMMAND_S_MAX)
            raise Diverged(
                f"agent {agent.pid} has not ended {COMMAND_S_MAX:g} s after its signal: {self._said(output)}"
            ) from None

    def _command(self, output: str, *arguments: str, within_s: float = COMMAND_S_MAX) -> int:
        process = self._start(output, *arguments)
        try:
            status = process.wait(within_s)
        except TooLong:
            process.signal(signal.SIGKILL)
            raise Diverged(f"agent {' '.join(arguments)} has not ended after {within_s:g} s") from None
        self.events.add("agent", f"{process.pid} {' '.join(arguments)}: status {status}")
        return status

    # ---- what must hold ----------------------------------------------------------------------------------------------

    def _sweep(self) -> None:
        """A running agent finds what was changed without a word of the cursor, within a round of the sweep."""
        self.park.whisper()
        agent = self._start("sweep", "run")
        truth, until_s, fewest = self.park.truth(), time.monotonic() + SWEPT_S_MAX, len(self.park.truth().rows)
        while wrong := self._wrong_in_ledger(truth):
            if len(wrong) < fewest:
                # It gets on: a snapshot of small batches takes long on a busy machine.
                fewest, until_s = len(wrong), time.monotonic() + SWEPT_S_MAX
            if agent.ended.done() or time.monotonic() > until_s:
                fault = f"a running agent got no nearer to the source in {SWEPT_S_MAX:g} s: {self._said('sweep')}"
                agent.signal(signal.SIGKILL)
                raise Diverged(f"{fault}\n{self._told_of(wrong)}")
            time.sleep(0.1)
        agent.signal(signal.SIGTERM)
        if (status := self._status_of(agent, "sweep")) != 0:
            raise Diverged(f"SIGTERM ended the agent with {status}: {self._said('sweep')}")

    def _settle(self) -> None:
        """On a good line `--once` brings both sides in step, at last with what had to wait; another one has nothing to do."""
        truth = self.park.truth()
        for _ in range(ONCE_RUNS_MAX):
            status = self._command("once", "run", "--once", within_s=ONCE_S_MAX)
            ends = {DEAD_LETTERS_EXIT if truth.bad or truth.shared else 0}
            if status not in (ends if self._rows_are_known else {0, DEAD_LETTERS_EXIT}):
                raise Diverged(f"run --once ended with {status}, {len(truth.bad)} bad rows: {self._said('once')}")
            if not self._waits_until_due():
                break
        requests = self._requests()
        wrong = [
            self._told_of(self._wrong_in_ledger(truth)),
            self._told_of(self._wrong_letters(truth)),
            *self._wrong_in_status(),
        ]
        self._command("again", "run", "--once", within_s=ONCE_S_MAX)
        if self._requests() != requests:
            wrong.append(f"another run --once sent {self._requests() - requests} requests; there was nothing to send")
        if any(wrong):
            raise Diverged("\n".join(filter(None, wrong)))

    def _waits_until_due(self) -> bool:
        """Waits until all may be sent that an older copy might have overtaken; whether there is any."""
        with closing(sqlite3.connect(self.folder / "spool")) as db:
            [due_us] = db.execute("SELECT max(not_before_us) FROM outbox").fetchone()
        if due_us is None:
            return False
        wait_s = due_us / 1e6 - time.time()
        if wait_s > DUE_S_MAX:
            raise Diverged(f"rows are held back for another {wait_s:.0f} s")
        time.sleep(max(0.0, wait_s) + 0.01)
        return True

    def _wrong_in_ledger(self, truth: Truth) -> dict[str, str]:
        foreign = {} if self.shape.replace else self.foreign
        return compare(truth, self.ledger(), self.park.versions, foreign)

    def ledger(self) -> dict[str, Renewal]:
        """What the gateway holds of this park; flags are the platform's own."""
        with self.gateway.store() as store:
            held = [
                msgspec.structs.replace(one.renewal, flags=0) for one in store.iter_records(self.park_uuid, Filter())
            ]
        return {one.pay_partner: one for one in held}

    def _requests(self) -> int:
        with self.gateway.store() as store:
            return sum(requests for requests, _ in store.daily_answers(self.park_uuid).values())

    def _wrong_letters(self, truth: Truth) -> dict[str, str]:
        """What is wrong with the dead letters, by the order number of the row."""
        if self._command("dead", "dead list", "--format", "jsonl"):
            raise Diverged(f"dead list failed: {self._said('dead')}")
        lines = [json.loads(line) for line in (self.folder / "dead.out").read_text(encoding="utf-8").splitlines()]
        found = {int(one["source"]["编号"]): one for one in lines}
        if len(found) < len(lines) and self._rows_are_known:
            raise Diverged("a row is among the dead letters twice")
        ledger, wanted, allowed = self.ledger(), dict[int, Sale](), set[int]()
        for order, sales in truth.newest.items():
            sent = ledger.get(order)
            allowed |= truth.may_be_named(order, sent)
            wanted |= {one.number: one for one in sales if one.is_bad or one.renewal() != sent}
        wrong = {
            wanted[one].order: f"row {one} counts and was not sent, but is no dead letter"
            for one in wanted.keys() - found
        }
        for number in found.keys() - wanted - allowed if self._rows_are_known else ():
            reason = found[number]["reason"]
            wrong[str(found[number]["pay_partner"])] = f"a dead letter of row {number}, which is well by now: {reason}"
        for order, sales in truth.shared.items():
            for one in sales:
                # Both places are named: its own, and that of the row that was sent.
                others = [row.sale for row in truth.rows[order] if row.sale is not one]
                if one.number in found and not any(self._names(found[one.number]["reason"], other) for other in others):
                    wrong[order] = f"its dead letter names no other row: {found[one.number]['reason']}"
        return wrong

    @property
    def _rows_are_known(self) -> bool:
        """Whether a row can be told from others when it has changed: otherwise its dead letters stay until they are discarded."""
        is_heap = self.shape.access == "heap" and not self.park.database.numbers_rows
        return self.shape.access != "query" and not is_heap

    def _names(self, reason: str, sale: Sale) -> bool:
        """Whether a reason names the row, where rows have names."""
        return self.shape.access in ("heap", "query") or f"编号={sale.number}" in reason

    def _wrong_in_status(self) -> Iterator[str]:
        if self._command("status", "status", "--format", "json"):
            raise Diverged(f"status failed: {self._said('status')}")
        told: dict[str, Any] = json.loads((self.folder / "status.out").read_text(encoding="utf-8"))
        wanted = {
            "running": False,
            "snapshot_acknowledged": True,
            "backlog": 0,
            "trouble": None,
        }
        for name, value in wanted.items():
            if told[name] != value:
                yield f"status: {name} is {told[name]}, wanted {value}"
        if self.shape.cursor and self.shape.habits.are_tidy:
            read_to, acknowledged_to = told["read_to"], told["acknowledged_to"]
            newest = max(row.cursor for row in self.park.rows() if row.cursor is not None)
            if read_to is None or acknowledged_to is None:
                yield f"status tells no position: read_to {read_to}, acknowledged_to {acknowledged_to}"
            elif not load_cursor(acknowledged_to) <= load_cursor(read_to) <= newest[:1]:
                yield f"status: acknowledged_to {acknowledged_to} ≤ read_to {read_to} ≤ newest {newest} does not hold"

    def _check_position(self) -> None:
        """What lies before a position was acknowledged, waits in the spool, or is a dead letter: at any moment.

        Of a park whose times can be trusted: what another one's cursor misses, only the sweep finds.
        """
        spool = self.folder / "spool"
        if not self.shape.cursor or not self.shape.habits.are_tidy or not spool.exists():
            return
        with closing(sqlite3.connect(spool)) as db:
            if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
                return
            meta = dict(db.execute("SELECT name, value FROM meta"))
            kept = {
                order for (order,) in db.execute("SELECT pay_partner FROM outbox UNION SELECT pay_partner FROM dead")
            }
        at = meta.get("position")
        # While everything is being replaced, there is no position.
        if at is None or meta.get("replace") or not meta.get("snapshot_done"):
            return
        [position] = load_cursor(at)
        # Of an order number in several rows the last one counts: the others may be passed over.
        newest = {order: found[0].number for order, found in self.park.truth().newest.items()}
        rows = {row.sale.number: row for row in self.park.rows()}
        before = {order for order, number in newest.items() if rows[number].cursor[0] < position}  # type: ignore[operator, index]
        missing = before - self.ledger().keys() - kept - self.park.truth().bad
        if missing:
            fault = f"lies before the position {at}, but was never acknowledged"
            raise Diverged(self._told_of(dict.fromkeys(missing, fault)))

    # ---- telling -----------------------------------------------------------------------------------------------------

    def _told_of(self, wrong: Mapping[str, str]) -> str:
        if not wrong:
            return ""
        shown = [f"{order}: {wrong[order]}\n{self._story(order)}" for order in sorted(wrong)[:SHOWN]]
        return "\n".join([f"{len(wrong)} records are wrong", *shown])

    def _story(self, order: str) -> str:
        with self.gateway.store() as store:
            versions = [one.stored.renewal.operator for one in store.history(self.park_uuid, order)]
        return f"  versions that the ledger had before: {versions}\n{self.events.tail(order)}"

    def _said(self, output: str) -> str:
        return (self.folder / f"{output}.err").read_text(encoding="utf-8")[-4000:]

    def _told(self, line: Line) -> str:
        return (
            f"seed {self.seed}: {self.shape}\nline: {dict(line.counts)}\n"
            f"source: {self.park.database.address}\nfolder: {self.folder}\n"
            f"latest commit of the park: {self.park.latest_s:.3f} s, lag_s {LAG_S}\n"
            f"again: VIPGATE_SIM_SEED={self.seed} VIPGATE_SIM_RUNS=1 .venv/bin/pytest tests/simulator\n"
            "The dice fall alike; processes and their timing do not, so it may take a few times."
        )


def compare(
    truth: Truth, ledger: Mapping[str, Renewal], versions: Mapping[str, list[Renewal]], foreign: Mapping[str, Renewal]
) -> dict[str, str]:
    """What is wrong with the ledger, by order number. A record whose row is bad now may be there as it was once."""
    wrong: dict[str, str] = {}
    shared = {order: [one.renewal() for one in found if not one.is_bad] for order, found in truth.shared.items()}
    right = {order: [renewal] for order, renewal in (*truth.good.items(), *foreign.items())} | shared
    for order, renewals in right.items():
        held = ledger.get(order)
        if held is None:
            wrong[order] = f"is not in the ledger; the source has {renewals}"
        elif held not in renewals:
            wrong[order] = f"source and ledger differ\n  source {renewals}\n  ledger {held}"
    for order in ledger.keys() - right.keys():
        if order not in truth.bad or ledger[order] not in versions.get(order, ()):
            wrong[order] = f"is in the ledger, but never was like that in the source: {ledger[order]}"
    return wrong
