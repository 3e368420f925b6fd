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
    assert "month<br>" in shown
    assert "300.00 yuan<br>" in shown
    assert "2026-01-02 08:00:00</time><br>" in shown


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
