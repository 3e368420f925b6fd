"""A read API over a real SQLite database with two parks in it, and tokens of every kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.api_app import Platform, fill, opened
from support.store_database import Clock


@pytest.fixture
def url(memory_path: Path) -> str:
    return f"sqlite:///{memory_path / 'ledger.db'}"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def platform(url: str, clock: Clock) -> Iterator[Platform]:
    """Two parks, and nothing in them."""
    with opened(url, clock) as made:
        yield made


@pytest.fixture
def stocked(platform: Platform) -> Platform:
    """Sixty records in each park, one of them replaced twice, and a refused request."""
    return fill(platform)
