"""The next step after an answer: waiting, trying with one request, halving, giving up on a row."""

from __future__ import annotations

import pytest

from vipgate.agent.sync.retry import (
    BARE_REJECTIONS_MAX,
    RETRY_S_MAX,
    PlatformState,
    halves,
    part_refused,
    retry_delay_s,
)


@pytest.mark.parametrize(
    ("failures", "chance", "asked", "wanted"),
    [
        (1, 1.0, None, 0.5),
        (1, 0.0, None, 0.25),
        (2, 1.0, None, 1.0),
        (5, 1.0, None, 8.0),
        (50, 1.0, None, RETRY_S_MAX),
        (10_000, 0.0, None, RETRY_S_MAX / 2),
        (1, 1.0, 30.0, 30.0),
        (9, 1.0, 2.0, RETRY_S_MAX),
    ],
)
def test_pause_doubles_within_bounds_and_is_never_shorter_than_asked(
    failures: int, chance: float, asked: float | None, wanted: float
) -> None:
    assert retry_delay_s(failures, chance, asked) == wanted


def test_broken_line_is_tried_with_one_request_and_all_slots_come_back_with_it() -> None:
    line = PlatformState()
    assert line.free_slots(0.0, 1, 4) == 3
    line.record_failure(10.0, 1.0, "gone")
    assert line.free_slots(10.4, 0, 4) == 0
    assert line.free_slots(10.6, 0, 4) == 1
    assert line.free_slots(10.6, 1, 4) == 0
    line.accepts()
    assert line.free_slots(10.6, 1, 4) == 3


def test_requests_that_fail_together_count_as_one_failure() -> None:
    line = PlatformState()
    for _ in range(4):
        line.record_failure(10.0, 1.0, "gone")
    assert (line.failures, line.until_s) == (1, 10.5)
    line.record_failure(11.0, 1.0, "gone")
    assert line.failures == 2


def test_shut_platform_is_asked_seldom_and_named_as_something_to_mend() -> None:
    line = PlatformState()
    line.record_access_denied(0.0, 0.5, "401")
    assert line.is_mending
    assert line.free_slots(29.0, 0, 4) == 0
    assert line.free_slots(31.0, 0, 4) == 1


def test_platform_that_refuses_every_row_is_not_believed_for_ever() -> None:
    line = PlatformState()
    for _ in range(BARE_REJECTIONS_MAX - 1):
        line.record_bare_rejection(0.0, 0.5, "400")
    assert not line.is_mending
    line.accepts()
    for _ in range(BARE_REJECTIONS_MAX):
        line.record_bare_rejection(0.0, 0.5, "400")
    assert line.is_mending


def test_refusals_that_were_in_flight_do_not_open_a_platform_that_refuses_every_row() -> None:
    line = PlatformState()
    for _ in range(BARE_REJECTIONS_MAX):
        line.record_bare_rejection(0.0, 0.5, "400")
    line.record_ok()
    assert line.is_mending
    assert line.free_slots(29.0, 0, 4) == 0
    # Asked again half a minute later it refuses one row more: not twenty are risked to see that nothing has changed.
    line.record_ok()
    line.record_bare_rejection(31.0, 0.5, "400")
    assert line.free_slots(32.0, 0, 4) == 0
    line.accepts()
    assert (line.is_mending, line.free_slots(32.0, 0, 4)) == (False, 4)


@pytest.mark.parametrize(
    ("rows", "named", "refused", "rest"),
    [
        ("abc", [1], "b", ["ac"]),
        ("abc", [2, 0], "ac", ["b"]),
        ("a", [0], "a", []),
        ("a", [], "a", []),
        ("ab", [], "", ["a", "b"]),
        ("abcde", [], "", ["abc", "de"]),
        ("ab", [7], "", ["a", "b"]),
    ],
)
def test_refused_rows_are_parted_from_those_that_go_on(
    rows: str, named: list[int], refused: str, rest: list[str]
) -> None:
    assert part_refused(rows, named) == (list(refused), [list(part) for part in rest])


def test_halves_lose_nothing() -> None:
    for count in range(2, 20):
        first, second = halves(range(count))
        assert [*first, *second] == list(range(count))
        assert first
        assert second
