"""A park's own database, written to while an agent reads it: sold, changed, changed back, mistyped, fixed, committed late.

What the ledger must hold in the end is told here from the columns alone, without the agent's mapping.
"""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Final, Literal

from simulator.events import Events
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
COLUMNS: Final = "编号, 订单号, 车牌号, 颜色, 套餐, 类型, 数量, 支付方式, 实收, 收费时间, 到期, 收费员, 备注, 更新时间"
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
StampKind = Literal["text", "integer"]


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
        return self.color not in COLORS or self.quantity < 0

    def renewal(self) -> Renewal:
        """As the contract wants it."""
        sold = datetime.strptime(self.sold, "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING)
        ends = datetime.strptime(self.ends, "%Y-%m-%d").replace(tzinfo=BEIJING)
        yuan, fen = self.yuan.split(".")
        return Renewal(
            self.order, self.plate, COLORS[self.color], None, None, self.plan, TYPES[self.kind], self.quantity,
            PAID[self.paid], None, int(sold.timestamp()) * 1000, None, int(ends.timestamp()) * 1_000_000,
            int(yuan) * 100 + int(fen), self.version, None if self.note is None else f'{{"note":"{self.note}"}}', 0,
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


@dataclass(slots=True)
class Truth:
    """What the source says: good records, and the order numbers of which the row that counts is bad."""

    good: dict[str, Renewal] = field(default_factory=dict)
    bad: set[str] = field(default_factory=set)


class Park:
    """The database and the one who writes to it.

    `doubles`: one order number may stand in two rows. `hot`: little is sold, changed a few times in a row, and then left
    alone for good: so that an older version which arrives late stays to be seen.
    """

    def __init__(
        self, folder: Path, seed: int, stamp_kind: StampKind, events: Events, *, doubles: bool, hot: bool = False
    ) -> None:
        self.path = folder / "park.db"
        self.rng = random.Random(f"park {seed}")
        self.stamp_kind = stamp_kind
        self.doubles, self.hot = doubles, hot
        # Every good version that was ever committed: a record that was mistyped later may be there in any of them.
        self.versions: dict[str, list[Renewal]] = {}
        # The longest that a commit took from its time on.
        self.latest_s = 0.0
        self._events = events
        self._sales: dict[int, Sale] = {}
        self._before: dict[int, Sale] = {}
        self._stamps: dict[int, int] = {}
        self._late: list[Late] = []
        self._last = 0
        self._version = 0
        self._stop = threading.Event()
        self._writer: threading.Thread | None = None
        self._failed: list[BaseException] = []
        with closing(self._connect()) as db:
            db.execute("PRAGMA journal_mode = WAL")
            kind = "TEXT" if stamp_kind == "text" else "INTEGER"
            db.execute(
                "CREATE TABLE 续费记录 (编号 INTEGER PRIMARY KEY, 订单号 TEXT, 车牌号 TEXT, 颜色 TEXT, 套餐 TEXT, 类型 TEXT,"
                " 数量 INTEGER, 支付方式 TEXT, 实收 TEXT, 收费时间 TEXT, 到期 TEXT, 收费员 TEXT, 备注 TEXT,"
                f" 更新时间 {kind} NOT NULL)"
            )
            db.execute("CREATE INDEX 更新 ON 续费记录 (更新时间, 编号)")

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=10, isolation_level=None)
        # Nobody pulls the park's plug; a slow disk must not make a commit later than the lag allows.
        db.execute("PRAGMA synchronous = OFF")
        return db

    # ---- writing -----------------------------------------------------------------------------------------------------

    def stock(self, rows: int) -> None:
        """What is there before the agent comes, changed last within the hour before."""
        now_us = time.time_ns() // 1000
        with closing(self._connect()) as db:
            db.execute("BEGIN")
            for place in range(rows):
                self._write(db, self._sold(), now_us - (rows - place) * 3_600_000_000 // (rows + 1))
            db.execute("COMMIT")
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
            with closing(self._connect()) as db:
                while not self._stop.wait(self.rng.choice((0.002, 0.01, 0.03, 0.06))):
                    self._commit_due(db, time.monotonic())
                    self._trade(db)
                self._commit_due(db, float("inf"))
        except BaseException as error:
            self._failed.append(error)
            raise

    def _trade(self, db: sqlite3.Connection) -> None:
        """One transaction: a few rows, at times many; one in four is committed late."""
        rows = self.rng.choice((1, 1, 2) if self.hot else (1, 1, 1, 1, 1, 2, 3, 8, 150))
        sales = list({one.number: one for one in (self._next() for _ in range(rows))}.values())
        stamp_us = max(time.time_ns() // 1000, *(self._stamps.get(one.number, 0) + 1000 for one in sales))
        if self.rng.random() < 0.25:
            self._late.append(Late(time.monotonic() + self.rng.uniform(0.02, LATE_S_MAX), stamp_us, sales))
        else:
            self._commit(db, sales, stamp_us)

    def _commit_due(self, db: sqlite3.Connection, now_s: float) -> None:
        due, self._late = (
            [one for one in self._late if one.due_s <= now_s],
            [one for one in self._late if one.due_s > now_s],
        )
        for one in due:
            # This thread came too late, which the park's program never does: as if it had begun only now.
            now_us = time.time_ns() // 1000
            stale = now_us - one.stamp_us > STALE_S * 1_000_000
            self._commit(db, one.sales, now_us if stale else one.stamp_us)

    def _commit(self, db: sqlite3.Connection, sales: Iterable[Sale], stamp_us: int) -> None:
        db.execute("BEGIN IMMEDIATE")
        for sale in sales:
            self._write(db, sale, stamp_us)
        db.execute("COMMIT")
        late_s = time.time() - stamp_us / 1e6
        self.latest_s = max(self.latest_s, late_s)
        keys = {one.order: f"编号={one.number} {one.version}{' bad' if one.is_bad else ''}" for one in sales}
        self._events.add("park", f"commits {self._stamp(stamp_us)}, {late_s:.3f} s late", keys)

    def _write(self, db: sqlite3.Connection, sale: Sale, stamp_us: int) -> None:
        if sale.number in self._sales:
            self._before[sale.number] = self._sales[sale.number]
        self._sales[sale.number] = sale
        self._stamps[sale.number] = stamp_us
        if not sale.is_bad:
            self.versions.setdefault(sale.order, []).append(sale.renewal())
        cells = (*sale.cells(), self._stamp(stamp_us))
        db.execute(f"INSERT OR REPLACE INTO 续费记录 ({COLUMNS}) VALUES ({', '.join('?' * len(cells))})", cells)  # noqa: S608

    def _stamp(self, instant_us: int) -> str | int:
        if self.stamp_kind == "integer":
            return instant_us // 1000
        return datetime.fromtimestamp(instant_us / 1e6, BEIJING).strftime("%Y-%m-%d %H:%M:%S.%f")

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
        if self.doubles and self._sales and self.rng.random() < 0.04:
            order = self._sales[self.rng.choice(list(self._sales)[-200:])].order
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

    def rows(self) -> Iterator[Sale]:
        """All rows as the database has them, in the order of the cursor."""
        with closing(self._connect()) as db:
            for *cells, _ in db.execute(f"SELECT {COLUMNS} FROM 续费记录 ORDER BY 更新时间, 编号"):  # noqa: S608
                yield Sale(*cells)

    def truth(self) -> Truth:
        """Of each order number the last row counts."""
        last = {sale.order: sale for sale in self.rows()}
        return Truth(
            {order: sale.renewal() for order, sale in last.items() if not sale.is_bad},
            {order for order, sale in last.items() if sale.is_bad},
        )
