"""Markers by kind of test, the order of the tests, folders in memory, and PostgreSQL.

PostgreSQL is a real server from the pip package, unless VIPGATE_TEST_POSTGRES names a test database of another one.
Tests that kill a server, fill it up or change its settings start their own.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.cluster import running_server

from servers import emptied

TESTS = Path(__file__).parent
BROWSER = TESTS / "browser"
# What `make test` leaves out, by folder.
MARKERS = {
    "browser": "browser", "e2e": "process", "fuzz": "soak", "model": "soak", "simulator": "soak", "torture": "soak",
}  # fmt: skip
MEMORY = Path("/dev/shm")  # noqa: S108 - nothing but a new folder of our own is made there


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks each test by its kind. Browser tests come last: Playwright holds the loop of its thread until the run ends."""
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0]
        if folder in MARKERS:
            item.add_marker(MARKERS[folder])
        if "postgres_url" in getattr(item, "fixturenames", ()) or "postgres" in item.name or "citus" in item.name:
            item.add_marker("postgres")
    items.sort(key=lambda item: BROWSER in item.path.parents)


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
