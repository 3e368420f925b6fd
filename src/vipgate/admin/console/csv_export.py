"""Exports the records of a search as CSV for spreadsheets, in constant memory."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Final

from vipgate.domain.serialization import CSV_CHUNK_ROWS, EXPORT_COLUMNS, flatten_cells, record_to_dict
from vipgate.store.interfaces.admin import Database
from vipgate.store.interfaces.ledger import Filter, StoredRecord
from vipgate.store.interfaces.queries import PAGE_ITEMS_MAX, RecordQuery
from vipgate.support.csv_cells import escape_formula

COLUMNS: Final = ("park_uuid", *EXPORT_COLUMNS)


def csv_of(database: Database, park_uuid: str, query: RecordQuery, *, masked: bool) -> Iterator[bytes]:
    """Yields the records of one park that match `query`; empty chunks while none match, so that reading can be cancelled."""
    text = io.StringIO(newline="")
    write = csv.writer(text).writerow
    text.write("\N{ZERO WIDTH NO-BREAK SPACE}")
    write(COLUMNS)
    yield text.getvalue().encode()
    text.seek(0)
    text.truncate()
    for number, stored in enumerate(_candidates(database, park_uuid, query), 1):
        if matches(query, stored):
            cells = (park_uuid, *flatten_cells(record_to_dict(stored, masked=masked)))
            write([escape_formula(cell) for cell in cells])
        if number % CSV_CHUNK_ROWS == 0:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


def _candidates(database: Database, park_uuid: str, query: RecordQuery) -> Iterator[StoredRecord]:
    """Yields all records that may match: by index if possible, else the whole park."""
    if query.pay_partner is not None:
        found = database.store.find_record(park_uuid, query.pay_partner)
        yield from () if found is None else (found,)
    elif query.card is not None:
        yield from _pages(database, query)
    else:
        plate = None if query.plate_prefix else query.plate
        yield from database.store.iter_records(
            park_uuid, Filter(plate=plate, since_us=query.since_us, until_us=query.until_us)
        )


def _pages(database: Database, query: RecordQuery) -> Iterator[StoredRecord]:
    place = None
    while True:
        page = database.queries.records(query, place, PAGE_ITEMS_MAX)
        yield from (found.stored for found in page.items)
        if page.next is None:
            return
        place = page.next


def matches(query: RecordQuery, stored: StoredRecord) -> bool:
    """Whether a record of the park matches `query`, by the rules of `QueryStore.records`."""
    one = stored.renewal
    paid_us = None if one.pay_time_ms is None else one.pay_time_ms * 1000
    plate = query.plate or ""
    return (
        (one.plate.startswith(plate) if query.plate_prefix else query.plate in (None, one.plate))
        and query.pay_partner in (None, one.pay_partner)
        and (query.card is None or query.card in (one.card_no, one.card_id))
        and query.charge_type in (None, one.charge_type)
        and query.vip_type in (None, one.vip_type)
        and query.pay_type in (None, one.pay_type)
        and (not query.flags or bool(one.flags & query.flags))
        and _within(stored.position, query.since_us, query.until_us)
        and _within(paid_us, query.paid_since_us, query.paid_until_us)
    )


def _within(instant_us: int | None, since_us: int | None, until_us: int | None) -> bool:
    """Whether `since_us` ≤ t < `until_us`; an unknown instant matches only without bounds."""
    if instant_us is None:
        return since_us is None and until_us is None
    return (since_us is None or since_us <= instant_us) and (until_us is None or instant_us < until_us)
