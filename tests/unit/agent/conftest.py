"""A park's own database for the agent's tests: on SQLite, and on a real PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from bench.cluster import Server, running_server

from support.park_database import Park


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
