"""What the checks of a configuration find."""

from __future__ import annotations

from pathlib import Path

import pytest

from vipgate.agent.mapping.reader import Page
from vipgate.agent.models import Rejection
from vipgate.agent.setup.checks import QUESTIONS_MAX, check_mapping, check_questions, unencrypted_remedy
from vipgate.agent.setup.rehearsal import RowCounts


@pytest.mark.parametrize(
    ("url", "warns"),
    [
        ("http://platform.example", True), ("http://10.0.0.7:8080/gate", True), ("http://[2001:db8::1]/", True),
        ("HTTP://platform.example", True), ("http://localhost.example", True), ("http://u:p@platform.example", True),
        ("https://platform.example", False), ("http://127.0.0.1:8080", False), ("http://localhost:8080", False),
        ("http://[::1]:8080", False),
    ],
)  # fmt: skip
def test_plain_http_is_warned_of_unless_it_stays_on_the_machine(url: str, warns: bool) -> None:
    assert ("https" in unencrypted_remedy(url)) == warns


def counted(page: Page, rows: int) -> RowCounts:
    counts = RowCounts()
    counts.add(page, rows)
    return counts


def test_order_numbers_that_may_be_rounded_are_a_warning() -> None:
    page = Page([], [], [], doubtful=[("line 3", "202411050000012000"), ("line 4", "202411050000034000")])
    [_, found] = check_mapping(counted(page, 2))
    assert found.is_warning
    assert found.found.startswith(
        "2 long order numbers look rounded beyond the 15th digit, the first is 202411050000012000 (line 3)"
    )
    assert len(list(check_mapping(RowCounts()))) == 1


def test_open_questions_of_the_file_are_warnings_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "park.toml"
    path.write_text('[map]\nplate = "car"   # ? is this the column\n# ? pay_time: no column found\n', encoding="utf-8")
    found = list(check_questions(path))
    assert [one.found for one in found] == [
        "line 2 asks: plate: is this the column?",
        "line 3 asks: pay_time: no column found?",
    ]
    assert all(one.is_warning and one.remedy for one in found)


def test_many_questions_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "park.toml"
    path.write_text("# ? x\n" * (QUESTIONS_MAX + 7), encoding="utf-8")
    found = list(check_questions(path))
    assert len(found) == QUESTIONS_MAX + 1
    assert found[-1].found == "7 more questions are not answered"


def rejected(place: int, reason: str) -> Rejection:
    return Rejection(str(place), None, str(place), reason)


def test_rows_with_one_fault_are_one_finding_and_no_row_is_left_out_in_silence() -> None:
    dead = [rejected(1, "plate: empty"), *(rejected(place, "pay_type: 银行卡") for place in range(2, 126))]
    _, most, one = check_mapping(counted(Page([], [], dead), 200))
    assert most.found.startswith("124 rows, the first is ")
    assert most.found.endswith("pay_type: 银行卡")
    assert one.found.endswith("1: plate: empty")
    dead = [rejected(place, f"fault {place % 7}") for place in range(70)]
    found = list(check_mapping(counted(Page([], [], dead), 200)))
    assert len(found) == 1 + 5 + 1
    assert found[-1].found == "20 more rows cannot be sent"


def test_values_that_no_filter_names_are_a_warning() -> None:
    page = Page([], [], [], unjudged={("状态", "部分退款"): 2, ("状态", "x"): 5})
    [_, found] = check_mapping(counted(page, 9))
    assert found.is_warning
    # There the guide explains filters.
    assert found.remedy == "see the guide, “The file”"
    assert found.found.startswith(
        "7 rows are not sent because of values that no filter names: 状态 = 'x' (5), 状态 = '部分退款' (2)"
    )
