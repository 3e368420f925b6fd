"""What a cursor's values mean, kind by kind: how coarse they are, where the position may stand, and what is refused."""

# ruff: noqa: DTZ001 - the times of a park have no zone
from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from vipgate.agent.sources.cursor_kind import COUNTER, DAY_S, MINUTE_S, SECOND_S, CursorKind, cursor_kind
from vipgate.agent.sources.postgres_time import InfiniteTimestamp
from vipgate.errors import UsageError

BEIJING = ZoneInfo("Asia/Shanghai")
BASE = datetime(2026, 9, 9, 8, 0, 0)
BASE_S = 1_788_912_000.0
SECONDS = [BASE + timedelta(seconds=one) for one in (0, 1, 3, 61, 3_600, 7_200)]
MINUTES = [BASE + timedelta(minutes=one) for one in (0, 1, 5, 60, 61, 300)]
DAYS = [datetime(2026, 9, 9) + timedelta(days=one) for one in range(6)]


def kind_of(samples: Sequence[object], zone: ZoneInfo = BEIJING) -> CursorKind:
    kind = cursor_kind(samples, "changed", zone)
    assert kind is not None
    return kind


def texts(form: str, moments: Sequence[datetime]) -> list[object]:
    return [one.strftime(form) for one in moments]


@pytest.mark.parametrize(
    ("samples", "grain_s", "first_s"),
    [
        (SECONDS, SECOND_S, BASE_S),
        ([one + timedelta(milliseconds=3) for one in SECONDS], SECOND_S, BASE_S + 0.003),
        (MINUTES, MINUTE_S, BASE_S),
        (DAYS, DAY_S, BASE_S - 8 * 3_600),
        ([one.date() for one in DAYS], DAY_S, BASE_S - 8 * 3_600),
        ([one.replace(tzinfo=UTC) for one in SECONDS], SECOND_S, BASE_S + 8 * 3_600),
        (texts("%Y-%m-%d %H:%M:%S", SECONDS), SECOND_S, BASE_S),
        (texts("%Y-%m-%d %H:%M:%S.%f", SECONDS), SECOND_S, BASE_S),
        (texts("%Y-%m-%dT%H:%M:%S", SECONDS), SECOND_S, BASE_S),
        (texts("%Y/%m/%d %H:%M:%S", SECONDS), SECOND_S, BASE_S),
        (texts("%Y.%m.%d %H:%M:%S", SECONDS), SECOND_S, BASE_S),
        (texts("%Y%m%d%H%M%S", SECONDS), SECOND_S, BASE_S),
        (texts("%Y-%m-%d %H:%M", MINUTES), MINUTE_S, BASE_S),
        (texts("%Y/%m/%d %H:%M", MINUTES), MINUTE_S, BASE_S),
        (texts("%Y-%m-%d", DAYS), DAY_S, BASE_S - 8 * 3_600),
        (texts("%Y/%m/%d", DAYS), DAY_S, BASE_S - 8 * 3_600),
        (texts("%Y%m%d", DAYS), DAY_S, BASE_S - 8 * 3_600),
        ([int(BASE_S) + one for one in range(6)], SECOND_S, BASE_S),
        ([int(BASE_S + one) * 1_000 + 1 for one in range(6)], SECOND_S, BASE_S + 0.001),
        ([int(BASE_S + one) * 1_000_000 + 1 for one in range(6)], SECOND_S, BASE_S + 1e-6),
        ([BASE_S + one for one in range(6)], SECOND_S, BASE_S),
        ([Decimal(int(BASE_S) + one) for one in range(6)], SECOND_S, BASE_S),
        ([int(one) for one in map(str, texts("%Y%m%d%H%M%S", SECONDS))], SECOND_S, BASE_S),
        ([int(one) for one in map(str, texts("%Y%m%d", DAYS))], DAY_S, BASE_S - 8 * 3_600),
    ],
    ids=lambda one: repr(one[0]) if isinstance(one, list) else None,
)
def test_times_of_each_kind_are_read_with_their_grain(samples: list[object], grain_s: float, first_s: float) -> None:
    kind = kind_of(samples)
    assert kind.is_time
    assert kind.grain_s == grain_s
    first = kind.moment(samples[0])
    assert first == pytest.approx(first_s, abs=1e-3 if grain_s == SECOND_S else 0)
    assert kind.value_at is not None
    # A position is compared with the column by the database: it has the column's type, and does not lie after the moment.
    position = kind.value_at(BASE_S + 90_061.0)
    assert type(position) in {type(samples[0]), int}
    reached = kind.moment(position)
    assert reached is not None
    assert 0 <= BASE_S + 90_061.0 - reached <= kind.grain_s


@pytest.mark.parametrize(
    "samples",
    [
        [1, 2, 3, 900], [10**18], [-5, 7], [Decimal(12), Decimal(13)], [b"\0\0\0\1", b"\0\0\0\2"], [0, 0],
        [20_261_399, 20_261_398],
    ],
)  # fmt: skip
def test_numbers_that_only_grow_are_no_times(samples: list[object]) -> None:
    kind = kind_of(samples)
    assert kind is COUNTER
    assert kind.moment(samples[0]) is None


@pytest.mark.parametrize(
    "samples", [[], [None, None], ["", "  "], ["0000-00-00 00:00:00"], [InfiniteTimestamp("infinity")]]
)
def test_nothing_is_known_without_values(samples: list[object]) -> None:
    assert cursor_kind(samples, "changed", BEIJING) is None


@pytest.mark.parametrize(
    "text",
    [
        "9/9/2026 8:00:00", "2026-9-9 8:00:00", "09.09.2026", "2026年09月09日", "9 Sep 2026", "8:00", "changed", "2026-09-09 8:00",
        "2026-09-09 08:00:00+08:00", "2026-09-09T08:00:00Z",
    ],
)  # fmt: skip
def test_text_whose_order_is_not_that_of_time_is_refused_with_a_remedy(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        cursor_kind([text] * 6, "changed", BEIJING)
    assert "changed" in str(refused.value)
    assert text in str(refused.value)
    assert "leave the cursor out" in str(refused.value)


@pytest.mark.parametrize("value", [True, clock_time(8), timedelta(hours=8), UUID(int=1), [1]])
def test_other_types_are_refused(value: object) -> None:
    with pytest.raises(UsageError, match="the order of changed is not that of time"):
        cursor_kind([value], "changed", BEIJING)


def test_few_odd_values_do_not_decide() -> None:
    kind = kind_of([*texts("%Y-%m-%d %H:%M:%S", SECONDS * 4), "", None, "soon"])
    assert kind.grain_s == SECOND_S
    assert kind.moment("soon") is None
    # SQLite holds several types in one column.
    assert kind_of([*texts("%Y-%m-%d %H:%M:%S", SECONDS), 5]).is_time


@pytest.mark.parametrize("found", [SECONDS[:1], SECONDS[:4], [SECONDS[0]] * 50])
def test_of_few_different_times_the_widest_grain_is_assumed(found: list[object]) -> None:
    assert kind_of(found).grain_s == DAY_S


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York", "UTC", "Pacific/Kiritimati"])
@pytest.mark.parametrize(
    "odd",
    [datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999_999), datetime(2099, 1, 1), datetime(1900, 1, 1)],
)
@pytest.mark.parametrize("form", [None, "%Y-%m-%d %H:%M:%S", date])
def test_times_that_mean_none_or_for_ever_break_nothing(zone: str, odd: datetime, form: object) -> None:
    def made(moment: datetime) -> object:
        if isinstance(form, str):
            return f"{moment.year:04}{moment.strftime(form.removeprefix('%Y'))}"
        return moment if form is None else moment.date()

    kind = kind_of([*map(made, SECONDS), made(odd)], ZoneInfo(zone))
    moment = kind.moment(made(odd))
    assert moment is not None
    assert kind.value_at is not None
    for at_s in (moment, moment - DAY_S - 60, moment + DAY_S):
        assert type(kind.value_at(at_s)) is type(made(odd))


def test_infinite_times_lie_in_the_future_or_the_past() -> None:
    kind = kind_of(SECONDS)
    assert kind.moment(InfiniteTimestamp("infinity")) == float("inf")
    assert kind.moment(InfiniteTimestamp("-infinity")) == float("-inf")


def test_number_below_zero_shows_that_numbers_are_no_times() -> None:
    zone = ZoneInfo("Asia/Shanghai")
    times = cursor_kind([1_700_000_000, 5], "n", zone)
    counts = cursor_kind([1_700_000_000, -5], "n", zone)
    assert times is not None
    assert times.is_time
    assert counts is not None
    assert not counts.is_time
