"""The mapping's step: columns, codes, filters, questions."""

from __future__ import annotations

import re
import sqlite3
import tomllib
from collections import Counter
from contextlib import closing
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from support.agent_page import OpenPage, make_park, open_page
from vipgate.agent.page.checked import Checked
from vipgate.agent.setup.checks import Finding
from vipgate.agent.setup.rehearsal import RowCounts
from vipgate.protocol.renewal import MEMBERS


@pytest.fixture
def page(tmp_path: Path) -> OpenPage:
    path = make_park(tmp_path, 40)
    with closing(sqlite3.connect(tmp_path / "park.db")) as db:
        db.execute("ALTER TABLE 续费记录 ADD COLUMN 状态 TEXT DEFAULT '已支付'")
        db.execute("UPDATE 续费记录 SET 状态 = '已退款' WHERE 编号 % 10 = 0")
        db.execute("UPDATE 续费记录 SET 卡类型 = '内部车' WHERE 编号 = 5")
        db.commit()
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('unit = "yuan" }', 'unit = "yuan" }   # ? yuan or fen'), encoding="utf-8")
    return open_page(path)


def fields_of(shown: str) -> dict[str, str]:
    """The fields of the form as a browser would send them back."""
    found = dict(re.findall(r'<input name="([^"]+)" value="([^"]*)"', shown))
    for name, options in re.findall(r'<select id="[^"]*" name="([^"]+)".*?>(.*?)</select>', shown, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected>', options)
        found[name] = chosen[1] if chosen else ""
    return {name: unescape(value) for name, value in found.items()}


def written(page: OpenPage) -> dict[str, Any]:
    return tomllib.loads(page.context.config_path.read_text(encoding="utf-8"))


def test_each_member_is_shown_with_values_and_what_would_be_sent(page: OpenPage) -> None:
    shown = page.get("/setup/mapping")
    assert all(f'name="column.{name}"' in shown for name in MEMBERS)
    assert 'P1 ·</span> <span class="value">P2 ·</span> <span class="value">P3</span>' in shown
    assert "内部车 <small>×1</small>" in shown
    assert "30000" in shown
    assert "39 of the first 40 rows can be sent, and 1 would be refused" in shown
    assert "Doubtful guesses: 1." in shown
    assert "yuan or fen" in shown
    assert len(shown.encode()) < 50_000


def test_saving_what_is_shown_changes_nothing(page: OpenPage) -> None:
    before = page.context.config_path.read_text(encoding="utf-8")
    assert page.post("/setup/mapping", fields_of(page.get("/setup/mapping"))) == "/setup/mapping?done=saved"
    assert page.context.config_path.read_text(encoding="utf-8") == before


def test_code_tick_and_filter_are_stored(page: OpenPage) -> None:
    shown = page.get("/setup/mapping")
    fields: dict[str, str | list[str]] = {**fields_of(shown)}
    code = re.search(r'name="(code\.vip_type\.\d+)" aria-label="[^"]*内部车"', shown)
    place = re.search(r'name="filtering" value="(\d+)"', shown)
    assert code
    assert place
    fields |= {code[1]: "0", "ok.pay_value": "1", "filtering": place[1], f"filter.{place[1]}": "已支付", "next": "1"}
    assert page.post("/setup/mapping", fields) == "/setup/preview?done=saved"
    found = written(page)
    assert found["map"]["vip_type"]["codes"] == {"月卡": 1, "内部车": 0}
    assert found["filter"] == [{"column": "状态", "in": ["已支付"], "not_in": ["已退款"]}]
    assert "?" not in page.context.config_path.read_text(encoding="utf-8")
    shown = page.get("/setup/mapping")
    assert "36 of the first 40 rows can be sent, and 0 would be refused" in shown
    fields = {**fields_of(shown), "filtering": place[1], f"filter.{place[1]}": ["已支付", "已退款"]}
    page.post("/setup/mapping", fields)
    assert "filter" not in written(page)


def test_column_constant_unit_and_end_are_stored(page: OpenPage) -> None:
    fields = fields_of(page.get("/setup/mapping"))
    columns = re.findall(r'<option value="(\d+)"[^>]*>([^<]+)</option>', page.get("/setup/mapping"))
    place = {name: number for number, name in columns}
    fields |= {
        "column.operator": place["车牌号"], "column.quantity": "=", "constant.quantity": "2", "unit.pay_value": "fen",
        "end_of_day.renewal_end_time": "true", "column.renewal_start_time": "", "format.pay_time": "%Y-%m-%d %H:%M:%S",
    }  # fmt: skip
    page.post("/setup/mapping", fields)
    found = written(page)["map"]
    assert found["operator"] == "车牌号"
    assert found["quantity"] == {"constant": 2}
    assert found["pay_value"]["unit"] == "fen"
    assert found["renewal_end_time"] == {"column": "结束时间", "end_of_day": True}
    assert "renewal_start_time" not in found
    assert found["pay_time"]["format"] == "%Y-%m-%d %H:%M:%S"


def test_constant_without_a_value_is_marked(page: OpenPage) -> None:
    fields = fields_of(page.get("/setup/mapping")) | {"column.operator": "=", "column.vip_type": "="}
    shown = page.post("/setup/mapping", fields, status=422)
    for name in ("operator", "vip_type"):
        [field] = re.findall(f'<(?:input|select)[^>]* name="constant.{name}"[^>]*>', shown)
        assert f'aria-invalid="true" aria-describedby="constant.{name}-notes"' in field
        assert f'id="constant.{name}-notes"' in shown
    assert shown.count("write the constant") == shown.count(">choose the constant") == 1


def test_required_member_without_a_column_is_refused(page: OpenPage) -> None:
    before = page.context.config_path.read_text(encoding="utf-8")
    shown = page.post("/setup/mapping", {**fields_of(page.get("/setup/mapping")), "column.plate": ""}, status=422)
    assert "the interface wants it" in shown
    assert page.context.config_path.read_text(encoding="utf-8") == before


@pytest.mark.parametrize("place", ["²", "99999", "9" * 5_000, "-1", "x"])
def test_place_of_no_column_is_refused(page: OpenPage, place: str) -> None:
    shown = page.post("/setup/mapping", {"column.operator": place}, status=422)
    assert "choose one of these" in shown


def test_without_a_table_the_source_comes_first(tmp_path: Path) -> None:
    assert open_page(tmp_path / "park.toml").client.get("/").status_code == 403
    page = open_page(tmp_path / "park.toml")
    answer = page.client.get(f"{page.context.base}/setup/mapping")
    assert answer.headers["location"].endswith("/setup/source")


def test_source_that_cannot_be_read_is_said(page: OpenPage) -> None:
    page.context.config_path.with_name("park.db").unlink()
    assert "there is no file" in page.get("/setup/mapping", status=409)
    assert "there is no file" in page.get("/setup/preview", status=409)


def test_order_numbers_that_were_not_rounded_are_said_to_be_right(tmp_path: Path) -> None:
    path = make_park(tmp_path, 1)
    names = "订单号,车牌号,车牌颜色,卡类型,数量,支付方式,金额,支付时间,开始时间,结束时间"
    rows = [
        f"2026011512340{n}{n}000,粤B1234{n},蓝,月卡,1,微信,300.00,2026-01-0{n} 08:00:00,2026-01-0{n},2026-02-0{n}"
        for n in range(1, 9)
    ]
    (tmp_path / "sales.csv").write_text("\n".join([names, *rows]), encoding="utf-8")
    text = path.read_text(encoding="utf-8")
    database = text[text.index("database =") : text.index("[map]")]
    path.write_text(text.replace(database, 'file = "sales.csv"\n\n'), encoding="utf-8")
    page = open_page(path)
    fields = fields_of(page.get("/setup/mapping"))
    assert fields["exact.pay_partner"] == ""
    page.post("/setup/mapping", fields | {"exact.pay_partner": "true"})
    assert written(page)["map"]["pay_partner"] == {"column": "订单号", "exact": True}
    assert fields_of(page.get("/setup/mapping"))["exact.pay_partner"] == "true"
    page.post("/setup/mapping", fields_of(page.get("/setup/mapping")) | {"exact.pay_partner": ""})
    assert written(page)["map"]["pay_partner"] == "订单号"


def test_order_numbers_of_a_database_need_no_such_answer(page: OpenPage) -> None:
    assert "exact.pay_partner" not in page.get("/setup/mapping")


NOTED = """# ? renewal_start_time: no column found
# ? zt has the values 1, 0: which of them are paid renewals; send only these by [[filter]] column = "zt", in = […]
# not used: zt, 编号, 更新时间
# what Li wrote
"""


@pytest.fixture
def noted(tmp_path: Path) -> OpenPage:
    """A park with a number for the kind of the pass and a status, and with what `init` noted."""
    path = make_park(tmp_path, 40)
    with closing(sqlite3.connect(tmp_path / "park.db")) as db:
        for column in ("zt", "klx", "lx"):
            db.execute(f"ALTER TABLE 续费记录 ADD COLUMN {column} TEXT")
        db.execute("UPDATE 续费记录 SET zt = 编号 % 10 != 0, klx = 编号 % 3 + 1, lx = 'x' || (编号 % 3)")
        db.commit()
    text = path.read_text(encoding="utf-8").replace('renewal_start_time = "开始时间"\n', "")
    path.write_text(text.replace("\n[log]", f"{NOTED}\n[log]"), encoding="utf-8")
    return open_page(path)


def place_of(shown: str, column: str) -> str:
    found = re.search(rf'<option value="(\d+)"[^>]*>{column}</option>', shown)
    assert found
    return found[1]


def text_of(page: OpenPage) -> str:
    return page.context.config_path.read_text(encoding="utf-8")


def test_questions_without_a_setting_are_shown_and_counted(noted: OpenPage) -> None:
    shown = noted.get("/setup/mapping")
    assert "Doubtful guesses: 2." in shown
    assert "no column found" in shown
    assert 'name="ok.renewal_start_time"' in shown
    assert "there is no such column: it is not sent" in shown
    noted.post("/setup/mapping", {**fields_of(shown), "ok.renewal_start_time": "1"})
    assert "Doubtful guesses: 1." in noted.get("/setup/mapping")
    assert "renewal_start_time" not in text_of(noted)


def test_required_member_without_a_column_cannot_be_confirmed(page: OpenPage) -> None:
    path = page.context.config_path
    text = text_of(page).replace('pay_partner = "订单号"', 'pay_partner = "?"   # ? no column found')
    path.write_text(text, encoding="utf-8")
    shown = page.get("/setup/mapping")
    assert 'name="ok.pay_partner"' not in shown
    assert "Choose the column of “Order number” above." in shown
    assert "column ? is not there" not in shown
    fields = {**fields_of(shown), "column.pay_partner": place_of(shown, "订单号"), "ok.pay_partner": "1"}
    page.post("/setup/mapping", fields)
    assert 'pay_partner = "订单号"\n' in text_of(page)


def test_status_stays_open_until_it_is_answered(noted: OpenPage) -> None:
    shown = noted.get("/setup/mapping")
    place = place_of(shown, "zt")
    fields: dict[str, str | list[str]] = {**fields_of(shown), "filtering": place, f"filter.{place}": ["1", "0"]}
    noted.post("/setup/mapping", fields)
    assert "# ? zt has" in text_of(noted)
    noted.post("/setup/mapping", {**fields, f"ok.filter.{place}": "1"})
    assert "# ? zt has" not in text_of(noted)
    assert "filter" not in written(noted)


def test_values_that_are_chosen_answer_a_status(noted: OpenPage) -> None:
    place = place_of(noted.get("/setup/mapping"), "zt")
    fields = {**fields_of(noted.get("/setup/mapping")), "filtering": place, f"filter.{place}": "1"}
    noted.post("/setup/mapping", fields)
    assert "# ? zt has" not in text_of(noted)
    assert written(noted)["filter"] == [{"column": "zt", "in": ["1"], "not_in": ["0"]}]


def test_comments_of_init_stay_true_and_those_of_people_stay(noted: OpenPage) -> None:
    shown = noted.get("/setup/mapping")
    noted.post("/setup/mapping", {**fields_of(shown), "column.renewal_start_time": place_of(shown, "开始时间")})
    text = text_of(noted)
    assert "# ? renewal_start_time" not in text
    assert "# not used: 编号, 更新时间, lx\n# what Li wrote\n" in text


def test_other_column_of_numbers_is_asked_about_again(noted: OpenPage) -> None:
    shown = noted.get("/setup/mapping")
    noted.post("/setup/mapping", {**fields_of(shown), "column.vip_type": place_of(shown, "klx"), "ok.vip_type": "1"})
    assert written(noted)["map"]["vip_type"] == "klx"
    shown = noted.get("/setup/mapping")
    assert "Doubtful guesses: 3." in shown
    assert "are they the interface&#39;s codes" in shown
    assert "(as it is: 3 stored times)" in shown
    assert "(as it is: 1 month)" in shown


def test_a_code_for_one_number_keeps_the_meaning_of_the_others(noted: OpenPage) -> None:
    shown = noted.get("/setup/mapping")
    noted.post("/setup/mapping", {**fields_of(shown), "column.vip_type": place_of(shown, "klx")})
    shown = noted.get("/setup/mapping")
    code = re.search(r'name="(code\.vip_type\.\d+)" aria-label="[^"]*: 3"', shown)
    assert code
    noted.post("/setup/mapping", {**fields_of(shown), code[1]: "5", "ok.vip_type": "1"})
    assert written(noted)["map"]["vip_type"] == {"column": "klx", "codes": {"1": 1, "2": 2, "3": 5}}


def test_words_without_a_code_are_said_to_be_refused(noted: OpenPage) -> None:
    shown = noted.get("/setup/mapping")
    noted.post("/setup/mapping", {**fields_of(shown), "column.vip_type": place_of(shown, "lx")})
    shown = noted.get("/setup/mapping")
    assert "not known: x" in shown
    assert "(unknown: refuse these rows)" in shown
    assert "(as it is" not in shown


def test_rows_are_chosen_by_any_column_of_few_values(noted: OpenPage) -> None:
    shown = noted.get("/setup/mapping")
    place = place_of(shown, "lx")
    assert f'name="filtering" value="{place}"' not in shown
    leads = noted.post("/setup/mapping", {**fields_of(shown), "filter_by": place})
    assert leads == f"/setup/mapping?done=saved&filter={place}"
    shown = noted.get(leads)
    assert f'name="filtering" value="{place}"' in shown
    noted.post("/setup/mapping", {**fields_of(shown), "filtering": place, f"filter.{place}": ["x0", "x1"]})
    assert written(noted)["filter"] == [{"column": "lx", "in": ["x1", "x0"], "not_in": ["x2"]}]


@pytest.mark.parametrize(
    ("values", "ticked"),
    [
        # None of the rows looked at has the value that is left out, or any but the one that is sent.
        ('not_in = ["已作废"]', ["已支付", "已退款"]),
        ('not_in = ["已退款"]', ["已支付"]),
        ('in = ["已支付", "已退款", "已付"]', ["已支付", "已退款"]),
        ('in = [" 已支付 "]', ["已支付"]),
    ],
)
def test_filter_that_was_written_by_hand_is_shown_as_it_is_and_stays(
    page: OpenPage, values: str, ticked: list[str]
) -> None:
    path = page.context.config_path
    path.write_text(f'{path.read_text(encoding="utf-8")}\n[[filter]]\ncolumn = "状态"\n{values}\n', encoding="utf-8")
    before = written(page)["filter"]
    shown = page.get("/setup/mapping")
    place = place_of(shown, "状态")
    found = re.findall(rf'name="filter\.{place}" value="([^"]*)" checked', shown)
    assert found == ticked
    assert ("names values that these rows do not have" in shown) == ("已作废" in values or '"已付"' in values)
    page.post("/setup/mapping", {**fields_of(shown), "filtering": place, f"filter.{place}": ticked})
    assert written(page)["filter"] == before


def test_rows_without_a_value_are_judged_with_the_others(page: OpenPage) -> None:
    with closing(sqlite3.connect(page.context.config_path.with_name("park.db"))) as db:
        db.execute("UPDATE 续费记录 SET 状态 = NULL WHERE 编号 = 7")
        db.commit()
    shown = page.get("/setup/mapping")
    assert "(no value) <small>×1</small>" in shown
    place = place_of(shown, "状态")
    page.post("/setup/mapping", {**fields_of(shown), "filtering": place, f"filter.{place}": "已支付"})
    assert written(page)["filter"] == [{"column": "状态", "in": ["已支付"], "not_in": ["已退款", ""]}]


@pytest.mark.parametrize("place", ["999", "-1", "x", "²", "1"])
def test_no_other_place_makes_a_filter(noted: OpenPage, place: str) -> None:
    # The column at place 1 is the order number, which has too many values.
    fields = {**fields_of(noted.get("/setup/mapping")), "filtering": place, f"filter.{place}": "P1"}
    noted.post("/setup/mapping", fields)
    assert "filter" not in written(noted)
    assert f'name="filtering" value="{place}"' not in noted.get(f"/setup/mapping?filter={place}")


def test_row_that_is_sent_comes_first_among_the_values(page: OpenPage) -> None:
    with closing(sqlite3.connect(page.context.config_path.with_name("park.db"))) as db:
        db.execute("UPDATE 续费记录 SET 支付方式 = '银行卡', 数量 = 2")
        db.execute("UPDATE 续费记录 SET 支付方式 = '微信', 数量 = 7 WHERE 编号 = 30")
        db.commit()
    shown = page.get("/setup/mapping?again=1")
    assert '7 ·</span> <span class="value">2</span>' in shown
    assert shown.index("微信 <small>×1") < shown.index("银行卡 <small>×39")
    # The order in which values are shown says nothing about whose code a field is.
    before = text_of(page)
    page.post("/setup/mapping", fields_of(shown))
    assert text_of(page) == before


def test_unused_columns_are_shown_with_their_first_values(noted: OpenPage) -> None:
    assert re.search(r"<li>lx: x\d · x\d · x\d</li>", noted.get("/setup/mapping"))


def test_rows_without_a_value_can_be_ticked(noted: OpenPage) -> None:
    with closing(sqlite3.connect(noted.context.config_path.with_name("park.db"))) as db:
        db.execute("UPDATE 续费记录 SET zt = NULL WHERE 编号 <= 5")
        db.commit()
    shown = noted.get("/setup/mapping")
    place = place_of(shown, "zt")
    assert "(no value) <small>×5</small>" in shown
    fields: dict[str, str | list[str]] = {**fields_of(shown), "filtering": place, f"filter.{place}": ["1", ""]}
    noted.post("/setup/mapping", fields)
    assert written(noted)["filter"] == [{"column": "zt", "in": ["1", ""], "not_in": ["0"]}]
    assert "36 of the first 40 rows can be sent" in noted.get("/setup/mapping")


def test_values_that_the_check_has_met_can_be_answered(noted: OpenPage) -> None:
    path = noted.context.config_path
    path.write_text(text_of(noted) + '\n[[filter]]\ncolumn = "zt"\nin = ["1"]\nnot_in = ["0"]\n', encoding="utf-8")
    counts = RowCounts(unjudged=Counter({("zt", "7"): 3, ("klx", "9"): 1}))
    noted.context.job.result = Checked("", "", "", (Finding("mapping", "", counts=counts),), None, None, "en")
    shown = noted.get("/setup/mapping")
    assert "7 <small>×3</small>" in shown
    place = place_of(shown, "zt")
    noted.post("/setup/mapping", {**fields_of(shown), "filtering": place, f"filter.{place}": "1"})
    [found] = written(noted)["filter"]
    assert (found["in"], sorted(found["not_in"])) == (["1"], ["0", "7"])


def test_quantity_is_asked_about_again_when_the_kinds_are_said(page: OpenPage) -> None:
    with closing(sqlite3.connect(page.context.config_path.with_name("park.db"))) as db:
        db.execute(
            "UPDATE 续费记录 SET 卡类型 = '14', 数量 = 3, 结束时间 = '2026-04-01 23:59:59', 开始时间 = '2026-01-01 00:00:00'"
        )
        db.commit()
    shown = page.get("/setup/mapping?again=1")
    code = re.search(r'name="(code\.vip_type\.\d+)" aria-label="[^"]*14"', shown)
    assert code
    page.post("/setup/mapping", {**fields_of(shown), code[1]: "6"})
    shown = page.get("/setup/mapping")
    assert "quantity 3 of a pass of 3 months, but a period of 3.0 months" in shown
    page.post("/setup/mapping", {**fields_of(shown), "ok.quantity": "1"})
    assert "quantity 3 of a pass" not in page.get("/setup/mapping")
