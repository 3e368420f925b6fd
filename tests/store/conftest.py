"""A fresh store of each engine for every test of the suite, and a clock that tests set.

PostgreSQL is a real server (tests/conftest.py). Its tests run twice: with the statements for many parks, and with those for
one park each that Citus gets. Only a real cluster knows whether it takes them; VIPGATE_TEST_CITUS names the coordinator of one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.postgres_database import emptied
from support.store_database import RETENTION, Clock, Ledger, spread
from vipgate.store.interfaces.ledger import Store
from vipgate.store.postgres.store import PostgresStore
from vipgate.store.sqlite.store import SqliteStore

ENGINES = [
    "sqlite",
    "postgres",
    "postgres, a park at a time",
    *(["citus"] if "VIPGATE_TEST_CITUS" in os.environ else []),
]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=ENGINES)
def ledger(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Ledger]:
    engine = str(request.param)
    if engine == "sqlite":
        made = Ledger(lambda: SqliteStore(tmp_path / "ledger.db", clock, RETENTION), clock)
    else:
        url = emptied(
            os.environ["VIPGATE_TEST_CITUS"] if engine == "citus" else request.getfixturevalue("postgres_url")
        )
        if engine != "postgres":
            spread(url, real=engine == "citus")
        made = Ledger(lambda: PostgresStore(url, clock, RETENTION), clock)
    yield made
    for store in made.opened:
        store.close()


@pytest.fixture
def store(ledger: Ledger) -> Store:
    return ledger.another()
