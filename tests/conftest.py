"""The order of the tests: those in a browser come last, whose loop would be in the way of others."""

from __future__ import annotations

from pathlib import Path

import pytest

BROWSER = Path(__file__).parent / "browser"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Playwright holds the loop of its thread from the first of these tests to the end of the run."""
    items.sort(key=lambda item: BROWSER in item.path.parents)
