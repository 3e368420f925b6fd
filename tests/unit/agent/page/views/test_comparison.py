"""The comparison on the page, with a platform that has digests and with one that has none."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from support.agent_page import OpenPage, make_park, open_page
from vipgate.agent.client import Client
from vipgate.agent.responses import AccessDenied


@pytest.fixture
def page(tmp_path: Path) -> OpenPage:
    return open_page(make_park(tmp_path))


def ended(page: OpenPage) -> str:
    for _ in range(600):
        if not page.context.job.is_running:
            break
        time.sleep(0.05)
    return page.get("/compare")


def test_platform_without_digests_is_said(page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Client, "ask", lambda *_: AccessDenied("404", "no", ""))
    page.post("/compare")
    assert "has no digest path" in ended(page)


def test_differences_are_listed_and_repaired(page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(_: Client, members: dict[str, Any]) -> dict[str, Any]:
        if "wanted" in members:
            return {"records": [], "next": None}
        return {"buckets": []} if "buckets" in members else {"months": []}

    monkeypatch.setattr(Client, "ask", answer)
    page.post("/compare")
    shown = ended(page)
    assert "9 are missing on the platform" in shown
    assert "P1" in shown
    page.post("/compare", {"repair": "1"})
    assert "9 records were given to the agent" in ended(page)
    spool = page.spool()
    assert spool.backlog()[0] == 9
    spool.close()
    assert page.context.job.rows >= 9
