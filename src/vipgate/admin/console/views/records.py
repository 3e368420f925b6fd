"""Searches records of one park or of all, and exports them as CSV."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from vipgate.admin.console.csv_export import csv_of
from vipgate.admin.console.date_range import day_start_us
from vipgate.admin.console.formatting import lines
from vipgate.admin.console.name_lookup import ChargeNames, read_names, read_park_names
from vipgate.admin.console.pages import StaffRoute
from vipgate.admin.console.park_filter import choose_park, parks_to_offer
from vipgate.admin.console.request import StaffRequest
from vipgate.admin.console.views.park import find
from vipgate.domain.park_health import Health
from vipgate.i18n import LocalizedText
from vipgate.protocol.renewal import FLAG_NAMES, PLATE_CHARS_MAX, PLATE_RAW_CHARS_MAX, normalize_plate
from vipgate.protocol.row import VIP_TYPES
from vipgate.store.async_pool import ExportStream
from vipgate.store.interfaces.admin import Database
from vipgate.store.interfaces.ledger import Park
from vipgate.store.interfaces.queries import CardsBehind, RecordPage, RecordPageCursor, RecordQuery
from vipgate.support.web.errors import PageError
from vipgate.support.web.forms import FormData

RECORDS_A_PAGE: Final = 40
TEXT_CHARS_MAX: Final = 64
POSITION_MAX: Final = 2**62
ALL_FLAGS: Final = sum(FLAG_NAMES)
FLAG_CHOICES: Final = ("any", *FLAG_NAMES.values())
# Fields under "more", which is open if one of them is filled in.
MORE: Final = ("charge_type", "vip_type", "flag", "since", "until", "paid_since", "paid_until")
_NONE: Final = RecordPage([], None)
_CHOOSE_PARK: Final = LocalizedText(
    "导出一个车场的记录：请先填写车场", "an export covers one park: enter the park first"
)


@dataclass(frozen=True, slots=True)
class RecordList:
    """A page of records. `asked` is False if there was nothing to search for."""

    park: Park | None
    health: Health | None
    offered: list[Park]
    asked: bool
    page: RecordPage
    names: ChargeNames
    park_names: dict[str, str]


async def show(staff: StaffRequest) -> Response:
    """Shows the search and its result."""
    query, before = _allowed(staff, read_query(staff.query)), read_place(staff.query.get("after"))
    result = await staff.database(lambda database: _look(database, staff, query, before))
    faults = bool(staff.query.errors)
    return staff.page(
        "records.html",
        status=422 if faults else 200,
        result=result,
        rows=lines(staff.translator, result.page.items),
        after=write_place(result.page.next),
        short=len(result.page.items) < RECORDS_A_PAGE and result.page.next is not None,
        more=any(staff.query.get(name) for name in MORE),
        rp_types=_options(staff, "vip", map(str, VIP_TYPES)),
        rp_flags=_options(staff, "flag", FLAG_CHOICES),
        csv="/records.csv" + staff.with_fields().removeprefix("/records"),
    )


def _options(staff: StaffRequest, group: str, values: Iterable[str]) -> list[tuple[str, str]]:
    """Returns the options of a filter: any first, then each value with its name."""
    return [("", staff.translator("records.any")), *((value, staff.translator(f"{group}.{value}")) for value in values)]


def read_query(fields: FormData) -> RecordQuery:
    """Reads the search except its park; adds errors to the form."""
    raw = fields.text("plate", PLATE_RAW_CHARS_MAX)
    plate = normalize_plate(raw)
    if len(plate) > PLATE_CHARS_MAX:
        fields.fault("plate", f"最多 {PLATE_CHARS_MAX} 个字符", f"at most {PLATE_CHARS_MAX} characters")
    flag = fields.get("flag")
    return RecordQuery(
        plate=plate or None,
        plate_prefix=bool(plate) and fields.ticked("prefix"),
        pay_partner=fields.text("pay_partner", TEXT_CHARS_MAX) or None,
        card=fields.text("card", TEXT_CHARS_MAX) or None,
        charge_type=fields.text("charge_type", TEXT_CHARS_MAX) or None,
        vip_type=fields.whole("vip_type", 0, max(VIP_TYPES)),
        since_us=_start(fields, "since"),
        until_us=_start(fields, "until", behind=True),
        paid_since_us=_start(fields, "paid_since"),
        paid_until_us=_start(fields, "paid_until", behind=True),
        flags=ALL_FLAGS if flag == "any" else next((one for one, name in FLAG_NAMES.items() if name == flag), 0),
    )


def _allowed(staff: StaffRequest, query: RecordQuery) -> RecordQuery:
    """Returns `query`. Raises PageError for one that could spell out masked plates, a character at a time."""
    if query.plate_prefix and not staff.sees_plates:
        way = staff.way_to_plates
        zh = f"按车牌开头查找会逐字透露隐藏的车牌；请输入完整车牌，或{way.zh}"
        raise PageError(
            403,
            LocalizedText(
                zh, f"the beginning of a plate would reveal hidden plates; enter the whole plate, or {way.en}"
            ),
        )
    return query


def _page_of(
    database: Database, staff: StaffRequest, query: RecordQuery, before: RecordPageCursor | None, limit: int
) -> RecordPage:
    def look() -> RecordPage:
        return database.queries.records(query, before, limit)

    text = "\n".join(part for part in (query.plate, query.card) if part)
    return staff.search(database, text, look, lambda page: page.items) if text else look()


def _start(fields: FormData, name: str, *, behind: bool = False) -> int | None:
    """Returns when the day of a field begins, or the day after it."""
    day = fields.day(name)
    return None if day is None else day_start_us(day + behind)


def write_place(place: RecordPageCursor | None) -> str | None:
    """Encodes the start of the next page for a URL."""
    return None if place is None else f"{place.position}.{place.park_uuid}"


def read_place(text: str) -> RecordPageCursor | None:
    """Decodes the start of the next page; None if invalid."""
    position, dot, park_uuid = text.partition(".")
    fits = position.isascii() and position.isdigit() and len(position) <= 19 and len(park_uuid) <= TEXT_CHARS_MAX
    if not (dot and fits and park_uuid.isprintable() and int(position) <= POSITION_MAX):
        return None
    return RecordPageCursor(int(position), park_uuid)


def _look(database: Database, staff: StaffRequest, query: RecordQuery, before: RecordPageCursor | None) -> RecordList:
    fields = staff.query
    park = choose_park(database, fields)
    offered = [] if park is not None else parks_to_offer(database)
    health = None if park is None else find(database, park.park_uuid, staff.now_us)[1]
    nothing = RecordList(park, health, offered, asked=False, page=_NONE, names=ChargeNames({}), park_names={})
    if fields.errors:
        return nothing
    if park is not None:
        query = _with_id(database, replace(query, park_uuid=park.park_uuid))
    elif not (query.plate or query.pay_partner or query.card):
        if query != RecordQuery():
            fields.fault(
                "park",
                "只按这些条件查找时，请填写车场；或者填写车牌、订单号或卡号，在全部车场中查找",
                "to look by these alone, fill in a park; or give a plate, an order number or a card to look in all parks",
            )
        return nothing
    try:
        page = _page_of(database, staff, query, before, RECORDS_A_PAGE)
    except CardsBehind as behind:
        fields.fault("card", behind.words.zh, behind.words.en)
        return nothing
    except ValueError:
        fields.fault(
            "park",
            "全部车场中符合的记录太多，请填写车场，或把车牌写得更完整",
            "too many records of all parks fit; fill in a park, or write more of the plate",
        )
        return nothing
    parks = [found.park_uuid for found in page.items]
    named = {} if park is not None else read_park_names(database, parks)
    return RecordList(park, health, offered, asked=True, page=page, names=read_names(database, parks), park_names=named)


def _with_id(database: Database, query: RecordQuery) -> RecordQuery:
    """Replaces the name of a charge type by its id, if the name is unique."""
    if query.charge_type is None or query.park_uuid is None:
        return query
    listed = database.queries.charge_types(query.park_uuid).items
    if any(one.id == query.charge_type for one in listed):
        return query
    named = [one.id for one in listed if one.name == query.charge_type]
    return replace(query, charge_type=named[0]) if len(named) == 1 else query


async def export(staff: StaffRequest) -> Response:
    """Exports all records that the search finds in one park as CSV."""
    query = _allowed(staff, read_query(staff.query))

    def choose(database: Database) -> tuple[Park | None, RecordQuery]:
        park = choose_park(database, staff.query)
        if park is None or staff.query.errors:
            return park, query
        chosen = _with_id(database, replace(query, park_uuid=park.park_uuid))
        # Counts as a search, before the file begins.
        _page_of(database, staff, chosen, None, 1)
        return park, chosen

    park, query = await staff.database(choose)
    faults = next(iter(staff.query.errors.values()), None)
    if faults is not None or park is None:
        raise PageError(422, faults or _CHOOSE_PARK)
    park_uuid, masked = park.park_uuid, not staff.sees_plates
    entry = staff.audit_entry("records.export", park_uuid=park_uuid, subject="records.csv", detail=_audit_detail(staff))
    stream = await staff.context.databases.stream(
        staff.user.name, partial(csv_of, park_uuid=park_uuid, query=query, masked=masked)
    )
    try:
        await staff.database(lambda database: database.accounts.write_audit_entry(entry))
    except BaseException:
        stream.close()
        raise
    headers = {"content-disposition": f"attachment; filename*=UTF-8''{quote(park_uuid, safe='')}-records.csv"}
    return StreamingResponse(_sent(stream), headers=headers, media_type="text/csv; charset=utf-8")


def _audit_detail(staff: StaffRequest) -> str:
    """Describes an export for the audit log, without the plate or card searched for."""
    hidden = ("plate", "card")
    parts = ["plates in the clear" if staff.sees_plates else "masked"]
    for name, value in staff.query.values.items():
        if value and name in (*MORE, *hidden, "pay_partner"):
            parts.append(name if name in hidden else f"{name}={value[:TEXT_CHARS_MAX]}")
    return ", ".join(parts)


async def _sent(stream: ExportStream[bytes]) -> AsyncIterator[bytes]:
    try:
        async for part in stream:
            if part:
                yield part
    finally:
        # The client may be gone; nothing else would release the database connection.
        stream.close()


PAGES: Final = (StaffRoute("/records", show), StaffRoute("/records.csv", export))
