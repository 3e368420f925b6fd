"""The databases that are measured: how each is made fresh, and where gateway, peer and floor find it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final, Protocol

import psycopg

from bench.cluster import Server, running_server
from vipgate.clock import clock_us
from vipgate.store.interfaces.ledger import Retention, Store
from vipgate.store.open import open_store

# As an operator would set them for a machine of this size; what decides about durability stays as it comes.
SERVER_SETTINGS: Final = ("shared_buffers=1GB", "max_wal_size=8GB", "checkpoint_timeout=15min")


class Engine(Protocol):
    """One kind of database."""

    name: str

    @property
    def server_pid(self) -> int | None:
        """The process of the database server; None where there is none."""

    def fresh(self, home: Path) -> AbstractContextManager[str]:
        """An empty database; its URL."""


class Sqlite:
    """A file in the home of the server."""

    name = "SQLite"
    server_pid = None

    @contextmanager
    def fresh(self, home: Path) -> Iterator[str]:
        """See `Engine.fresh`."""
        yield f"sqlite:///{home / 'bench.db'}"


@dataclass
class Postgres:
    """A database of one server that runs as long as the bench does."""

    server: Server
    name: str = "PostgreSQL"

    def __post_init__(self) -> None:
        self._numbers = count(1)

    @property
    def server_pid(self) -> int | None:
        """See `Engine.server_pid`."""
        return None if self.server.process is None else self.server.process.pid

    @contextmanager
    def fresh(self, home: Path) -> Iterator[str]:  # noqa: ARG002 - its home is the server's
        """See `Engine.fresh`."""
        name = f"bench-{next(self._numbers)}"
        url = self.server.make_database(name)
        # What the last run left to be written must not be written during this one.
        with psycopg.connect(self.server.url(), autocommit=True) as db:
            db.execute("CHECKPOINT")
        try:
            yield url
        finally:
            with psycopg.connect(self.server.url(), autocommit=True) as db:
                db.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def engine_named(name: str) -> Iterator[Engine]:
    """The engine called `name`, ready."""
    with ExitStack() as stack:
        yield Sqlite() if name == "sqlite" else Postgres(stack.enter_context(running_server(*SERVER_SETTINGS)))


@contextmanager
def opened(url: str) -> Iterator[Store]:
    """The database, as the operator's commands open it, whether a gateway runs or not."""
    store = open_store(url, clock_us, Retention())
    try:
        yield store
    finally:
        store.close()
