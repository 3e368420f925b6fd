"""A fresh store of each engine for every test of the suite, and a clock that tests set.

PostgreSQL is a real server (tests/conftest.py). Its tests run twice: with the statements for many parks, and with those for
one park each that Citus gets. Only a real cluster knows whether it takes them; VIPGATE_TEST_CITUS names the coordinator of one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from servers import emptied
from store.citus import stand_in
from vipgate.store.interfaces.ledger import Retention, Store
from vipgate.store.postgres.pool import ConnectionPool
from vipgate.store.postgres.schema import distribute, migrate
from vipgate.store.postgres.store import PostgresStore
from vipgate.store.sqlite.store import SqliteStore

NOON_US = 1_795_492_800_000_000  # 2026-11-24T04:00:00Z, noon in Beijing
RETENTION = Retention(refused_bodies_max=3, refused_bytes_max=10_000)
ENGINES = [
    "sqlite",
    "postgres",
    "postgres, a park at a time",
    *(["citus"] if "VIPGATE_TEST_CITUS" in os.environ else []),
]


@dataclass(slots=True)
class Clock:
    """A clock that stands still until a test moves it."""

    now_us: int = NOON_US

    def __call__(self) -> int:
        return self.now_us

    def forward(self, seconds: float) -> None:
        self.now_us += round(seconds * 1_000_000)


@dataclass(slots=True)
class Ledger:
    """One database and how to open it again, as another process would."""

    open: Callable[[], Store]
    clock: Clock
    opened: list[Store] = field(default_factory=list)

    def another(self) -> Store:
        store = self.open()
        self.opened.append(store)
        return store


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


def spread(url: str, *, real: bool) -> None:
    """Distributes the ledger at `url`, on plain PostgreSQL as far as its statements go."""
    if not real:
        with psycopg.connect(url, autocommit=True) as db:
            stand_in(db, wanted=True)
    link = ConnectionPool(url, 1)
    migrate(link)
    assert distribute(link)
    link.close()


@pytest.fixture
def store(ledger: Ledger) -> Store:
    return ledger.another()
