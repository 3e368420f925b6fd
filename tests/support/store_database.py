"""A clock that tests set, and a database of either engine that can be opened again, as another process would."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import psycopg

from support.citus_stub import stand_in
from vipgate.store.interfaces.ledger import Retention, Store
from vipgate.store.postgres.pool import ConnectionPool
from vipgate.store.postgres.schema import distribute, migrate

NOON_US = 1_795_492_800_000_000  # 2026-11-24T04:00:00Z, noon in Beijing
RETENTION = Retention(rejected_bodies_max=3, rejected_bytes_max=10_000)


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


def spread(url: str, *, real: bool) -> None:
    """Distributes the ledger at `url`, on plain PostgreSQL as far as its statements go."""
    if not real:
        with psycopg.connect(url, autocommit=True) as db:
            stand_in(db, wanted=True)
    link = ConnectionPool(url, 1)
    migrate(link)
    assert distribute(link)
    link.close()
