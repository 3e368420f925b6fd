"""A park's own database, written to while an agent reads it: sold, changed, changed back, mistyped, fixed, committed late.

Its habits are those of real parks: coarse or missing times, changes without a new time, clocks that jump. What the ledger
must hold in the end is told here from the columns alone, without the agent's mapping.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import Final, Self

from simulator.events import Events
from simulator.park_database import NUMBERS, ParkDatabase, StampKind, Till
from vipgate.protocol.renewal import Renewal

# The lag that the agent's configuration promises to bear is longer than the longest that a commit takes here.
LAG_S: Final = 0.8
LATE_S_MAX: Final = 0.4
STALE_S: Final = 0.5
BEIJING: Final = timezone(timedelta(hours=8))
SOLD: Final = datetime(2026, 1, 1, tzinfo=BEIJING)
COLORS: Final = {"蓝": 1, "黄": 2, "绿": 5}
TYPES: Final = {"月租": 1, "储值": 2}
PAID: Final = {"现金": 1, "微信": 2}
MAP: Final = """
[map]
plate = "车牌号"
plate_color = { column = "颜色", codes = { "蓝" = 1, "黄" = 2, "绿" = 5 } }
charge_type = "套餐"
vip_type = { column = "类型", codes = { "月租" = 1, "储值" = 2 } }
quantity = "数量"
pay_partner = "订单号"
pay_type = { column = "支付方式", codes = { "现金" = 1, "微信" = 2 } }
pay_value = { column = "实收", unit = "yuan" }
pay_time = { column = "收费时间", format = "%Y-%m-%d %H:%M:%S" }
renewal_end_time = { column = "到期", format = "%Y-%m-%d" }
operator = "收费员"
note = "备注"
"""
FORMS: Final[dict[StampKind, str]] = {
    "text": "%Y-%m-%d %H:%M:%S.%f", "seconds": "%Y-%m-%d %H:%M:%S", "minutes": "%Y-%m-%d %H:%M", "days": "%Y-%m-%d",
    "slashes": "%Y/%m/%d %H:%M:%S", "letters": "%Y-%m-%dT%H:%M:%S", "digits": "%Y%m%d%H%M%S",
}  # fmt: skip
FUTURE_US: Final = (4_070_880_000_000_000, 4_070_880_001_000_000)
JUMPS_S: Final = (0, 0, -5, -3_600, 2, 7_200)
LOCKED_S: Final = (0.3, 2.5)
PLACEHOLDER: Final = "0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What the park's program does with times, order numbers and locks.

    `stamp_kind`: the form of its times. `nulls`: no time of change until the first change. `untouched`: the share of changes
    without a new time. `future`: some rows are dated later than now. `jumps`: its clock is set back and forth.
    `doubles`: one order number may stand in several rows; `placeholders`: some have none but "0". `tied`: all the stock has
    one time. `locks`: now and then the whole database is locked.
    """

    stamp_kind: StampKind = "text"
    nulls: bool = False
    untouched: float = 0.0
    future: bool = False
    jumps: bool = False
    doubles: bool = False
    placeholders: bool = False
    tied: bool = False
    locks: bool = False

    @classmethod
    def of(cls, rng: random.Random) -> Self:
        """A tidy park in one of four, otherwise any mixture."""
        if rng.random() < 0.25:
            return cls(stamp_kind=rng.choice(("text", "integer")), doubles=rng.random() < 0.5)
        return cls(
            stamp_kind=rng.choice((*FORMS, "integer", "epoch")),
            nulls=rng.random() < 0.4,
            untouched=rng.choice((0.0, 0.1, 0.5)),
            future=rng.random() < 0.3,
            jumps=rng.random() < 0.3,
            doubles=rng.random() < 0.6,
            placeholders=rng.random() < 0.2,
            tied=rng.random() < 0.3,
            locks=rng.random() < 0.3,
        )

    @property
    def are_tidy(self) -> bool:
        """Whether the times tell every change, to the millisecond."""
        odd = self.nulls or self.untouched or self.future or self.jumps or self.tied
        return self.stamp_kind in ("text", "integer") and not odd


@dataclass(frozen=True, slots=True)
class Sale:
    """One row of the park's table but for its time of change. `version` tells what was written when: the cashier's name."""

    number: int
    order: str
    plate: str
    color: str
    plan: str
    kind: str
    quantity: int
    paid: str
    yuan: str
    sold: str
    ends: str
    version: str
    note: str | None

    @property
    def is_bad(self) -> bool:
        return self.color not in COLORS or self.quantity < 0 or self.order == PLACEHOLDER

    @property
    def identity(self) -> str:
        """The order number; a placeholder is none, so that each row under it is one of its own."""
        return f"{self.order}, row {self.number}" if self.order == PLACEHOLDER else self.order

    def renewal(self) -> Renewal:
        """As the contract wants it."""
        sold = datetime.strptime(self.sold, "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING)
        # A date that ends a period is the last second of that day.
        ends = datetime.strptime(self.ends, "%Y-%m-%d").replace(hour=23, minute=59, second=59, tzinfo=BEIJING)
        yuan, fen = self.yuan.split(".")
        return Renewal(
            self.order, self.plate, COLORS[self.color], None, None, self.plan, TYPES[self.kind], self.quantity,
            PAID[self.paid], None, int(sold.timestamp()) * 1000, None, int(ends.timestamp()) * 1_000_000,
            int(yuan) * 100 + int(fen), self.version, extra=None if self.note is None else f'{{"note":"{self.note}"}}',
        )  # fmt: skip

    def cells(self) -> tuple[object, ...]:
        return (
            self.number, self.order, self.plate, self.color, self.plan, self.kind, self.quantity, self.paid, self.yuan,
            self.sold, self.ends, self.version, self.note,
        )  # fmt: skip


@dataclass(slots=True)
class Late:
    """A transaction that has its time already and is committed later. Its rows are locked until then."""

    due_s: float
    stamp_us: int
    sales: list[Sale]


@dataclass(frozen=True, slots=True)
class Row:
    """A row as the database has it. `cursor`: what the agent is told to judge by; None where that is NULL."""

    sale: Sale
    cursor: tuple[object, ...] | None

    def is_beside(self, other: Row) -> bool:
        """Whether nothing tells which of both is newer."""
        return self.cursor is None or other.cursor is None or self.cursor == other.cursor


@dataclass(slots=True)
class Truth:
    """What the source says: the rows of each order number, and those of them of which none is newer, usually one."""

    rows: dict[str, list[Row]]
    newest: dict[str, list[Sale]] = field(init=False)

    def __post_init__(self) -> None:
        self.newest = {order: _newest(rows) for order, rows in self.rows.items()}

    def may_be_named(self, order: str, sent: Renewal | None) -> set[int]:
        """The numbers of rows that nothing tells from the one that was sent, or that cannot be sent."""
        rows = self.rows[order]
        counts = next((one for one in rows if not one.sale.is_bad and one.sale.renewal() == sent), None)
        return {one.sale.number for one in rows if one is not counts and (counts is None or one.is_beside(counts))}

    @property
    def good(self) -> dict[str, Renewal]:
        """The records of which one row counts, and that can be sent."""
        return {key: one[0].renewal() for key, one in self.newest.items() if len(one) == 1 and not one[0].is_bad}

    @property
    def bad(self) -> set[str]:
        """The order numbers of which only bad rows count."""
        return {key for key, found in self.newest.items() if all(one.is_bad for one in found)}

    @property
    def shared(self) -> dict[str, list[Sale]]:
        """The rows of which nothing tells the newest, where one of them can be sent."""
        return {key: one for key, one in self.newest.items() if len(one) > 1 and key not in self.bad}


class Park:
    """The database and the one who writes to it.

    `cursor`: the columns that the agent is told to judge by, each the first of several that is not NULL. `hot`: little is
    sold, changed a few times in a row, and then left alone for good: so that an older version which arrives late stays to be
    seen. `has_key`: the table has a primary key.
    """

    def __init__(
        self,
        database: ParkDatabase,
        seed: int,
        habits: Habits,
        events: Events,
        *,
        cursor: Sequence[Sequence[str]] = (("更新时间",), ("编号",)),
        hot: bool = False,
        has_key: bool = True,
    ) -> None:
        self.database = database
        self.rng = random.Random(f"park {seed}")
        self.habits = habits
        self.hot = hot
        self._cursor = cursor
        self._offset_us = 0
        # Every good version that was ever committed: a record that was mistyped later may be there in any of them.
        self.versions: dict[str, list[Renewal]] = {}
        # The longest that a commit took from its time on.
        self.latest_s = 0.0
        self._events = events
        self._sales: dict[int, Sale] = {}
        self._before: dict[int, Sale] = {}
        self._stamps: dict[int, int] = {}
        self._cells: dict[int, tuple[object, object]] = {}
        self._late: list[Late] = []
        self._last = 0
        self._version = 0
        self._stop = threading.Event()
        self._writer: threading.Thread | None = None
        self._failed: list[BaseException] = []
        database.make(habits.stamp_kind, has_key=has_key, locks=habits.locks)

    # ---- writing -----------------------------------------------------------------------------------------------------

    def stock(self, rows: int) -> None:
        """What is there before the agent comes, changed last within the hour before."""
        now_us = time.time_ns() // 1000
        with closing(self.database.connect()) as db:
            db.begin()
            for place in range(rows):
                ago = rows if self.habits.tied else rows - place
                self._write(db, self._sold(), now_us - ago * 3_600_000_000 // (rows + 1))
            db.commit()
        self._events.add("park", f"has {rows} rows")

    def start(self) -> None:
        """Begins to sell, in a thread of its own."""
        self._stop.clear()
        self._writer = threading.Thread(target=self._run, name="park", daemon=True)
        self._writer.start()

    def stop(self) -> None:
        """Closes the till: what is under way is committed."""
        self._stop.set()
        assert self._writer is not None
        self._writer.join(20)
        if self._failed:
            raise self._failed[0]

    def _run(self) -> None:
        try:
            with closing(self.database.connect()) as db:
                while not self._stop.wait(self.rng.choice((0.002, 0.01, 0.03, 0.06))):
                    self._commit_due(db, time.monotonic())
                    self._trade(db)
                    if self.habits.jumps and self.rng.random() < 0.02:
                        self._offset_us = self.rng.choice(JUMPS_S) * 1_000_000
                        self._events.add("park", f"sets its clock to {self._offset_us / 1e6:+g} s")
                    if self.habits.locks and self.rng.random() < 0.01:
                        self._lock(db)
                self._commit_due(db, float("inf"))
        except BaseException as error:
            self._failed.append(error)
            raise

    def _trade(self, db: Till) -> None:
        """One transaction: a few rows, at times many; one in four is committed late."""
        rows = self.rng.choice((1, 1, 2) if self.hot else (1, 1, 1, 1, 1, 2, 3, 8, 150))
        sales = list({one.number: one for one in (self._next() for _ in range(rows))}.values())
        stamp_us = self._now_us()
        if self.habits.are_tidy:
            stamp_us = max(stamp_us, *(self._stamps.get(one.number, 0) + 1000 for one in sales))
        if self.habits.future and self.rng.random() < 0.03:
            stamp_us = self.rng.choice(FUTURE_US)
        if self.rng.random() < 0.25 and stamp_us not in FUTURE_US:
            self._late.append(Late(time.monotonic() + self.rng.uniform(0.02, LATE_S_MAX), stamp_us, sales))
        else:
            self._commit(db, sales, stamp_us)

    def _commit_due(self, db: Till, now_s: float) -> None:
        due, self._late = (
            [one for one in self._late if one.due_s <= now_s],
            [one for one in self._late if one.due_s > now_s],
        )
        for one in due:
            # This thread came too late, which the park's program never does: as if it had begun only now.
            now_us = self._now_us()
            stale = abs(now_us - one.stamp_us) > STALE_S * 1_000_000
            self._commit(db, one.sales, now_us if stale else one.stamp_us)

    def _now_us(self) -> int:
        """The clock of the park's program."""
        return time.time_ns() // 1000 + self._offset_us

    def _lock(self, db: Till) -> None:
        """A backup program: nobody can read meanwhile."""
        db.lock()
        locked_s = self.rng.choice(LOCKED_S)
        self._stop.wait(locked_s)
        db.unlock()
        self._events.add("park", f"was locked for {locked_s:g} s")

    def _commit(self, db: Till, sales: Iterable[Sale], stamp_us: int) -> None:
        db.begin()
        for sale in sales:
            self._write(db, sale, stamp_us)
        db.commit()
        late_s = (self._now_us() - stamp_us) / 1e6
        self.latest_s = max(self.latest_s, late_s)
        keys = {one.order: f"编号={one.number} {one.version}{' bad' if one.is_bad else ''}" for one in sales}
        self._events.add("park", f"commits {self._stamp(stamp_us)}, {late_s:.3f} s late", keys)

    def _write(self, db: Till, sale: Sale, stamp_us: int) -> None:
        if sale.number in self._sales:
            self._before[sale.number] = self._sales[sale.number]
        self._sales[sale.number] = sale
        self._stamps[sale.number] = stamp_us
        if not sale.is_bad:
            self.versions.setdefault(sale.order, []).append(sale.renewal())
        db.write((*sale.cells(), *self._times(sale.number, self._stamp(stamp_us))))

    def _times(self, number: int, stamp: object) -> tuple[object, object]:
        """The cells of creation and change."""
        if number not in self._cells:
            self._cells[number] = (stamp, None if self.habits.nulls else stamp)
        elif self.rng.random() >= self.habits.untouched:
            self._cells[number] = (self._cells[number][0], stamp)
        return self._cells[number]

    def _stamp(self, instant_us: int) -> str | int:
        kind = self.habits.stamp_kind
        if kind in NUMBERS:
            return instant_us // (1000 if kind == "integer" else 1_000_000)
        return datetime.fromtimestamp(instant_us / 1e6, BEIJING).strftime(FORMS[kind])

    def whisper(self) -> None:
        """Changes a few rows by a tool that knows nothing of the time of change."""
        with closing(self.database.connect()) as db:
            db.begin()
            for number in self.rng.sample(sorted(self._sales), min(5, len(self._sales))):
                sale = replace(
                    self._sales[number], version=self._versioned(), color=self.rng.choice(list(COLORS)), quantity=1
                )
                self._sales[number] = sale
                self.versions.setdefault(sale.order, []).append(sale.renewal())
                db.change(number, sale.version, sale.color, sale.quantity)
                self._events.add("park", f"changes without a time: 编号={number}", {sale.order: sale.version})
            db.commit()

    # ---- what is written ---------------------------------------------------------------------------------------------

    def _next(self) -> Sale:
        """A new row, or a change of one that no transaction has locked."""
        locked = {sale.number for one in self._late for sale in one.sales}
        if self.rng.random() < (0.2 if self.hot else 0.45) or len(locked) > len(self._sales) // 2:
            return self._sold()
        # Mostly the newest, as at a till: those are under way while they change.
        newest = list(self._sales)[-4 if self.hot else -12 :]
        if self.rng.random() < (0.02 if self.hot else 0.4):
            newest = list(self._sales)
        number = self.rng.choice(newest)
        if number in locked:
            return self._sold()
        sale = self._sales[number]
        if number in self._before and self.rng.random() < 0.2:
            return self._before[number]
        changed = replace(
            sale,
            version=self._versioned(),
            plate=sale.plate if self.rng.random() < 0.8 else self._plate(),
            color=self.rng.choice(list(COLORS)),
            quantity=self.rng.randint(1, 12),
            yuan=self._yuan(),
            note=self.rng.choice((None, "续", "补录")),
        )
        return self._mistyped(changed) if self.rng.random() < 0.06 else changed

    def _sold(self) -> Sale:
        self._last += 1
        at = SOLD + timedelta(seconds=self.rng.randrange(20_000_000))
        order = f"XF{self._last:08}"
        if self.habits.doubles and self._sales and self.rng.random() < 0.04:
            order = self._sales[self.rng.choice(list(self._sales)[-200:])].order
        if self.habits.placeholders and self.rng.random() < 0.03:
            order = PLACEHOLDER
        sale = Sale(
            self._last, order, self._plate(), self.rng.choice(list(COLORS)), f"T{self.rng.randrange(5)}",
            self.rng.choice(list(TYPES)), self.rng.randint(0, 12), self.rng.choice(list(PAID)), self._yuan(),
            at.strftime("%Y-%m-%d %H:%M:%S"), (at + timedelta(days=30)).strftime("%Y-%m-%d"), self._versioned(), None,
        )  # fmt: skip
        return self._mistyped(sale) if self.rng.random() < 0.02 else sale

    def _mistyped(self, sale: Sale) -> Sale:
        return replace(sale, color="紫") if self.rng.random() < 0.5 else replace(sale, quantity=-1)

    def _plate(self) -> str:
        return f"粤B{self.rng.randrange(100_000):05}"

    def _yuan(self) -> str:
        return f"{self.rng.randrange(2_000)}.{self.rng.randrange(100):02}"

    def _versioned(self) -> str:
        self._version += 1
        return f"v{self._version}"

    # ---- what is true ------------------------------------------------------------------------------------------------

    def rows(self) -> Iterator[Row]:
        """All rows as the database has them."""
        with closing(self.database.connect()) as db:
            for *cells, created, changed in db.rows():
                sale = Sale(*cells)
                held = {"编号": sale.number, "创建时间": created, "更新时间": changed}
                cursor = tuple(
                    next((held[one] for one in names if held[one] is not None), None) for names in self._cursor
                )
                yield Row(sale, cursor if cursor and cursor[0] is not None else None)

    def truth(self) -> Truth:
        """Of each order number the newest row counts; rows that say the same count as one."""
        groups: dict[str, list[Row]] = {}
        for row in self.rows():
            groups.setdefault(row.sale.identity, []).append(row)
        return Truth(groups)


def _newest(rows: Sequence[Row]) -> list[Sale]:
    """The rows that no other one is newer than: those without a time, and those with the latest one."""
    latest = max((row.cursor for row in rows if row.cursor is not None), default=None)
    return [row.sale for row in rows if row.cursor is None or row.cursor == latest]
