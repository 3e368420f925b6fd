"""The order of the tests: those in a browser come last, whose loop would be in the way of others. Folders in memory.

And PostgreSQL: a real server, made from the pip package unless VIPGATE_TEST_POSTGRES names another one's test database.
Tests that kill a server, fill it up or set it otherwise make their own.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.cluster import running_server

from servers import emptied

BROWSER = Path(__file__).parent / "browser"
MEMORY = Path("/dev/shm")  # noqa: S108 - nothing but a new folder of our own is made there


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Playwright holds the loop of its thread from the first of these tests to the end of the run."""
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
