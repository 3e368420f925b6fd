"""A park's own database for the agent's tests: on SQLite, and on a real PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from bench.cluster import Server, running_server

from vipgate.agent.config import SourceConfig
from vipgate.agent.sources.base import Source
from vipgate.agent.sources.open import open_source

TABLE = "续费记录"


@dataclass(slots=True)
class Park:
    """A park's own database, with a table of renewals, and a way to write it."""

    url: str
    base: Path
    run: Callable[[str], Any]
    is_sqlite: bool

    def open(self, **settings: Any) -> Source:
        if "query" not in settings:
            settings.setdefault("table", TABLE)
        return open_source(SourceConfig(database=self.url, **settings), base=self.base)

    def insert(self, key: int, when: datetime | None, plate: str = "粤B12345") -> None:
        shown = "NULL" if when is None else f"'{when.isoformat(sep=' ', timespec='microseconds')}'"
        self.run(f"INSERT INTO 续费记录 VALUES ({key}, {shown}, '{plate}', 300.50)")  # noqa: S608

    def fill(self, rows: int) -> None:
        if self.is_sqlite:
            numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) SELECT"  # noqa: S608
            when = "datetime(1700000000 + i / 3, 'unixepoch')"
        else:
            numbers = f"WITH n AS (SELECT generate_series(1, {rows}) AS i) SELECT"
            when = "timestamp '2023-11-14 22:13:20' + (i / 3) * interval '1 second'"
        self.run(f"INSERT INTO 续费记录 {numbers} i, {when}, '粤B' || i, 300.5 FROM n")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_server() as one:
        yield one


@pytest.fixture(params=["sqlite", "postgres"])
def park(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Park]:
    made = "CREATE TABLE 续费记录 (编号 INTEGER PRIMARY KEY, 更新时间 {time}, 车牌 TEXT, 金额 NUMERIC(10, 2))"
    if request.param == "sqlite":
        db = sqlite3.connect(tmp_path / "停车场.db", isolation_level=None, timeout=0, check_same_thread=False)
        db.execute(made.format(time="TEXT"))
        yield Park("sqlite:///停车场.db", tmp_path, db.execute, is_sqlite=True)
        db.close()
        return
    server: Server = request.getfixturevalue("server")
    name = f"park-{tmp_path.parent.name}-{tmp_path.name}"[:60]
    url = server.make_database(name)
    with psycopg.connect(url, autocommit=True) as link:
        link.execute(made.format(time="TIMESTAMP"))
        yield Park(url, tmp_path, link.execute, is_sqlite=False)


@pytest.fixture
def sqlite_park(tmp_path: Path) -> Iterator[Park]:
    db = sqlite3.connect(tmp_path / "park.db", isolation_level=None, timeout=0)
    yield Park("sqlite:///park.db", tmp_path, db.execute, is_sqlite=True)
    db.close()
