"""The search for records, one record with its history and review, and the export."""

from __future__ import annotations

import asyncio
import csv
import io
import re
import threading
from collections.abc import Iterator
from html import unescape

import httpx
import pytest

from support.console_app import House
from support.console_data import DAY_US, OTHER, PARK, PLATE, add_park, push, renewal, save_types
from support.store_database import NOON_US
from vipgate.admin.console.csv_export import matches
from vipgate.admin.console.formatting import VERSIONS_SHOWN_MAX
from vipgate.admin.console.views.records import RECORDS_A_PAGE, read_place
from vipgate.domain.serialization import EXPORT_COLUMNS
from vipgate.protocol.renewal import FLAG_MONEY_CHANGED, FLAG_PLATE_CHANGED
from vipgate.store.interfaces.ledger import StoredRecord
from vipgate.store.interfaces.queries import SCAN_ROWS_MAX, RecordQuery

HOSTILE = '<script>alert("x")</script>'


def fill(house: House) -> None:
    add_park(house)
    add_park(house, OTHER, "科技园")
    push(house, *(renewal(f"P{n}", plate=f"粤B1{n:04}") for n in range(3)))
    push(house, renewal("Q1", plate="粤B10001", card_no="C-77"), park=OTHER)


@pytest.mark.parametrize(
    ("query", "orders"),
    [
        ("plate=粤B10001", {"P1", "Q1"}),
        ("plate=粤b·10001", {"P1", "Q1"}),
        ("plate=粤B1000&prefix=1", {"P0", "P1", "P2", "Q1"}),
        ("plate=粤B1000", set()),
        ("pay_partner=P2", {"P2"}),
        ("card=C-77", {"Q1"}),
        (f"park={OTHER}", {"Q1"}),
        ("park=科技园", {"Q1"}),
        (f"park={PARK}&charge_type=101&vip_type=1", {"P0", "P1", "P2"}),
        (f"park={PARK}&vip_type=2", set()),
        (f"park={PARK}&since=2026-11-24&until=2026-11-24", {"P0", "P1", "P2"}),
        (f"park={PARK}&since=2026-11-25", set()),
        (f"park={PARK}&paid_until=2026-11-23", set()),
    ],
)
def test_search_finds_what_is_asked_for_and_nothing_else(house: House, query: str, orders: set[str]) -> None:
    fill(house)
    browser = house.enter(sees_plates=True)
    browser.send("/plates/show", next="/")
    page = browser.page(f"/records?{query}")
    assert {order for order in ("P0", "P1", "P2", "Q1") if f">{order}</a>" in page} == orders


def test_search_of_all_parks_by_what_no_index_answers_is_told_what_to_add(house: House) -> None:
    fill(house)
    page = house.enter().page("/records?since=2026-11-24", 422)
    assert "请填写车场" in page
    assert 'aria-describedby="park-notes"' in page


def test_search_without_anything_asks_for_nothing_and_is_no_fault(house: House) -> None:
    fill(house)
    assert "在全部车场中查找" in house.enter().page("/records")


@pytest.mark.parametrize(
    "query",
    ["since=2026-13-01", "park=nowhere", "plate=粤B1234567890123456789", "vip_type=99", "pay_partner=" + "9" * 70],
)
def test_wrong_filter_is_marked_and_not_dropped(house: House, query: str) -> None:
    fill(house)
    assert 'aria-invalid="true"' in house.enter().page(f"/records?{query}", 422)


def test_name_that_several_parks_have_is_asked_back(house: House) -> None:
    add_park(house, PARK, "海岸城北门")
    add_park(house, OTHER, "海岸城南门")
    page = house.enter().page("/records?park=海岸城", 422)
    assert PARK in page
    assert OTHER in page


def test_pages_follow_each_other_without_gap_or_repeat(house: House) -> None:
    add_park(house)
    push(house, *(renewal(f"P{n:03}") for n in range(RECORDS_A_PAGE * 2 + 1)))
    browser = house.enter()
    seen: list[str] = []
    path = f"/records?park={PARK}"
    for _ in range(3):
        page = browser.page(path)
        seen += [
            part.partition("<")[0]
            for part in page.split('class="code" href="/parks/')[1:]
            for part in [part.partition(">")[2]]
        ]
        path = page.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert seen == [f"P{n:03}" for n in reversed(range(RECORDS_A_PAGE * 2 + 1))]
    assert path == ""


@pytest.mark.parametrize("text", ["", "1", "x.park", "-1.park", "9" * 30 + ".park", "1." + "p" * 65, "1.a\nb"])
def test_broken_place_is_the_first_page(text: str) -> None:
    assert read_place(text) is None


def test_page_that_stopped_looking_says_how_far_it_came(house: House) -> None:
    add_park(house)
    push(house, *(renewal(f"P{n:05}") for n in range(SCAN_ROWS_MAX - 5)), at_us=NOON_US - DAY_US)
    push(house, *(renewal(f"R{n:05}") for n in range(10)))
    push(house, renewal("OLD", charge_type="seldom"), at_us=NOON_US - 2 * DAY_US)
    push(house, *(renewal(f"S{n:05}") for n in range(20)))
    browser = house.enter()
    page = browser.page(f"/records?park={PARK}&charge_type=seldom")
    while "OLD" not in page:
        assert "更早的还没有查看" in page
        onward = page.partition("更早的还没有查看")[2].partition('href="')[2].partition('"')[0]
        page = browser.page(onward.replace("&amp;", "&"))


def test_plates_and_cards_are_hidden_until_they_are_shown(house: House) -> None:
    add_park(house)
    push(
        house, renewal("P1", card_no="CARD-4711", card_id="CHIP-0815", operator="张三丰", extra='{"tel":"13800000000"}')
    )
    push(house, renewal("P1", plate="粤B99999"), at_us=NOON_US + 1)
    browser = house.enter("operator", sees_plates=True)
    paths = [
        f"/records?park={PARK}",
        f"/parks/{PARK}/records/P1",
        f"/vehicles?park={PARK}",
        f"/vehicles?park={PARK}&of=P1",
    ]
    secrets = (PLATE, "粤B99999", "CARD-4711", "CHIP-0815", "张三丰", "13800000000", "%E7%B2%A4B99999")
    for path in paths:
        page = browser.page(path)
        assert [secret for secret in secrets if secret in page] == [], path
        assert "粤B***99" in page
    assert browser.send("/plates/show", next="/").status_code == 303
    page = browser.page(f"/parks/{PARK}/records/P1")
    assert [secret for secret in secrets[:-1] if secret not in page] == []


def test_record_tells_each_version_and_the_request_that_wrote_it(house: House) -> None:
    add_park(house)
    first = push(house, renewal())
    second = push(house, renewal(plate="粤B99999", pay_value_fen=31_000), at_us=NOON_US + 1)
    page = house.enter(language="en").page(f"/parks/{PARK}/records/P1")
    assert f'href="/requests/{first}"' in page
    assert f'href="/requests/{second}"' in page
    assert "<del>粤B***45</del> → <ins>粤B***99</ins>" in page
    assert "<del>300.00</del> → <ins>310.00</ins>" in page
    assert page.index(second) < page.index(first)


def test_change_behind_a_mask_is_told_and_not_shown_as_one_mask_and_another(house: House) -> None:
    add_park(house)
    push(house, renewal(operator="张三", plate="粤B12345", card_no="12", extra='{"a":1}'))
    push(house, renewal(operator="李四", plate="粤B99945", card_no="3", extra='{"a":2}'), at_us=NOON_US + 1)
    browser = house.enter("operator", sees_plates=True, language="en")
    page = browser.page(f"/parks/{PARK}/records/P1")
    for member in ("Operator", "Plate", "Card number", "Extra members"):
        assert f'{member}: <span class="soft">changed, but hidden</span>' in page
    assert "** →" not in browser.page(f"/parks/{PARK}/review")
    browser.send("/plates/show", next="/")
    assert "<del>张三</del> → <ins>李四</ins>" in browser.page(f"/parks/{PARK}/records/P1")


def test_versions_of_a_record_are_paged_back_to_its_first(house: House) -> None:
    add_park(house)
    for number in range(2 * VERSIONS_SHOWN_MAX + 3):
        push(house, renewal("P1", quantity=number))
    visitor, found, path = house.enter(), [], f"/parks/{PARK}/records/P1"
    pages = 0
    while path:
        page = visitor.page(path)
        found += re.findall(r'<th scope="row" class="n">(\d+)</th>', page)
        assert ("tag good" in page) == (pages == 0)
        onward = re.search(r'href="([^"]*before=\d+)"', page)
        path, pages = unescape(onward[1]) if onward else "", pages + 1
    assert found == [str(number) for number in range(2 * VERSIONS_SHOWN_MAX + 3, 0, -1)]
    assert pages == 3


def test_record_that_is_not_there_says_so(house: House) -> None:
    add_park(house)
    browser = house.enter()
    assert "没有订单号为 nothing 的记录" in browser.page(f"/parks/{PARK}/records/nothing", 404)
    assert "没有车场 nowhere" in browser.page("/parks/nowhere/records/P1", 404)


@pytest.mark.parametrize("order", ["a/b", "..", "?x=1", "~s", HOSTILE, "a&b=c", "%2F", "#1"])
def test_record_is_found_by_any_order_number_and_nothing_of_it_is_run(house: House, order: str) -> None:
    add_park(house, name=HOSTILE)
    push(house, renewal(order, operator=HOSTILE, charge_type=HOSTILE, plate=HOSTILE[:16]))
    browser = house.enter(sees_plates=True)
    page = browser.page(f"/records?park={PARK}")
    path = page.partition('<th scope="row" class="long"><a class="code" href="')[2].partition('"')[0]
    assert path.startswith(f"/parks/{PARK}/records/")
    record = browser.page(path.replace("&amp;", "&"))
    assert "<script" not in page + record


def test_review_takes_the_flags_that_were_seen_and_is_written_down(house: House) -> None:
    add_park(house)
    push(house, renewal())
    push(house, renewal(plate="粤B99999", pay_value_fen=31_000), at_us=NOON_US + 1)
    path = f"/parks/{PARK}/records/P1"
    answer = house.enter("operator").send(path, on=path, flags=str(FLAG_PLATE_CHANGED))
    assert answer.headers["location"] == f"{path}?done=reviewed"
    stored = house.database.store.find_record(PARK, "P1")
    assert stored is not None
    assert stored.renewal.flags == FLAG_MONEY_CHANGED
    [entry, *_] = house.database.accounts.audit_entries(None, PARK, None, 1)
    assert (entry.action, entry.subject, entry.detail, entry.who) == (
        "record.review",
        "P1",
        "plate_changed",
        "operator",
    )


def test_reader_reviews_nothing(house: House) -> None:
    add_park(house)
    push(house, renewal(plate="X1"))
    path = f"/parks/{PARK}/records/P1"
    browser = house.enter()
    assert '<button class="small">标记为已复核' not in browser.page(path)
    assert browser.send(path, on=path, flags="1").status_code == 403
    assert browser.post(path, {"flags": "1"}).status_code == 403


def test_charge_type_is_called_by_name_and_an_unknown_id_is_marked(house: House) -> None:
    add_park(house)
    save_types(house, [("101", "月卡（业主）")])
    push(house, renewal("P1"), renewal("P2", charge_type="999"))
    browser = house.enter()
    page = browser.page(f"/records?park={PARK}")
    assert "月卡（业主） <small>101</small>" in page
    assert page.count("未知类型") == 1
    named = browser.page(f"/records?park={PARK}&charge_type=月卡（业主）")
    assert ">P1</a>" in named
    assert ">P2</a>" not in named


def test_full_page_stays_small(house: House) -> None:
    add_park(house, name="海岸城购物中心地下停车场北门出入口")
    save_types(house, [("TYPE_MONTH_OWNER_A", "小区业主月卡（含节假日及夜间）")])
    rows = [
        renewal(f"2026112411{n:022}", charge_type="TYPE_MONTH_OWNER_A", card_no=f"CARD{n:012}", flags=6)
        for n in range(50)
    ]
    push(house, *rows)
    browser = house.enter()
    for path in (f"/records?park={PARK}", f"/records?plate={PLATE}", f"/vehicles?park={PARK}"):
        assert len(browser.page(path).encode()) <= 50_000, path


def read_csv(text: str) -> list[dict[str, str]]:
    assert text.startswith("\N{ZERO WIDTH NO-BREAK SPACE}")
    return list(csv.DictReader(io.StringIO(text[1:])))


def test_export_holds_what_the_search_finds_masked_and_safe_for_spreadsheets(house: House) -> None:
    fill(house)
    push(house, renewal("=1+1", plate="粤B20001", operator="张三"), at_us=NOON_US + 1)
    answer = house.enter().get(f"/records.csv?park={PARK}&charge_type=101")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == f"attachment; filename*=UTF-8''{PARK}-records.csv"
    rows = read_csv(answer.content.decode())
    assert tuple(rows[0]) == ("park_uuid", *EXPORT_COLUMNS)
    assert {one["pay_partner"] for one in rows} == {"P0", "P1", "P2", "'=1+1"}
    assert {one["plate"][:4] for one in rows} == {"粤B**"}
    assert {one["operator"] for one in rows} == {""}
    [entry, *_] = house.database.accounts.audit_entries(None, PARK, None, 1)
    assert (entry.action, entry.detail) == ("records.export", "masked, charge_type=101")


def test_export_shows_plates_to_those_who_see_them_and_says_so(house: House) -> None:
    fill(house)
    browser = house.enter(sees_plates=True)
    assert browser.send("/plates/show", next="/").status_code == 303
    rows = read_csv(browser.get(f"/records.csv?park={PARK}&pay_partner=P1").content.decode())
    assert [(one["park_uuid"], one["plate"]) for one in rows] == [(PARK, "粤B10001")]
    [entry, *_] = house.database.accounts.audit_entries(None, PARK, None, 1)
    assert entry.detail == "plates in the clear, pay_partner=P1"


@pytest.mark.parametrize("query", ["", "plate=粤B10001", "park=nowhere", f"park={PARK}&since=x"])
def test_export_is_of_one_park_and_of_a_search_that_is_right(house: House, query: str) -> None:
    fill(house)
    assert house.enter().get(f"/records.csv?{query}").status_code == 422
    assert "records.export" not in house.actions()


@pytest.mark.parametrize(
    "query",
    [
        RecordQuery(park_uuid=PARK),
        RecordQuery(park_uuid=PARK, plate="粤B10001"),
        RecordQuery(park_uuid=PARK, plate="粤B1000", plate_prefix=True),
        RecordQuery(park_uuid=PARK, card="C9"),
        RecordQuery(park_uuid=PARK, charge_type="102"),
        RecordQuery(park_uuid=PARK, vip_type=2, pay_type=1),
        RecordQuery(park_uuid=PARK, flags=1),
        RecordQuery(park_uuid=PARK, since_us=NOON_US, until_us=NOON_US + 2),
        RecordQuery(park_uuid=PARK, paid_since_us=NOON_US, paid_until_us=NOON_US + 1_000),
        RecordQuery(park_uuid=PARK, paid_since_us=NOON_US + 1),
    ],
)
def test_export_and_search_agree_on_what_fits(house: House, query: RecordQuery) -> None:
    add_park(house)
    push(house, renewal("A", plate="粤B10001"), renewal("B", plate="粤B10002", card_no="C9"), renewal("C", plate="ODD"))
    push(house, renewal("D", charge_type="102", vip_type=2, pay_type=1, pay_time_ms=None), at_us=NOON_US + 10)
    held: list[StoredRecord] = [
        one.stored for one in house.database.queries.records(RecordQuery(park_uuid=PARK), None, 100).items
    ]
    found = [one.stored for one in house.database.queries.records(query, None, 100).items]
    assert [one for one in held if matches(query, one)] == found


def test_account_has_one_export_at_a_time_in_however_many_browsers(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_park(house)
    gate = threading.Event()

    def waiting(*_: object, **__: object) -> Iterator[bytes]:
        gate.wait(20)
        yield b"x"

    monkeypatch.setattr("vipgate.admin.console.views.records.csv_of", waiting)
    browser, path = house.enter(), f"/records.csv?park={PARK}"

    async def both() -> tuple[httpx.Response, httpx.Response]:
        first = asyncio.ensure_future(browser.client.get(path))
        second = asyncio.ensure_future(browser.client.get(path))
        done, _ = await asyncio.wait({first, second}, return_when=asyncio.FIRST_COMPLETED)
        gate.set()
        held = second if first in done else first
        return next(iter(done)).result(), await held

    refused, good = house.runner.run(both())
    assert (refused.status_code, good.status_code) == (429, 200)
    assert "上一个导出" in refused.text
    assert int(refused.headers["retry-after"]) > 0
    assert browser.get(path).status_code == 200
