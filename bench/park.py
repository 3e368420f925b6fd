"""A car park's own database, made for the bench: its table has Chinese columns, local times and money in yuan."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from bench.records import SECRET

_TABLE: Final = """
CREATE TABLE 续费记录 (
    编号 INTEGER PRIMARY KEY, 订单号 TEXT NOT NULL, 车牌号 TEXT NOT NULL, 颜色 TEXT NOT NULL, 卡号 TEXT, 套餐 TEXT NOT NULL,
    类型 TEXT NOT NULL, 数量 INTEGER NOT NULL, 支付方式 TEXT NOT NULL, 实收 REAL NOT NULL, 收费时间 TEXT NOT NULL,
    开始时间 TEXT NOT NULL, 结束时间 TEXT NOT NULL, 收费员 TEXT, 更新时间 TEXT NOT NULL
);
CREATE INDEX 更新 ON 续费记录 (更新时间, 编号);
"""
_INSERT: Final = "INSERT INTO 续费记录 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_BEGIN: Final = datetime(2024, 1, 1, tzinfo=UTC)
_FORMAT: Final = "%Y-%m-%d %H:%M:%S"
_COLORS: Final = ("蓝", "黄", "绿")
_TYPES: Final = ("月租", "季卡", "年卡")

CONFIG: Final = """
[platform]
url = "http://127.0.0.1:{port}"
park_uuid = "{park_uuid}"
secret = "{secret}"

[source]
database = "sqlite:///park.db"
table = "续费记录"
cursor = ["更新时间", "编号"]
lag_s = {lag_s}
poll_s = 1
time_zone = "Asia/Shanghai"

[map]
plate = "车牌号"
plate_color = {{ column = "颜色", codes = {{ "蓝" = 1, "黄" = 2, "绿" = 5 }}, default = -1 }}
card_no = "卡号"
charge_type = "套餐"
vip_type = {{ column = "类型", codes = {{ "月租" = 1, "季卡" = 6, "年卡" = 5 }} }}
quantity = "数量"
pay_partner = "订单号"
pay_type = {{ column = "支付方式", codes = {{ "现金" = 1, "微信" = 2 }} }}
pay_value = {{ column = "实收", unit = "yuan" }}
pay_time = {{ column = "收费时间", format = "%Y-%m-%d %H:%M:%S" }}
renewal_start_time = {{ column = "开始时间", format = "%Y-%m-%d %H:%M:%S" }}
renewal_end_time = {{ column = "结束时间", format = "%Y-%m-%d %H:%M:%S" }}
operator = "收费员"
"""


def make_park(folder: Path, records: int) -> Path:
    """The database with so many renewals, one a minute, in `folder`."""
    path = folder / "park.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.executescript(_TABLE)
        with db:
            db.executemany(_INSERT, _rows(1, records))
    return path


def insert_now(path: Path, number: int) -> str:
    """One more renewal, sold now; its order number."""
    [row] = _rows(number, 1)
    now = datetime.now(UTC) + timedelta(hours=8)
    with closing(sqlite3.connect(path, timeout=30)) as db, db:
        db.execute(_INSERT, (*row[:-1], now.strftime("%Y-%m-%d %H:%M:%S.%f")))
    return str(row[1])


def write_config(folder: Path, port: int, park_uuid: str, *, lag_s: float) -> Path:
    """The agent's configuration for this park."""
    path = folder / "agent.toml"
    path.write_text(CONFIG.format(port=port, park_uuid=park_uuid, secret=SECRET, lag_s=lag_s), encoding="utf-8")
    # There is a secret in it: the agent would say that others may read it.
    path.chmod(0o600)
    return path


def _rows(first: int, count: int) -> Iterator[tuple[object, ...]]:
    for number in range(first, first + count):
        sold = _BEGIN + timedelta(minutes=number)
        day = sold.replace(hour=0, minute=0)
        yield (
            number, f"XF{number:012}", f"粤B{number * 7919 % 100_000:05}", _COLORS[number % 3], f"ID{number:08}",
            f"TYPE_{number % 5}", _TYPES[number % 3], 1 + number % 3, ("现金", "微信")[number % 2], (30_000 + number % 9_000) / 100,
            sold.strftime(_FORMAT), day.strftime(_FORMAT), (day + timedelta(days=30)).strftime(_FORMAT), f"收费员{number % 20}",
            sold.strftime(_FORMAT),
        )  # fmt: skip
