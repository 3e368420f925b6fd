"""How times are written is read from their values; what a midnight means is told by the start, or asked."""

# ruff: noqa: DTZ001 - the times of a park have no zone
from __future__ import annotations

from datetime import date, datetime

import pytest

from vipgate.agent.mapping.guess_times import end_guess, instants, is_short, is_time, time_form


@pytest.mark.parametrize(
    ("values", "form"),
    [
        (["2022年9月3日", "2022-09-04 08:00", "2022/9/5 8:00:00.1234567"], None),
        ([datetime(2024, 1, 31), date(2024, 1, 31)], None),
        ([1_706_661_000, 1_706_661_001, 0], "s"),
        ([1_706_661_000_000], "ms"),
        (["45322", 45_322.5], "excel"),
        ([19_753], "d"),
        (["20240131"], "%Y%m%d"),
    ],
)
def test_form_is_told_by_the_values(values: list[object], form: str | None) -> None:
    assert time_form(values) == (form, "", False)
    assert is_time(values)


@pytest.mark.parametrize("values", [["31/01/2024"], ["昨天"], [5, 7], ["2024-01-31", "1 Feb"], [2_000_000_000_000_000]])
def test_form_that_is_not_known_is_asked_about(values: list[object]) -> None:
    assert "known form" in time_form(values).doubt or "say it by format" in time_form(values).doubt


@pytest.mark.parametrize(
    ("values", "is_open"),
    [
        (["2024-01-31", "2024-02-01", "审核:"], False),
        (["2024-01-31", "审核:", "打印时间: 2024-02-01"], True),
        (["31/01/2024", "2024-01-31"], False),
        (["31/01/2024"], True),
        ([5, 7], True),
    ],
)
def test_form_is_open_only_where_most_values_have_another(values: list[object], is_open: bool) -> None:
    assert time_form(values).doubt
    assert time_form(values).is_open == is_open


@pytest.mark.parametrize(
    ("start", "end", "end_of_day", "is_open"),
    [
        ("2026-09-01 00:00:00", "2026-09-30 00:00:00", True, False),
        ("2026-09-15 00:00:00", "2026-10-14 00:00:00", True, False),
        ("2026-09-01 00:00:00", "2026-10-01 00:00:00", False, False),
        ("2026-09-01 00:00:00", "2026-09-17 00:00:00", None, True),
        ("2026-09-01 08:00:00", "2026-09-30 00:00:00", None, True),
        (None, "2026-09-30 00:00:00", None, True),
    ],
)
def test_midnight_is_told_by_the_start_or_open(
    start: str | None, end: str, end_of_day: bool | None, is_open: bool
) -> None:
    found = end_guess([end], None, instants([start], None))
    assert found is not None
    assert (found.end_of_day, found.is_open) == (end_of_day, is_open)
    assert "end_of_day" in found.doubt


def test_question_says_how_many_ends_are_midnights() -> None:
    ends = ["2026-09-17 00:00:00", "2026-09-18 00:00:00", "2026-09-30 23:59:59", None]
    found = end_guess(ends, None, [None] * 4)
    assert found is not None
    assert found.doubt.startswith("2 of 3 ends are midnights")


def test_midnight_is_no_question_where_passes_end_at_the_time_of_their_start() -> None:
    ends = ["2026-09-30 10:30:00", "2026-10-02 00:00:00"]
    assert end_guess(ends, None, instants(["2026-08-31 10:30:00", "2026-09-01 00:00:00"], None)) is None
    assert end_guess(ends, None, instants(["2026-08-31 10:31:00", "2026-09-01 00:00:00"], None)) is not None
    assert end_guess(ends[1:], None, instants(["2026-09-01 00:00:00"], None)) is not None


def test_starts_that_differ_leave_the_question_open() -> None:
    starts = instants(["2026-09-01 00:00:00"] * 2, None)
    found = end_guess(["2026-09-30 00:00:00", "2026-10-01 00:00:00"], None, starts)
    assert found is not None
    assert (found.end_of_day, found.is_open) == (None, True)


@pytest.mark.parametrize(
    "end", ["2026-09-30", date(2026, 9, 30), "2026-09-30 23:59:59", datetime(2026, 9, 30, 23, 59, 59), None]
)
def test_end_that_is_no_midnight_is_no_question(end: object) -> None:
    assert end_guess([end], None, [None]) is None


def test_period_of_one_stay_is_too_short_for_a_pass() -> None:
    starts = instants(["2026-09-01 08:00:00", None], None)
    assert is_short(starts, instants(["2026-09-01 10:00:00", "2026-09-02 10:00:00"], None))
    assert not is_short(starts, instants(["2026-09-30 10:00:00", None], None))
    assert not is_short([None], [None])
