"""How a park is doing, by its counters: one case a row."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vipgate.domain.park_health import Health, Mark, by_park, park_health
from vipgate.store.interfaces.ledger import Park, business_day
from vipgate.store.interfaces.queries import DailyAnswers

NOON_US = 1_795_492_800_000_000  # 2026-11-24T04:00:00Z, noon in Beijing
TODAY = business_day(NOON_US)
HOUR_US = 3_600_000_000
# From the first business day's midnight to this noon, where the park is older than that.
WINDOW_S = 13.5 * 86_400

PARK = Park(
    park_uuid="p",
    name="",
    enabled=True,
    generation=1,
    records=0,
    secret_changed_us=0,
    has_previous_secret=False,
    secret_used=None,
    secret_used_us=None,
    last_push_us=NOON_US - HOUR_US,
    allow_list=(),
    rate_per_minute=None,
    created_us=0,
)


def answers(ago: int, code: str, requests: int, park_uuid: str | None = "p") -> DailyAnswers:
    return DailyAnswers(day=TODAY - ago, park_uuid=park_uuid, code=code, requests=requests, received=requests)


def health(*days: DailyAnswers, quiet_h: float | None = 1, **changes: object) -> Health:
    last_push_us = None if quiet_h is None else NOON_US - round(quiet_h * HOUR_US)
    return park_health(replace(PARK, last_push_us=last_push_us, **changes), days, NOON_US)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("quiet_h", "pushes", "marks"),
    [
        (None, 0, {"never"}),
        (1, 0, set()),
        (12, 0, set()),
        (12.1, 0, {"silent"}),
        (12, 1000, set()),
        (12.1, 1000, {"silent"}),
        (12.1, 24, set()),  # 12 hours and a half until then: 37 are allowed
        (36, 24, set()),  # 12 hours until then: 36 are allowed
        (36.1, 24, {"silent"}),
        (240, 1, set()),  # one push in 14 days, 84 hours after their beginning: 252 are allowed
        (253, 1, {"silent"}),
        (-1, 27, set()),
    ],
)
def test_park_is_silent_when_quiet_longer_than_a_night_and_three_usual_gaps(
    quiet_h: float | None, pushes: int, marks: set[Mark]
) -> None:
    assert health(answers(3, "1001", pushes), quiet_h=quiet_h).marks == marks


@pytest.mark.parametrize(
    ("days", "gap_s"),
    [
        ([], None),
        ([answers(0, "400", 5)], None),
        ([answers(14, "1001", 5)], None),
        ([answers(13, "1001", 5)], (WINDOW_S - 3600) / 5),
        ([answers(0, "1001", 2), answers(5, "1001", 1), answers(5, "400", 9)], (WINDOW_S - 3600) / 3),
    ],
)
def test_usual_gap_is_that_of_stored_pushes_in_two_weeks(days: list[DailyAnswers], gap_s: float | None) -> None:
    assert health(*days).usual_gap_s == gap_s


def test_time_before_a_park_was_there_is_no_gap() -> None:
    assert health(answers(0, "1001", 2), created_us=NOON_US - 3 * HOUR_US).usual_gap_s == 3600


@pytest.mark.parametrize("pushes", [1, 3, 500])
def test_park_that_sent_its_snapshot_and_fell_silent_is_silent_although_it_never_did_otherwise(pushes: int) -> None:
    began_us = NOON_US - 61 * HOUR_US
    assert health(answers(2, "1001", pushes), quiet_h=60, created_us=began_us).marks == {"silent"}


@pytest.mark.parametrize(
    ("days", "share", "rejected"),
    [
        ([], 0, False),
        ([answers(0, "1001", 27), answers(0, "400", 3)], 0.1, True),
        ([answers(0, "1001", 28), answers(0, "400", 3)], 3 / 31, False),
        ([answers(0, "1001", 2), answers(0, "400", 2)], 0.5, False),
        ([answers(1, "1001", 7), answers(0, "400", 1), answers(0, "403", 1), answers(0, "413", 1)], 0.3, True),
        ([answers(1, "1001", 996), answers(0, "400", 4)], 0.004, True),
        ([answers(1, "1001", 997), answers(0, "400", 2)], 2 / 999, False),
        ([answers(1, "1001", 995), answers(0, "400", 4), answers(0, "1001", 1)], 0.004, False),
        ([answers(0, "429", 50), answers(0, "503", 50)], 0, False),
        ([answers(2, "400", 50), answers(0, "1001", 1)], 0, False),
    ],
)
def test_park_is_rejected_by_share_of_two_days_or_by_the_whole_newest_day(
    days: list[DailyAnswers], share: float, rejected: bool
) -> None:
    found = health(*days)
    assert found.rejected_share == pytest.approx(share)
    assert ("rejected" in found.marks) is rejected


@pytest.mark.parametrize(
    ("has_previous", "used", "marks"),
    [(True, "previous", {"old_secret"}), (True, "current", set()), (True, None, set()), (False, "previous", set())],
)
def test_old_secret_is_one_that_was_replaced_and_used_last(
    has_previous: bool, used: str | None, marks: set[Mark]
) -> None:
    assert health(has_previous_secret=has_previous, secret_used=used).marks == marks


def test_disabled_park_misses_nothing() -> None:
    found = health(answers(0, "400", 9), quiet_h=None, enabled=False, has_previous_secret=True, secret_used="previous")
    assert found.marks == {"disabled"}


def test_answers_of_strangers_are_no_parks() -> None:
    ours, others = answers(0, "400", 1), answers(0, "400", 1, "q")
    assert by_park([ours, others, answers(0, "401", 9, None), ours]) == {"p": [ours, ours], "q": [others]}
