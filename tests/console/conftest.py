"""A console over a real SQLite database, a browser without a screen for it, and a clock that tests set."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.console_app import Build, House
from support.store_database import Clock
from vipgate.admin.console.app import build_console
from vipgate.admin.console.context import ConsoleSettings
from vipgate.store.async_pool import DatabasePool
from vipgate.store.interfaces.ledger import Retention
from vipgate.store.open_database import open_database
from vipgate.support.vault import Vault


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A database with nothing in it but its tables: to make them takes longer than most tests."""
    path = tmp_path_factory.mktemp("empty") / "vipgate.db"
    open_database(f"sqlite:///{path}", Clock(), Retention()).close()
    return path.read_bytes()


@pytest.fixture
def build(memory_path: Path, empty_database: bytes) -> Iterator[Build]:
    """Builds a console; `secure=True` is one behind TLS."""
    open_things: list[Callable[[], None]] = []

    def made(*, secure: bool = False, charge_types_allow_private: bool = False) -> House:
        clock = Clock()
        url = f"sqlite:///{memory_path / 'vipgate.db'}"
        (memory_path / "vipgate.db").write_bytes(empty_database)
        database = open_database(url, clock, Retention())
        databases = DatabasePool(lambda: open_database(url, clock, Retention()), 2)
        vault = Vault("k" * 32)
        runner = asyncio.Runner()
        settings = ConsoleSettings(secure=secure, charge_types_allow_private=charge_types_allow_private)
        app = build_console(databases, vault, settings, clock, secrets.token_urlsafe)
        house = House(database, app, clock, vault, runner, secure)
        open_things.extend((databases.close, database.close, runner.close))
        return house

    yield made
    for close in open_things:
        close()


@pytest.fixture
def house(build: Build) -> House:
    return build()
