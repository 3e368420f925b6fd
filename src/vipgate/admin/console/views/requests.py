"""The request log, newest first: responses, and why requests were rejected."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from starlette.responses import Response

from vipgate.admin.console.date_range import day_start_us
from vipgate.admin.console.i18n import CODES
from vipgate.admin.console.name_lookup import read_park_names
from vipgate.admin.console.pages import StaffRoute
from vipgate.admin.console.park_filter import choose_park, parks_to_offer
from vipgate.admin.console.request import StaffRequest
from vipgate.admin.console.views.park import find
from vipgate.domain.hint_masking import HintLine, read_hint
from vipgate.domain.park_health import Health
from vipgate.protocol.seqno import SEQNO_CHARS, seqno_time_us
from vipgate.store.interfaces.admin import Database
from vipgate.store.interfaces.ledger import Park, RequestLogEntry
from vipgate.store.interfaces.queries import RequestLogPage, RequestLogQuery

REQUESTS_A_PAGE: Final = 50
SEQNO_TEXT_CHARS_MAX: Final = 64
# Presets: all rejected requests, or those without an authenticated park.
REFUSED: Final = "refused"
STRANGERS: Final = "strangers"


@dataclass(frozen=True, slots=True)
class RequestRow:
    """A request in the list, with the first line of its hint and the number of further lines."""

    entry: RequestLogEntry
    hint: HintLine | None
    more: int


@dataclass(frozen=True, slots=True)
class RequestList:
    """A page of requests."""

    park: Park | None
    health: Health | None
    offered: list[Park]
    page: RequestLogPage
    park_names: dict[str, str]


async def show(staff: StaffRequest) -> Response:
    """Redirects to the request if a whole seqno was typed; else shows the list."""
    query = staff.query
    seqno = "".join(query.text("seqno", SEQNO_TEXT_CHARS_MAX).split())
    if seqno and not query.errors:
        if len(seqno) == SEQNO_CHARS and seqno_time_us(seqno) is not None:
            return staff.go(f"/requests/{seqno}")
        query.fault(
            "seqno",
            f"流水号是 {SEQNO_CHARS} 位数字，以时间开头；收到 {len(seqno)} 位",
            f"a seqno has {SEQNO_CHARS} digits and begins with its time; got {len(seqno)}",
        )
    asked = _read_query(staff)
    before = query.get("after")
    result = await staff.database(
        lambda database: _look(database, staff, asked, before if seqno_time_us(before) is not None else None)
    )
    entries = result.page.items
    return staff.page(
        "requests.html",
        status=422 if query.errors else 200,
        result=result,
        rows=[_line(staff, entry) for entry in entries],
        codes=[
            ("", staff.translator("records.any")),
            *((code, f"{code} {staff.translator.code(code)}") for code in CODES),
        ],
        kind=_kind(staff),
        after=result.page.next,
        short=len(entries) < REQUESTS_A_PAGE and result.page.next is not None,
        back_to_us=None if result.page.next is None else seqno_time_us(result.page.next),
    )


def _kind(staff: StaffRequest) -> str:
    """Returns the chosen preset."""
    return next((kind for kind in (REFUSED, STRANGERS) if staff.query.ticked(kind)), "")


def _read_query(staff: StaffRequest) -> RequestLogQuery:
    query = staff.query
    code = query.get("code")
    since, until = query.day("since"), query.day("until")
    return RequestLogQuery(
        code=code if code in CODES else None,
        refused=query.ticked(REFUSED),
        strangers=query.ticked(STRANGERS),
        since_us=None if since is None else day_start_us(since),
        until_us=None if until is None else day_start_us(until + 1),
    )


def _look(database: Database, staff: StaffRequest, asked: RequestLogQuery, before: str | None) -> RequestList:
    park = choose_park(database, staff.query)
    offered = [] if park is not None else parks_to_offer(database)
    health = None if park is None else find(database, park.park_uuid, staff.now_us)[1]
    if staff.query.errors:
        return RequestList(park, health, offered, RequestLogPage([], None), {})
    if park is not None:
        asked = replace(asked, park_uuid=park.park_uuid, strangers=False)
    page = database.queries.request_log(asked, before, REQUESTS_A_PAGE)
    named = {} if park is not None else read_park_names(database, [entry.park_uuid for entry in page.items])
    return RequestList(park, health, offered, page, named)


def _line(staff: StaffRequest, entry: RequestLogEntry) -> RequestRow:
    text = "" if entry.hint is None else staff.translator.say(entry.hint)
    hints = read_hint(text, hide=not staff.sees_plates)
    return RequestRow(entry, hints[0] if hints else None, max(0, len(text.splitlines()) - 1))


PAGES: Final = (StaffRoute("/requests", show),)
