"""The sums of days that are over: remembered, right, and seen to be right again."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from support.console_app import House
from support.console_data import add_park, push, refuse_stranger, renewal
from support.store_database import NOON_US
from vipgate.admin.console.daily_totals import DAYS_KEPT_MAX, LOOK_US, OVER_US, DailyTotalsCache
from vipgate.store.async_pool import DatabasePool
from vipgate.store.common.queries import Queries
from vipgate.store.interfaces.ledger import DAY_US, Retention, business_day
from vipgate.store.open_database import open_database

TODAY = business_day(NOON_US)


class Reading:
    """Days of a house, and which of them were read from the rollups one by one."""

    def __init__(self, house: House, databases: DatabasePool, monkeypatch: pytest.MonkeyPatch) -> None:
        self.house = house
        self.days = DailyTotalsCache(databases)
        self.asked: list[tuple[int, int]] = []
        real = Queries.money_by_day

        def noted(browser: Queries, park_uuid: str | None, since_day: int, until_day: int) -> object:
            self.asked.append((since_day - TODAY, until_day - TODAY))
            return real(browser, park_uuid, since_day, until_day)

        monkeypatch.setattr(Queries, "money_by_day", noted)

    def sums(self, since: int, until: int) -> list[tuple[int, int, int]]:
        """New records, changed ones and requests of each day, days counted from TODAY."""
        self.asked.clear()
        clock = self.house.clock
        found = self.house.runner.run(self.days.read(TODAY + since, TODAY + until, clock.now_us))
        return [
            (
                sum(one.inserted for one in day.money),
                sum(one.updated for one in day.money),
                sum(one.requests for one in day.answers),
            )
            for day in found
        ]


@pytest.fixture
def reading(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reading]:
    url = house.database.store.where
    databases = DatabasePool(lambda: open_database(f"sqlite:///{url}", house.clock, Retention()), 1)
    add_park(house)
    push(house, renewal("A"), renewal("B"), at_us=NOON_US - 3 * DAY_US)
    push(house, renewal("C"), at_us=NOON_US - DAY_US)
    yield Reading(house, databases, monkeypatch)
    databases.close()


def test_days_that_are_over_are_read_once_and_today_each_time(reading: Reading) -> None:
    assert reading.sums(-4, 1) == [(0, 0, 0), (2, 0, 1), (0, 0, 0), (1, 0, 1), (0, 0, 0)]
    assert reading.asked == [(-4, 0), (0, 1)]
    push(reading.house, renewal("D"), at_us=NOON_US)
    assert reading.sums(-4, 1)[-1] == (1, 0, 1)
    assert reading.asked == [(0, 1)]
    assert reading.sums(-2, -1) == [(0, 0, 0)]
    assert reading.asked == []


def test_day_is_over_only_when_late_pushes_are_in(reading: Reading) -> None:
    clock = reading.house.clock
    midnight_us = TODAY * DAY_US + DAY_US - 8 * 3_600_000_000
    clock.now_us = midnight_us + OVER_US - 1
    reading.sums(-1, 2)
    assert reading.asked == [(-1, 0), (0, 2)]
    push(reading.house, renewal("late"), at_us=midnight_us - 1)
    assert reading.sums(-1, 2) == [(1, 0, 1), (1, 0, 1), (0, 0, 0)]
    clock.now_us += 1
    reading.sums(-1, 2)
    assert reading.asked == [(0, 1), (1, 2)]


def test_days_that_are_remembered_are_looked_at_again_by_their_tally_alone(reading: Reading) -> None:
    before = reading.sums(-4, 1)
    reading.house.clock.now_us += LOOK_US
    assert reading.sums(-4, 1) == before
    assert reading.asked == [(0, 1)]


LATE: list[tuple[str, Callable[[House], object], tuple[int, int, int]]] = [
    ("new record", lambda house: push(house, renewal("L"), at_us=NOON_US - 3 * DAY_US), (3, 0, 2)),
    ("changed", lambda house: push(house, renewal("A", pay_value_fen=1), at_us=NOON_US - 3 * DAY_US), (2, 1, 2)),
    ("stranger", lambda house: refuse_stranger(house, at_us=NOON_US - 3 * DAY_US), (2, 0, 2)),
]


@pytest.mark.parametrize(("late", "day"), [case[1:] for case in LATE], ids=[case[0] for case in LATE])
def test_what_is_stored_late_for_a_day_shows_a_little_later(
    reading: Reading, late: Callable[[House], object], day: tuple[int, int, int]
) -> None:
    """As a machine does whose clock is days behind."""
    reading.sums(-4, 1)
    late(reading.house)
    reading.house.clock.now_us += LOOK_US
    assert reading.sums(-4, 1)[1] == day


def test_longer_time_reads_what_is_missing_and_looks_at_the_rest(reading: Reading) -> None:
    reading.sums(-2, 1)
    push(reading.house, renewal("L"), at_us=NOON_US - 2 * DAY_US)
    assert reading.sums(-5, 1) == [(0, 0, 0), (0, 0, 0), (2, 0, 1), (1, 0, 1), (1, 0, 1), (0, 0, 0)]
    assert reading.asked == [(-5, -2), (-5, 0), (0, 1)]


def test_clock_that_was_set_back_makes_nothing_hold_for_ever(reading: Reading) -> None:
    reading.sums(-4, 1)
    push(reading.house, renewal("L"), at_us=NOON_US - 3 * DAY_US)
    reading.house.clock.now_us -= 3_600_000_000
    assert reading.sums(-4, 1)[1] == (3, 0, 2)


def test_no_more_days_are_remembered_than_the_bound(reading: Reading) -> None:
    for begin in range(-1_000, 0, 90):
        reading.sums(begin, begin + 90)
        assert len(reading.days._kept) <= DAYS_KEPT_MAX
    assert reading.sums(-4, 1)[1] == (2, 0, 1)


def test_time_to_come_is_no_fault(reading: Reading) -> None:
    assert reading.sums(1, 4) == [(0, 0, 0)] * 3
