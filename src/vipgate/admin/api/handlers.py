"""What is answered at once: parks, renewals, vehicles, requests and totals. Questions in, structs out; the store does the work."""

from __future__ import annotations

from typing import Final

from vipgate.admin.api.auth import Visit
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
from vipgate.admin.api.errors import (
    NOT_ALLOWED,
    NOT_FOUND,
    Denied,
    deny_faults,
    deny_parameter,
)
from vipgate.admin.api.params import (
    bad_cursor,
    shown_day,
)
from vipgate.admin.api.requests import (
    FLAGS,
    AskFound,
    AskPark,
    AskParks,
    AskRecord,
    AskRecords,
    AskRequest,
    AskRequests,
    AskTotals,
    AskVehicles,
)
from vipgate.admin.api.responses import (
    AnswersMembers,
    DayMembers,
    FoundAnswer,
    FoundMembers,
    ParkMembers,
    ParksAnswer,
    RecordAnswer,
    RecordMembers,
    RecordsAnswer,
    ReplacedMembers,
    RequestMembers,
    RequestsAnswer,
    TotalsAnswer,
    VehicleMembers,
    VehiclesAnswer,
)
from vipgate.domain.entitlement import standing
from vipgate.domain.serialization import (
    export_members,
    journal_members,
    optional_instant,
)
from vipgate.errors import Words
from vipgate.protocol.renewal import format_value
from vipgate.store.interfaces.ledger import (
    HISTORY_MAX,
    Park,
    business_day,
)
from vipgate.store.interfaces.queries import (
    JournalQuery,
    Place,
    RecordPage,
    RecordQuery,
    Vehicle,
)

TOTAL_DAYS: Final = 30
TOTAL_DAYS_MAX: Final = 400
# What an index answers over all parks, the most exact first.
_SEARCHED: Final = ("pay_partner", "card", "plate", "plate_prefix")


def parks(visit: Visit, ask: AskParks) -> ParksAnswer:
    """A page of parks."""
    cursor = _place(ask.after, ParkCursor)
    after = "" if cursor is None else cursor.park_uuid
    if visit.token.park_uuid is not None:
        found = _own_park(visit, ask, after)
    elif ask.search is None:
        found = visit.desk.store.list_parks(after, ask.limit)
    else:
        found = visit.desk.browse.search_parks(ask.search, after, ask.limit)
    word = write_cursor(ParkCursor(found[-1].park_uuid)) if len(found) == ask.limit else None
    return ParksAnswer([_park_members(one) for one in found], word)


def _own_park(visit: Visit, ask: AskParks, after: str) -> list[Park]:
    """The one park of a token."""
    own = visit.desk.store.find_park(visit.token.park_uuid or "")
    if own is None or own.park_uuid <= after:
        return []
    wanted = (ask.search or "").casefold()
    return [own] if wanted in own.park_uuid.casefold() or wanted in own.name.casefold() else []


def park(visit: Visit, ask: AskPark) -> ParkMembers:
    """One park."""
    return _park_members(visit.park(ask.park_uuid))


def _park_members(found: Park) -> ParkMembers:
    return ParkMembers(
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


def records(visit: Visit, ask: AskRecords) -> RecordsAnswer:
    """A page of renewals of one park."""
    page = _records(visit, ask, visit.park(ask.park_uuid).park_uuid)
    items = [RecordMembers(**export_members(one.stored, masked=visit.masked)) for one in page.items]
    return RecordsAnswer(items, _next(page))


def found_records(visit: Visit, ask: AskFound) -> FoundAnswer:
    """A page of renewals of all parks that the token may see."""
    if all(getattr(ask, name) is None for name in _SEARCHED):
        words = Words(
            "跨车场查找须有 plate, plate_prefix, pay_partner 或 card",
            "required over all parks, or plate_prefix, pay_partner or card in its place",
        )
        raise deny_parameter("plate", words, None)
    try:
        page = _records(visit, ask, visit.park_or_own(None))
    except ValueError:
        words = Words(
            "符合的记录过多; 请写得更完整, 或指定车场",
            "finds too many records over all parks; give more of it, or ask one park",
        )
        raise deny_parameter(_given(ask), words, None) from None
    items = [
        FoundMembers(park_uuid=one.park_uuid, **export_members(one.stored, masked=visit.masked)) for one in page.items
    ]
    return FoundAnswer(items, _next(page))


def _given(ask: AskFound) -> str:
    """What a search over all parks went by."""
    return next(name for name in _SEARCHED if getattr(ask, name) is not None)


def _records(visit: Visit, ask: AskFound, park_uuid: str | None) -> RecordPage:
    if ask.plate is not None and ask.plate_prefix is not None:
        raise deny_parameter("plate_prefix", Words("不能与 plate 同用", "does not go with plate"), ask.plate_prefix)
    if ask.plate_prefix is not None and visit.masked:
        # One letter more at a time, prefixes would spell out what the mask hides.
        words = Words("受限令牌不能按车牌开头查找", "a masked token cannot search by the beginning of a plate")
        raise Denied(NOT_ALLOWED, words, place="plate_prefix")
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
    before = None if cursor is None else Place(cursor.position, cursor.park_uuid)

    def look() -> RecordPage:
        return visit.desk.browse.records(query, before, ask.limit)

    text = "\n".join(part for part in (query.plate, query.card) if part)
    return visit.search(text, look, lambda page: page.items) if text else look()


def _next(page: RecordPage) -> str | None:
    return None if page.next is None else write_cursor(RecordCursor(page.next.position, page.next.park_uuid))


def record(visit: Visit, ask: AskRecord) -> RecordAnswer:
    """One renewal and its history."""
    park_uuid = visit.park(ask.park_uuid).park_uuid
    stored = visit.desk.store.find_record(park_uuid, ask.pay_partner)
    if stored is None:
        words = Words(f"车场没有订单 {ask.pay_partner}", f"the park has no order {ask.pay_partner}")
        raise Denied(NOT_FOUND, words, place="pay_partner")
    replaced = visit.desk.browse.history_of(park_uuid, ask.pay_partner, ask.before)
    history = [
        ReplacedMembers(replaced_seqno=one.replaced_seqno, **export_members(one.stored, masked=visit.masked))
        for one in replaced
    ]
    earlier = replaced[0].stored.revision if len(replaced) == HISTORY_MAX else None
    return RecordAnswer(history=history, history_before=earlier, **export_members(stored, masked=visit.masked))


def vehicles(visit: Visit, ask: AskVehicles) -> VehiclesAnswer:
    """A page of vehicles of one park, or one of them."""
    park_uuid = visit.park(ask.park_uuid).park_uuid
    key = ask.card if ask.plate is None else ask.plate
    if key is not None:
        if ask.after is not None or (ask.plate is not None and ask.card is not None):
            place = "after" if ask.after is not None else "card"
            raise deny_parameter(place, Words("不能与 plate 或 card 同用", "does not go with plate or card"), None)
        of_plate, named = ask.plate is not None, key

        def look() -> list[Vehicle]:
            found = visit.desk.browse.vehicle(park_uuid, named)
            return [vehicle for vehicle in found if (vehicle.kind == "plate") == of_plate]

        one = visit.search(named, look)
        return VehiclesAnswer([_vehicle(visit, vehicle) for vehicle in one[: ask.limit]], None)
    return _by_change(visit, ask, park_uuid) if visit.masked else _by_plate(visit, ask, park_uuid)


def _by_plate(visit: Visit, ask: AskVehicles, park_uuid: str) -> VehiclesAnswer:
    cursor = _place(ask.after, VehicleCursor)
    after = None if cursor is None else (cursor.kind, cursor.key)
    found = visit.desk.browse.vehicles(park_uuid, after, ask.limit)
    word = write_cursor(VehicleCursor(found[-1].kind, found[-1].key)) if len(found) == ask.limit else None
    return VehiclesAnswer([_vehicle(visit, vehicle) for vehicle in found], word)


def _by_change(visit: Visit, ask: AskVehicles, park_uuid: str) -> VehiclesAnswer:
    """For a masked token: in the order of plates, pages of one would tell what the mask hides."""
    cursor = _place(ask.after, VehicleChangeCursor)
    before = None if cursor is None else Place(cursor.position, park_uuid)
    page = visit.desk.browse.vehicles_by_change(park_uuid, before, ask.limit)
    word = None if page.next is None else write_cursor(VehicleChangeCursor(page.next.position))
    return VehiclesAnswer([_vehicle(visit, vehicle) for vehicle in page.items], word)


def _vehicle(visit: Visit, vehicle: Vehicle) -> VehicleMembers:
    stands = standing(vehicle.records, visit.now_us)
    renewal = None if stands.record is None else stands.record.renewal
    value_e4 = None if renewal is None else renewal.value_e4
    return VehicleMembers(
        kind=vehicle.kind,
        key=visit.shown(vehicle.key),
        state=stands.state,
        until=optional_instant(stands.until_us),
        vip_type=None if renewal is None else renewal.vip_type,
        charge_type=None if renewal is None else renewal.charge_type,
        value=None if value_e4 is None else format_value(value_e4),
        pay_partner=None if renewal is None else renewal.pay_partner,
        records=len(vehicle.records),
    )


def request(visit: Visit, ask: AskRequest) -> RequestMembers:
    """One request."""
    entry = visit.desk.store.journal_entry(ask.seqno)
    if entry is None or not visit.sees(entry.park_uuid):
        words = Words(
            f"日志中没有请求 {ask.seqno}; 可能已过保存期",
            f"the journal has no request {ask.seqno}; it may be older than the journal is kept",
        )
        raise Denied(NOT_FOUND, words, place="seqno")
    return RequestMembers(**journal_members(entry, masked=visit.masked))


def requests(visit: Visit, ask: AskRequests) -> RequestsAnswer:
    """A page of requests."""
    query = JournalQuery(
        park_uuid=visit.park_or_own(ask.park_uuid), code=ask.code, since_us=ask.since, until_us=ask.until
    )
    cursor = _place(ask.after, RequestCursor)
    page = visit.desk.browse.journal(query, None if cursor is None else cursor.seqno, ask.limit)
    items = [RequestMembers(**journal_members(one, masked=visit.masked)) for one in page.items]
    return RequestsAnswer(items, None if page.next is None else write_cursor(RequestCursor(page.next)))


def totals(visit: Visit, ask: AskTotals) -> TotalsAnswer:
    """Sums by day."""
    park_uuid = visit.park_or_own(ask.park_uuid)
    until = business_day(visit.now_us) + 1 if ask.until is None else ask.until
    since = until - TOTAL_DAYS if ask.since is None else ask.since
    if not 0 <= until - since <= TOTAL_DAYS_MAX:
        words = Words(
            f"应不晚于 until, 且至多早 {TOTAL_DAYS_MAX} 天",
            f"must not be after until, nor more than {TOTAL_DAYS_MAX} days before it",
        )
        raise deny_parameter("since", words, shown_day(since))
    return TotalsAnswer(
        shown_day(since),
        shown_day(until),
        [
            DayMembers(shown_day(one.day), one.pay_type, one.inserted, one.updated, one.pay_value_fen)
            for one in visit.desk.browse.money_by_day(park_uuid, since, until)
        ],
        [
            AnswersMembers(shown_day(one.day), one.code, one.requests, one.received)
            for one in visit.desk.browse.answers_by_day(park_uuid, since, until)
        ],
    )


def _place(word: str | None, form: type[C]) -> C | None:
    """The cursor that came back. Raises Denied."""
    if word is None:
        return None
    cursor = read_cursor(word, form)
    if cursor is None:
        raise deny_faults([bad_cursor(word)])
    return cursor
