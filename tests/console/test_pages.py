"""What holds for every page, and the pages that look over all parks: headers, languages, plates, overview, the box that finds."""

from __future__ import annotations

import asyncio
import re

import pytest

from support.console_app import Build, House
from support.console_pages import PARK, add_park, bare, fill
from support.store_data import renewals
from vipgate.admin.console.app import load_templates
from vipgate.admin.console.urls import park_at
from vipgate.errors import StoreUnavailable
from vipgate.store.interfaces.ledger import DAY_US
from vipgate.support.web.assets import compile_pages
from vipgate.support.web.guard import HEADERS

HOSTILE = "<script>alert('1')</script> \"&amp;"
CHINESE = re.compile(r"[\u3400-\u9fff]")


# ---- every page ----


@pytest.mark.parametrize(
    "path", ["/", "/login", "/nowhere", "/parks/nowhere", "/static/console.css", "/static/icon.svg"]
)
def test_every_answer_bears_the_headers(house: House, path: str) -> None:
    answer = house.enter("reader").get(path)
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    assert answer.headers["cache-control"] == (
        "no-store" if "static" not in path else "public, max-age=31536000, immutable"
    )


def test_every_page_is_compiled_before_it_is_asked_for() -> None:
    templates = load_templates().overlay(cache_size=400)
    asyncio.run(compile_pages(templates, 0))
    assert templates.cache is not None
    assert len(templates.cache) == len(templates.list_templates()) > 20


def test_page_of_a_fault_bears_the_headers_and_tells_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = house.enter("reader")
    monkeypatch.setattr("vipgate.admin.console.views.parks.find_parks", lambda *_: 1 / 0)
    answer = browser.get("/parks")
    assert answer.status_code == 500
    assert answer.headers["content-security-policy"] == HEADERS["content-security-policy"]
    assert "ZeroDivisionError" not in answer.text


def test_database_that_is_away_is_told_with_when_to_come_back(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise StoreUnavailable

    browser = house.enter("reader")
    monkeypatch.setattr("vipgate.admin.console.views.parks.find_parks", away)
    answer = browser.get("/parks")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "数据库暂时无法访问" in answer.text


def test_stylesheet_is_sent_again_only_where_it_changed(house: House) -> None:
    browser = house.browser()
    tag = browser.get("/static/console.css").headers["etag"]
    assert browser.get("/static/console.css", if_none_match=tag).status_code == 304
    assert f'/static/console.css?{tag.strip(chr(34))}"' in browser.page("/login")


OWN = ("/", "/find", "/parks", "/account", "/accounts", "/tokens", "/erase", "/audit")


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_pages_are_small_whole_and_in_one_language(house: House, language: str) -> None:
    fill(house, name="Sea gate")
    admin = house.enter("admin", sees_plates=True, language=language)
    paths = [*OWN, "/?days=90", "/find?q=x", "/parks/new", "/accounts/admin"]
    paths += [park_at(PARK, below) for below in ("", "/settings", "/review", "/generations/1")]
    for path in paths:
        page = admin.page(path)
        assert len(page.encode()) <= 50_000, path
        assert page.count("<h1") == 1, path
        # Every table says what it is, every field has a label.
        assert page.count("<table") == page.count("<caption"), path
        for field in re.findall(r'<(?:input|select|textarea) id="([^"]+)"', page):
            assert f'for="{field}"' in page, (path, field)
        shown = bare(page).replace("中文", "").replace("粤", "")
        if language == "en":
            assert not CHINESE.search(re.sub(r"[\u4e00-\u9fff][A-Z]\*", "", shown)), (path, CHINESE.findall(shown))


def test_hostile_names_are_shown_as_they_are(house: House) -> None:
    park_uuid = "../a?b#c/~s\\<i>"
    fill(house, park_uuid, HOSTILE)
    admin = house.enter("admin")
    for path in (
        "/",
        "/parks",
        "/parks?q=%3Ci%3E",
        "/audit",
        *(park_at(park_uuid, below) for below in ("", "/settings", "/review", "/generations/1")),
    ):
        page = admin.page(path)
        assert "<script" not in page, path
        assert "<i>" not in page, path
    assert "&lt;script&gt;" in admin.page("/parks")
    saved = admin.send(park_at(park_uuid, "/settings"), on=park_at(park_uuid, "/settings"), name="plain", enabled="1")
    assert saved.headers["location"] == park_at(park_uuid, "/settings") + "?done=park_saved"
    assert "plain" in admin.page(saved.headers["location"])


@pytest.mark.parametrize(
    "query",
    [
        "?after=%00",
        "?q=%00%ff",
        "?days=x",
        "?after=-1",
        f"?q={'x' * 9000}",
        "?done=nothing",
        "?mark=no",
    ],
)
def test_odd_queries_break_no_page(house: House, query: str) -> None:
    fill(house)
    admin = house.enter("admin")
    for path in (*OWN, park_at(PARK), park_at(PARK, "/review")):
        assert admin.get(path + query).status_code in (200, 303), path


@pytest.mark.parametrize("query", ["since=2026-99-99", "until=yesterday", "since=2026-11-20&until=2026-11-01"])
def test_overview_of_a_wrong_day_says_so_and_is_no_success(house: House, query: str) -> None:
    fill(house)
    page = house.enter("admin").page(f"/?{query}", 422)
    assert 'aria-invalid="true"' in page
    assert "请更正标出的内容" in page
    assert "更新记录 2" in re.sub(r"\s+", " ", bare(page))


def test_language_is_kept_with_the_account(house: House) -> None:
    browser = house.enter("reader")
    assert browser.send("/account/language", language="en", next="/parks").headers["location"] == "/parks"
    assert "Overview" in browser.page("/")
    other = house.browser("zh-CN")
    other.login("reader")
    assert "Overview" in other.page("/")


def test_language_of_a_guest_is_kept_in_a_cookie(house: House) -> None:
    browser = house.browser("zh-CN")
    assert "登录" in browser.page("/login")
    assert browser.send("/language", language="en", next="/login").status_code == 303
    assert "Password" in browser.page("/login")


# ---- plates ----


def test_plates_are_masked_until_they_are_asked_for_and_for_half_an_hour(house: House) -> None:
    fill(house)
    browser = house.enter("operator", sees_plates=True)
    review = park_at(PARK, "/review")
    assert "粤B99999" not in browser.page(review)
    assert "粤B***99" in browser.page(review)
    assert browser.send("/plates/show", next=review).headers["location"] == review
    page = browser.page(review)
    assert "粤B99999" in page
    assert "车牌显示至 12:30" in page
    house.clock.forward(30 * 60 + 1)
    assert "粤B99999" not in browser.page(review)
    browser.send("/plates/show", next=review)
    browser.send("/plates/hide", next=review)
    assert "粤B99999" not in browser.page(review)
    assert house.actions()[:3] == ["plates.hide", "plates.show", "plates.show"]


def test_plates_are_not_shown_to_who_may_not_see_them(house: House) -> None:
    browser = house.enter("admin")
    assert browser.send("/plates/show", next="/").status_code == 403
    assert "plates.show" not in house.actions()


# ---- overview ----


def test_overview_adds_up_what_came_in(house: House) -> None:
    fill(house)
    page = bare(house.enter("reader").page("/?days=7"))
    money = house.database.queries.money_by_day(None, 0, 30_000)
    assert f"{round(sum(one.pay_value_fen for one in money) / 100):,}" in page
    tiles = re.sub(r"\s+", " ", page)
    assert "25 新增记录" in tiles or "新增记录 25" in tiles
    assert "更新记录 2" in tiles
    assert "被拒绝的请求 4 57.1%" in tiles


@pytest.mark.parametrize("query", ["?days=7", "?days=30", "?since=2026-11-01&until=2026-11-30"])
def test_overview_counts_only_its_period(house: House, query: str) -> None:
    fill(house)
    house.clock.now_us += 40 * DAY_US
    tiles = re.sub(r"\s+", " ", bare(house.enter("reader").page("/" + query)))
    assert ("新增记录 25" in tiles) is ("since" in query)


def test_overview_names_the_parks_that_want_a_look(house: House) -> None:
    fill(house)
    add_park(house, "quiet", "Quiet one")
    page = house.enter("reader").page("/")
    sick = page.split("<tbody>")[1].split("</tbody>")[0]
    assert "海岸城" in sick
    assert "被拒绝" in sick
    assert "Quiet one" not in sick
    assert 'href="/parks?mark=never"' in page


# ---- find ----


def test_find_goes_straight_to_the_one_place(house: House) -> None:
    fill(house)
    browser = house.enter("reader")
    seqno = "20261124040000000000000000000001"
    row = renewals(5, seed=2, first=100)[3]
    for text, path in (
        (seqno, f"/requests/{seqno}"),
        (f"{seqno[:17]}%20{seqno[17:]}", f"/requests/{seqno}"),
        (PARK, f"/parks/{PARK}"),
        ("%E6%B5%B7%E5%B2%B8", f"/parks/{PARK}"),
        (row.pay_partner, f"/records?pay_partner={row.pay_partner}"),
    ):
        assert browser.get(f"/find?q={text}").headers["location"] == path
    assert browser.get(f"/find?q={row.plate}").headers["location"].startswith("/records?plate=")


def test_find_says_so_where_there_is_nothing(house: House) -> None:
    fill(house)
    browser = house.enter("reader")
    assert "没有找到" in browser.page("/find?q=nothing-of-the-kind")
    browser.page("/find?q=")
    browser.page("/find")


def test_find_offers_every_place_where_there_are_several(house: House) -> None:
    fill(house)
    add_park(house, "second", "海岸城东")
    page = house.enter("reader").page("/find?q=%E6%B5%B7%E5%B2%B8")
    assert page.count('href="/parks/') == 2


def test_console_behind_tls_goes_on_by_paths_alone(build: Build) -> None:
    house = build(secure=True)
    assert house.browser().get("/").headers["location"].startswith("/login")
