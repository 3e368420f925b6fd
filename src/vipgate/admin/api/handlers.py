"""Handlers for parks, renewals, vehicles, requests and totals. Structs in, structs out; the store does the work."""

from __future__ import annotations

from typing import Final

from vipgate.admin.api.auth import AuthorizedRequest
from vipgate.admin.api.cursors import (
    C,
    ParkCursor,
    RecordCursor,
    RequestCursor,
    VehicleChangeCursor,
    VehicleCursor,
    read_cursor,
    write_cursor,
)
from vipgate.admin.api.errors import NOT_ALLOWED, NOT_FOUND, ApiError, invalid_param, invalid_params
from vipgate.admin.api.params import bad_cursor, shown_day
from vipgate.admin.api.requests import (
    FLAGS,
    FoundParams,
    ParkParams,
    ParksParams,
    RecordParams,
    RecordsParams,
    RequestParams,
    RequestsParams,
    TotalsParams,
    VehiclesParams,
)
from vipgate.admin.api.responses import (
    DailyAnswersResource,
    DailyTotalsResource,
    FoundResource,
    FoundResponse,
    ParkResource,
    ParksResponse,
    RecordResource,
    RecordResponse,
    RecordsResponse,
    ReplacedResource,
    RequestResource,
    RequestsResponse,
    TotalsResponse,
    VehicleResource,
    VehiclesResponse,
)
from vipgate.domain.entitlement import entitlement_at
from vipgate.domain.serialization import optional_instant, record_to_dict, request_to_dict
from vipgate.i18n import LocalizedText
from vipgate.protocol.renewal import format_value
from vipgate.store.interfaces.ledger import HISTORY_MAX, Park, business_day
from vipgate.store.interfaces.queries import (
    CardsBehind,
    RecordPage,
    RecordPageCursor,
    RecordQuery,
    RequestLogQuery,
    Vehicle,
)

TOTAL_DAYS: Final = 30
TOTAL_DAYS_MAX: Final = 400
# Filters with an index over all parks, the most selective first.
_SEARCHED: Final = ("pay_partner", "card", "plate", "plate_prefix")


def parks(authorized: AuthorizedRequest, ask: ParksParams) -> ParksResponse:
    """Returns a page of parks."""
    cursor = _place(ask.after, ParkCursor)
    after = "" if cursor is None else cursor.park_uuid
    if authorized.token.park_uuid is not None:
        found = _own_park(authorized, ask, after)
    elif ask.search is None:
        found = authorized.database.store.reachable_parks(after, ask.limit)
    else:
        found = authorized.database.queries.search_parks(ask.search, after, ask.limit)
    word = write_cursor(ParkCursor(found[-1].park_uuid)) if len(found) == ask.limit else None
    return ParksResponse([_park_members(one) for one in found], word)


def _own_park(authorized: AuthorizedRequest, ask: ParksParams, after: str) -> list[Park]:
    """Returns the park of a single-park token, if it matches."""
    own = authorized.database.store.find_park(authorized.token.park_uuid or "")
    if own is None or own.park_uuid <= after:
        return []
    wanted = (ask.search or "").casefold()
    return [own] if wanted in own.park_uuid.casefold() or wanted in own.name.casefold() else []


def park(authorized: AuthorizedRequest, ask: ParkParams) -> ParkResource:
    """Returns one park."""
    return _park_members(authorized.park(ask.park_uuid))


def _park_members(found: Park) -> ParkResource:
    return ParkResource(
        park_uuid=found.park_uuid,
        name=found.name,
        enabled=found.enabled,
        generation=found.generation,
        records=found.records,
        last_push=optional_instant(found.last_push_us),
        previous_secret_valid=found.has_previous_secret,
        secret_last_used=found.secret_used,
        secret_last_used_at=optional_instant(found.secret_used_us),
        secret_changed=optional_instant(found.secret_changed_us),
        allow_list=list(found.allow_list),
        rate_per_minute=found.rate_per_minute,
        require_hmac=found.require_hmac,
        hold_replaces=found.hold_replaces,
        charset=found.charset,
        created=optional_instant(found.created_us),
    )


def records(authorized: AuthorizedRequest, ask: RecordsParams) -> RecordsResponse:
    """Returns a page of one park's renewals."""
    page = _records(authorized, ask, authorized.park(ask.park_uuid).park_uuid)
    items = [RecordResource(**record_to_dict(one.stored, masked=authorized.masked)) for one in page.items]
    return RecordsResponse(items, _next(page))


def found_records(authorized: AuthorizedRequest, ask: FoundParams) -> FoundResponse:
    """Returns a page of renewals of all parks that the token may see."""
    if all(getattr(ask, name) is None for name in _SEARCHED):
        words = LocalizedText(
            "跨车场查找须有 plate, plate_prefix, pay_partner 或 card",
            "a search in all parks requires plate, plate_prefix, pay_partner or card",
        )
        raise invalid_param("plate", words, None)
    try:
        page = _records(authorized, ask, authorized.park_or_own(None))
    except CardsBehind as behind:
        raise invalid_param("card", behind.words, None) from None
    except ValueError:
        words = LocalizedText(
            "符合的记录过多; 请写得更完整, 或指定车场",
            "too many records match in all parks; give a longer value, or name one park",
        )
        raise invalid_param(_given(ask), words, None) from None
    items = [
        FoundResource(park_uuid=one.park_uuid, **record_to_dict(one.stored, masked=authorized.masked))
        for one in page.items
    ]
    return FoundResponse(items, _next(page))


def _given(ask: FoundParams) -> str:
    """Returns the filter that a search over all parks used."""
    return next(name for name in _SEARCHED if getattr(ask, name) is not None)


def _records(authorized: AuthorizedRequest, ask: FoundParams, park_uuid: str | None) -> RecordPage:
    if ask.plate is not None and ask.plate_prefix is not None:
        raise invalid_param(
            "plate_prefix", LocalizedText("不能与 plate 同用", "cannot be combined with plate"), ask.plate_prefix
        )
    if ask.plate_prefix is not None and authorized.masked:
        # Prefixes would spell out a masked plate, letter by letter.
        words = LocalizedText("受限令牌不能按车牌开头查找", "a masked token cannot search by the beginning of a plate")
        raise ApiError(NOT_ALLOWED, words, place="plate_prefix")
    query = RecordQuery(
        park_uuid=park_uuid,
        plate=ask.plate if ask.plate_prefix is None else ask.plate_prefix,
        plate_prefix=ask.plate_prefix is not None,
        pay_partner=ask.pay_partner,
        card=ask.card,
        charge_type=ask.charge_type,
        vip_type=ask.vip_type,
        pay_type=ask.pay_type,
        since_us=ask.since,
        until_us=ask.until,
        paid_since_us=ask.paid_since,
        paid_until_us=ask.paid_until,
        flags=0 if ask.flag is None else FLAGS[ask.flag],
    )
    cursor = _place(ask.after, RecordCursor)
    before = None if cursor is None else RecordPageCursor(cursor.position, cursor.park_uuid)

    def look() -> RecordPage:
        return authorized.database.queries.records(query, before, ask.limit)

    text = "\n".join(part for part in (query.plate, query.card) if part)
    return authorized.search(text, look, lambda page: page.items) if text else look()


def _next(page: RecordPage) -> str | None:
    return None if page.next is None else write_cursor(RecordCursor(page.next.position, page.next.park_uuid))


def record(authorized: AuthorizedRequest, ask: RecordParams) -> RecordResponse:
    """Returns one renewal and its history."""
    park_uuid = authorized.park(ask.park_uuid).park_uuid
    stored = authorized.database.store.find_record(park_uuid, ask.pay_partner)
    if stored is None:
        words = LocalizedText(f"车场没有订单 {ask.pay_partner}", f"the park has no order {ask.pay_partner}")
        raise ApiError(NOT_FOUND, words, place="pay_partner")
    replaced = authorized.database.queries.history_of(park_uuid, ask.pay_partner, ask.before)
    history = [
        ReplacedResource(replaced_seqno=one.replaced_seqno, **record_to_dict(one.stored, masked=authorized.masked))
        for one in replaced
    ]
    earlier = replaced[0].stored.revision if len(replaced) == HISTORY_MAX else None
    return RecordResponse(history=history, history_before=earlier, **record_to_dict(stored, masked=authorized.masked))


def vehicles(authorized: AuthorizedRequest, ask: VehiclesParams) -> VehiclesResponse:
    """Returns a page of one park's vehicles, or one plate or card."""
    park_uuid = authorized.park(ask.park_uuid).park_uuid
    key = ask.card if ask.plate is None else ask.plate
    if key is not None:
        if ask.after is not None or (ask.plate is not None and ask.card is not None):
            place = "after" if ask.after is not None else "card"
            raise invalid_param(
                place, LocalizedText("不能与 plate 或 card 同用", "cannot be combined with plate or card"), None
            )
        of_plate, named = ask.plate is not None, key

        def look() -> list[Vehicle]:
            try:
                found = authorized.database.queries.vehicle(park_uuid, named)
            except CardsBehind as behind:
                if not of_plate:
                    raise
                found = behind.by_plate
            return [vehicle for vehicle in found if (vehicle.kind == "plate") == of_plate]

        try:
            one = authorized.search(named, look)
        except CardsBehind as behind:
            raise invalid_param("card", behind.words, None) from None
        return VehiclesResponse([_vehicle(authorized, vehicle) for vehicle in one[: ask.limit]], None)
    return _by_change(authorized, ask, park_uuid) if authorized.masked else _by_plate(authorized, ask, park_uuid)


def _by_plate(authorized: AuthorizedRequest, ask: VehiclesParams, park_uuid: str) -> VehiclesResponse:
    cursor = _place(ask.after, VehicleCursor)
    after = None if cursor is None else (cursor.kind, cursor.key)
    found = authorized.database.queries.vehicles(park_uuid, after, ask.limit)
    word = write_cursor(VehicleCursor(found[-1].kind, found[-1].key)) if len(found) == ask.limit else None
    return VehiclesResponse([_vehicle(authorized, vehicle) for vehicle in found], word)


def _by_change(authorized: AuthorizedRequest, ask: VehiclesParams, park_uuid: str) -> VehiclesResponse:
    """Pages for a masked token: sorted by plate, pages of one item would reveal what the mask hides."""
    cursor = _place(ask.after, VehicleChangeCursor)
    before = None if cursor is None else RecordPageCursor(cursor.position, park_uuid)
    page = authorized.database.queries.vehicles_by_change(park_uuid, before, ask.limit)
    word = None if page.next is None else write_cursor(VehicleChangeCursor(page.next.position))
    return VehiclesResponse([_vehicle(authorized, vehicle) for vehicle in page.items], word)


def _vehicle(authorized: AuthorizedRequest, vehicle: Vehicle) -> VehicleResource:
    stands = entitlement_at(vehicle.records, authorized.now_us)
    renewal = None if stands.record is None else stands.record.renewal
    value_e4 = None if renewal is None else renewal.value_e4
    return VehicleResource(
        kind=vehicle.kind,
        key=authorized.shown(vehicle.key),
        state=stands.state,
        until=optional_instant(stands.until_us),
        vip_type=None if renewal is None else renewal.vip_type,
        charge_type=None if renewal is None else renewal.charge_type,
        value=None if value_e4 is None else format_value(value_e4),
        pay_partner=None if renewal is None else renewal.pay_partner,
        records=len(vehicle.records),
    )


def request(authorized: AuthorizedRequest, ask: RequestParams) -> RequestResource:
    """Returns one request of the request log."""
    entry = authorized.database.store.request_log_entry(ask.seqno)
    if entry is None or not authorized.sees(entry.park_uuid):
        words = LocalizedText(
            f"请求日志中没有 {ask.seqno}; 可能已过保留期",
            f"the request log has no request {ask.seqno}; it may be older than the log is kept",
        )
        raise ApiError(NOT_FOUND, words, place="seqno")
    return RequestResource(**request_to_dict(entry, masked=authorized.masked))


def requests(authorized: AuthorizedRequest, ask: RequestsParams) -> RequestsResponse:
    """Returns a page of the request log."""
    query = RequestLogQuery(
        park_uuid=authorized.park_or_own(ask.park_uuid), code=ask.code, since_us=ask.since, until_us=ask.until
    )
    cursor = _place(ask.after, RequestCursor)
    page = authorized.database.queries.request_log(query, None if cursor is None else cursor.seqno, ask.limit)
    items = [RequestResource(**request_to_dict(one, masked=authorized.masked)) for one in page.items]
    return RequestsResponse(items, None if page.next is None else write_cursor(RequestCursor(page.next)))


def totals(authorized: AuthorizedRequest, ask: TotalsParams) -> TotalsResponse:
    """Returns daily totals."""
    park_uuid = authorized.park_or_own(ask.park_uuid)
    until = business_day(authorized.now_us) + 1 if ask.until is None else ask.until
    since = until - TOTAL_DAYS if ask.since is None else ask.since
    if not 0 <= until - since <= TOTAL_DAYS_MAX:
        words = LocalizedText(
            f"应不晚于 until, 且至多早 {TOTAL_DAYS_MAX} 天",
            f"must not be after until, nor more than {TOTAL_DAYS_MAX} days before it",
        )
        raise invalid_param("since", words, shown_day(since))
    return TotalsResponse(
        shown_day(since),
        shown_day(until),
        [
            DailyTotalsResource(shown_day(one.day), one.pay_type, one.inserted, one.updated, one.pay_value_fen)
            for one in authorized.database.queries.money_by_day(park_uuid, since, until)
        ],
        [
            DailyAnswersResource(shown_day(one.day), one.code, one.requests, one.received)
            for one in authorized.database.queries.answers_by_day(park_uuid, since, until)
        ],
    )


def _place(word: str | None, form: type[C]) -> C | None:
    """Decodes a cursor. Raises ApiError if it is invalid."""
    if word is None:
        return None
    cursor = read_cursor(word, form)
    if cursor is None:
        raise invalid_params([bad_cursor(word)])
    return cursor
