"""What the lists and single answers say: filters, pages, histories, vehicles, requests, totals."""

from __future__ import annotations

import json
from urllib.parse import quote

import msgspec
import pytest

from support.api_app import ROWS, Platform, row
from support.store_data import OTHER, PARK, changed, do, push, refused, renewals
from support.store_database import NOON_US
from vipgate.domain.entitlement import EXPIRING_DAYS
from vipgate.domain.masking import mask_plate
from vipgate.domain.serialization import EXPORT_COLUMNS, record_to_dict
from vipgate.protocol.renewal import format_instant
from vipgate.store.interfaces.ledger import HISTORY_MAX, ParkChange

DAY_US = 86_400_000_000
RENEWALS = f"/parks/{PARK}/renewals"


def test_park_is_told_as_it_is_and_without_its_secret(stocked: Platform) -> None:
    stocked.database.store.rotate_secret(PARK, b"sealed-again", stocked.clock())
    stocked.database.store.change_park(PARK, ParkChange(hold_replaces=True, charset="gbk"))
    told = stocked.get(f"/parks/{PARK}", stocked.token())
    assert (told["park_uuid"], told["name"], told["records"], told["generation"]) == (PARK, "北门", ROWS, 1)
    assert told["previous_secret_valid"]
    assert (told["require_hmac"], told["hold_replaces"], told["charset"]) == (False, True, "gbk")
    assert told["last_push"] == format_instant(stocked.clock())
    assert "sealed" not in json.dumps(told)


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_pages_of_parks_have_every_park_once(platform: Platform, limit: int) -> None:
    for number in range(5):
        platform.database.store.add_park(f"x{number}", f"门{number}", b"sealed", platform.clock())
    token = platform.token()
    named = [one["park_uuid"] for page in platform.pages("/parks", token, limit) for one in page]
    assert named == sorted([PARK, OTHER, *[f"x{number}" for number in range(5)]])
    searched = [one["name"] for page in platform.pages("/parks?search=门", token, limit) for one in page]
    assert sorted(searched) == ["北门", "南门", *[f"门{number}" for number in range(5)]]


def test_members_are_those_of_the_export(stocked: Platform) -> None:
    items = stocked.get(f"{RENEWALS}?limit=1000", stocked.token())["items"]
    told = {one["pay_partner"]: one for one in items}
    held = list(stocked.database.queries.iter_park(PARK))
    assert len(told) == len(held) == ROWS
    for one in held:
        exported = record_to_dict(one)
        exported["extra"] = None if exported["extra"] is None else json.loads(bytes(exported["extra"]))
        assert told[one.renewal.pay_partner] == exported
    assert tuple(items[0]) == EXPORT_COLUMNS


@pytest.mark.parametrize("limit", [1, 7, 60, 1000])
def test_pages_have_every_record_once_newest_change_first(stocked: Platform, limit: int) -> None:
    numbers = [one["pay_partner"] for page in stocked.pages(RENEWALS, stocked.token(), limit) for one in page]
    assert len(numbers) == len(set(numbers)) == ROWS
    assert numbers[0] == renewals(ROWS)[0].pay_partner, "the record that was changed last comes first"


ODD = {
    "pay_partner": "order/1 ?#%",
    "plate": "粤Z12345",
    "card_no": "CARD-7",
    "card_id": "CHIP-9",
    "charge_type": "vip 7",
    "vip_type": 6,
    "pay_type": 2,
    "pay_time_ms": NOON_US // 1000 - 5_000,
    "flags": 4,
}


@pytest.mark.parametrize(
    "query",
    [
        "plate=粤z·12345",
        "plate_prefix=粤Z1",
        "pay_partner=order/1 ?#%",
        "card=CARD-7",
        "card=CHIP-9",
        "charge_type=vip 7",
        "vip_type=6&flag=money_changed",
        "flag=money_changed",
        "paid_since=2026-11-24T03:59:55Z&paid_until=2026-11-24T03:59:56Z&vip_type=6&charge_type=vip 7",
        "since=2026-11-24T05:00:00Z",
        "since=2026-11-24T13:00:00+08:00&until=2026-11-25",
    ],
)
def test_each_filter_finds_the_record_and_no_other(stocked: Platform, query: str) -> None:
    stocked.clock.forward(2 * 3600)
    do(stocked.database.store, push([row(**ODD)], stocked.clock()))
    asked = "&".join("=".join(quote(part, safe="") for part in pair.split("=")) for pair in query.split("&"))
    [found] = stocked.get(f"{RENEWALS}?{asked}", stocked.token())["items"]
    assert found["pay_partner"] == ODD["pay_partner"]


@pytest.mark.parametrize(
    "query",
    [
        "plate=粤Z12346",
        "plate_prefix=粤Z2",
        "pay_partner=order",
        "card=CARD",
        "pay_type=1&pay_partner=order%2F1 %3F%23%25",
        "until=2026-11-24T05:00:00Z&plate=粤Z12345",
        "since=2026-11-25&plate=粤Z12345",
        "paid_until=2026-11-24T03:59:55Z&plate=粤Z12345",
        "paid_since=2026-11-24T03:59:56Z&plate=粤Z12345",
        "flag=unusual_plate&plate=粤Z12345",
    ],
)
def test_filter_that_does_not_fit_finds_nothing(stocked: Platform, query: str) -> None:
    stocked.clock.forward(2 * 3600)
    do(stocked.database.store, push([row(**ODD)], stocked.clock()))
    assert stocked.get(f"{RENEWALS}?{query}", stocked.token())["items"] == []


def test_search_over_all_parks_names_the_park_of_each_record(platform: Platform) -> None:
    for park in (PARK, OTHER):
        do(platform.database.store, push([row(plate="粤Z12345")], platform.clock(), park=park))
    token = platform.token()
    for query in ("plate=粤Z12345", "plate_prefix=粤Z", f"pay_partner={row().pay_partner}"):
        pages = list(platform.pages(f"/renewals?{query}", token, 1))
        assert {one["park_uuid"] for page in pages for one in page} == {PARK, OTHER}


def test_search_that_finds_too_much_over_all_parks_is_refused_with_a_remedy(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vipgate.store.common.record_queries.MATCHES_MAX", 3)
    do(
        platform.database.store,
        push([row(plate=f"粤Z1234{n}", pay_partner=f"o{n}") for n in range(9)], platform.clock()),
    )
    answer = platform.ask("/renewals?plate_prefix=粤Z", platform.token())
    assert answer.status_code == 400
    assert answer.json()["error"]["place"] == "plate_prefix"
    assert "one park" in answer.json()["error"]["message"]


def test_record_is_told_with_the_versions_before_it(stocked: Platform) -> None:
    number = renewals(ROWS)[0].pay_partner
    told = stocked.get(f"{RENEWALS}/{number}", stocked.token())
    assert (told["operator"], told["revision"], told["plate"]) == ("王五", 3, "粤B99999")
    assert [one["revision"] for one in told["history"]] == [1, 2]
    assert told["history"][1]["replaced_seqno"] == told["seqno"]
    assert told["history"][0]["replaced_seqno"] == told["history"][1]["seqno"]
    assert stocked.ask(f"{RENEWALS}/nothing", stocked.token()).json()["error"]["place"] == "pay_partner"


def test_long_history_is_told_in_parts(platform: Platform) -> None:
    changes = [push([row(quantity=number)], platform.clock()) for number in range(HISTORY_MAX + 3)]
    do(platform.database.store, *changes)
    path, token = f"{RENEWALS}/{row().pay_partner}", platform.token()
    newest = platform.get(path, token)
    assert [one["quantity"] for one in newest["history"]] == list(range(2, HISTORY_MAX + 2))
    oldest = platform.get(f"{path}?before={newest['history_before']}", token)
    assert [one["quantity"] for one in oldest["history"]] == [0, 1]
    assert oldest["history_before"] is None
    assert platform.ask(f"{path}?before=0", token).status_code == 400


@pytest.mark.parametrize("number", ["a/b", "a b", "..", "100%", "é?#", "订单+1", "renewals.csv"])
def test_order_number_of_any_letters_is_found_by_its_path(platform: Platform, number: str) -> None:
    do(platform.database.store, push([row(pay_partner=number)], platform.clock()))
    sent = quote(number, safe="").replace(".", "%2E")
    assert platform.get(f"{RENEWALS}/{sent}", platform.token())["pay_partner"] == number


def test_vehicles_tell_what_is_valid_now(platform: Platform) -> None:
    day = 30 * DAY_US
    rows = [
        row(pay_partner="1", plate="粤A00001", renewal_start_time_us=NOON_US - day, renewal_end_time_us=NOON_US + day),
        row(
            pay_partner="2", plate="粤A00002", renewal_start_time_us=NOON_US - day, renewal_end_time_us=NOON_US + DAY_US
        ),
        row(pay_partner="3", plate="粤A00003", renewal_start_time_us=NOON_US - day, renewal_end_time_us=NOON_US - 1),
        row(pay_partner="4", plate="粤A00004", renewal_start_time_us=None, renewal_end_time_us=None, vip_type=1),
        row(
            pay_partner="5",
            plate="粤A00005",
            renewal_start_time_us=None,
            renewal_end_time_us=None,
            vip_type=2,
            value_e4=5,
        ),
    ]
    do(platform.database.store, push(rows, platform.clock()))
    told = [one for page in platform.pages(f"/parks/{PARK}/vehicles", platform.token(), 2) for one in page]
    assert [(one["key"], one["state"]) for one in told] == [
        ("粤A00001", "valid"),
        ("粤A00002", "expiring"),
        ("粤A00003", "expired"),
        ("粤A00004", "none"),
        ("粤A00005", "valid"),
    ]
    assert told[0]["until"] == format_instant(NOON_US + day)
    assert (told[4]["until"], told[4]["value"], told[4]["vip_type"]) == (None, "0.0005", 2)


@pytest.mark.parametrize("masked", [False, True])
def test_pages_of_vehicles_have_every_plate_once(stocked: Platform, masked: bool) -> None:
    token = stocked.token(masked=masked)
    plates = {one.renewal.plate for one in stocked.database.queries.iter_park(PARK)}
    shown = sorted(mask_plate(plate) if masked else plate for plate in plates)
    for limit in (1, 7, 1000):
        told = [one["key"] for page in stocked.pages(f"/parks/{PARK}/vehicles", token, limit) for one in page]
        assert sorted(told) == shown


def test_vehicle_is_found_by_plate_as_typed_and_by_card(platform: Platform) -> None:
    do(platform.database.store, push([row(plate="粤A00001", card_no="C1", card_id="C2")], platform.clock()))
    token = platform.token()
    for query, kind in (("plate=粤a 0·0001", "plate"), ("card=C1", "card_no"), ("card=C2", "card_id")):
        [one] = platform.get(f"/parks/{PARK}/vehicles?{query}", token)["items"]
        assert one["kind"] == kind
    for query in ("plate=C1", "card=粤A00001"):
        assert platform.get(f"/parks/{PARK}/vehicles?{query}", token)["items"] == []


def test_requests_are_listed_newest_first_and_by_park_code_and_time(stocked: Platform) -> None:
    token = stocked.token()
    everything = [one for page in stocked.pages("/requests", token, 2) for one in page]
    assert len(everything) == 6
    assert [one["seqno"] for one in everything] == sorted((one["seqno"] for one in everything), reverse=True)
    for query, count in (
        (f"park_uuid={PARK}", 4),
        (f"park_uuid={OTHER}", 1),
        ("code=1001", 4),
        ("code=400", 1),
        ("code=401", 1),
        ("since=2026-11-24T04:01:00Z", 4),
        ("until=2026-11-24T04:01:00Z", 2),
        ("since=2026-11-24T04:01:00Z&until=2026-11-24T04:02:00Z&code=1001", 1),
    ):
        found = [one for page in stocked.pages(f"/requests?{query}", token, 1) for one in page]
        assert len(found) == count, query


def test_request_is_told_with_what_was_wrong(stocked: Platform) -> None:
    entry = refused(stocked.clock(), body=b"{}")
    do(stocked.database.store, entry)
    told = stocked.get(f"/requests/{entry.seqno}", stocked.token())
    assert (told["code"], told["hint"], told["hint_en"], told["body_kept"]) == ("400", "不对", "wrong", True)
    assert stocked.ask(f"/requests/{'9' * 32}", stocked.token()).status_code == 404


@pytest.mark.parametrize("webhook_id", ["msg_1", None])
def test_request_tells_the_id_under_which_hmac_signed_it(stocked: Platform, webhook_id: str | None) -> None:
    made = msgspec.structs.replace(push([row()], stocked.clock()), webhook_id=webhook_id)
    do(stocked.database.store, made)
    assert stocked.get(f"/requests/{made.seqno}", stocked.token())["webhook_id"] == webhook_id


def test_totals_add_up_by_day_and_are_bounded_to_the_days_asked_for(stocked: Platform) -> None:
    token = stocked.token()
    told = stocked.get(f"/totals?park_uuid={PARK}", token)
    held = [one.renewal for one in stocked.database.queries.iter_park(PARK)]
    assert (told["since"], told["until"]) == ("2026-10-26", "2026-11-25")
    assert sum(day["pay_value"] for day in told["records"]) == sum(one.pay_value_fen or 0 for one in held)
    assert sum(day["updated"] for day in told["records"]) == 2
    assert {(one["code"], one["requests"]) for one in told["requests"]} == {("1001", 3), ("400", 1)}
    for query in ("since=2026-11-25&until=2026-12-01", "until=2026-11-24", "since=2026-11-24&until=2026-11-24"):
        assert stocked.get(f"/totals?park_uuid={PARK}&{query}", token)["records"] == []


def test_answer_is_of_the_current_generation_alone(stocked: Platform) -> None:
    do(stocked.database.store, push([changed(row(), pay_partner="new")], stocked.clock(), complete=True))
    token = stocked.token()
    assert [one["pay_partner"] for one in stocked.get(RENEWALS, token)["items"]] == ["new"]
    assert len(stocked.get(f"/parks/{PARK}/vehicles", token)["items"]) == 1
    assert EXPIRING_DAYS == 7, "the document says so"
