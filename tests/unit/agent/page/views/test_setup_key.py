"""A table without a key: a person names the columns that identify a row."""

from __future__ import annotations

import sqlite3
import tomllib
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from support.agent_page import OpenPage, make_park, open_page

COLUMNS = {"编号": "0", "订单号": "1", "车牌号": "2"}


@pytest.fixture
def page(tmp_path: Path) -> OpenPage:
    path = make_park(tmp_path)
    with closing(sqlite3.connect(tmp_path / "park.db")) as db:
        db.execute("CREATE VIEW 续费 AS SELECT * FROM 续费记录")
        db.commit()
    text = path.read_text(encoding="utf-8")
    text = text.replace('table = "续费记录"\ncursor = ["更新时间", "编号"]\n', 'table = "续费"\n')
    path.write_text(text, encoding="utf-8")
    return open_page(path)


def source(page: OpenPage) -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads(page.context.config_path.read_text(encoding="utf-8"))["source"]
    return found


def test_key_is_asked_for_stored_and_gives_a_cursor(page: OpenPage) -> None:
    assert "has no primary key" in page.get("/setup/mapping")
    shown = page.get("/setup/key")
    assert "Never the same in two of the first rows: 编号 · 订单号" in shown
    assert page.post("/setup/key", {"key": COLUMNS["编号"]}) == "/setup/mapping?done=saved"
    assert source(page)["key"] == ["编号"]
    assert source(page)["cursor"] == ["更新时间", "编号"]
    assert "Columns that identify a row: 编号" in page.get("/setup/mapping")
    assert 'name="key" value="0" checked' in page.get("/setup/key")
    page.post("/setup/key", {})
    assert "key" not in source(page)


def test_columns_that_do_not_identify_a_row_are_refused(page: OpenPage) -> None:
    shown = page.post("/setup/key", {"key": "3"}, status=422)
    assert "several rows have 车牌颜色=蓝" in shown
    assert 'value="3" checked' in shown
    assert "key" not in source(page)


def test_table_with_a_key_is_not_asked(tmp_path: Path) -> None:
    assert "has no primary key" not in open_page(make_park(tmp_path)).get("/setup/mapping")


def test_key_is_of_a_database_only(tmp_path: Path) -> None:
    path = make_park(tmp_path)
    (tmp_path / "a.csv").write_text("订单号\nP1\n", encoding="utf-8")
    text = path.read_text(encoding="utf-8")
    text = text.replace(
        'database = "sqlite:///park.db"\ntable = "续费记录"\ncursor = ["更新时间", "编号"]', 'file = "a.csv"'
    )
    path.write_text(text, encoding="utf-8")
    page = open_page(path)
    assert page.client.get(f"{page.context.base}/setup/key").status_code == 303
    assert "has no primary key" not in page.get("/setup/mapping")
