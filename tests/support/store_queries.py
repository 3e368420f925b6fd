"""A Browse of each engine, and what it must find: the same, picked record by record out of all that there is."""

from __future__ import annotations

from collections.abc import Iterator

from vipgate.store.interfaces.ledger import Filter, Store
from vipgate.store.interfaces.queries import QueryStore, RecordHit, RecordPageCursor, RecordQuery
from vipgate.store.postgres.queries import PostgresQueries
from vipgate.store.postgres.store import PostgresStore
from vipgate.store.sqlite.queries import SqliteQueries
from vipgate.store.sqlite.store import SqliteStore


def browse_of(store: Store) -> QueryStore:
    if isinstance(store, PostgresStore):
        return PostgresQueries(store)
    assert isinstance(store, SqliteStore)
    return SqliteQueries(store)


def pages(browse: QueryStore, query: RecordQuery, limit: int) -> Iterator[list[RecordHit]]:
    """Every page of `query` up to the last; no place comes twice."""
    before: RecordPageCursor | None = None
    while True:
        page = browse.records(query, before, limit)
        assert len(page.items) <= limit
        yield page.items
        if page.next is None:
            return
        assert before is None or (page.next.position, page.next.park_uuid) < (before.position, before.park_uuid)
        before = page.next


def picked(store: Store, query: RecordQuery, parks: list[str]) -> list[RecordHit]:
    """What `query` means, without any index: newest change first."""
    everything = [RecordHit(park, stored) for park in parks for stored in store.iter_records(park, Filter())]
    wanted = [one for one in everything if is_wanted(one, query)]
    return sorted(wanted, key=lambda one: (one.stored.position, one.park_uuid), reverse=True)


def is_wanted(one: RecordHit, query: RecordQuery) -> bool:
    renewal, position = one.stored.renewal, one.stored.position
    plate_fits = renewal.plate.startswith if query.plate_prefix else renewal.plate.__eq__
    paid_us = None if renewal.pay_time_ms is None else renewal.pay_time_ms * 1000
    return all(
        (
            query.park_uuid in (None, one.park_uuid),
            query.plate is None or plate_fits(query.plate),
            query.pay_partner in (None, renewal.pay_partner),
            query.card is None or query.card in (renewal.card_no, renewal.card_id),
            query.charge_type in (None, renewal.charge_type),
            query.vip_type in (None, renewal.vip_type),
            query.pay_type in (None, renewal.pay_type),
            query.since_us is None or position >= query.since_us,
            query.until_us is None or position < query.until_us,
            query.paid_since_us is None or (paid_us is not None and paid_us >= query.paid_since_us),
            query.paid_until_us is None or (paid_us is not None and paid_us < query.paid_until_us),
            not query.flags or bool(renewal.flags & query.flags),
        )
    )
