"""Of several rows of one record the newest counts; where none is newer, both are named."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from vipgate.agent.config import parse_config
from vipgate.agent.mapping.reader import Reader
from vipgate.agent.sources.base import CursorValue, SourceRow
from vipgate.protocol.batch import ROWS_MAX

COLUMNS = ["order", "plate", "color"]
CONFIG: dict[str, Any] = {
    "platform": {"url": "http://127.0.0.1", "park_uuid": "p", "secret": "s"},
    "source": {"file": "x.csv"},
    "map": {
        "pay_partner": "order", "plate": "plate", "plate_color": {"column": "color", "codes": {"蓝": 1}},
        "charge_type": {"constant": "A"}, "vip_type": {"constant": 1}, "quantity": {"constant": 1}, "pay_type": {"constant": 1},
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "good", "wrong"),
    [
        ([("1", "A", "蓝"), ("2", "B", "蓝")], ["1 A", "2 B"], []),
        ([("1", "A", "蓝"), ("1", "A", "蓝")], ["1 A"], []),
        ([("1", "A", "蓝"), ("1", "B", "蓝")], ["1 A"], ["row 2"]),
        ([("1", "A", "蓝"), ("1", "B", "紫")], ["1 A"], ["row 2"]),
        ([("1", "A", "紫"), ("1", "B", "蓝")], ["1 B"], ["row 1"]),
        ([("1", "", "蓝"), ("1", "B", "紫"), ("2", "C", "蓝")], ["2 C"], ["1", "row 2"]),
    ],
)
@pytest.mark.parametrize("cursor", [None, ("2026-01-01", 1)])
def test_rows_that_share_an_order_number_are_both_named(
    rows: list[tuple[str, str, str]], good: list[str], wrong: list[str], cursor: CursorValue | None
) -> None:
    reader = Reader(parse_config(CONFIG, Path("x.toml")), COLUMNS, "en")
    page = reader.read(SourceRow(f"row {number}", row, cursor) for number, row in enumerate(rows, 1))
    assert [f"{one.pay_partner} {one.plate}" for one in page.renewals] == good
    assert [one.pay_partner for one in page.ready] == [one.partition(" ")[0] for one in good]
    assert [one.identity for one in page.dead] == wrong
    for one in page.dead[len(wrong) - sum("row" in name for name in wrong) :]:
        assert "order number 1 is also that of row" in one.reason


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1)])
def test_newest_row_of_a_record_counts_in_any_order(order: tuple[int, ...]) -> None:
    reader = Reader(parse_config(CONFIG, Path("x.toml")), COLUMNS, "en")
    page = reader.read(SourceRow(f"row {at}", ("1", f"V{at}", "蓝"), ("2026-01-01", at)) for at in order)
    assert [one.plate for one in page.renewals] == ["V3"]
    assert page.dead == []


@pytest.mark.parametrize(
    ("cursors", "good", "wrong", "passed"),
    [
        # A conflict of two is over once a third is newer than both.
        ([("t1", 1), ("t1", 1), ("t2", 1)], "V3", [], ["row 1", "row 2"]),
        ([("t2", 1), ("t1", 1), ("t2", 1)], "V1", ["row 3"], ["row 2"]),
        # A row without a time is neither older nor newer.
        ([None, ("t1", 1), ("t2", 1)], "V1", ["row 3"], ["row 2"]),
        ([("t1", 1), None, ("t2", 1)], "V2", ["row 3"], ["row 1"]),
        ([None, None, None], "V1", ["row 2", "row 3"], []),
    ],
)
def test_of_several_rows_each_is_sent_named_or_passed(
    cursors: list[CursorValue | None], good: str, wrong: list[str], passed: list[str]
) -> None:
    reader = Reader(parse_config(CONFIG, Path("x.toml")), COLUMNS, "en")
    page = reader.read(
        SourceRow(f"row {number}", ("1", f"V{number}", "蓝"), cursor) for number, cursor in enumerate(cursors, 1)
    )
    assert [one.plate for one in page.renewals] == [good]
    assert [one.identity for one in page.dead] == wrong
    assert page.passed == passed


def test_more_rows_than_a_request_may_hold_are_read() -> None:
    """All rows of a repeated order number come in one page."""
    reader = Reader(parse_config(CONFIG, Path("x.toml")), COLUMNS, "en")
    numbers = range(1, ROWS_MAX + 2)
    rows = [SourceRow(f"row {number}", (str(number), "A", "蓝"), None) for number in numbers]
    page = reader.read(rows)
    assert [one.pay_partner for one in page.renewals] == [str(number) for number in numbers]
    assert page.dead == []


CUT = [f"20241105{number:07}000" for number in range(1, 8)]


def reader_of(**changes: Any) -> Reader:
    order = {"column": "order", **changes.pop("order", {})}
    config = {**CONFIG, "map": {**CONFIG["map"], "pay_partner": order}, **changes}
    return Reader(parse_config(config, Path("x.toml")), COLUMNS, "en")


def rows_of(orders: Sequence[str]) -> list[SourceRow]:
    return [SourceRow(f"line {place}", (order, f"V{place}", "蓝")) for place, order in enumerate(orders, 2)]


def test_row_whose_order_number_a_spreadsheet_rounded_is_refused_with_place_value_and_remedy() -> None:
    page = reader_of().read(rows_of([*CUT, "A1", "202411050000003"]))
    assert [one.pay_partner for one in page.ready] == ["A1", "202411050000003"]
    assert [(one.identity, one.pay_partner, one.place) for one in page.dead] == [
        (f"line {place}", None, f"line {place}") for place in range(2, 9)
    ]
    reason = page.dead[0].reason
    assert reason.startswith("order: a spreadsheet or a program has rounded the long numbers of this column")
    assert "make the column a text" in reason
    assert "exact = true in map.pay_partner" in reason
    assert CUT[0] in reason
    assert page.doubtful == []


def test_two_sales_under_one_rounded_number_are_each_refused() -> None:
    page = reader_of().read(rows_of([*CUT, CUT[0], CUT[0]]))
    assert len(page.dead) == len(CUT) + 2
    assert all("a spreadsheet or a program has rounded" in one.reason for one in page.dead)


def test_last_page_of_a_rounded_file_is_refused_too_until_the_file_is_read_again() -> None:
    reader = reader_of()
    reader.read(rows_of(CUT))
    assert len(reader.read(rows_of(CUT[:1])).dead) == 1
    reader.start_scan()
    assert len(reader.read(rows_of(CUT[:1])).ready) == 1


def test_numbers_that_may_have_been_rounded_are_sent_and_named() -> None:
    page = reader_of().read(rows_of(["A1", "202411050000012000", "202411050000034000"]))
    assert (len(page.ready), page.dead) == (3, [])
    assert page.doubtful == [("line 3", "202411050000012000"), ("line 4", "202411050000034000")]
    assert page.without({"A1"}).doubtful == page.doubtful


@pytest.mark.parametrize(
    "changes",
    [{"order": {"exact": True}}, {"source": {"database": "sqlite:///x.db", "table": "t"}}],
    ids=["exact", "database"],
)
def test_number_is_believed_that_a_person_vouches_for_or_a_database_holds(changes: dict[str, Any]) -> None:
    page = reader_of(**changes).read(rows_of(CUT))
    assert (len(page.ready), page.dead, page.doubtful) == (len(CUT), [], [])
