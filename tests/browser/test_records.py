"""Records and vehicles: each field of the search, paging, a record with its history, the file of a search, plates shown."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from playwright.sync_api import expect

from support.browser_data import BUSY, CHANGED, CHANGED_PLATE, NAMES, ROUND_PLATE, SOON_PLATE
from support.browser_visitor import House, Visitor
from vipgate.domain.masking import mask_plate
from vipgate.store.interfaces.accounts import Language
from vipgate.store.interfaces.queries import RecordQuery

PLATE_NOW = "粤B88888"


def test_records_are_paged_to_the_end_and_back(house: House, language: Language) -> None:
    found = house.database.store.find_park(BUSY)
    assert found is not None
    visitor = house.staff("reader", language).at(f"/records?park={BUSY}")
    first, seen = _orders(visitor), []
    seen += first
    while visitor.page.get_by_role("link", name=visitor.t("page.next"), exact=True).count():
        visitor.follow("page.next")
        seen += _orders(visitor)
    assert len(seen) == len(set(seen)) == found.records
    visitor.follow("page.first")
    assert _orders(visitor) == first


# Each field of the form by the key of its label, what is typed or chosen, and whether it needs a park.
FIELDS = [
    ("plate", "粤b 88888", False),
    ("order", CHANGED, False),
    ("records.card", "ID066688", False),
    ("member.charge_type", "MON_A", True),
    ("member.vip_type", "1", True),
    ("record.flags", "money_changed", True),
]


def test_records_are_found_by_each_field(house: House, language: Language) -> None:
    visitor = house.staff("reader", language)
    for key, text, with_park in FIELDS:
        visitor.at("/records")
        visitor.page.locator("details.more summary").click()
        field = visitor.label(key)
        if field.evaluate("one => one.tagName") == "SELECT":
            field.select_option(text)
        else:
            field.fill(text)
        if with_park:
            visitor.press("records.search", 422)
            expect(visitor.label("records.park")).to_have_attribute("aria-invalid", "true")
            visitor.fill("records.park", BUSY)
        visitor.press("records.search")
        expect(visitor.page.locator("main tbody").first).to_contain_text(
            "ID****88" if key == "records.card" else CHANGED
        )
        assert visitor.rows() == 1 or with_park


def test_records_are_found_by_the_beginning_of_a_plate_and_by_days(house: House, language: Language) -> None:
    visitor = house.staff("operator", language, plates=True).at("/records")
    visitor.fill("plate", ROUND_PLATE)
    visitor.press("records.search")
    assert visitor.rows() == 0
    visitor.page.get_by_label(visitor.t("records.prefix")).check()
    visitor.press("records.search")
    assert all(cell.startswith(ROUND_PLATE) for cell in _first_cells(visitor))
    visitor.at(f"/records?park={BUSY}")
    visitor.page.locator("details.more summary").click()
    since = visitor.label("records.since", what=visitor.t("records.received"))
    since.fill("2020-01-32")
    visitor.press("records.search", 422)
    expect(since).to_have_attribute("aria-invalid", "true")
    since.fill("2099-01-01")
    visitor.press("records.search")
    visitor.sees(visitor.t("records.none"))


def test_record_tells_its_history_and_links_its_requests(house: House, language: Language) -> None:
    visitor = house.staff("operator", language, plates=True).at(f"/records?park={BUSY}&pay_partner={CHANGED}")
    visitor.send(visitor.page.get_by_role("link", name=CHANGED))
    history = visitor.page.locator("main table").last
    expect(history.locator("tbody tr")).to_have_count(3)
    expect(history.locator("tbody tr").first).to_contain_text(PLATE_NOW)
    expect(history.locator("del").first).to_have_text(CHANGED_PLATE)
    expect(history.locator("tbody tr").nth(1).locator("ins")).to_have_text("320.00")
    seqno = history.get_by_role("link").first.inner_text()
    visitor.send(history.get_by_role("link").first)
    assert visitor.path == f"/requests/{seqno}"
    expect(visitor.page.get_by_role("link", name=CHANGED)).to_be_visible()


def test_file_of_a_search_opens_in_a_spreadsheet_and_is_masked(house: House, language: Language) -> None:
    visitor = house.staff("reader", language).at(f"/records?park={BUSY}&vip_type=1")
    visitor.watch.downloads = True
    with visitor.page.expect_download() as download:
        visitor.page.get_by_role("link", name=visitor.t("records.csv")).click()
    content = Path(download.value.path()).read_bytes()
    assert download.value.suggested_filename.endswith(".csv")
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(content.decode("utf-8-sig").splitlines()))
    wanted = house.database.queries.records(RecordQuery(park_uuid=BUSY, vip_type=1), None, 1000).items
    assert {row["pay_partner"]: row["plate"] for row in rows} == {
        one.stored.renewal.pay_partner: mask_plate(one.stored.renewal.plate) for one in wanted
    }
    assert house.actions()[0] == "records.export"


def test_plates_are_shown_for_a_while_and_hidden_again(house: House, language: Language) -> None:
    visitor = house.staff("operator", language).at(f"/parks/{BUSY}/records/{CHANGED}")
    assert PLATE_NOW not in visitor.page.content()
    show = visitor.page.get_by_role("button", name=visitor.t("plates.show"))
    visitor.send(show)
    assert visitor.path == f"/parks/{BUSY}/records/{CHANGED}"
    visitor.sees(PLATE_NOW)
    visitor.at("/records?plate=%E7%B2%A4B88888")
    assert PLATE_NOW in visitor.cells()[0]
    visitor.press("plates.hide")
    assert PLATE_NOW not in visitor.page.locator("main tbody").first.inner_text()
    assert house.actions()[:2] == ["plates.hide", "plates.show"]


def test_vehicle_tells_until_when_it_is_valid(house: House, language: Language) -> None:
    visitor = house.staff("operator", language, plates=True).at("/vehicles")
    for text in (SOON_PLATE, "ID066688"):
        visitor.fill("vehicles.q", text)
        visitor.press("records.search")
        cells = visitor.cells()
        assert NAMES[BUSY] in cells[1] or BUSY in cells[1]
        assert cells[2] == visitor.t("vehicles.state.expiring")
        assert visitor.t("vehicles.left", n=4) in cells[3]


def test_vehicles_of_a_park_are_listed_by_state_and_paged(house: House, language: Language) -> None:
    visitor = house.staff("reader", language).at(f"/vehicles?park={BUSY}")
    first = visitor.page.locator("main tbody").inner_text()
    visitor.follow("page.next")
    assert visitor.page.locator("main tbody").inner_text() != first
    visitor.follow("page.first")
    assert visitor.page.locator("main tbody").inner_text() == first
    visitor.follow("vehicles.state.expiring")
    states = visitor.page.locator("main tbody .tag").all_inner_texts()
    assert visitor.t("vehicles.state.expiring") in states
    assert visitor.t("vehicles.state.expired") not in states


def test_box_that_finds_knows_plates_cards_orders_and_seqnos(house: House, language: Language) -> None:
    visitor = house.staff("reader", language).at("/")
    seqno = house.seqnos[language][0]
    for text, place in (
        (PLATE_NOW, r"^/records\?plate="),
        ("ID066688", r"^/records\?card="),
        (CHANGED, r"^/records\?pay_partner="),
        (f"{seqno[:17]} {seqno[17:]}", f"^/requests/{seqno}"),
        ("没有这个", r"^/find\?q="),
    ):
        visitor.page.get_by_label(visitor.t("find.label")).fill(text)
        visitor.send(visitor.page.get_by_role("search").get_by_role("button"))
        assert re.search(place, visitor.path), (text, visitor.path)
    visitor.sees(visitor.t("find.none"))


def _orders(visitor: Visitor) -> list[str]:
    return visitor.page.locator("main tbody th a").all_inner_texts()


def _first_cells(visitor: Visitor) -> list[str]:
    return visitor.page.locator("main tbody tr td:first-child").all_inner_texts()
