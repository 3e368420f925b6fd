"""The comparison on the page, with a platform that has digests and with one that has none."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from support.agent_page import OpenPage, make_park, open_page
from vipgate.agent.client import Client
from vipgate.agent.reconcile import BUCKETS
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


def test_records_on_the_platform_alone_are_told_apart(page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    """P1 is left out by a filter, P2 cannot be sent, P99 is not in the source."""
    path = page.context.config_path
    with closing(sqlite3.connect(path.with_name("park.db"))) as db:
        db.execute("UPDATE 续费记录 SET 支付方式 = '退款' WHERE 编号 = 1")
        db.execute("UPDATE 续费记录 SET 金额 = '-1' WHERE 编号 = 2")
        db.commit()
    with path.open("a", encoding="utf-8") as file:
        file.write('\n[[filter]]\ncolumn = "支付方式"\nnot_in = ["退款"]\n')
    month = {"month": "2026-01", "count": 1, "pay_value": 1, "digest": "0" * 16}

    def answer(_: Client, members: dict[str, Any]) -> dict[str, Any]:
        if "wanted" in members:
            return {"records": [[order, "0" * 16] for order in ("P1", "P2", "P99")], "next": None}
        if "buckets" in members:
            return {"buckets": [{**month, "bucket": number} for number in range(BUCKETS)]}
        return {"months": [month]}

    monkeypatch.setattr(Client, "ask", answer)
    page.post("/compare")
    shown = ended(page)
    assert "1 have a row at the source that a filter leaves out" in shown
    assert "1 have a row at the source that cannot be sent now" in shown
    assert "1 are no longer at the source" in shown
