"""What rounds find is a warning until a later round no longer finds it."""

from __future__ import annotations

import pytest

from vipgate.agent.mapping.replaced import REMEMBERED_MAX
from vipgate.agent.status import MISSED, Status
from vipgate.agent.sync.round_warnings import MISSED_SHOWN_US, RoundWarnings


class Clock:
    """A clock that a test sets."""

    now_us = 1_700_000_000_000_000

    def __call__(self) -> int:
        return self.now_us


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def status() -> Status:
    return Status(at_us=0)


@pytest.fixture
def warnings(status: Status, clock: Clock) -> RoundWarnings:
    return RoundWarnings(status, "changed", clock)


def test_cursor_is_warned_of_for_an_hour_and_until_a_round_misses_nothing(
    status: Status, warnings: RoundWarnings, clock: Clock
) -> None:
    status.sweep.count(MISSED, 2)
    warnings.note_missed(2)
    assert "found 2 changes that changed did not show" in status.warnings["cursor"]
    clock.now_us += MISSED_SHOWN_US
    warnings.end_round()
    assert "cursor" in status.warnings
    warnings.end_round()
    assert status.warnings == {}


def test_warning_of_the_cursor_is_there_for_people_who_look_seldom(
    status: Status, warnings: RoundWarnings, clock: Clock
) -> None:
    warnings.note_missed(1)
    for _ in range(3):
        warnings.end_round()
    clock.now_us += MISSED_SHOWN_US - 1
    warnings.end_round()
    assert "cursor" in status.warnings
    clock.now_us += 1
    warnings.end_round()
    assert status.warnings == {}


def test_rows_that_are_not_compared_are_counted_by_round(status: Status, warnings: RoundWarnings) -> None:
    warnings.note_left(5)
    warnings.note_left(2)
    assert status.warnings["order numbers"].startswith("7 rows have an order number that other rows have, too")
    warnings.end_round()
    assert "order numbers" in status.warnings
    warnings.note_left(3)
    assert status.warnings["order numbers"].startswith("3 rows")
    warnings.end_round()
    warnings.end_round()
    assert status.warnings == {}


def test_numbers_that_may_be_rounded_are_counted_by_round_and_the_first_is_named(
    status: Status, warnings: RoundWarnings
) -> None:
    warnings.note_doubtful([("line 3", "202411050000012000"), ("line 4", "202411050000034000")])
    warnings.note_doubtful([("line 9", "202411050000056000")])
    text = status.warnings["rounded"]
    assert text.startswith(
        "3 long order numbers look rounded beyond the 15th digit, the first is 202411050000012000 (line 3)"
    )
    warnings.end_round()
    assert "rounded" in status.warnings
    warnings.note_doubtful([("line 5", "202411050000012000")])
    assert status.warnings["rounded"].startswith("1 long order numbers")
    warnings.drop_round()
    warnings.end_round()
    assert status.warnings == {}


def test_values_that_no_filter_names_are_counted_by_round(status: Status, warnings: RoundWarnings) -> None:
    warnings.note_unjudged({("状态", "部分退款"): 2})
    warnings.note_unjudged({("状态", "部分退款"): 1, ("类型", "x"): 1})
    text = status.warnings["filters"]
    assert text.startswith(
        "4 rows are not sent because of values that no filter names: 状态 = '部分退款' (3), 类型 = 'x' (1)"
    )
    warnings.end_round()
    assert "filters" in status.warnings
    warnings.note_unjudged({("类型", "x"): 1})
    assert status.warnings["filters"].startswith("1 rows")
    warnings.end_round()
    warnings.end_round()
    assert status.warnings == {}


def test_what_a_round_found_that_was_given_up_counts_no_more(status: Status, warnings: RoundWarnings) -> None:
    warnings.note_left(5)
    warnings.drop_round()
    warnings.end_round()
    assert status.warnings == {}


def test_values_that_no_filter_names_are_bounded_in_a_round(status: Status, warnings: RoundWarnings) -> None:
    for page in range(200):
        warnings.note_unjudged({("状态", f"{page}-{number}"): 1 for number in range(50)})
    assert status.warnings["filters"].startswith("10000 rows are not sent because of values that no filter names: ")
    assert len(status.warnings["filters"]) < 500
    assert len(warnings._unjudged) <= 51


def test_bound_of_remembered_order_numbers_is_said(status: Status, warnings: RoundWarnings) -> None:
    warnings.note_replaced([(f"A{number}", "row 1", "row 2") for number in range(2 * REMEMBERED_MAX)])
    assert status.warnings["plates"].startswith(f"{REMEMBERED_MAX}+ order numbers")
