"""Markers by kind of test, the order of the tests, folders in memory, PostgreSQL and MariaDB.

PostgreSQL is a real server from the pip package, unless VIPGATE_TEST_POSTGRES names a test database of another one.
MariaDB is Debian's, unless VIPGATE_TEST_MARIADB names a test database of another one; its user may create users.
Tests that kill a server, fill it up or change its settings start their own.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.cluster import running_server

from support import mariadb as mariadb_server
from support.postgres_database import emptied
from vipgate.support import address_masking

TESTS = Path(__file__).parent
BROWSER = TESTS / "browser"
LONGEST = BROWSER / "test_every_page.py"
# What `make test` leaves out, by folder or file.
MARKERS = {
    "browser": "browser", "e2e": "process", "fuzz": "soak", "model": "soak", "simulator": "soak", "torture": "soak",
    "unit/agent/test_client.py": "process", "unit/agent/test_prometheus.py": "process",
}  # fmt: skip
# Fixtures that are a database server.
SERVERS = {"postgres_url": "postgres", "server": "postgres", "mariadb_url": "mariadb"}
# Tests compare English texts, whatever the language of the machine is.
os.environ["VIPGATE_LANGUAGE"] = "en"
MEMORY = Path("/dev/shm")  # noqa: S108 - nothing but a new folder of our own is made there


def pytest_itemcollected(item: pytest.Item) -> None:
    """Marks a test by its kind, before pytest selects by marks."""
    path = item.path.relative_to(TESTS)
    kinds = {MARKERS.get(path.parts[0]), MARKERS.get(path.as_posix())}
    kinds |= {SERVERS.get(name) for name in getattr(item, "fixturenames", ())}
    kinds |= {kind for kind in ("postgres", "mariadb") if kind in item.name}
    kinds |= {"postgres"} if "citus" in item.name else set()
    for kind in kinds - {None}:
        item.add_marker(str(kind))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sorts browser tests to the end: Playwright holds the loop of its thread until the run ends. Of them the longest is first."""
    items.sort(
        key=lambda item: (BROWSER in item.path.parents) + (BROWSER in item.path.parents and item.path != LONGEST)
    )


@pytest.fixture(autouse=True)
def no_learned_secrets() -> None:
    """A password that an earlier test gave is not masked in this one: it may be an ordinary word."""
    address_masking._learned.clear()


@pytest.fixture
def memory_path() -> Iterator[Path]:
    """A folder where a database need not wait for a disk, if there is such: for tests of what is done with a database."""
    with tempfile.TemporaryDirectory(prefix="vipgate-test-", dir=MEMORY if MEMORY.is_dir() else None) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A database for tests, emptied before each."""
    given = os.environ.get("VIPGATE_TEST_POSTGRES")
    if given:
        yield given
        return
    with running_server() as server:
        yield server.make_database("vipgate-test")


@pytest.fixture
def postgres(postgres_url: str) -> str:
    """An empty database on a real PostgreSQL."""
    return emptied(postgres_url)


@pytest.fixture(scope="session")
def mariadb_url() -> Iterator[str]:
    """A database on a real MariaDB for tests, emptied before each."""
    given = os.environ.get("VIPGATE_TEST_MARIADB")
    if given:
        yield given
        return
    with mariadb_server.running_server() as server:
        yield server.url("vipgate_test")


@pytest.fixture
def mariadb(mariadb_url: str) -> str:
    """An empty database on a real MariaDB."""
    return mariadb_server.emptied(mariadb_url)
