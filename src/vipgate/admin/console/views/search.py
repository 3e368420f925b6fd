"""One search box for a seqno, a plate, a card, an order number or a park."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final

from starlette.responses import Response

from vipgate.admin.console.pages import StaffRoute
from vipgate.admin.console.request import StaffRequest
from vipgate.admin.console.urls import park_at, with_query
from vipgate.protocol.renewal import PLATE_CHARS_MAX, normalize_plate
from vipgate.protocol.seqno import SEQNO_CHARS, seqno_time_us
from vipgate.store.interfaces.admin import Database
from vipgate.store.interfaces.ledger import Park
from vipgate.store.interfaces.queries import RecordQuery

TEXT_CHARS_MAX: Final = 128
PARKS_SHOWN: Final = 5


# Kind of match, query, and URL of the page that shows it.
Question = tuple[str, RecordQuery, str]


@dataclass(frozen=True, slots=True)
class SearchResults:
    """Where the text was found: parks by name or uuid, and kinds of records with the URLs of their pages."""

    parks: list[Park]
    records: list[tuple[str, str]]


async def show(staff: StaffRequest) -> Response:
    """Redirects if there is one match; else shows all to choose from."""
    text = staff.query.text("q", TEXT_CHARS_MAX)
    seqno = "".join(text.split())
    if len(seqno) == SEQNO_CHARS and seqno_time_us(seqno) is not None:
        return staff.go(f"/requests/{seqno}")
    hits = (
        await staff.database(partial(search_all, staff=staff, text=text))
        if text and not staff.query.errors
        else SearchResults([], [])
    )
    places = [park_at(park.park_uuid) for park in hits.parks] + [path for _, path in hits.records]
    if len(places) == 1:
        return staff.go(places[0])
    return staff.page("search.html", text=text, hits=hits)


def search_all(database: Database, staff: StaffRequest, text: str) -> SearchResults:
    """Searches all indexed fields for `text`; while plates are masked, plate and card only if nothing else matches."""
    exact = database.store.find_park(text)
    parks = [exact] if exact is not None else database.queries.search_parks(text, "", PARKS_SHOWN)
    orders = _found(database, [("order", RecordQuery(pay_partner=text), with_query("/records", pay_partner=text))])
    if not staff.sees_plates and (parks or orders):
        return SearchResults(parks, orders)
    # Counted as typed: texts that are one plate may be different cards.
    found = staff.search(database, text, partial(_found, database, _personal(text, prefix=staff.sees_plates)))
    if any(kind == "plate" for kind, _ in found):
        found = [pair for pair in found if pair[0] != "plate_prefix"]
    return SearchResults(parks, [*found, *orders])


def _personal(text: str, *, prefix: bool) -> list[Question]:
    """Returns the queries by masked fields. `prefix`: also by the start of a plate, which would spell out masked plates."""
    plate = normalize_plate(text)[: PLATE_CHARS_MAX + 1]
    begins = RecordQuery(plate=plate, plate_prefix=True), with_query("/records", plate=plate, prefix="1")
    return [
        ("plate", RecordQuery(plate=plate), with_query("/records", plate=plate)),
        *([("plate_prefix", *begins)] if prefix else []),
        ("card", RecordQuery(card=text), with_query("/records", card=text)),
    ]


def _found(database: Database, questions: list[Question]) -> list[tuple[str, str]]:
    return [(kind, path) for kind, query, path in questions if _any(database, query)]


def _any(database: Database, query: RecordQuery) -> bool:
    try:
        return bool(database.queries.records(query, None, 1).items)
    except ValueError:  # too many matches: the records page asks for a park
        return True


PAGES: Final = (StaffRoute("/find", show),)
