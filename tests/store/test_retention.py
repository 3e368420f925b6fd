"""Plates and cards go when a park's retention has passed: each record is looked at once for each change, on every engine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from support.store_data import OTHER, PARK, changed, do, entry, held, push, renewals
from support.store_database import Clock, Ledger
from vipgate.protocol.renewal import Renewal
from vipgate.store.common.admin import SqlAdminStore
from vipgate.store.common.erasure import LOOK_AGAIN_US, PARKS_A_CHUNK, erase_expired
from vipgate.store.common.transaction import Row, Values
from vipgate.store.interfaces.admin import AdminStore
from vipgate.store.interfaces.ledger import DAY_US, Retention, Store

DAY_S = 86_400
DAYS = 30


@pytest.fixture
def store(ledger: Ledger, clock: Clock) -> Store:
    """Two parks, of which one has a retention."""
    made = ledger.another()
    for park_uuid in (PARK, OTHER):
        made.add_park(park_uuid, "", b"sealed", clock())
    keep_of(made, clock).set_retention(PARK, DAYS, entry())
    return made


def keep_of(store: Store, clock: Clock) -> AdminStore:
    return SqlAdminStore(store, clock)  # type: ignore[arg-type]


def ending(rows: Sequence[Renewal], end_us: int | None) -> list[Renewal]:
    return [changed(row, renewal_start_time_us=None, renewal_end_time_us=end_us, operator="张三") for row in rows]


def run(store: Store, clock: Clock) -> int:
    """Runs the retention to its end; in how many chunks."""
    clock.now_us += LOOK_AGAIN_US
    chunks = 0
    while keep_of(store, clock).erase_expired(clock()):
        chunks += 1
        assert chunks < 100
    return chunks


def emptied(store: Store, park: str = PARK) -> set[str]:
    return {number for number, one in held(store, park).items() if not one.renewal.plate}


@pytest.mark.parametrize(
    ("age_days", "end_in_days", "goes"),
    [
        (29, None, False),
        (31, None, True),
        (31, -10, True),
        (29, -60, False),
        (31, 0, True),
        (32, 5, False),
        (60, 20, True),
        (60, 40, False),
    ],
)
def test_record_goes_when_both_its_end_and_its_change_are_long_enough_ago(
    store: Store, clock: Clock, age_days: int, end_in_days: int | None, goes: bool
) -> None:
    """`end_in_days`: after the push."""
    end_us = None if end_in_days is None else clock() + end_in_days * DAY_US
    [row] = ending(renewals(1), end_us)
    do(store, push([row], clock()), push([row], clock(), park=OTHER))
    money = store.daily(PARK)
    clock.forward(age_days * DAY_S)
    run(store, clock)
    assert (emptied(store) == {row.pay_partner}) == goes
    assert emptied(store, OTHER) == set(), "a park without a retention keeps everything"
    assert store.daily(PARK) == money


def test_emptied_record_moves_and_its_versions_are_emptied_with_it(store: Store, clock: Clock) -> None:
    [row] = ending(renewals(1), None)
    do(store, push([row], clock()))
    do(store, push([changed(row, plate="粤C00001", card_no="C")], clock()))
    before = held(store)[row.pay_partner]
    clock.forward((DAYS + 1) * DAY_S)
    run(store, clock)
    after = held(store)[row.pay_partner]
    assert after.position >= clock() - LOOK_AGAIN_US > before.position
    assert after.revision == before.revision + 1
    assert after.renewal.pay_value_fen == before.renewal.pay_value_fen
    [version] = store.history(PARK, row.pay_partner)
    assert (version.stored.renewal.plate, version.stored.renewal.operator) == ("", None)


def test_version_of_another_plate_goes_with_a_record_that_was_erased_before(store: Store, clock: Clock) -> None:
    [row] = ending(renewals(1), None)
    do(store, push([row], clock()))
    do(store, push([changed(row, plate="粤C00001")], clock()))
    assert keep_of(store, clock).erase_plate("粤C00001", PARK, entry()).records == 1
    assert store.history(PARK, row.pay_partner)[0].stored.renewal.plate == row.plate
    clock.forward((DAYS + 1) * DAY_S)
    run(store, clock)
    assert store.history(PARK, row.pay_partner)[0].stored.renewal.plate == ""


def test_record_that_ends_later_goes_after_its_end(store: Store, clock: Clock) -> None:
    rows = ending(renewals(3), clock() + 100 * DAY_US)
    do(store, push(rows, clock()))
    clock.forward((DAYS + 1) * DAY_S)
    run(store, clock)
    assert emptied(store) == set()
    clock.forward((100 - 2) * DAY_S)
    run(store, clock)
    assert emptied(store) == set()
    clock.forward(2 * DAY_S)
    run(store, clock)
    assert emptied(store) == {row.pay_partner for row in rows}


def test_record_that_was_renewed_meanwhile_counts_from_then(store: Store, clock: Clock) -> None:
    old = ending(renewals(3), clock() + 50 * DAY_US)
    do(store, push(old, clock()))
    clock.forward((DAYS + 1) * DAY_S)
    run(store, clock)
    clock.forward((50 - 1) * DAY_S)
    longer = ending([old[0]], clock() + 50 * DAY_US)
    touched = [changed(old[1], operator="李四")]
    do(store, push([*longer, *touched], clock()))
    clock.forward(2 * DAY_S)
    run(store, clock)
    assert emptied(store) == {old[2].pay_partner}
    clock.forward(DAYS * DAY_S)
    run(store, clock)
    assert emptied(store) == {old[1].pay_partner, old[2].pay_partner}
    clock.forward(51 * DAY_S)
    run(store, clock)
    assert emptied(store) == {row.pay_partner for row in old}


@pytest.mark.parametrize("days", [10, 60])
def test_another_retention_holds_for_what_was_looked_at_already(store: Store, clock: Clock, days: int) -> None:
    rows = ending(renewals(3), clock() + 40 * DAY_US)
    do(store, push(rows, clock()))
    clock.forward((DAYS + 5) * DAY_S)
    run(store, clock)
    keep_of(store, clock).set_retention(PARK, days, entry())
    clock.forward((40 - DAYS - 5 + days - 1) * DAY_S)
    run(store, clock)
    assert emptied(store) == set()
    clock.forward(2 * DAY_S)
    run(store, clock)
    assert len(emptied(store)) == 3


def test_generation_that_was_restored_is_looked_at_as_well(store: Store, clock: Clock) -> None:
    do(store, push(ending(renewals(3), None), clock()))
    do(store, push(ending(renewals(3, first=50), None), clock(), complete=True))
    clock.forward((DAYS + 1) * DAY_S)
    store.restore(PARK, 1, clock())
    run(store, clock)
    assert len(emptied(store)) == 3
    store.restore(PARK, 2, clock())
    assert len(emptied(store)) == 3


class WatchedWork:
    """Notes the records that it brings."""

    def __init__(self, work: Any, seen: list[str]) -> None:
        self._work = work
        self._seen = seen
        self.run = work.run

    def rows(self, name: str, values: Values) -> Sequence[Row]:
        found: Sequence[Row] = self._work.rows(name, values)
        if name in ("records_by_age", "ended_since"):
            self._seen += [row[0] if name == "records_by_age" else row[1] for row in found]
        return found


class Watched:
    """A ledger that notes the records it is asked to look at."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.seen: list[str] = []
        self.rows = store.rows

    @contextmanager
    def transaction(self) -> Iterator[WatchedWork]:
        with self._store.transaction() as work:
            yield WatchedWork(work, self.seen)


def test_no_record_is_looked_at_again_until_something_is_due(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vipgate.store.common.erasure.ERASE_CHUNK_ROWS", 4)
    gone, later = ending(renewals(10), None), ending(renewals(10, first=50), clock() + 100 * DAY_US)
    do(store, push([*gone, *later], clock()))
    clock.forward((DAYS + 1) * DAY_S)
    watched = Watched(store)
    for _ in range(5):
        while erase_expired(watched, clock()):
            pass
        clock.forward(DAY_S)
    assert sorted(watched.seen) == sorted(row.pay_partner for row in [*gone, *later])
    assert emptied(store) == {row.pay_partner for row in gone}


def test_gateway_that_cleans_up_runs_the_retention(store: Store, clock: Clock) -> None:
    do(store, push(ending(renewals(3), None), clock()))
    clock.forward((DAYS + 1) * DAY_S)
    while store.run_maintenance(clock(), Retention()):
        pass
    assert len(emptied(store)) == 3


def test_every_park_has_its_turn(store: Store, clock: Clock) -> None:
    parks = [f"park {number:03}" for number in range(2 * PARKS_A_CHUNK + 5)]
    for park_uuid in parks:
        store.add_park(park_uuid, "", b"sealed", clock())
        keep_of(store, clock).set_retention(park_uuid, DAYS, entry())
    do(store, *[push(ending(renewals(1), None), clock(), park=park_uuid) for park_uuid in parks[::7]])
    clock.forward((DAYS + 1) * DAY_S)
    run(store, clock)
    assert [len(emptied(store, park_uuid)) for park_uuid in parks[::7]] == [1] * len(parks[::7])
    assert run(store, clock) <= 4


def test_what_was_noted_of_a_generation_goes_with_it(store: Store, ledger: Ledger, clock: Clock) -> None:
    do(store, push(ending(renewals(3), clock() + 900 * DAY_US), clock()))
    clock.forward((DAYS + 1) * DAY_S)
    run(store, clock)
    assert len(store.rows(*ended(PARK, clock))) == 3  # type: ignore[attr-defined]
    do(store, push(renewals(1), clock(), complete=True))
    clock.forward((DAYS + 1) * DAY_S)
    while store.run_maintenance(clock(), Retention()):
        pass
    assert [one.generation for one in store.generations(PARK)] == [2]
    assert store.rows(*ended(PARK, clock)) == []  # type: ignore[attr-defined]


def ended(park_uuid: str, clock: Clock) -> tuple[str, Values]:
    """The question what has been noted of a park, which SQLite knows as its first."""
    return "ended_since", {
        "park_uuid": park_uuid, "park_id": 1, "before_us": clock() + 1_000 * DAY_US, "chunk_rows": 100
    }  # fmt: skip
