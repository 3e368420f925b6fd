"""Parks: the list, registering one, its health, settings, secrets, stocks and reviews; erasing a plate."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing

import pytest
from markupsafe import escape

from support.console_app import Browser, House
from support.console_pages import PARK, access, add_park, asked, bare, fill, shown_secret
from support.protocol_pipeline import request, row, walk
from support.store_data import changed, do, push, refused, renewals
from support.store_database import NOON_US
from vipgate.admin.console.i18n import TEXTS
from vipgate.admin.console.urls import park_at
from vipgate.domain.park_health import Mark
from vipgate.errors import StoreUnavailable
from vipgate.i18n import Language
from vipgate.protocol.renewal import FLAG_DECIMAL_MONEY, FLAG_NAMES, FLAG_NO_ORDER, FLAG_UNUSUAL_PLATE
from vipgate.store.common.queries import Queries
from vipgate.store.interfaces.accounts import Role
from vipgate.store.interfaces.ledger import Filter, ParkAccess, Unreachable
from vipgate.store.sqlite.store import SqliteStore

# ---- parks ----


def test_parks_are_turned_page_by_page_and_none_comes_twice(house: House) -> None:
    for number in range(120):
        add_park(house, f"park-{number:03}", f"园 {number}")
    browser = house.enter("reader")
    found: list[str] = []
    path = "/parks"
    while path:
        page = browser.page(path)
        found += re.findall(r'<th scope="row"[^>]*><a href="/parks/([^"]+)"', page)
        onward = re.search(r'rel="next" href="([^"]+)"', page)
        path = onward[1].replace("&amp;", "&") if onward else ""
    assert found == [f"park-{number:03}" for number in range(120)]


@pytest.mark.parametrize(
    ("query", "expected"), [("?q=oast", ["a"]), ("?q=b", ["b"]), ("?mark=never", ["b"]), ("?mark=never&q=oast", [])]
)
def test_parks_are_found_by_name_uuid_and_mark(house: House, query: str, expected: list[str]) -> None:
    add_park(house, "a", "Coast")
    add_park(house, "b", "Hill")
    do(house.database.store, push(renewals(1), NOON_US - 1_000_000, park="a"))
    page = house.enter("reader").page("/parks" + query)
    assert re.findall(r'<th scope="row"[^>]*><a href="/parks/([^"]+)"', page) == expected


def test_unknown_park_is_not_looked_for_further(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise StoreUnavailable("as a cluster answers for a node that is away")

    monkeypatch.setattr(Queries, "park_details", fails)
    house.enter("reader").page("/parks/unknown", status=404)


def test_new_park_gets_a_secret_that_is_shown_once(house: House) -> None:
    browser = house.enter("operator")
    made = browser.send("/parks/new", on="/parks/new", park_uuid=PARK, name="North")
    assert made.status_code == 200
    secret = shown_secret(made.text)
    assert house.vault.open(access(house).secret, PARK) == secret
    assert made.headers["cache-control"] == "no-store"
    assert secret not in browser.page(park_at(PARK)) + browser.page(park_at(PARK, "/settings"))
    again = browser.send("/parks/new", on="/parks/new", park_uuid=PARK)
    assert (again.status_code, "已经登记过" in again.text) == (422, True)
    assert 'aria-describedby="park_uuid-notes"' in again.text
    assert house.actions()[0] == "park.add"
    assert all(secret not in repr(one) for one in house.database.accounts.audit_entries(None, None, None, 100))


def test_form_says_that_a_change_of_charset_wants_a_new_secret(house: House) -> None:
    add_park(house)
    page = house.enter("operator", language="en").page(f"/parks/{PARK}/settings")
    assert "With a change of charset, rotate the secret and retire the old one" in page


def test_new_park_is_registered_with_its_charset(house: House) -> None:
    browser = house.enter("operator")
    browser.send("/parks/new", on="/parks/new", park_uuid=PARK, name="North", gbk="1")
    assert access(house).charset == "gbk"
    [entry] = house.database.accounts.audit_entries("operator", PARK, None, 1)
    assert (entry.action, entry.detail) == ("park.add", "North; charset: gbk")


def test_new_park_may_bring_its_own_secret(house: House) -> None:
    browser = house.enter("operator")
    assert browser.send("/parks/new", on="/parks/new", park_uuid=PARK, secret="12323232323").status_code == 303
    assert house.vault.open(access(house).secret, PARK) == "12323232323"


@pytest.mark.parametrize("park_uuid", ["", "x" * 65, "a\tb"])
def test_park_uuid_that_no_client_can_send_is_refused(house: House, park_uuid: str) -> None:
    assert house.enter("operator").send("/parks/new", on="/parks/new", park_uuid=park_uuid).status_code == 422


# ---- one park ----


@pytest.mark.parametrize(
    ("mark", "word"),
    [
        ("never", "从未推送"),
        ("silent", "静默"),
        ("rejected", "被拒绝"),
        ("old_secret", "仍用旧密钥"),
        ("disabled", "已停用"),
    ],
)
def test_park_shows_its_health(house: House, mark: Mark, word: str) -> None:
    add_park(house)
    store = house.database.store
    if mark != "never":
        do(store, push(renewals(2), NOON_US - 60_000_000, park=PARK))
    if mark == "silent":
        house.clock.forward(15 * 86_400)
    if mark == "rejected":
        do(store, *(refused(NOON_US, park=PARK) for _ in range(5)))
    if mark == "old_secret":
        store.rotate_secret(PARK, house.vault.seal("n", PARK), NOON_US)
        do(store, push(renewals(1, first=9), NOON_US, park=PARK, secret_used="previous"))
    browser = house.enter("operator")
    if mark == "disabled":
        browser.send(park_at(PARK, "/settings"), on=park_at(PARK, "/settings"), name="海岸城")
    assert word in bare(browser.page(park_at(PARK)).split('class="tabs"')[0])
    assert word in browser.page(f"/parks?mark={mark}").split("<tbody>")[1]


def test_unknown_park_is_told_inside_the_frame(house: House) -> None:
    page = house.enter("reader").page("/parks/nowhere", 404)
    assert "没有车场 nowhere" in page
    assert "<nav" in page


def save(browser: Browser, **fields: str) -> tuple[int, str]:
    answer = browser.send(park_at(PARK, "/settings"), on=park_at(PARK, "/settings"), **fields)
    return answer.status_code, answer.text


def test_settings_change_what_differs_and_the_log_says_from_what_to_what(house: House) -> None:
    add_park(house)
    browser = house.enter("operator")
    fields = {
        "name": "北门",
        "enabled": "1",
        "allow_list": "10.0.0.7\n10.1.0.0/16",
        "rate_per_minute": "60",
        "retention_days": "365",
        "charge_address": "https://park.example:8443/",
        "gbk": "1",
    }
    assert save(browser, **fields)[0] == 303
    found, more = house.database.store.find_park(PARK), house.database.queries.park_details(PARK)
    assert found is not None
    assert more is not None
    assert (found.name, found.enabled, found.allow_list, found.rate_per_minute) == (
        "北门",
        True,
        ("10.0.0.7/32", "10.1.0.0/16"),
        60,
    )
    assert (more.retention_days, more.charge_address) == (365, "https://park.example:8443/")
    assert found.charset == "gbk"
    assert "<dt>正文编码</dt><dd>GBK</dd>" in browser.page(park_at(PARK))
    page = browser.page(park_at(PARK, "/settings"))
    assert 'name="gbk" value="1" checked' in page
    assert 'value="60"' in page
    assert "10.1.0.0/16" in page
    entries = {one.action: one for one in house.database.accounts.audit_entries("operator", PARK, None, 10)}
    assert set(entries) == {"park.change", "park.retention", "park.charge_address"}
    assert (
        entries["park.change"].detail
        == "name: 海岸城 → 北门; allow_list: – → 10.0.0.7/32, 10.1.0.0/16; rate_per_minute: – → 60; charset: utf-8 → gbk"
    )
    assert entries["park.retention"].detail == "– → 365"
    assert save(browser, **fields)[0] == 303
    assert len(house.database.accounts.audit_entries("operator", PARK, None, 10)) == 3
    assert save(browser, name="北门")[0] == 303
    assert access(house) == ParkAccess(
        PARK, enabled=False, secret=access(house).secret, previous_secret=None, allow_list=(), rate_per_minute=None
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("allow_list", "10.0.0.0.1"),
        ("rate_per_minute", "0"),
        ("rate_per_minute", "many"),
        ("retention_days", "36501"),
        ("charge_address", "ftp://x/"),
        ("charge_address", "https://user:pass@x/"),
        ("name", "x" * 129),
    ],
)
def test_wrong_setting_is_told_at_its_field_and_nothing_is_changed(house: House, field: str, value: str) -> None:
    add_park(house)
    browser = house.enter("operator")
    status, page = save(browser, **{"name": "other", "enabled": "1", field: value})
    assert status == 422
    assert re.search(rf'id="{field}"[^>]*aria-describedby="{field}-notes" aria-invalid="true"', page)
    found = house.database.store.find_park(PARK)
    assert found is not None
    assert found.name == "海岸城"


def test_form_that_is_older_than_a_colleague_s_change_changes_nothing(house: House) -> None:
    add_park(house)
    settings = park_at(PARK, "/settings")
    browser, colleague = house.enter("operator"), house.enter("admin")
    old = asked(browser.page(settings))
    assert colleague.send(settings, on=settings, name="海岸城", enabled="1", require_hmac="1").status_code == 303
    mine = {**old, "name": "北门", "enabled": "1"}
    late = browser.post(settings, {**mine, "rate_per_minute": "0"})
    assert late.status_code == 422
    for form in (mine, {**mine, "seen": asked(late.text)["seen"]}, {**mine, "seen": ""}):
        answer = browser.post(settings, form)
        assert (answer.status_code, "设置在此期间被他人修改" in answer.text) == (409, True)
        assert re.search(r'name="require_hmac" value="1" checked', answer.text), "as it is now"
        found = house.database.store.find_park(PARK)
        assert found is not None
        assert (found.name, found.require_hmac) == ("海岸城", True)
    assert browser.post(settings, {**mine, **asked(answer.text), "require_hmac": "1"}).status_code == 303


@pytest.mark.parametrize("role", ["reader"])
def test_reader_looks_at_settings_and_is_offered_no_change(house: House, role: Role) -> None:
    fill(house)
    browser = house.enter(role)
    main = browser.page(park_at(PARK, "/settings")).split("<main")[1]
    assert '<fieldset class="form" disabled>' in main
    assert "/secret/" not in main
    assert "/generations/" not in browser.page(park_at(PARK))
    assert 'type="checkbox"' not in browser.page(park_at(PARK, "/review"))


def test_secret_is_rotated_and_the_old_one_retired(house: House) -> None:
    add_park(house)
    browser = house.enter("operator")
    settings = park_at(PARK, "/settings")
    rotated = browser.send(park_at(PARK, "/secret/rotate"), on=settings)
    assert house.vault.open(access(house).secret, PARK) == shown_secret(rotated.text)
    assert access(house).previous_secret is not None
    assert browser.send(park_at(PARK, "/secret/rotate"), on=settings).status_code == 409
    assert "还没有用过新密钥" in browser.page(settings)
    assert browser.send(park_at(PARK, "/secret/retire"), on=settings).status_code == 303
    assert access(house).previous_secret is None
    assert browser.send(park_at(PARK, "/secret/retire"), on=settings).status_code == 409
    assert house.actions()[:2] == ["park.retire_secret", "park.rotate_secret"]


def test_secret_of_an_unknown_park_cannot_be_rotated(house: House) -> None:
    assert house.enter("operator").send(park_at("nowhere", "/secret/rotate"), on="/").status_code == 404


# ---- stocks ----


def records_of(house: House) -> int:
    return len(list(house.database.store.iter_records(PARK, Filter())))


def test_restore_asks_twice_and_says_what_will_change(house: House) -> None:
    fill(house)
    browser = house.enter("operator")
    path = park_at(PARK, "/generations/1")
    first = browser.page(path)
    assert "当前的 5 条记录不再可见，改为那个存量批次的 20 条记录" in first
    second = browser.post(path, asked(first))
    assert second.status_code == 200
    assert "请再次确认" in second.text
    assert records_of(house) == 5
    done = browser.post(path, asked(second.text))
    assert (done.status_code, done.headers["location"]) == (303, park_at(PARK) + "?done=restored")
    assert records_of(house) == 20
    [entry, *_] = house.database.accounts.audit_entries(None, PARK, None, 5)
    assert (entry.action, entry.detail) == ("park.restore", "2 (5) → 1 (20)")


def test_restore_asks_anew_where_the_park_has_pushed_in_the_meantime(house: House) -> None:
    fill(house)
    browser = house.enter("operator")
    path = park_at(PARK, "/generations/1")
    second = browser.post(path, asked(browser.page(path)))
    do(house.database.store, push(renewals(3, seed=7, first=500), NOON_US, park=PARK))
    moved = browser.post(path, asked(second.text))
    assert (moved.status_code, "记录在此期间有变化" in moved.text) == (409, True)
    assert records_of(house) == 8


def test_restore_cannot_be_done_by_one_form_alone(house: House) -> None:
    fill(house)
    browser = house.enter("operator")
    path = park_at(PARK, "/generations/1")
    assert browser.send(path, on=path, sure="1").status_code == 200
    assert records_of(house) == 5


@pytest.mark.parametrize("generation", ["2", "9", "x"])
def test_generation_that_is_not_there_cannot_be_restored(house: House, generation: str) -> None:
    fill(house)
    house.enter("operator").page(park_at(PARK, f"/generations/{generation}"), 404)


# ---- reviews ----


def test_review_shows_what_changed_and_takes_the_flag_away(house: House) -> None:
    fill(house)
    browser = house.enter("operator")
    path = park_at(PARK, "/review")
    page = browser.page(path)
    marks = re.findall(r'name="one" value="([^"]+)"', page)
    assert len(marks) == 2
    assert "→" in page
    assert "1,234.56" in page
    assert browser.send(path, on=path, one=marks[0]).status_code == 303
    assert re.findall(r'name="one" value="([^"]+)"', browser.page(path)) == [marks[1]]
    stale = browser.send(path, on=path, one=marks[0])
    assert stale.headers["location"].endswith("done=nothing_reviewed")
    assert browser.send(path, on=path, whole="1", all=[marks[1]]).status_code == 303
    assert "没有待复核的记录" in browser.page(path)
    assert house.actions()[:2] == ["record.review", "record.review"]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_review_shows_every_flag_with_its_reason(house: House, language: Language) -> None:
    add_park(house)
    rows = [
        row(pay_partner="2.02207E+18"),
        row(pay_partner="P2", pay_value="100.00"),
        row(pay_partner="P3", plate="使014578"),
    ]
    do(house.database.store, push(walk(request(*rows)).renewals, NOON_US - 2_000_000, park=PARK))
    browser = house.enter("operator", language=language)
    page = browser.page(park_at(PARK, "/review"))
    assert len(re.findall(r'name="one"', page)) == 3
    for flag, name in FLAG_NAMES.items():
        label, reason = (TEXTS[key].text(language) for key in (f"flag.{name}", f"flag.{name}.why"))
        assert escape(label) in page
        page_of_flag = browser.page(park_at(PARK, f"/review?flag={name}"))
        assert escape(reason) in page_of_flag
        wanted = 1 if flag in (FLAG_NO_ORDER, FLAG_DECIMAL_MONEY, FLAG_UNUSUAL_PLATE) else 0
        assert len(re.findall(r'name="one"', page_of_flag)) == wanted


def test_review_of_a_record_that_changed_again_keeps_the_new_flag(house: House) -> None:
    add_park(house)
    [row] = renewals(1)
    do(house.database.store, push([row], NOON_US - 3_000_000, park=PARK))
    do(house.database.store, push([changed(row, plate="粤B99999")], NOON_US - 2_000_000, park=PARK))
    browser = house.enter("operator")
    path = park_at(PARK, "/review")
    [mark] = re.findall(r'name="one" value="([^"]+)"', browser.page(path))
    do(house.database.store, push([changed(row, plate="粤B99999", pay_value_fen=1)], NOON_US - 1_000_000, park=PARK))
    browser.send(path, on=path, one=mark)
    stored = house.database.store.find_record(PARK, row.pay_partner)
    assert stored is not None
    assert stored.renewal.flags == 4


@pytest.mark.parametrize("value", ["", "x:y", "9999:a", "0:a", "1:", ":a", "-1:a", "1:" + "x" * 65])
def test_box_that_no_page_has_sent_is_passed_over(house: House, value: str) -> None:
    fill(house)
    browser = house.enter("operator")
    path = park_at(PARK, "/review")
    assert browser.send(path, on=path, one=value).headers["location"].endswith("done=nothing_reviewed")
    assert "record.review" not in house.actions()


# ---- erasure ----


def test_erasure_asks_twice_and_leaves_no_plate_behind(house: House) -> None:
    fill(house)
    admin = house.enter("admin", sees_plates=True)
    once = admin.send("/erase", on="/erase", plate="粤b·99999")
    assert "清除车牌 粤B99999" in once.text
    assert "1 个车场" in once.text
    assert "plate.erase" not in house.actions()
    done = admin.post("/erase", asked(once.text))
    assert "车牌 粤B99999 已清除" in done.text
    assert all(one.renewal.plate != "粤B99999" for one in house.database.store.iter_records(PARK, Filter()))
    [entry, *_] = house.database.accounts.audit_entries(None, None, None, 5)
    assert (entry.action, entry.subject) == ("plate.erase", "粤B***99")


@pytest.mark.parametrize("is_read", [True, False])
def test_erasure_says_where_a_reader_keeps_what_was_erased(
    house: House, monkeypatch: pytest.MonkeyPatch, is_read: bool
) -> None:
    monkeypatch.setattr("vipgate.store.sqlite.store.LOG_WAIT_S", 0.001)
    fill(house)
    admin = house.enter("admin", sees_plates=True)
    once = admin.send("/erase", on="/erase", plate="粤B99999")
    with closing(sqlite3.connect(house.database.store.where, isolation_level=None)) as reader:
        if is_read:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM renewal").fetchone()
        done = admin.post("/erase", asked(once.text))
    assert "车牌 粤B99999 已清除" in done.text
    assert ("日志文件（-wal）中暂时仍有已清除的数据" in done.text) == is_read


@pytest.mark.parametrize(
    "fields",
    [{"plate": ""}, {"plate": "x" * 17}, {"plate": "粤B99999", "park_uuid": "nowhere"}, {"plate": " · ", "sure": "1"}],
)
def test_erasure_of_what_is_no_plate_or_no_park_does_nothing(house: House, fields: dict[str, str]) -> None:
    fill(house)
    admin = house.enter("admin")
    assert admin.send("/erase", on="/erase", **fields).status_code == 422
    assert "plate.erase" not in house.actions()


@pytest.mark.parametrize("path", ["/", "/parks"])
def test_page_says_which_parks_it_cannot_show(house: House, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    browser = house.enter("reader")
    assert "w1:5432" not in browser.page(path)
    monkeypatch.setattr(SqliteStore, "unreachable", lambda _: Unreachable(("w1:5432",), 12))
    page = browser.page(path)
    assert "w1:5432" in page
    assert "12" in page
