"""A fresh store of each engine for every test of the suite, and a clock that tests set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from vipgate.store.interface import Retention, Store
from vipgate.store.sqlite import SqliteStore

NOON_US = 1_795_492_800_000_000  # 2026-11-24T04:00:00Z, noon in Beijing


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


@pytest.fixture(params=["sqlite"])
def ledger(tmp_path: Path, clock: Clock) -> Iterator[Ledger]:
    retention = Retention(refused_bodies_max=3, refused_bytes_max=10_000)
    made = Ledger(lambda: SqliteStore(tmp_path / "ledger.db", clock, retention), clock)
    yield made
    for store in made.opened:
        store.close()


@pytest.fixture
def store(ledger: Ledger) -> Store:
    return ledger.another()
