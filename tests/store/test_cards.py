"""Searches by card: card entries are made after the push, and no search misses or invents a record meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from support.store_data import OTHER, PARK, changed, do, entry, push, renewals
from support.store_database import RETENTION, Clock
from support.store_queries import browse_of, pages, picked
from vipgate.protocol.renewal import FLAG_MONEY_CHANGED, Renewal
from vipgate.store.common import cards as making
from vipgate.store.common import record_queries as searching
from vipgate.store.common.admin import SqlAdminStore
from vipgate.store.interfaces.ledger import DAY_US, Store
from vipgate.store.interfaces.queries import CardsBehind, QueryStore, RecordQuery
from vipgate.store.postgres.store import PostgresStore
from vipgate.store.sqlite.store import SqliteStore

SEARCHES = [
    RecordQuery(park_uuid=park, card=card, pay_type=pay_type)
    for park in (PARK, OTHER, None)
    for card in ("N1", "I1", "both", "nobody", "new")
    for pay_type in (None, 1)
]


@pytest.fixture
def browse(store: Store, clock: Clock) -> QueryStore:
    for park_uuid in (PARK, OTHER):
        assert store.add_park(park_uuid, "", b"sealed", clock())
    return browse_of(store)


def with_cards(how_many: int, *, first: int = 1) -> list[Renewal]:
    """Records with a card's number, its id, two of them, the same as both, and none."""
    cards = [("N1", None), (None, "I1"), ("N1", "I2"), ("both", "both"), (None, None)]
    return [
        changed(row, card_no=cards[place % 5][0], card_id=cards[place % 5][1])
        for place, row in enumerate(renewals(how_many, first=first))
    ]


def entries(store: Store) -> list[tuple[str, int]]:
    """The card entries as they are in the database."""
    statement = "SELECT card, position FROM card ORDER BY card, position"
    if isinstance(store, SqliteStore):
        return [(row[0], row[1]) for row in store.read(statement, {})]
    assert isinstance(store, PostgresStore)
    with store.pool.connection() as db:
        return [(row[0], row[1]) for row in db.execute(statement).fetchall()]


def expected_entries(store: Store, parks: tuple[str, ...] = (PARK, OTHER)) -> list[tuple[str, int]]:
    found = picked(store, RecordQuery(), list(parks))
    named = [({one.stored.renewal.card_no, one.stored.renewal.card_id}, one.stored.position) for one in found]
    return sorted((card, position) for cards, position in named for card in cards if card is not None)


def make_all(store: Store, clock: Clock) -> None:
    """Maintenance until it has nothing to do."""
    while store.run_maintenance(clock(), RETENTION):
        pass


def wrong(store: Store, browse: QueryStore) -> Iterator[RecordQuery]:
    """The searches that find something else than a look at every record."""
    for query in SEARCHES:
        found = [one for page in pages(browse, query, 7) for one in page]
        if found != picked(store, query, [PARK, OTHER]):
            yield query


def push_twice(store: Store, browse: QueryStore, clock: Clock) -> None:
    do(store, push(with_cards(30), clock()), push(with_cards(12), clock(), park=OTHER))
    clock.forward(1)
    do(store, push(with_cards(20, first=100), clock()))


def change_cards(store: Store, browse: QueryStore, clock: Clock) -> None:
    push_twice(store, browse, clock)
    make_all(store, clock)
    rows = with_cards(30)
    do(store, push([changed(row, card_no="new", card_id=None) for row in rows[:12]], clock()))
    do(store, push([changed(row, card_no=None, card_id=None) for row in rows[12:16]], clock()))
    # A card that comes to a record whose card has no entry yet.
    do(store, push([changed(rows[0], card_no="N1"), changed(rows[1], card_id="both")], clock()))


def replace_all(store: Store, browse: QueryStore, clock: Clock) -> None:
    push_twice(store, browse, clock)
    make_all(store, clock)
    do(store, push(with_cards(9), clock(), complete=True))


def restore_what_had_no_entries(store: Store, browse: QueryStore, clock: Clock) -> None:
    push_twice(store, browse, clock)
    do(store, push(with_cards(9), clock(), complete=True))
    make_all(store, clock)
    assert store.restore(PARK, 1, clock())


def review(store: Store, browse: QueryStore, clock: Clock) -> None:
    push_twice(store, browse, clock)
    rows = with_cards(30)[:5]
    do(store, push([changed(row, pay_value_fen=7) for row in rows], clock()))
    make_all(store, clock)
    keep = SqlAdminStore(store, clock)  # type: ignore[arg-type]
    for row in rows:
        assert keep.review(PARK, row.pay_partner, FLAG_MONEY_CHANGED, entry())
        assert not keep.review(PARK, row.pay_partner, FLAG_MONEY_CHANGED, entry())


STORIES = [push_twice, change_cards, replace_all, restore_what_had_no_entries, review]


@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("chunk_rows", [1, 7, 1000])
def test_search_by_card_finds_all_records_before_between_and_after_maintenance(
    store: Store,
    browse: QueryStore,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    story: Callable[[Store, QueryStore, Clock], None],
    chunk_rows: int,
) -> None:
    monkeypatch.setattr(making, "CHUNK_ROWS", chunk_rows)
    story(store, browse, clock)
    assert list(wrong(store, browse)) == []
    rounds = 0
    while store.run_maintenance(clock(), RETENTION) and rounds < 500:
        rounds += 1
        if rounds < 4:
            assert list(wrong(store, browse)) == []
    assert rounds < 500
    assert list(wrong(store, browse)) == []
    assert not set(expected_entries(store)) - set(entries(store))
    if story in (push_twice, change_cards, review):
        assert entries(store) == expected_entries(store), "an entry of a version that is no more"


def test_parks_without_cards_leave_nothing_to_do(store: Store, browse: QueryStore, clock: Clock) -> None:
    rows = [changed(row, card_no=None, card_id=None) for row in renewals(20)]
    do(store, push(rows, clock()), push(rows, clock(), park=OTHER, complete=True))
    do(store, push([changed(row, operator="新") for row in rows], clock()))
    assert not store.run_maintenance(clock(), RETENTION)
    do(store, push(with_cards(1, first=100), clock()))
    assert store.run_maintenance(clock(), RETENTION)


def test_erasure_leaves_no_card_entry(store: Store, browse: QueryStore, clock: Clock) -> None:
    rows = [changed(row, plate="粤B12345") for row in with_cards(12)]
    do(store, push(rows, clock()))
    make_all(store, clock)
    do(store, push([changed(rows[0], card_no="new")], clock()))
    make_all(store, clock)
    assert entries(store)
    SqlAdminStore(store, clock).erase_plate("粤B12345", PARK, entry())  # type: ignore[arg-type]
    assert entries(store) == []
    make_all(store, clock)
    assert entries(store) == []


def test_purged_generation_leaves_no_card_entry(store: Store, browse: QueryStore, clock: Clock) -> None:
    do(store, push(with_cards(12), clock()))
    make_all(store, clock)
    do(store, push([], clock(), complete=True))
    clock.forward((RETENTION.generation_days + 1) * DAY_US / 1_000_000)
    make_all(store, clock)
    assert entries(store) == []


def test_search_stays_bounded_and_whole_while_entries_are_behind(
    store: Store, browse: QueryStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "SCAN_ROWS_MAX", 10)
    monkeypatch.setattr(making, "CHUNK_ROWS", 10)
    do(store, push(with_cards(15), clock()))
    make_all(store, clock)
    do(store, push(with_cards(40, first=100), clock()))
    one = RecordQuery(park_uuid=PARK, card="both")
    first = browse.records(one, None, 100)
    assert first.next is not None, "a page reads no more than it may; the next goes on"
    assert [found for page in pages(browse, one, 100) for found in page] == picked(store, one, [PARK])
    assert [len(vehicle.records) for vehicle in browse.vehicle(PARK, "both")] == [11]
    for look in (lambda: browse.records(RecordQuery(card="both"), None, 100), lambda: browse.vehicle(None, "both")):
        with pytest.raises(CardsBehind) as behind:
            look()
        assert behind.value.by_plate == []
    plate = with_cards(1, first=120)[0].plate
    with pytest.raises(CardsBehind) as behind:
        browse.vehicle(None, plate)
    assert [(one.kind, one.key) for one in behind.value.by_plate] == [("plate", plate)]
    monkeypatch.setattr(searching, "CARD_PAGES_MAX", 2)
    with pytest.raises(CardsBehind):
        browse.vehicle(PARK, "both")
    make_all(store, clock)
    assert [len(vehicle.records) for vehicle in browse.vehicle(None, "both")] == [11]
