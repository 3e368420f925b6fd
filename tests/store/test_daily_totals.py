"""The number by which remembered sums of days are checked: it must grow with whatever changes them, in every engine."""

from __future__ import annotations

from collections.abc import Callable

from support.store_data import OTHER, PARK, changed, do, push, refused, renewals
from support.store_database import Clock
from support.store_queries import browse_of
from vipgate.store.common.admin import SqlAdminStore
from vipgate.store.interfaces.accounts import AuditEntry
from vipgate.store.interfaces.ledger import Store, business_day
from vipgate.store.postgres.store import PostgresStore
from vipgate.store.sqlite.store import SqliteStore

DAY_S = 86_400
ENTRY = AuditEntry(at_us=1, who="command", action="test", park_uuid=PARK, subject="", detail="", peer="")


def test_every_change_of_a_day_makes_its_tally_grow(store: Store, clock: Clock) -> None:
    browse, today, rows = browse_of(store), business_day(clock()), renewals(4)
    for park_uuid in (PARK, OTHER):
        assert store.add_park(park_uuid, "", b"sealed", clock())
    steps: list[Callable[[], object]] = [
        lambda: do(store, push(rows, clock())),
        lambda: do(store, push([changed(rows[0], pay_value_fen=1)], clock())),
        lambda: do(store, push([changed(rows[1], pay_type=3 - rows[1].pay_type)], clock())),
        lambda: do(store, push(rows, clock(), park=OTHER, complete=True)),
        lambda: do(store, refused(clock(), park=None, code="401")),
        lambda: do(store, refused(clock())),
    ]
    tallies = [browse.daily_totals(today, today + 1)]
    for step in steps:
        step()
        tallies.append(browse.daily_totals(today, today + 1))
    assert tallies[0] == 0
    assert sorted(set(tallies)) == tallies
    money, answers = browse.money_by_day(None, today, today + 1), browse.answers_by_day(None, today, today + 1)
    assert tallies[-1] == sum(one.inserted + one.updated for one in money) + sum(one.requests for one in answers)


def test_nothing_that_is_done_later_changes_a_day_that_is_over(store: Store, clock: Clock) -> None:
    """What a park's day took in stays counted when records are replaced, erased or come back."""
    browse, today, rows = browse_of(store), business_day(clock()), renewals(4)
    assert store.add_park(PARK, "", b"sealed", clock())
    do(store, push(rows, clock()), refused(clock()))
    before = [
        browse.daily_totals(today, today + 1),
        browse.money_by_day(None, today, today + 1),
        browse.answers_by_day(None, today, today + 1),
    ]
    clock.forward(DAY_S)
    do(store, push([changed(rows[0], pay_value_fen=1)], clock()))
    do(store, push(renewals(2, seed=9), clock(), complete=True))
    assert store.restore(PARK, 1, clock())
    assert isinstance(store, PostgresStore | SqliteStore)
    assert SqlAdminStore(store, clock).erase_plate(rows[1].plate, None, ENTRY).records
    assert before == [
        browse.daily_totals(today, today + 1),
        browse.money_by_day(None, today, today + 1),
        browse.answers_by_day(None, today, today + 1),
    ]
