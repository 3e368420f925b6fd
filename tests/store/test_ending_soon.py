"""Vehicles of which a pass ends soon, page by page, in every engine: none is passed over, whatever else a plate has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest

from support.store_data import OTHER, PARK, changed, do, push, renewals
from support.store_database import Clock
from support.store_queries import browse_of
from vipgate.protocol.renewal import Renewal
from vipgate.store.common import record_queries as deciding
from vipgate.store.interfaces.ledger import DAY_US, Store
from vipgate.store.interfaces.queries import ENDING_ROWS_MAX, QueryStore, VehiclePage

SOON, LATER, OVER = 3, 30, -3
WEEK_US = 7 * DAY_US


@dataclass(frozen=True, slots=True)
class Garage:
    """A park whose records end so many days from now, by plate."""

    browse: QueryStore
    now_us: int

    def pages(self, limit: int = 50) -> Iterator[VehiclePage]:
        after: str | None = ""
        for _ in range(100):
            page = self.browse.vehicles_ending(PARK, after or "", self.now_us, self.now_us + WEEK_US, limit)
            yield page
            after = page.next
            if after is None:
                return
        raise AssertionError("the pages have no end")

    def found(self, limit: int = 50) -> list[tuple[str, int]]:
        """Each plate that was found, and how many records it has."""
        return [(one.key, len(one.records)) for page in self.pages(limit) for one in page.items]


def garage(store: Store, clock: Clock, ends: Sequence[tuple[str, int | None]]) -> Garage:
    for park_uuid in (PARK, OTHER):
        assert store.add_park(park_uuid, "", b"sealed", clock())
    made = renewals(len(ends))
    rows = [_ending(row, plate, days, clock()) for row, (plate, days) in zip(made, ends, strict=True)]
    do(store, push(rows, clock()), push([_ending(made[0], "Z", SOON, clock())], clock(), park=OTHER))
    return Garage(browse_of(store), clock())


def _ending(row: Renewal, plate: str, days: int | None, now_us: int) -> Renewal:
    end_us = None if days is None else now_us + days * DAY_US
    return changed(row, plate=plate, renewal_start_time_us=None, renewal_end_time_us=end_us)


def test_only_plates_with_a_record_that_ends_in_the_time_are_found_with_all_their_records(
    store: Store, clock: Clock
) -> None:
    plates = [("A", SOON), ("A", LATER), ("B", LATER), ("C", OVER), ("D", None), ("E", 7), ("F", 0), ("A", OVER)]
    made = garage(store, clock, plates)
    [page] = made.pages()
    assert made.found() == [("A", 3), ("F", 1)]
    assert (page.looked_at, page.next) == (6, None)


@pytest.mark.parametrize("rows_max", [1, 2, 3, 4, 5, 8, 100])
@pytest.mark.parametrize("limit", [1, 2, 50])
def test_no_page_ends_so_that_a_plate_is_passed_over_or_comes_twice(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch, rows_max: int, limit: int
) -> None:
    monkeypatch.setattr(deciding, "ENDING_ROWS_MAX", rows_max)
    plates = [("A", LATER), ("B", LATER), ("B", SOON), ("C", OVER), ("D", SOON), ("E", SOON), ("E", LATER), ("F", OVER)]
    made = garage(store, clock, plates)
    # A plate with as many records as are looked at may be found without need; its records say what it is worth.
    found = [key for key, _ in made.found(limit)]
    assert sorted(set(found)) == found
    assert {"B", "D", "E"} <= set(found)
    assert sum(page.looked_at for page in made.pages(limit)) == 6
    if rows_max > 2:
        assert found == ["B", "D", "E"]


def test_plate_with_more_records_than_are_looked_at_holds_nobody_up(store: Store, clock: Clock) -> None:
    many = [("无牌车", LATER)] * (ENDING_ROWS_MAX + 10)
    made = garage(store, clock, [("A", SOON), *many, ("粤B12345", SOON)])
    found = made.found()
    assert [key for key, _ in found] == ["A", "无牌车", "粤B12345"]


def test_park_without_records_has_none_that_ends(store: Store, clock: Clock) -> None:
    assert store.add_park(PARK, "", b"sealed", clock())
    page = browse_of(store).vehicles_ending(PARK, "", 0, clock(), 50)
    assert page == VehiclePage([], 0, None)
