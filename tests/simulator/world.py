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
from typing import Any, Final, Self

import msgspec

from e2e.running import SECRET, Gateway
from forge import Forge, Process
from simulator.events import Events
from simulator.line import Line
from simulator.park import LAG_S, MAP, Park, StampKind, Truth
from vipgate.agent.sources.base import CursorValue, load_cursor
from vipgate.cli.sample import sample_renewals
from vipgate.protocol.envelope import encode_renewals
from vipgate.protocol.renewal import Renewal
from vipgate.store.interfaces.ledger import Filter

TIMEOUT_S: Final = 0.7
ONCE_S_MAX: Final = 60.0
COMMAND_S_MAX: Final = 30.0
REPLACED_S_MAX: Final = 15.0
SHOWN: Final = 3
FOREIGN_MAX: Final = 5
DEAD_LETTERS_EXIT: Final = 3
UNTIL_US: Final = 1_795_492_800_000_000
FAULTS: Final = (
    "drop", "lose", "cut", "hold", "slow", "twice", "echo", "error", "large", "garbage", "hint", "recode", "shut", "trickle",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What kind of run a seed stands for."""

    cursor: bool
    replace: bool
    hot: bool
    stamp_kind: StampKind
    as_query: bool
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
            cursor=rng.random() < 0.7,
            replace=rng.random() < (0.2 if hot else 0.35),
            hot=hot,
            stamp_kind=rng.choice(("text", "integer")),
            as_query=rng.random() < 0.4,
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
    forge: Forge
    folder: Path
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
        shape, folder = self.shape, self.folder
        self.park = Park(folder, self.seed, shape.stamp_kind, self.events, doubles=shape.cursor, hot=shape.hot)
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
                self._settle()
            except Diverged as error:
                raise Diverged(f"{error}\n{self._told(line)}") from None

    def _write_config(self, port: int) -> None:
        shape = self.shape
        source = 'query = "SELECT * FROM 续费记录 WHERE 编号 > 0"' if shape.as_query else 'table = "续费记录"'
        cursor = 'cursor = ["更新时间", "编号"]' if shape.cursor else ""
        text = f"""
[platform]
url = "http://127.0.0.1:{port}"
park_uuid = "{self.park_uuid}"
secret = "{SECRET}"
timeout_s = {TIMEOUT_S}
batch_rows = {shape.batch_rows}
in_flight = {shape.in_flight}

[source]
database = "sqlite:///park.db"
{source}
{cursor}
lag_s = {LAG_S}
poll_s = 0.1

[log]
file = "agent.log"
{MAP}"""
        (self.folder / "agent.toml").write_text(text, encoding="utf-8")

    def _start(self, output: str, *arguments: str) -> Process:
        command, *flags = arguments
        return self.forge.start(
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
        status = agent.wait(COMMAND_S_MAX)
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

    def _settle(self) -> None:
        """One `--once` on a good line brings both sides in step, and another one finds nothing to do."""
        status = self._command("once", "run", "--once", within_s=ONCE_S_MAX)
        truth = self.park.truth()
        if status != (DEAD_LETTERS_EXIT if truth.bad else 0):
            raise Diverged(f"run --once ended with {status}, {len(truth.bad)} bad rows: {self._said('once')}")
        requests = self._requests()
        foreign = {} if self.shape.replace else self.foreign
        wrong = [
            self._told_of(compare(truth, self.ledger(), self.park.versions, foreign)),
            self._told_of(self._wrong_letters(truth)),
            *self._wrong_in_status(truth),
        ]
        self._command("again", "run", "--once", within_s=ONCE_S_MAX)
        if self._requests() != requests:
            wrong.append(f"another run --once sent {self._requests() - requests} requests; there was nothing to send")
        if any(wrong):
            raise Diverged("\n".join(filter(None, wrong)))

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
        if self._command("dead", "dead list", "--format", "jsonl"):
            raise Diverged(f"dead list failed: {self._said('dead')}")
        lines = (self.folder / "dead.out").read_text(encoding="utf-8").splitlines()
        found = {str(json.loads(line)["pay_partner"]): json.loads(line) for line in lines}
        if len(found) < len(lines):
            raise Diverged("a record is among the dead letters twice")
        wrong = dict.fromkeys(truth.bad - found.keys(), "the row is bad, but it is no dead letter")
        return wrong | {
            order: f"a dead letter of a row that is good by now: {found[order]['reason']}"
            for order in found.keys() - truth.bad
        }

    def _wrong_in_status(self, truth: Truth) -> Iterator[str]:
        if self._command("status", "status", "--format", "json"):
            raise Diverged(f"status failed: {self._said('status')}")
        told: dict[str, Any] = json.loads((self.folder / "status.out").read_text(encoding="utf-8"))
        wanted = {
            "running": False,
            "stock_acknowledged": True,
            "backlog": 0,
            "dead_letters": len(truth.bad),
            "trouble": None,
        }
        for name, value in wanted.items():
            if told[name] != value:
                yield f"status: {name} is {told[name]}, wanted {value}"
        if self.shape.cursor:
            read_to, acknowledged_to = told["read_to"], told["acknowledged_to"]
            newest = max(self._cursors())
            if read_to is None or acknowledged_to is None:
                yield f"status tells no position: read_to {read_to}, acknowledged_to {acknowledged_to}"
            elif not load_cursor(acknowledged_to) <= load_cursor(read_to) <= newest:
                yield f"status: acknowledged_to {acknowledged_to} ≤ read_to {read_to} ≤ newest {newest} does not hold"

    def _cursors(self) -> dict[CursorValue, str]:
        with closing(sqlite3.connect(self.park.path)) as db:
            return {
                (at, number): order for at, number, order in db.execute("SELECT 更新时间, 编号, 订单号 FROM 续费记录")
            }

    def _check_position(self) -> None:
        """What lies before a position was acknowledged, waits in the spool, or is a dead letter: at any moment."""
        spool = self.folder / "spool"
        if not self.shape.cursor or not spool.exists():
            return
        with closing(sqlite3.connect(spool)) as db:
            if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
                return
            meta = dict(db.execute("SELECT name, value FROM meta"))
            kept = {
                order for (order,) in db.execute("SELECT pay_partner FROM outbox UNION SELECT pay_partner FROM dead")
            }
        at = meta.get("position") if meta.get("stock_done") else meta.get("stock_at")
        # While everything is being replaced, there is no position.
        if at is None or meta.get("replace") or not meta.get("stock_until"):
            return
        position = load_cursor(at)
        # Of an order number in several rows the last one counts: the others may be passed over.
        last = {order: cursor for cursor, order in sorted(self._cursors().items())}
        before = {order for order, cursor in last.items() if cursor <= position}
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
        return (self.folder / f"{output}.err").read_text(encoding="utf-8")[-1500:]

    def _told(self, line: Line) -> str:
        return (
            f"seed {self.seed}: {self.shape}\nline: {dict(line.counts)}\nfolder: {self.folder}\n"
            f"latest commit of the park: {self.park.latest_s:.3f} s, lag_s {LAG_S}\n"
            f"again: VIPGATE_SIM_SEED={self.seed} VIPGATE_SIM_RUNS=1 .venv/bin/pytest tests/simulator\n"
            "The dice fall alike; processes and their timing do not, so it may take a few times."
        )


def compare(
    truth: Truth, ledger: Mapping[str, Renewal], versions: Mapping[str, list[Renewal]], foreign: Mapping[str, Renewal]
) -> dict[str, str]:
    """What is wrong with the ledger, by order number. A record whose row is bad now may be there as it was once."""
    wrong: dict[str, str] = {}
    for order, renewal in (*truth.good.items(), *foreign.items()):
        held = ledger.get(order)
        if held is None:
            wrong[order] = f"is not in the ledger; the source has {renewal}"
        elif held != renewal:
            wrong[order] = f"source and ledger differ\n  source {renewal}\n  ledger {held}"
    for order in ledger.keys() - truth.good.keys() - foreign.keys():
        if order not in truth.bad or ledger[order] not in versions.get(order, ()):
            wrong[order] = f"is in the ledger, but never was like that in the source: {ledger[order]}"
    return wrong
