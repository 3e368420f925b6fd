"""What counts as a use of the page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.agent_page import PORT, OpenPage, make_park, open_page


@pytest.fixture
def page(tmp_path: Path) -> OpenPage:
    made = open_page(make_park(tmp_path))
    made.context.usage.last_s = 0.0
    return made


def test_page_and_form_count(page: OpenPage) -> None:
    page.get("/dead")
    assert page.context.usage.last_s > 0
    page.context.usage.last_s = 0.0
    page.post("/language", {"language": "zh"})
    assert page.context.usage.last_s > 0


def test_page_that_reloads_by_itself_does_not_count(page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page.context.job, "is_running", True)
    found = re.search(r'http-equiv="refresh" content="3; url=([^"]+)"', page.get("/dead"))
    assert found
    page.context.usage.last_s = 0.0
    assert page.client.get(found[1]).status_code == 200
    assert page.context.usage.last_s == 0.0


def test_stranger_does_not_count(page: OpenPage) -> None:
    page.client.cookies.clear()
    for path in ("/", "/enter/x", "/static/console.css", f"{page.context.base}/", page.access.link(PORT)):
        page.client.get(path)
    assert page.context.usage.last_s == 0.0
