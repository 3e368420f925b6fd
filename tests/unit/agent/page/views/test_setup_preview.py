"""The preview: what would be sent, and what would be refused."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

from support.agent_page import make_park, open_page


def test_ten_records_and_the_refused_rows_are_shown(tmp_path: Path) -> None:
    path = make_park(tmp_path, 40)
    with closing(sqlite3.connect(tmp_path / "park.db")) as db:
        db.execute("UPDATE 续费记录 SET 金额 = '<free>' WHERE 编号 = 3")
        db.commit()
    shown = open_page(path).get("/setup/preview")
    assert "39 can be sent, 1 would be refused" in shown
    assert "&lt;free&gt;" in shown
    assert shown.rpartition("<tbody>")[2].count("<tr><td") == 10
    assert "P1<" in shown
    assert "month</span><br>" in shown
    assert '300.00</span> <span class="tight">yuan</span><br>' in shown
    # Neither the time nor what is sent is broken within a date.
    assert '<span class="tight">2026-01-02</span> <span class="tight">08:00:00</span><br>' in shown
    assert '<span class="tight">2026-01-01</span><wbr><span class="tight">T16:00:00Z</span>' in shown


def test_rows_that_are_left_out_or_stand_behind_another_are_counted(tmp_path: Path) -> None:
    path = make_park(tmp_path, 40)
    with closing(sqlite3.connect(tmp_path / "park.db")) as db:
        db.execute("UPDATE 续费记录 SET 卡类型 = '作废' WHERE 编号 <= 4")
        # The same content under the same order number as row 18.
        db.execute("UPDATE 续费记录 SET 订单号 = 'P18' WHERE 编号 = 27")
        db.commit()
    with path.open("a", encoding="utf-8") as file:
        file.write('\n[[filter]]\ncolumn = "卡类型"\nin = ["月卡"]\n')
    page = open_page(path)
    shown = page.get("/setup/preview")
    assert "Of the first 40 rows of the source 35 can be sent, 0 would be refused." in shown
    assert "The filters leave out 4" in shown
    assert "1 have the order number of another row" in shown
    page.post("/language", {"language": "zh"})
    assert "过滤条件排除 4 行" in page.get("/setup/preview")


def test_members_without_a_column_are_named_with_a_link(tmp_path: Path) -> None:
    path = make_park(tmp_path)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('plate = "车牌号"', 'plate = "?"'), encoding="utf-8")
    page = open_page(path)
    shown = page.get("/setup/preview", status=409)
    assert f'no column is chosen for them: <a href="{page.context.base}/setup/mapping#row-plate">Plate</a></p>' in shown
    assert "column ?" not in shown


def test_source_without_rows_is_said_to_have_none(tmp_path: Path) -> None:
    page = open_page(make_park(tmp_path, 0))
    for path in ("/setup/preview", "/setup/mapping"):
        shown = page.get(path)
        assert "The source has no rows yet" in shown
        assert "note good" not in shown


def test_without_filters_none_is_said_to_be_left_out(tmp_path: Path) -> None:
    shown = open_page(make_park(tmp_path)).get("/setup/preview")
    assert "leave out" not in shown
    assert "of another row" not in shown


def test_rows_refused_for_one_reason_are_one_line_with_their_number(tmp_path: Path) -> None:
    path = make_park(tmp_path, 200)
    with closing(sqlite3.connect(tmp_path / "park.db")) as db:
        db.execute("UPDATE 续费记录 SET 支付方式 = '银行卡' WHERE 编号 > 76")
        db.execute("UPDATE 续费记录 SET 车牌号 = '' WHERE 编号 = 3")
        db.commit()
    page = open_page(path)
    shown = page.get("/setup/preview")
    assert "75 can be sent, 125 would be refused" in shown
    refused = re.findall(r'<tr><td class="n"[^>]*>([\d,]+)</td>', shown)
    assert refused == ["124", "1"]
    assert shown.count("银行卡") == 1
    assert f'href="{page.context.base}/setup/mapping"' in shown.partition("银行卡")[2].partition("</section>")[0]


def test_what_a_person_compares_comes_first(tmp_path: Path) -> None:
    shown = open_page(make_park(tmp_path)).get("/setup/preview").rpartition("<thead>")[2].partition("</thead>")[0]
    assert re.findall(r'scope="col">([^<]+)<', shown)[:8] == [
        "Order number", "Plate", "Money paid", "Paid at", "Valid from", "Valid until", "Kind of pass", "Quantity",
    ]  # fmt: skip
