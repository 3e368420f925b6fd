"""Where a simulated park keeps its rows: a SQLite file, or a database of its own on a real MariaDB."""

# ruff: noqa: S608 - statements of the park's own program
from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from sqlalchemy.engine import make_url

from support.mariadb import connect, run

StampKind = Literal["text", "integer", "seconds", "minutes", "days", "slashes", "letters", "digits", "epoch"]
NUMBERS: Final = ("integer", "epoch")
COLUMNS: Final = (
    "编号", "订单号", "车牌号", "颜色", "套餐", "类型", "数量", "支付方式", "实收", "收费时间", "到期", "收费员", "备注",
    "创建时间", "更新时间",
)  # fmt: skip
NAMES: Final = ", ".join(COLUMNS)
# Other forms of time are texts on MariaDB, too.
MARIADB_TIMES: Final[Mapping[str, str]] = {
    "text": "DATETIME(6)", "seconds": "DATETIME", "minutes": "DATETIME", "days": "DATE", "integer": "BIGINT", "epoch": "BIGINT",
}  # fmt: skip


class Till(Protocol):
    """A connection of the park's own program. Used by one thread at a time."""

    def begin(self) -> None: ...

    def commit(self) -> None: ...

    def write(self, cells: Sequence[object]) -> None:
        """Inserts a row, or replaces the one with its number."""

    def change(self, number: int, version: str, color: str, quantity: int) -> None:
        """Changes a row as a tool does that knows nothing of the time of change."""

    def lock(self) -> None:
        """Locks out everyone else, until `unlock`."""

    def unlock(self) -> None: ...

    def rows(self) -> Iterable[Sequence[Any]]:
        """All rows by number."""

    def close(self) -> None: ...


class ParkDatabase(Protocol):
    """`address`: as the agent's configuration has it. `numbers_rows`: a table without a key has row numbers."""

    address: str
    numbers_rows: bool

    def make(self, kind: StampKind, *, has_key: bool, locks: bool) -> None:
        """Creates the empty table."""

    def connect(self) -> Till: ...


class SqliteDatabase:
    """A file in the agent's folder."""

    address = "sqlite:///park.db"
    numbers_rows = True

    def __init__(self, folder: Path) -> None:
        self._path = folder / "park.db"

    def make(self, kind: StampKind, *, has_key: bool, locks: bool) -> None:
        """See `ParkDatabase.make`."""
        time = "INTEGER" if kind in NUMBERS else "TEXT"
        with closing(sqlite3.connect(self._path)) as db:
            # Only with a rollback journal a writer that locks the database keeps readers out, and readers writers.
            db.execute(f"PRAGMA journal_mode = {'DELETE' if locks else 'WAL'}")
            db.execute(
                f"CREATE TABLE 续费记录 (编号 INTEGER {'PRIMARY KEY' if has_key else ''}, 订单号 TEXT, 车牌号 TEXT, 颜色 TEXT,"
                " 套餐 TEXT, 类型 TEXT, 数量 INTEGER, 支付方式 TEXT, 实收 TEXT, 收费时间 TEXT, 到期 TEXT, 收费员 TEXT, 备注 TEXT,"
                f" 创建时间 {time}, 更新时间 {time})"
            )
            db.execute("CREATE INDEX 更新 ON 续费记录 (更新时间, 编号)")
            db.execute("CREATE UNIQUE INDEX 编号索引 ON 续费记录 (编号)")

    def connect(self) -> Till:
        """See `ParkDatabase.connect`."""
        return _SqliteTill(self._path)


class _SqliteTill:
    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, timeout=10, isolation_level=None)
        # Nobody pulls the park's plug; a slow disk must not make a commit later than the lag allows.
        self._db.execute("PRAGMA synchronous = OFF")

    def begin(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        self._db.execute("COMMIT")

    def write(self, cells: Sequence[object]) -> None:
        changed = ", ".join(f"{one} = excluded.{one}" for one in COLUMNS)
        self._db.execute(
            f"INSERT INTO 续费记录 ({NAMES}) VALUES ({', '.join('?' * len(cells))})"
            f" ON CONFLICT (编号) DO UPDATE SET {changed}",
            cells,
        )

    def change(self, number: int, version: str, color: str, quantity: int) -> None:
        values = (version, color, quantity, number)
        self._db.execute("UPDATE 续费记录 SET 收费员 = ?, 颜色 = ?, 数量 = ? WHERE 编号 = ?", values)

    def lock(self) -> None:
        self._db.execute("BEGIN EXCLUSIVE")

    def unlock(self) -> None:
        self._db.execute("COMMIT")

    def rows(self) -> Iterable[Sequence[Any]]:
        return self._db.execute(f"SELECT {NAMES} FROM 续费记录 ORDER BY 编号").fetchall()

    def close(self) -> None:
        self._db.close()


class MariadbDatabase:
    """A database named `name` on the server of `url`."""

    numbers_rows = False

    def __init__(self, url: str, name: str) -> None:
        run(url, f"DROP DATABASE IF EXISTS `{name}`", f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4")
        self.address = make_url(url).set(database=name).render_as_string(hide_password=False)

    def make(self, kind: StampKind, *, has_key: bool, locks: bool) -> None:
        """See `ParkDatabase.make`. Locked as a whole are tables of MyISAM."""
        time, text = MARIADB_TIMES.get(kind, "VARCHAR(32)"), "VARCHAR(64)"
        texts = ", ".join(f"{one} {text}" for one in COLUMNS[1:-2] if one != "数量")
        key = ", PRIMARY KEY (编号)" if has_key else ""
        run(
            self.address,
            f"CREATE TABLE 续费记录 (编号 BIGINT, {texts}, 数量 INT, 创建时间 {time}, 更新时间 {time}{key},"
            f" UNIQUE 编号索引 (编号), INDEX 更新 (更新时间, 编号)) ENGINE = {'MyISAM' if locks else 'InnoDB'}",
        )

    def connect(self) -> Till:
        """See `ParkDatabase.connect`."""
        return _MariadbTill(self.address)


class _MariadbTill:
    def __init__(self, url: str) -> None:
        self._link = connect(url)

    def _run(self, statement: str, values: Sequence[object] = ()) -> Iterable[Sequence[Any]]:
        with self._link.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall())

    def begin(self) -> None:
        self._run("START TRANSACTION")

    def commit(self) -> None:
        self._run("COMMIT")

    def write(self, cells: Sequence[object]) -> None:
        changed = ", ".join(f"{one} = VALUES({one})" for one in COLUMNS)
        self._run(
            f"INSERT INTO 续费记录 ({NAMES}) VALUES ({', '.join(['%s'] * len(cells))}) ON DUPLICATE KEY UPDATE {changed}",
            cells,
        )

    def change(self, number: int, version: str, color: str, quantity: int) -> None:
        values = (version, color, quantity, number)
        self._run("UPDATE 续费记录 SET 收费员 = %s, 颜色 = %s, 数量 = %s WHERE 编号 = %s", values)

    def lock(self) -> None:
        self._run("LOCK TABLES 续费记录 WRITE")

    def unlock(self) -> None:
        self._run("UNLOCK TABLES")

    def rows(self) -> Iterable[Sequence[Any]]:
        return self._run(f"SELECT {NAMES} FROM 续费记录 ORDER BY 编号")

    def close(self) -> None:
        self._link.close()
