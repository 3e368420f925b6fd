"""Overview and parks: figures and periods, search, a park, a new one, its secrets, its settings, restores, reviews."""

from __future__ import annotations

import json
import re

from playwright.sync_api import expect

from support.browser_data import BUSY, GUARDED, NAMES, NEVER, OLD_SECRET, REFUSING, SILENT, SMALL_PARKS, STOCKS
from support.browser_visitor import House
from support.gateway_process import SECRET
from support.park_gateway import DONE, ParkGateway, sends
from support.rerouting import NEAR
from vipgate.cli.sample import sample_renewals
from vipgate.clock import clock_us
from vipgate.protocol.envelope import encode_renewals
from vipgate.store.interfaces.accounts import Language
from vipgate.store.interfaces.ledger import Filter
from vipgate.support.vault import load_vault

TYPES = [
    {"id": "MON_A", "name": "A 区月卡", "vip_type": "1", "price": "30000"},
    {
        "id": "YEAR_A",
        "name": "年卡",
        "desc": "全年 <b>通行</b>",
        "vip_type": "5",
        "price": "300000",
        "extra_days": "30",
    },
]


def test_overview_tells_periods_and_the_parks_that_want_a_look(house: House, language: Language) -> None:
    visitor = house.staff("reader", language).at("/")
    t = visitor.t
    sick = visitor.page.locator("main table").first
    for park, mark in ((REFUSING, "rejected"), (SILENT, "silent"), (OLD_SECRET, "old_secret")):
        expect(sick.get_by_role("row").filter(has_text=NAMES[park])).to_contain_text(t(f"mark.{mark}"))
    for days in (7, 90, 30):
        visitor.follow("period.days", days=days)
        chosen = visitor.page.locator(".presets [aria-current]")
        expect(chosen).to_have_text(t("period.days", days=days))
    visitor.page.locator("details.figures summary").first.click()
    figures = visitor.page.locator("details.figures table").first
    expect(figures.locator("tbody tr")).to_have_count(30)
    expect(figures.locator("thead")).to_contain_text(t("pay.cash"))
    since, until = visitor.label("period.since").input_value(), visitor.label("period.until").input_value()
    visitor.fill("period.since", until)
    visitor.press("period.show")
    assert visitor.label("period.since").input_value() == until != since
    visitor.page.locator("main table").nth(-1).get_by_role("link", name="401").click()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text(t("requests.title"))
    assert "code=401" in visitor.path


def test_parks_are_searched_filtered_and_paged_to_the_end_and_back(house: House, language: Language) -> None:
    visitor = house.staff("reader", language).at("/parks")
    seen = visitor.rows()
    visitor.follow("page.next")
    assert seen + visitor.rows() >= len(NAMES) + SMALL_PARKS
    expect(visitor.page.get_by_role("link", name=visitor.t("page.next"), exact=True)).to_have_count(0)
    visitor.follow("page.first")
    assert visitor.rows() == seen
    visitor.fill("parks.search", "体育")
    visitor.press("parks.filter")
    assert visitor.rows() == 1
    visitor.fill("parks.search", "")
    visitor.label("parks.mark").select_option("silent")
    visitor.press("parks.filter")
    assert NAMES[SILENT] in visitor.cells()[0]
    visitor.send(visitor.page.get_by_role("link", name=NAMES[SILENT]))
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text(NAMES[SILENT])
    expect(visitor.page.locator(".note.warn")).to_contain_text(re.compile(r"\d"))


def test_new_park_shows_its_secret_once_and_rotates_and_retires_it(house: House, language: Language) -> None:
    park = f"made-in-the-browser-{language}"
    visitor = house.staff("operator", language).at("/parks")
    visitor.follow("parks.add")
    visitor.page.get_by_label("park_uuid").fill(park)
    visitor.fill("park.name", "新车场 <i>")
    visitor.press("parks.add")
    secret = visitor.page.locator("code.secret").inner_text()
    assert house.gateway.push(_push(park), secret).code == "1001"
    visitor.follow("secret_shown.onward")
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("新车场 <i>")
    assert secret not in visitor.page.content()

    visitor.at(f"/parks/{park}/settings")
    assert secret not in visitor.page.content()
    visitor.page.locator("details.sure summary").click()
    visitor.press("secret.rotate.do")
    new = visitor.page.locator("code.secret").inner_text()
    assert new != secret
    visitor.follow("secret_shown.onward")
    expect(visitor.page.locator("main")).to_contain_text(visitor.t("park.secret.two"))
    assert house.gateway.push(_push(park), new).code == "1001"
    visitor.at(f"/parks/{park}/settings")
    visitor.page.locator("details.sure summary").click()
    expect(visitor.page.locator("details.sure .note")).to_have_text(visitor.t("secret.retire.safe"))
    visitor.press("secret.retire.do")
    visitor.is_told("done.retired")
    access = house.database.store.park_access(park)
    assert access is not None
    assert access.previous_secret is None
    assert house.actions()[:3] == ["park.retire_secret", "park.rotate_secret", "park.add"]


def test_settings_are_checked_and_saved(house: House, language: Language) -> None:
    park = f"small-{'001' if language == 'zh' else '002'}"
    visitor = house.staff("operator", language).at(f"/parks/{park}/settings")
    visitor.fill("park.allow", "203.0.113.0/24\n10.0.0.999")
    visitor.fill("park.rate", "often")
    visitor.press("save", 422)
    for field in ("allow_list", "rate_per_minute"):
        expect(visitor.page.locator(f"#{field}")).to_have_attribute("aria-invalid", "true")
        expect(visitor.page.locator(f"#{field}-notes .wrong")).to_be_visible()
    visitor.fill("park.allow", "203.0.113.0/24\n2001:db8::1")
    visitor.fill("park.rate", "60")
    visitor.fill("park.retention", "90")
    visitor.page.locator("#enabled-1").uncheck()
    visitor.press("save")
    visitor.is_told("done.park_saved")
    found = house.database.store.find_park(park)
    assert found is not None
    assert (found.allow_list, found.rate_per_minute, found.enabled) == (
        ("203.0.113.0/24", "2001:db8::1/128"),
        60,
        False,
    )
    more = house.database.queries.park_details(park)
    assert more is not None
    assert more.retention_days == 90


def test_restore_asks_twice_and_says_what_will_change(house: House, language: Language) -> None:
    visitor = house.staff("operator", language).at(f"/parks/{STOCKS}")
    rows = visitor.page.locator("main table").last.get_by_role("row")
    old = 1 if language == "zh" else 2
    then = 40 if language == "zh" else 35
    now = _records(house, STOCKS)
    visitor.send(
        rows.filter(has=visitor.page.get_by_role("rowheader", name=str(old), exact=True)).get_by_role(
            "link", name=f"{visitor.t('restore')}…"
        )
    )
    expect(visitor.page.locator(".change")).to_contain_text(f"→ {then}")
    visitor.press("restore.go_on")
    assert _records(house, STOCKS) == now
    expect(visitor.page.get_by_role("alert")).to_have_text(visitor.t("restore.again", now=now, then=then))
    visitor.press("restore.do", then=then)
    visitor.is_told("done.restored")
    assert _records(house, STOCKS) == then
    assert len(list(house.database.store.iter_records(STOCKS, Filter()))) == then


def test_held_replace_is_let_through_once_after_two_questions(house: House, language: Language) -> None:
    body = house.database.store.rejected_body(house.held[language])
    assert body is not None
    then = len(json.loads(body)["row"])
    visitor = house.staff("operator", language).at("/")
    row = visitor.page.get_by_role("row").filter(has_text=house.held[language])
    expect(row).to_contain_text(NAMES[GUARDED])
    visitor.send(row.get_by_role("link", name=f"{visitor.t('held.look')}…"))
    expect(visitor.page.locator(".change")).to_contain_text(f"→ {then}")
    now = _records(house, GUARDED)
    visitor.press("restore.go_on")
    expect(visitor.page.get_by_role("alert")).to_have_text(visitor.t("restore.again", now=now, then=then))
    visitor.press("held.do")
    visitor.is_told("done.replace_allowed")
    expect(row).to_contain_text(visitor.t("held.allowed"))
    assert _records(house, GUARDED) == now
    assert house.gateway.push(body).code == "1001"
    assert _records(house, GUARDED) == then
    visitor.at(f"/parks/{GUARDED}")
    expect(row).to_have_count(0)
    assert house.actions()[0] == "park.allow_replace"


def test_switches_are_turned_by_their_labels(house: House, language: Language) -> None:
    park = f"small-{'003' if language == 'zh' else '004'}"
    visitor = house.staff("operator", language).at(f"/parks/{park}/settings")
    visitor.page.locator("#require_hmac-1").check()
    visitor.page.get_by_text(visitor.t("park.hold_replaces"), exact=False).first.click()
    visitor.press("save")
    visitor.is_told("done.park_saved")
    found = house.database.store.find_park(park)
    assert found is not None
    assert (found.require_hmac, found.hold_replaces) == (True, True)


def test_flagged_records_are_reviewed(house: House, language: Language) -> None:
    visitor = house.staff("operator", language).at(f"/parks/{BUSY}/review?flag=unusual_plate")
    before = visitor.rows()
    order = visitor.page.locator("main tbody th").first.inner_text()
    visitor.press("review.do")
    visitor.is_told("done.nothing_reviewed")
    visitor.at(f"/parks/{BUSY}/review?flag=unusual_plate")
    visitor.page.get_by_label(visitor.t("review.tick.one", order=order)).check()
    visitor.press("review.do")
    visitor.is_told("done.reviewed")
    stored = house.database.store.find_record(BUSY, order)
    assert stored is not None
    assert stored.renewal.flags == 0
    visitor.at(f"/parks/{BUSY}/review?flag=unusual_plate")
    assert visitor.rows() == before - 1


def test_charge_types_are_fetched_from_the_parks_gateway(house: House, language: Language) -> None:
    park = f"charges-{language}"
    assert house.database.store.add_park(park, "有接口的车场", _sealed(house, park), 1)
    visitor = house.staff("operator", language).at(f"/parks/{park}/charge-types")
    visitor.follow("types.address.set")
    with ParkGateway(sends({**DONE, "row": TYPES})) as asked:
        visitor.fill("park.charge_address", f"http://{NEAR}:{asked.port}/")
        visitor.press("save")
        visitor.at(f"/parks/{park}/charge-types")
        visitor.press("types.fetch")
    visitor.is_told("done.types_fetched")
    assert visitor.rows() == 2
    visitor.sees("全年 <b>通行</b>")
    # Nobody answers there any more.
    visitor.press("types.fetch")
    expect(visitor.page.get_by_role("alert")).to_be_visible()
    assert visitor.rows() == 2


def test_box_that_finds_leads_straight_to_a_park(house: House, language: Language) -> None:
    visitor = house.staff("reader", language).at("/records")
    for text, park in (("海岸城", BUSY), (BUSY, BUSY), (NEVER, NEVER)):
        visitor.page.get_by_label(visitor.t("find.label")).fill(text)
        visitor.send(visitor.page.get_by_role("search").get_by_role("button"))
        assert visitor.path == f"/parks/{park}"


def _push(park: str) -> bytes:
    return encode_renewals(park, list(sample_renewals(2, 1, until_us=clock_us())))


def _records(house: House, park: str) -> int:
    found = house.database.store.find_park(park)
    assert found is not None
    return found.records


def _sealed(house: House, park: str) -> bytes:
    return load_vault(None, house.gateway.home / "master.key").seal(SECRET, park)
