"""The keyboard alone, and a browser that runs no script at all."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from support import browser_data
from support.browser_data import BUSY, CHANGED, NAMES, REFUSING
from support.browser_visitor import House
from vipgate.clock import clock_us
from vipgate.store.interfaces.accounts import Language

STOPS_MAX = 150

# Where the focus is: its place among all that can have it, whether it can be seen, and what it is.
_FOCUS = """() => {
    const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
    const able = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")];
    const marked = (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none";
    return {
        place: able.indexOf(one), marked, text: (one.innerText || one.name || one.outerHTML).slice(0, 60),
        shown: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0
            && box.left < innerWidth,
        skip: one.matches(".skip"),
    };
}"""


def _stops(page: Page) -> list[dict[str, Any]]:
    """Every place that the focus comes to by Tab, from the top of the page until it leaves it."""
    stops: list[dict[str, Any]] = []
    for _ in range(STOPS_MAX):
        page.keyboard.press("Tab")
        stop: dict[str, Any] = page.evaluate(_FOCUS)
        if stop["place"] < 0 or (stops and stop["place"] == stops[0]["place"]):
            return stops
        stops.append(stop)
    return stops


@pytest.mark.parametrize(
    "path",
    [
        "/login",
        "/",
        f"/parks/{REFUSING}/settings",
        f"/parks/{BUSY}/review",
        "/records",
        "/tokens",
        "/signature-check",
        "/account",
    ],
)
def test_focus_follows_the_page_and_is_seen(house: House, language: Language, path: str) -> None:
    guest = path == "/login"
    visitor = house.visitor(language) if guest else house.staff("admin", language)
    visitor.at(path)
    visitor.page.evaluate("document.activeElement.blur()")
    visitor.page.evaluate("getSelection().setPosition(document.body, 0)")
    stops = _stops(visitor.page)
    assert guest or stops[0]["skip"]
    places = [stop["place"] for stop in stops]
    assert places == sorted(places)
    assert not [stop["text"] for stop in stops if not (stop["marked"] and stop["shown"])]
    fields = visitor.page.locator("main").locator("input, select, textarea, button, summary").filter(visible=True)
    wanted = fields.evaluate_all(_TABBABLE)
    assert len(stops) >= wanted


_TABBABLE = """all => {
    // Of radio buttons of one name one alone is a stop.
    const names = new Set(all.filter(one => one.type === "radio").map(one => one.name));
    return all.filter(one => one.type !== "radio" && one.type !== "hidden" && !one.disabled && one.tabIndex >= 0).length
        + names.size;
}"""


def test_everything_is_done_by_keyboard(house: House, language: Language) -> None:
    name = f"keys.{language}"
    browser_data.add_user(house.database, name, "operator", clock_us(), sees_plates=True)
    visitor = house.visitor(language).at(f"/login?next=/parks/{BUSY}/review?flag=unusual_plate")
    page, keys, t = visitor.page, visitor.page.keyboard, visitor.t
    expect(visitor.label("login.name")).to_be_focused()
    keys.type(name)
    keys.press("Tab")
    keys.type(browser_data.PASSWORD)
    with page.expect_navigation():
        keys.press("Enter")
    keys.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    keys.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    tick = page.locator("main tbody input[type=checkbox]").first
    order = page.locator("main tbody th").first.inner_text()
    _tab_to(page, "main tbody input[type=checkbox]")
    keys.press("Space")
    expect(tick).to_be_checked()
    _tab_to(page, "main button.main")
    with page.expect_navigation():
        keys.press("Enter")
    visitor.is_told("done.reviewed")
    stored = house.database.store.find_record(BUSY, order)
    assert stored is not None
    assert stored.renewal.flags == 0
    _tab_to(page, ".eye button")
    with page.expect_navigation():
        keys.press("Enter")
    _tab_to(page, "#find")
    keys.type("粤B88888")
    with page.expect_navigation():
        keys.press("Enter")
    expect(page.locator("main tbody")).to_contain_text("粤B88888")
    _tab_to(page, "details.more summary")
    keys.press("Enter")
    _tab_to(page, "#vip_type")
    keys.press("ArrowDown")
    with page.expect_navigation():
        page.locator("#plate").press("Enter")
    _tab_to(page, ".me summary")
    keys.press("Enter")
    _tab_to(page, "form[action='/logout'] button")
    with page.expect_navigation():
        keys.press("Space")
    expect(page.get_by_role("status")).to_have_text(t("done.logout"))


def _tab_to(page: Page, selector: str) -> None:
    """Presses Tab until the focus is on what `selector` says."""
    for _ in range(STOPS_MAX):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"The keyboard does not come to {selector}")


def test_main_way_needs_no_script(house: House, language: Language) -> None:
    name = f"no.script.{language}"
    browser_data.add_user(house.database, name, "admin", clock_us(), sees_plates=True)
    visitor = house.visitor(language, scripts=False).at("/login")
    visitor.fill("login.name", name)
    visitor.fill("login.password", browser_data.PASSWORD)
    visitor.press("login")
    visitor.follow("period.days", days=90)
    visitor.send(visitor.page.get_by_role("navigation").get_by_role("link", name=visitor.t("nav.parks"), exact=True))
    visitor.fill("parks.search", "海岸城")
    visitor.press("parks.filter")
    visitor.send(visitor.page.get_by_role("link", name=NAMES[BUSY]))
    visitor.follow("park.tab.records")
    visitor.follow("page.next")
    visitor.follow("page.first")
    visitor.page.locator("details.more summary").click()
    visitor.label("record.flags").select_option("money_changed")
    visitor.press("records.search")
    visitor.send(visitor.page.get_by_role("link", name=CHANGED))
    visitor.send(visitor.page.get_by_role("button", name=re.compile(re.escape(visitor.t("plates.show")))))
    visitor.sees("粤B88888")
    visitor.press("plates.hide")
    seqno = house.seqnos[language][1]
    visitor.at("/requests")
    visitor.fill("requests.seqno", seqno)
    visitor.press("records.search")
    visitor.press("replay.do")
    visitor.is_told("done.replay_rejected")
    visitor.at(f"/parks/small-01{'0' if language == 'zh' else '1'}/settings")
    visitor.page.locator("details.sure summary").click()
    visitor.press("secret.rotate.do")
    expect(visitor.page.locator("code.secret")).to_have_text(re.compile(r"^\S{20,}$"))
    visitor.page.locator(".me summary").click()
    visitor.send(visitor.page.get_by_role("button", name=visitor.t("logout"), exact=True))
    visitor.is_told("done.logout")
