"""What people find in every engine: records by what is known of them, page by page, and what stands around them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import structs

from support.store_data import OTHER, PARK, changed, do, held, push, refused, renewals
from support.store_database import Clock, Ledger
from support.store_queries import browse_of, pages, picked
from vipgate.i18n import LocalizedText
from vipgate.protocol.renewal import FLAG_MONEY_CHANGED, FLAG_NAMES, FLAG_PLATE_CHANGED, FLAG_UNUSUAL_PLATE, Renewal
from vipgate.store.common import queries as deciding
from vipgate.store.common import record_queries as of_records
from vipgate.store.common.admin import SqlAdminStore
from vipgate.store.interfaces.accounts import AuditEntry
from vipgate.store.interfaces.ledger import Filter, Push, RequestLogEntry, Store, business_day
from vipgate.store.interfaces.queries import (
    VEHICLE_RECORDS_MAX,
    ChargeType,
    DailyAnswers,
    DailyMoney,
    ParkDetails,
    QueryStore,
    RecordPage,
    RecordPageCursor,
    RecordQuery,
    RequestLogQuery,
    Vehicle,
)
from vipgate.store.postgres.store import PostgresStore
from vipgate.store.sqlite.store import SqliteStore

DAY_S = 86_400
SECOND_US = 1_000_000
ENTRY = AuditEntry(at_us=1, who="command", action="test", park_uuid=PARK, subject="", detail="", peer="")


@pytest.fixture
def browse(store: Store, clock: Clock) -> QueryStore:
    for park_uuid in (PARK, OTHER):
        assert store.add_park(park_uuid, f"停车场 {park_uuid.title()}", b"sealed", clock())
    return browse_of(store)


def odd(number: int, **members: object) -> Renewal:
    """A record of a park that writes everything the unusual way."""
    row = renewals(1, seed=number, first=number)[0]
    return changed(row, pay_partner=f"odd{number}", plate="无牌车", flags=FLAG_UNUSUAL_PLATE, **members)


def fill(store: Store, clock: Clock) -> list[Renewal]:
    """Two parks, each with a stock that was replaced, changed records, odd plates, cards with one number and with two."""
    rows = renewals(160)
    do(store, push(renewals(50, seed=9, first=900), clock()))
    do(store, push(rows[:60], clock(), complete=True), push(rows[40:120], clock(), park=OTHER))
    clock.forward(10)
    cards = [odd(number, card_no=f"N{number % 3}", card_id=f"I{number % 4}") for number in range(30)]
    do(store, push([*rows[120:], *cards], clock()), push(cards[:9], clock(), park=OTHER))
    clock.forward(10)
    do(store, push([changed(row, pay_value_fen=7) for row in rows[10:25]], clock()))
    do(store, push([changed(row, plate="粤Z00000") for row in rows[20:30]], clock()))
    return rows


# ---- records ---------------------------------------------------------------------------------------------------------

T = 1_795_492_800_000_000
PAID_US = (renewals(160)[60].pay_time_ms or 0) * 1000
QUERIES = {
    "a park": RecordQuery(park_uuid=PARK),
    "a plate": RecordQuery(park_uuid=PARK, plate="粤Z00000"),
    "a plate of all parks": RecordQuery(plate="粤Z00000"),
    "an odd plate": RecordQuery(park_uuid=PARK, plate="无牌车"),
    "an odd plate of all parks": RecordQuery(plate="无牌车"),
    "a beginning": RecordQuery(park_uuid=PARK, plate="粤", plate_prefix=True),
    "a beginning in all parks": RecordQuery(plate="湘", plate_prefix=True),
    "a beginning and more": RecordQuery(plate="粤", plate_prefix=True, vip_type=1, pay_type=2, since_us=T + SECOND_US),
    "an order number": RecordQuery(park_uuid=PARK, pay_partner="odd4"),
    "an order number of all parks": RecordQuery(pay_partner="odd4"),
    "an order number of another plate": RecordQuery(pay_partner="odd4", plate="粤Z00000"),
    "a card's number": RecordQuery(park_uuid=PARK, card="N1"),
    "a card's id": RecordQuery(card="I2"),
    "a card whose number is its id": RecordQuery(card=next(row.card_no for row in renewals(160) if row.card_no)),
    "a card and a plate": RecordQuery(card="N1", plate="无", plate_prefix=True),
    "a charge type": RecordQuery(park_uuid=PARK, charge_type="MON_A"),
    "a kind of pass, paid online": RecordQuery(park_uuid=OTHER, vip_type=5, pay_type=2),
    "a time of receipt": RecordQuery(park_uuid=PARK, since_us=T + SECOND_US, until_us=T + 15 * SECOND_US),
    "a time of receipt to the microsecond": RecordQuery(park_uuid=PARK, since_us=T + 3, until_us=T + 10_000_007),
    "a time of payment": RecordQuery(park_uuid=PARK, paid_since_us=T - 400 * DAY_S * SECOND_US, paid_until_us=T),
    "a payment to the microsecond": RecordQuery(
        park_uuid=OTHER, paid_since_us=PAID_US - 999, paid_until_us=PAID_US + 1
    ),
    "payments after one": RecordQuery(park_uuid=OTHER, paid_since_us=PAID_US + 1),
    "payments before one": RecordQuery(park_uuid=OTHER, paid_until_us=PAID_US),
    "money that changed": RecordQuery(park_uuid=PARK, flags=FLAG_MONEY_CHANGED),
    "any flag": RecordQuery(park_uuid=PARK, flags=FLAG_MONEY_CHANGED | FLAG_PLATE_CHANGED | FLAG_UNUSUAL_PLATE),
    "a flag and a charge type": RecordQuery(park_uuid=PARK, flags=FLAG_UNUSUAL_PLATE, charge_type="MON_A"),
    "a flag of a plate": RecordQuery(plate="粤Z00000", flags=FLAG_MONEY_CHANGED),
    "nobody's plate": RecordQuery(plate="粤A00001"),
    "nobody's park": RecordQuery(park_uuid="nobody"),
}


@pytest.mark.parametrize("limit", [7, 1000])
def test_pages_hold_what_was_asked_for_once_and_newest_first(
    store: Store, browse: QueryStore, clock: Clock, limit: int
) -> None:
    fill(store, clock)
    for name, query in QUERIES.items():
        found = [one for page in pages(browse, query, limit) for one in page]
        assert found == picked(store, query, [PARK, OTHER]), name
        assert found or name.startswith(("nobody", "an order number of another")), name


def test_search_that_looks_at_few_records_a_page_still_finds_all(
    store: Store, browse: QueryStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store, clock)
    monkeypatch.setattr(of_records, "SCAN_ROWS_MAX", 16)
    monkeypatch.setattr(of_records, "MATCHES_MAX", 1)
    for name, query in QUERIES.items():
        if query.park_uuid == PARK:
            found = [one for page in pages(browse, query, 5) for one in page]
            assert found == picked(store, query, [PARK]), name


def test_page_ends_where_the_look_ends_and_the_next_goes_on_there(
    store: Store, browse: QueryStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [changed(row, charge_type="A" if place == 0 else "B") for place, row in enumerate(renewals(30))]
    do(store, push(rows, clock()))
    monkeypatch.setattr(of_records, "SCAN_ROWS_MAX", 10)
    sizes = [len(page) for page in pages(browse, RecordQuery(park_uuid=PARK, charge_type="A"), 5)]
    assert sizes == [0, 0, 1]
    first = browse.records(RecordQuery(park_uuid=PARK, charge_type="A"), None, 5)
    assert first.next == RecordPageCursor(clock() + 20, PARK)


def test_rare_flag_is_found_at_once_among_many_of_another(
    store: Store, browse: QueryStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = changed(renewals(1)[0], pay_partner="money")
    do(store, push([plain], clock()))
    do(store, push([changed(plain, pay_value_fen=1)], clock()))
    do(store, push([odd(number) for number in range(60)], clock()))
    monkeypatch.setattr(of_records, "SCAN_ROWS_MAX", 16)
    page = browse.records(RecordQuery(park_uuid=PARK, flags=FLAG_MONEY_CHANGED), None, 5)
    assert [one.stored.renewal.pay_partner for one in page.items] == ["money"]
    assert page.next is None


def test_rare_flag_is_not_looked_for_beyond_where_the_page_of_a_common_one_ends(
    store: Store, browse: QueryStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    rare = [changed(odd(number), flags=FLAG_MONEY_CHANGED) for number in range(5)]
    do(store, push(rare, clock()))
    clock.forward(1)
    do(store, push([odd(number) for number in range(10, 50)], clock()))
    # 24 sums of flags have one of the two, so each may be looked at twice.
    monkeypatch.setattr(of_records, "SCAN_ROWS_MAX", 48)
    query = RecordQuery(park_uuid=PARK, flags=FLAG_MONEY_CHANGED | FLAG_UNUSUAL_PLATE, charge_type="nobody's")
    page = browse.records(query, None, 5)
    assert (page.items, page.next) == ([], RecordPageCursor(clock() + 38, PARK))


def test_same_position_in_two_parks_is_told_apart_by_the_park(store: Store, browse: QueryStore, clock: Clock) -> None:
    row = changed(renewals(1)[0], plate="粤Z00000")
    do(store, push([row], clock()), push([row], clock(), park=OTHER))
    found = [page for page in pages(browse, RecordQuery(plate="粤Z00000"), 1) if page]
    assert [[one.park_uuid for one in page] for page in found] == [[OTHER], [PARK]]
    assert len({one.stored.position for page in found for one in page}) == 1


@pytest.mark.parametrize(
    "query",
    [
        RecordQuery(),
        RecordQuery(charge_type="MON_A"),
        RecordQuery(flags=FLAG_MONEY_CHANGED),
        RecordQuery(plate="无牌车"),
        RecordQuery(plate="", plate_prefix=True),
    ],
)
def test_all_parks_are_not_looked_through_without_an_index(
    store: Store, browse: QueryStore, clock: Clock, monkeypatch: pytest.MonkeyPatch, query: RecordQuery
) -> None:
    fill(store, clock)
    monkeypatch.setattr(of_records, "MATCHES_MAX", 20)
    with pytest.raises(ValueError, match="give more of it, or a park"):
        browse.records(query, None, 10)


def test_record_of_a_generation_that_was_replaced_is_not_found_until_it_is_restored(
    store: Store, browse: QueryStore, clock: Clock
) -> None:
    old, new = odd(1, card_no="N1"), changed(renewals(1)[0], pay_partner="new")
    do(store, push([old], clock()))
    do(store, push([new], clock(), complete=True))
    queries = [
        RecordQuery(plate=old.plate), RecordQuery(card="N1"), RecordQuery(pay_partner=old.pay_partner),
        RecordQuery(park_uuid=PARK, charge_type=old.charge_type, plate=old.plate),
        RecordQuery(park_uuid=PARK, flags=FLAG_UNUSUAL_PLATE),
    ]  # fmt: skip
    assert [browse.records(query, None, 9).items for query in queries] == [[]] * 5
    assert browse.flagged(None)[FLAG_UNUSUAL_PLATE] == 0
    assert [one.key for one in browse.vehicles(PARK, None, 9)] == [new.plate]
    assert store.restore(PARK, 1, clock())
    assert [len(browse.records(query, None, 9).items) for query in queries] == [1] * 5
    assert browse.flagged(PARK)[FLAG_UNUSUAL_PLATE] == 1
    assert [one.key for one in browse.vehicles(PARK, None, 9)] == [old.plate]


def test_flags_are_counted_each_by_itself_up_to_a_bound(
    store: Store, browse: QueryStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store, clock)
    for park_uuid in (PARK, OTHER, None):
        everything = [one for park in (PARK, OTHER) if park_uuid in (None, park) for one in held(store, park).values()]
        by_hand = {flag: sum(bool(one.renewal.flags & flag) for one in everything) for flag in FLAG_NAMES}
        assert browse.flagged(park_uuid) == by_hand
    monkeypatch.setattr(deciding, "FLAGGED_COUNT_MAX", 4)
    assert browse.flagged(PARK) == dict.fromkeys(FLAG_NAMES, 0) | {1: 4, 2: 4, 4: 4}


# ---- vehicles --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("records_a_vehicle", [20, 0])
def test_vehicles_come_in_order_each_with_all_its_records(
    store: Store, browse: QueryStore, clock: Clock, monkeypatch: pytest.MonkeyPatch, records_a_vehicle: int
) -> None:
    monkeypatch.setattr(of_records, "_RECORDS_A_VEHICLE", records_a_vehicle)
    fill(store, clock)
    by_plate: dict[str, list[int]] = {}
    for one in held(store).values():
        by_plate.setdefault(one.renewal.plate, []).append(one.position)
    found, page = [], browse.vehicles(PARK, None, 11)
    while page:
        found += page
        page = browse.vehicles(PARK, (page[-1].kind, page[-1].key), 11)
    assert [one.key for one in found] == sorted(by_plate)
    for vehicle in found:
        assert (vehicle.kind, vehicle.park_uuid) == ("plate", PARK)
        assert [one.position for one in vehicle.records] == sorted(by_plate[vehicle.key], reverse=True)


@pytest.mark.parametrize("looked_max", [1, 3, 1_000])
def test_vehicles_by_change_come_once_where_their_newest_record_is(
    store: Store, browse: QueryStore, clock: Clock, looked_max: int
) -> None:
    fill(store, clock)
    by_plate: dict[str, list[int]] = {}
    for one in held(store).values():
        by_plate.setdefault(one.renewal.plate, []).append(one.position)
    found: list[Vehicle] = []
    place: RecordPageCursor | None = None
    for _ in range(1_000):
        page = browse.vehicles_by_change(PARK, place, looked_max)
        found, place = found + page.items, page.next
        if place is None:
            break
    assert [one.key for one in found] == sorted(by_plate, key=lambda plate: max(by_plate[plate]), reverse=True)
    for vehicle in found:
        assert [one.position for one in vehicle.records] == sorted(by_plate[vehicle.key], reverse=True)


def test_erased_plates_are_no_vehicle_by_change(store: Store, browse: QueryStore, clock: Clock) -> None:
    fill(store, clock)
    entry = AuditEntry(
        at_us=clock(), who="command", action="plate.erase", park_uuid=PARK, subject="", detail="", peer=""
    )
    assert SqlAdminStore(store, clock).erase_plate("无牌车", PARK, entry).records > 0  # type: ignore[arg-type]
    found = browse.vehicles_by_change(PARK, None, 1_000).items
    assert found
    assert not {"", "无牌车"} & {one.key for one in found}


def test_vehicle_with_very_many_records_shows_its_newest_and_hides_no_other(
    store: Store, browse: QueryStore, clock: Clock
) -> None:
    do(store, push([changed(odd(number), pay_partner=f"o{number}") for number in range(900)], clock()))
    do(store, push([changed(row, plate=f"粤B0000{place}") for place, row in enumerate(renewals(3))], clock()))
    do(store, push([changed(odd(0), pay_partner="o0", operator="后来")], clock()))
    found = browse.vehicles(PARK, None, 10)
    assert [one.key for one in found] == sorted(["无牌车", "粤B00000", "粤B00001", "粤B00002"])
    crowd = next(one for one in found if one.key == "无牌车")
    assert len(crowd.records) == VEHICLE_RECORDS_MAX
    assert crowd.records[0].renewal.operator == "后来"
    assert [one.position for one in crowd.records] == sorted((one.position for one in crowd.records), reverse=True)


def test_one_vehicle_is_found_by_plate_and_by_card_in_every_park(
    store: Store, browse: QueryStore, clock: Clock
) -> None:
    fill(store, clock)
    assert [(one.park_uuid, one.kind) for one in browse.vehicle(None, "无牌车")] == [(PARK, "plate"), (OTHER, "plate")]
    assert [(one.park_uuid, one.kind) for one in browse.vehicle(OTHER, "N1")] == [(OTHER, "card_no")]
    assert [(one.park_uuid, one.kind) for one in browse.vehicle(None, "I2")] == [(PARK, "card_id"), (OTHER, "card_id")]
    records = browse.vehicle(PARK, "N1")[0].records
    assert {one.renewal.card_no for one in records} == {"N1"}
    assert len(records) == 10
    assert browse.vehicle(None, "nobody") == []


def test_empty_plate_does_not_find_what_was_erased(store: Store, browse: QueryStore, clock: Clock) -> None:
    fill(store, clock)
    entry = AuditEntry(
        at_us=clock(), who="command", action="plate.erase", park_uuid=PARK, subject="", detail="", peer=""
    )
    assert SqlAdminStore(store, clock).erase_plate("无牌车", PARK, entry).records > 0  # type: ignore[arg-type]
    for park_uuid in (PARK, None):
        assert browse.vehicle(park_uuid, "") == []
        assert browse.records(RecordQuery(park_uuid=park_uuid, plate=""), None, 10) == RecordPage([], None)


# ---- the journal -----------------------------------------------------------------------------------------------------


def fill_journal(store: Store, clock: Clock) -> None:
    for turn in range(12):
        do(store, push(renewals(1), clock()), push(renewals(1), clock(), park=OTHER))
        if turn % 3 == 0:
            codes = {PARK: "400", OTHER: "413", None: "401"}
            do(store, *[refused(clock(), park=park, code=code, body=b"{}") for park, code in codes.items()])
        clock.forward(1)


@pytest.mark.parametrize(
    ("query", "parks", "codes"),
    [
        (RequestLogQuery(), {PARK, OTHER, None}, {"1001", "400", "413", "401"}),
        (RequestLogQuery(park_uuid=PARK), {PARK}, {"1001", "400"}),
        (RequestLogQuery(strangers=True), {None}, {"401"}),
        (RequestLogQuery(code="413"), {OTHER}, {"413"}),
        (RequestLogQuery(code="1001"), {PARK, OTHER}, {"1001"}),
        (RequestLogQuery(park_uuid=PARK, code="1001"), {PARK}, {"1001"}),
        (RequestLogQuery(refused=True), {PARK, OTHER, None}, {"400", "413", "401"}),
        (RequestLogQuery(park_uuid=OTHER, refused=True), {OTHER}, {"413"}),
        (RequestLogQuery(park_uuid=OTHER, refused=True, code="400"), set(), set()),
        (RequestLogQuery(strangers=True, code="401"), {None}, {"401"}),
        (RequestLogQuery(park_uuid="nobody"), set(), set()),
    ],
)
@pytest.mark.parametrize("looked_at", [4, 10_000])
def test_request_log_is_read_newest_first_by_park_code_and_time(
    store: Store, browse: QueryStore, clock: Clock, monkeypatch: pytest.MonkeyPatch,
    query: RequestLogQuery, parks: set[str | None], codes: set[str], looked_at: int,
) -> None:  # fmt: skip
    monkeypatch.setattr(deciding, "SCAN_ROWS_MAX", looked_at)
    start = clock()
    fill_journal(store, clock)
    whole = journal(browse, query)
    seqnos = [one.seqno for one in whole]
    assert seqnos == sorted(seqnos, reverse=True)
    assert ({one.park_uuid for one in whole}, {one.code for one in whole}) == (parks, codes)
    period = replace(query, since_us=start + 3 * SECOND_US, until_us=start + 7 * SECOND_US)
    within = [one for one in whole if start + 3 * SECOND_US <= one.origin.received_us < start + 7 * SECOND_US]
    assert journal(browse, period) == within
    assert browse.request_log(period, "9" * 32, 5) == browse.request_log(period, None, 5)
    assert all(store.request_log_entry(one.seqno) == one for one in whole)


def journal(browse: QueryStore, query: RequestLogQuery) -> list[RequestLogEntry]:
    found: list[RequestLogEntry] = []
    before: str | None = None
    while True:
        page = browse.request_log(query, before, 5)
        assert len(page.items) <= 5
        found += page.items
        if page.next is None:
            return found
        assert before is None or page.next < before
        before = page.next


def test_replays_are_found_by_the_request_that_they_replace(store: Store, browse: QueryStore, clock: Clock) -> None:
    first, second = refused(clock(), body=b"{}"), refused(clock(), body=b"{}")
    do(store, first, second)
    by_staff = [push(renewals(1), clock() + turn * 1000) for turn in range(3)]
    do(store, *[named(one, first.seqno) for one in by_staff], push(renewals(1), clock()))
    assert browse.replays_of(PARK, first.seqno) == [one.seqno for one in by_staff]
    assert browse.replays_of(PARK, second.seqno) == []
    assert browse.replays_of(OTHER, first.seqno) == []


def named(request: Push, replay_of: str) -> Push:
    return structs.replace(request, origin=structs.replace(request.origin, replay_of=replay_of))


# ---- changes, rollups, parks -----------------------------------------------------------------------------------------


def test_changes_are_told_in_order_and_none_is_skipped(store: Store, browse: QueryStore, clock: Clock) -> None:
    rows = renewals(30)
    do(store, push(rows, clock()))
    seen, after = [], 0
    while True:
        page = browse.changes(PARK, 1, after, 7)
        assert page is not None
        seen += page.items
        if not page.more:
            break
        after = page.items[-1].position
    assert [one.stored.renewal.pay_partner for one in seen] == [row.pay_partner for row in rows]
    do(store, push([changed(rows[3], operator="新")], clock()))
    page = browse.changes(PARK, 1, seen[-1].position, 7)
    assert page is not None
    assert [(one.stored.renewal.operator, one.position, page.more) for one in page.items] == [
        ("新", page.items[0].stored.position, False)
    ]
    assert browse.changes("nobody", None, 0, 7) is None


def test_changes_begin_again_where_the_generation_is_another(store: Store, browse: QueryStore, clock: Clock) -> None:
    do(store, push(renewals(5), clock()))
    last = clock() + 4
    do(store, push(renewals(3), clock(), complete=True))
    page = browse.changes(PARK, 1, last + 100, 10)
    assert page is not None
    assert (page.generation, len(page.items)) == (2, 3)
    for generation in (2, None):
        page = browse.changes(PARK, generation, last + 2, 10)
        assert page is not None
        assert (page.generation, len(page.items)) == (2, 1)


def test_money_and_answers_are_added_up_by_day(store: Store, browse: QueryStore, clock: Clock) -> None:
    today = business_day(clock())
    cash = [changed(row, pay_type=1, pay_value_fen=100) for row in renewals(4)]
    do(store, push(cash, clock()), push(cash[:1], clock(), park=OTHER), refused(clock(), park=None, code="401"))
    clock.forward(DAY_S)
    do(store, push([changed(cash[0], pay_value_fen=150)], clock()), refused(clock()))
    first = {"day": today, "pay_type": 1, "updated": 0}
    second = DailyMoney(day=today + 1, pay_type=1, inserted=0, updated=1, pay_value_fen=50)
    of_park = [DailyMoney(**first, inserted=4, pay_value_fen=400), second]
    assert browse.money_by_day(PARK, today, today + 2) == of_park
    assert browse.money_by_day(PARK, today + 1, today + 2) == of_park[1:]
    assert browse.money_by_day(PARK, today, today + 1) == of_park[:1]
    assert browse.money_by_day(None, today, today + 2) == [DailyMoney(**first, inserted=5, pay_value_fen=500), second]

    def plain(answers: list[DailyAnswers]) -> list[tuple[int, str | None, str, int, int]]:
        return [(one.day - today, one.park_uuid, one.code, one.requests, one.received) for one in answers]

    whole = [(0, None, "1001", 2, 5), (0, None, "401", 1, 0), (1, None, "1001", 1, 1), (1, None, "400", 1, 0)]
    assert plain(browse.answers_by_day(None, today, today + 2)) == whole
    of_other = [(0, OTHER, "1001", 1, 1)]
    assert plain(browse.answers_by_day(OTHER, today, today + 2)) == of_other
    of_one = [(0, PARK, "1001", 1, 4), (1, PARK, "1001", 1, 1), (1, PARK, "400", 1, 0)]
    of_strangers = [(0, None, "401", 1, 0)]
    assert plain(browse.answers_by_park(today, today + 2)) == of_strangers + of_one + of_other
    assert plain(browse.answers_by_park(today + 1, today + 2)) == of_one[1:]


def test_parks_are_searched_by_name_and_uuid_whatever_the_case(store: Store, browse: QueryStore, clock: Clock) -> None:
    store.add_park("x-100%", "北门_A", b"sealed", clock())
    for text, found in {
        "停车": [PARK, OTHER], "PARK-O": [PARK], "one": [PARK], "": [PARK, OTHER, "x-100%"], "%": ["x-100%"],
        "_a": ["x-100%"], "南": [],
    }.items():  # fmt: skip
        assert [park.park_uuid for park in browse.search_parks(text, "", 10)] == found, text
    assert [park.park_uuid for park in browse.search_parks("停", PARK, 10)] == [OTHER]
    assert browse.search_parks("停", "", 1) == [store.find_park(PARK)]


def test_settings_beyond_the_push_are_read(ledger: Ledger, store: Store, browse: QueryStore, clock: Clock) -> None:
    do(store, push(renewals(3), clock()))
    assert browse.park_details(PARK) == ParkDetails(
        park_uuid=PARK, position=clock() + 2, retention_days=None, charge_address=None
    )
    keep = keep_of(store, clock)
    assert keep.set_retention(PARK, 90, ENTRY)
    assert keep.set_charge_address(PARK, "http://park.example/gateway", ENTRY)
    more = browse.park_details(PARK)
    assert more is not None
    assert (more.retention_days, more.charge_address) == (90, "http://park.example/gateway")
    assert browse.park_details("nobody") is None


def test_charge_types_are_read_as_they_came_with_what_was_wrong_last(
    store: Store, browse: QueryStore, clock: Clock
) -> None:
    keep = keep_of(store, clock)
    items = [
        ChargeType(
            id=one, name=f"名{one}", desc="", vip_type=1, price_fen=100, extra_days=None, create_time="", update_time=""
        )
        for one in ("b", "a")
    ]
    assert browse.charge_types(PARK).items == []
    assert browse.charge_types("nobody").address is None
    keep.set_charge_address(PARK, "http://park.example/", ENTRY)
    assert browse.parks_for_charge_types(clock(), 9) == [PARK]
    keep.save_charge_types(PARK, items, None, clock())
    clock.forward(1)
    keep.save_charge_types(PARK, None, LocalizedText("没有应答", "no answer"), clock())
    found = browse.charge_types(PARK)
    assert found.items == items
    assert (found.fetched_us, found.tried_us) == (clock() - SECOND_US, clock())
    assert found.trouble == LocalizedText("没有应答", "no answer")
    assert browse.parks_for_charge_types(clock(), 9) == []
    assert browse.parks_for_charge_types(clock() + 1, 9) == [PARK]


def keep_of(store: Store, clock: Clock) -> SqlAdminStore:
    assert isinstance(store, PostgresStore | SqliteStore)
    return SqlAdminStore(store, clock)


def test_whole_park_history_and_generations_are_those_of_the_ledger(
    store: Store, browse: QueryStore, clock: Clock
) -> None:
    rows = fill(store, clock)
    assert list(browse.iter_park(PARK)) == list(store.iter_records(PARK, Filter()))
    number = rows[22].pay_partner
    assert len(browse.history_of(PARK, number)) == 2
    assert browse.history_of(PARK, number) == store.history(PARK, number)
    assert [one.generation for one in browse.generations_of(PARK)] == [2, 1]
