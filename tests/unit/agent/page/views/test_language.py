"""The switch of the language: to where it leads, and to nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.agent_page import OpenPage, make_park, open_page
from vipgate.agent.page.request import LANGUAGE_COOKIE
from vipgate.agent.page.routes import PAGES
from vipgate.i18n import Language


@pytest.fixture
def page(tmp_path: Path) -> OpenPage:
    return open_page(make_park(tmp_path))


@pytest.mark.parametrize("path", [one.path for one in PAGES if "{" not in one.path])
def test_switch_leads_from_every_page_and_every_answer_to_a_form_to_a_page(page: OpenPage, path: str) -> None:
    leads = page.post("/language", {"next": path, "language": "en"})
    page.get(leads)
    assert leads == "/" or path.startswith(leads) or leads in ("/setup/start", "/setup/platform")


@pytest.mark.parametrize(
    "path",
    ["//evil.example", "https://evil.example", "/setup//evil.example", "/dead/../../..//evil.example", "/setup/x\r\na: b",
     "/dead/1\r\na: b", "/setup/", "/dead/١"],
)  # fmt: skip
def test_switch_leads_to_no_other_place(page: OpenPage, path: str) -> None:
    assert page.post("/language", {"next": path, "language": "en"}) == "/"


@pytest.mark.parametrize(
    ("cookie", "asked", "accept", "shown"),
    [
        (None, None, "en-US,en;q=0.9", "en"), (None, None, "zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"), (None, None, "de", "zh-CN"),
        (None, "zh", "en-US,en;q=0.9", "zh-CN"), (None, "en", "zh-CN", "en"),
        ("en", "zh", "zh-CN", "en"), ("zh", "en", "en", "zh-CN"), ("xx", "zh", "en", "zh-CN"),
    ],
)  # fmt: skip
def test_switch_counts_before_the_variable_and_that_before_the_browser(
    tmp_path: Path, cookie: str | None, asked: Language | None, accept: str, shown: str
) -> None:
    page = open_page(make_park(tmp_path), accept, asked_language=asked)
    if cookie:
        page.client.cookies.set(LANGUAGE_COOKIE, cookie)
    assert f'<html lang="{shown}">' in page.get("/")
    assert f'<html lang="{shown}">' in page.get("/nothing", status=404)
