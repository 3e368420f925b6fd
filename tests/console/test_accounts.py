"""Who gets in and who does not: login, roles, sessions, forms of other sites, guessing, the first account."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher

from support.console_app import PASSWORD, Build, House, entry
from support.store_database import NOON_US
from vipgate.admin.auth.sessions import hash_token
from vipgate.admin.console.pages import PublicRoute, StaffRoute
from vipgate.admin.console.routes import PAGES
from vipgate.store.interfaces.accounts import Role

HOUR_S = 3600


def test_login_leads_to_the_page_that_was_asked_for(house: House) -> None:
    house.add_user("reader", "reader")
    browser = house.browser()
    assert browser.get("/?days=90").headers["location"] == "/login?next=%2F%3Fdays%3D90"
    answer = browser.send("/login", name="reader", password=PASSWORD, next="/?days=90")
    assert (answer.status_code, answer.headers["location"]) == (303, "/?days=90")
    assert "总览" in browser.page("/")
    assert house.actions()[0] == "login"


@pytest.mark.parametrize(
    "onward", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:1", "/a\nb"]
)
def test_login_leads_to_no_other_site(house: House, onward: str) -> None:
    house.add_user("reader", "reader")
    answer = house.browser().send("/login", name="reader", password=PASSWORD, next=onward)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_wrong_password_unknown_name_and_ended_account_get_the_same_answer(house: House) -> None:
    house.add_user("reader", "reader")
    house.add_user("gone", "reader", enabled=False)
    pages = set()
    for name, password in (("reader", "wrong password"), ("nobody", PASSWORD), ("gone", PASSWORD)):
        browser = house.browser()
        answer = browser.post("/login", {"name": name, "password": password})
        assert answer.status_code == 422
        pages.add(answer.text.replace(f'value="{name}"', ""))
        assert not browser.is_in()
    assert len(pages) == 1


def test_cookie_is_for_this_host_alone_and_for_no_script(build: Build) -> None:
    house = build(secure=True)
    house.add_user("reader", "reader")
    browser = house.browser()
    browser.client.base_url = "https://console.test"
    answer = browser.login("reader")
    cookie = next(one for one in answer.headers.get_list("set-cookie") if one.startswith("__Host-vipgate="))
    assert {"Path=/", "Secure", "HttpOnly", "SameSite=strict"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    assert "总览" in browser.page("/")


def test_session_is_stored_as_a_digest_alone(house: House) -> None:
    browser = house.enter("reader")
    secret = browser.client.cookies["vipgate"]
    [session] = house.database.accounts.list_sessions("reader", NOON_US)
    assert session.digest == hash_token(secret)
    assert secret not in repr(session)


def test_guesses_at_a_name_wait_longer_each_time(house: House) -> None:
    house.add_user("reader", "reader")
    for _ in range(5):
        assert house.browser().login("reader", "wrong password").status_code == 422
    waits = []
    for _ in range(4):
        house.browser().login("reader", "wrong password")
        refused = house.browser().login("reader")
        assert refused.status_code == 429
        waits.append(int(refused.headers["retry-after"]))
        house.clock.forward(waits[-1])
    assert waits == sorted(waits)
    assert waits[-1] > waits[0]
    assert house.browser().login("reader").status_code == 303


def test_stranger_who_guesses_cannot_lock_the_owner_out(house: House) -> None:
    house.add_user("reader", "reader")
    assert house.browser(peer="198.51.100.1").login("reader").status_code == 303
    for _ in range(7):
        house.browser(peer="203.0.113.66").login("reader", "wrong password")
    assert house.browser(peer="203.0.113.66").login("reader").status_code == 429
    assert house.browser(peer="198.51.100.1").login("reader").status_code == 303


def test_stranger_who_guesses_from_the_same_network_cannot_lock_the_owner_out(house: House) -> None:
    house.add_user("reader", "reader")
    assert house.browser().login("reader").status_code == 303
    answers = [house.browser().login(f"name{number}", "wrong password").status_code for number in range(25)]
    assert answers[-1] == 429
    assert house.browser().login("reader").status_code == 303


def test_guesses_from_all_addresses_of_one_ipv6_line_wait(house: House) -> None:
    answers = [
        house.browser(peer=f"2001:db8:0:7::{number:x}").login(f"name{number}", "wrong password").status_code
        for number in range(22)
    ]
    assert answers[:20] == [422] * 20
    assert answers[-1] == 429
    assert house.browser(peer="2001:db8:0:8::1").login("name30", "wrong password").status_code == 422


def test_guesses_at_many_names_from_one_place_wait(house: House) -> None:
    answers = [house.browser().login(f"name{number}", "wrong password").status_code for number in range(22)]
    assert answers[:20] == [422] * 20
    assert answers[-1] == 429


STAFF_PAGES = [page for page in PAGES if isinstance(page, StaffRoute)]


@pytest.mark.parametrize("page", STAFF_PAGES, ids=lambda page: f"{page.method} {page.path}")
def test_page_wants_a_login(house: House, page: StaffRoute) -> None:
    browser = house.browser()
    path = page.path.replace("{", "").replace("}", "")
    answer = browser.get(path) if page.method == "GET" else browser.post(path, {})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login")


@pytest.mark.parametrize(
    "page", [page for page in STAFF_PAGES if page.role != "reader"], ids=lambda page: f"{page.method} {page.path}"
)
def test_page_wants_its_role(house: House, page: StaffRoute) -> None:
    lower: Role = "reader" if page.role == "operator" else "operator"
    browser = house.enter(lower)
    before = house.actions()
    path = page.path.replace("{", "").replace("}", "")
    answer = browser.get(path) if page.method == "GET" else browser.send(path)
    assert answer.status_code == 403
    assert "没有这项权限" in answer.text
    assert house.actions() == before


# What a browser says of a form of another site, or does not say. "" leaves a header out.
STRANGE = [
    {"sec_fetch_site": "cross-site", "origin": "http://console.test"},
    {"sec_fetch_site": "same-site", "origin": "http://console.test"},
    {"sec_fetch_site": "", "origin": "https://evil.example"},
    {"sec_fetch_site": "", "origin": "null"},
    {"sec_fetch_site": "", "origin": "http://console.test.evil.example"},
    {"sec_fetch_site": "", "origin": "http://console.test:8082"},
    {"sec_fetch_site": "", "origin": "http://"},
    {"sec_fetch_site": "", "origin": "http://", "host": ""},
    {"sec_fetch_site": "", "origin": "ftp://console.test"},
    {"sec_fetch_site": "", "origin": "console.test"},
    {"sec_fetch_site": "", "origin": "http://user@console.test"},
    {"sec_fetch_site": "", "origin": "http://console.test, https://evil.example"},
    {"sec_fetch_site": "", "origin": "https://evil.example", "x_forwarded_host": "evil.example"},
    {"sec_fetch_site": "", "origin": "https://evil.example", "referer": "http://console.test/"},
    {"sec_fetch_site": "same-origin, cross-site"},
    {"sec_fetch_site": ""},
]


@pytest.mark.parametrize("page", [page for page in PAGES if page.method == "POST"], ids=lambda page: page.path)
def test_form_of_another_site_is_refused(house: House, page: StaffRoute | PublicRoute) -> None:
    browser = house.enter("admin", sees_plates=True)
    before = house.actions()
    path = page.path.replace("{", "").replace("}", "")
    for headers in STRANGE:
        assert browser.post(path, {}, **headers).status_code == 403, headers
    assert house.actions() == before
    assert browser.get("/").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "same-origin", "origin": "http://behind.a.proxy"},
        {"sec_fetch_site": "none"},
        {"sec_fetch_site": "", "origin": "http://console.test"},
    ],
)
def test_form_of_the_console_is_taken(house: House, headers: dict[str, str]) -> None:
    assert house.enter("reader").post("/logout", {}, **headers).status_code == 303


def test_behind_tls_a_page_without_it_is_another_site(build: Build) -> None:
    """Whoever is on the line writes what http://console.test shows; not every browser says `Sec-Fetch-Site`."""
    browser = build(secure=True).enter("reader")
    browser.client.base_url = "https://console.test"
    assert browser.post("/logout", {}, sec_fetch_site="", origin="http://console.test").status_code == 403
    assert browser.post("/logout", {}, sec_fetch_site="", origin="https://console.test").status_code == 303


@pytest.mark.parametrize("site", ["same-site", "cross-site"])
def test_page_of_another_origin_embeds_nothing(house: House, site: str) -> None:
    """A strict cookie comes with what a neighbour's page loads: it could use up searches, and have exports noted."""
    browser = house.enter("reader", sees_plates=True)
    browser.send("/plates/show", next="/")
    before = house.actions()
    for path in ("/find?q=x", "/records.csv?park=x", "/"):
        for mode in ("no-cors", "cors", "websocket"):
            assert browser.get(path, sec_fetch_site=site, sec_fetch_mode=mode).status_code == 403
        frame = {"sec_fetch_mode": "navigate", "sec_fetch_dest": "iframe"}
        assert browser.get(path, sec_fetch_site=site, **frame).status_code == 403
    assert house.actions() == before
    link = {"sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}
    assert browser.get("/", sec_fetch_site=site, **link).status_code == 200
    assert browser.get("/", sec_fetch_site="same-origin", sec_fetch_mode="no-cors").status_code == 200


def test_link_from_another_site_finds_the_session_again(house: House) -> None:
    answer = house.browser().get("/parks?q=%22%3E", sec_fetch_site="cross-site")
    assert answer.status_code == 200
    assert 'content="0; url=/parks?q=%22%3E"' in answer.text


def test_session_ends_after_twelve_idle_hours(house: House) -> None:
    browser = house.enter("reader")
    for _ in range(3):
        house.clock.forward(11 * HOUR_S)
        browser.page("/")
    house.clock.forward(12 * HOUR_S + 1)
    assert browser.get("/").status_code == 303


def test_session_ends_after_seven_days_of_use(house: House) -> None:
    browser = house.enter("reader")
    for _ in range(15):
        house.clock.forward(11 * HOUR_S)
        browser.page("/")
    house.clock.forward(3 * HOUR_S + 1)
    assert browser.get("/").status_code == 303


def test_logout_ends_the_session_for_whoever_holds_the_cookie(house: House) -> None:
    browser = house.enter("reader")
    secret = browser.client.cookies["vipgate"]
    assert browser.send("/logout").status_code == 303
    thief = house.browser()
    thief.client.cookies.set("vipgate", secret)
    assert thief.get("/").status_code == 303
    assert "已退出" in house.browser().page("/login?done=logout")


def test_new_password_ends_all_other_sessions(house: House) -> None:
    other = house.enter("reader")
    browser = house.browser()
    browser.login("reader")
    wrong = browser.send(
        "/account/password", old="wrong password", password="another password", again="another password"
    )
    assert (wrong.status_code, "不正确" in wrong.text) == (422, True)
    unlike = browser.send("/account/password", old=PASSWORD, password="another password", again="a third password")
    assert (unlike.status_code, 'aria-invalid="true"' in unlike.text) == (422, True)
    short = browser.send("/account/password", old=PASSWORD, password="short", again="short")
    assert (short.status_code, "至少 10 个字符" in short.text) == (422, True)
    good = browser.send("/account/password", old=PASSWORD, password="another password", again="another password")
    assert good.status_code == 303
    browser.page("/")
    assert other.get("/").status_code == 303
    assert house.browser().login("reader").status_code == 422
    assert "user.password" in house.actions()


def test_own_session_elsewhere_can_be_ended_and_nobody_elses(house: House) -> None:
    other = house.enter("operator")
    lost = house.enter("reader")
    browser = house.browser()
    browser.login("reader")
    [strange] = house.database.accounts.list_sessions("operator", NOON_US)
    assert browser.send("/account/sessions/end", session=strange.digest).status_code == 409
    assert browser.send("/account/sessions/end", session=hash_token(lost.client.cookies["vipgate"])).status_code == 303
    assert lost.get("/").status_code == 303
    other.page("/")
    browser.page("/")


def test_first_account_is_made_by_the_link_once(house: House) -> None:
    house.database.accounts.add_invitation(hash_token("the-secret-of-the-link"), NOON_US + 1_000_000)
    browser = house.browser()
    assert house.browser().get("/welcome/another").status_code == 404
    browser.page("/welcome/the-secret-of-the-link")
    fields = {"name": "王敏", "password": PASSWORD, "again": PASSWORD}
    assert browser.post("/welcome/the-secret-of-the-link", fields | {"again": "unlike"}).status_code == 422
    assert browser.post("/welcome/the-secret-of-the-link", fields | {"name": "a b<"}).status_code == 422
    assert browser.post("/welcome/the-secret-of-the-link", fields).status_code == 303
    user = house.database.accounts.find_user("王敏")
    assert user is not None
    assert (user.role, user.sees_plates) == ("admin", True)
    browser.page("/accounts")
    assert house.browser().get("/welcome/the-secret-of-the-link").status_code == 404
    assert house.actions() == ["login", "user.first"]


def test_link_for_the_first_account_grows_old(house: House) -> None:
    house.database.accounts.add_invitation(hash_token("secret"), NOON_US + 1_000_000)
    house.clock.forward(2)
    assert house.browser().get("/welcome/secret").status_code == 404


def test_administrator_makes_an_account_whose_password_is_shown_once(house: House) -> None:
    admin = house.enter("admin")
    made = admin.send("/accounts", on="/accounts", name="lihua", role="operator", sees_plates="1")
    assert made.status_code == 200
    password = made.text.split('class="secret"')[1].split(">")[1].split("<")[0]
    assert password not in admin.page("/accounts")
    assert house.browser().login("lihua", password).status_code == 303
    user = house.database.accounts.find_user("lihua")
    assert user is not None
    assert (user.role, user.sees_plates) == ("operator", True)
    again = admin.send("/accounts", on="/accounts", name="lihua", role="reader")
    assert (again.status_code, "已有这个账号" in again.text) == (422, True)
    assert admin.send("/accounts", on="/accounts", name="x", role="owner").status_code == 422


def test_administrator_takes_rights_away_at_once(house: House) -> None:
    admin, operator = house.enter("admin"), house.enter("operator")
    assert admin.send("/accounts/operator", on="/accounts/operator", role="reader", enabled="1").status_code == 303
    assert operator.get("/").status_code == 303
    operator.login("operator")
    operator.page("/parks/new", 403)
    assert admin.send("/accounts/operator", on="/accounts/operator", role="reader").status_code == 303
    assert operator.get("/").status_code == 303
    assert operator.login("operator").status_code == 422
    [change, *_] = house.database.accounts.audit_entries(None, None, None, 10)
    assert (change.who, change.action, change.subject) == ("admin", "user.change", "operator")
    assert change.detail == "reader, plates: no → reader, plates: no, disabled"


def test_administrator_resets_a_password_and_ends_sessions(house: House) -> None:
    admin, reader = house.enter("admin"), house.enter("reader")
    assert admin.send("/accounts/reader/sessions/end", on="/accounts").status_code == 303
    assert reader.get("/").status_code == 303
    reader.login("reader")
    assert admin.send("/accounts/reader/password", on="/accounts").status_code == 200
    assert reader.get("/").status_code == 303
    assert reader.login("reader").status_code == 422


@pytest.mark.parametrize("below", ["", "/password", "/sessions/end"])
def test_nobody_changes_the_own_account_among_the_others(house: House, below: str) -> None:
    admin = house.enter("admin")
    assert admin.send(f"/accounts/admin{below}", on="/accounts", role="reader").status_code == 409
    admin.page("/accounts")


def test_old_hash_is_made_anew_at_the_login(house: House) -> None:
    house.add_user("reader", "reader")
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    house.database.accounts.change_user("reader", entry(NOON_US), password=weak)
    assert house.browser().login("reader").status_code == 303
    user = house.database.accounts.find_user("reader")
    assert user is not None
    assert "m=19456" in user.password
    assert house.browser().login("reader").status_code == 303


def test_token_is_shown_once_and_opens_what_it_says(house: House) -> None:
    admin = house.enter("admin")
    made = admin.send("/tokens", on="/tokens", name="finance", scope=["totals", "renewals"], masked="1")
    token = made.text.split('class="secret"')[1].split(">")[1].split("<")[0]
    assert token.startswith("vipgate_")
    assert len(token) == len("vipgate_") + 43
    found = house.database.accounts.find_token(hash_token(token))
    assert found is not None
    assert (found.name, found.scopes, found.masked, found.park_uuid) == ("finance", ("renewals", "totals"), True, None)
    assert token not in admin.page("/tokens")
    assert admin.send("/tokens", on="/tokens", name="finance", scope="totals").status_code == 422
    assert admin.send("/tokens", on="/tokens", name="other").status_code == 422
    assert admin.send("/tokens", on="/tokens", name="other", scope="totals", park_uuid="nowhere").status_code == 422
    assert admin.send("/tokens/revoke", on="/tokens", name="finance").status_code == 303
    assert house.database.accounts.find_token(hash_token(token)) is None
    assert house.actions()[:2] == ["token.revoke", "token.add"]


def test_audit_log_tells_who_what_and_where_from(house: House) -> None:
    admin = house.enter("admin")
    admin.send("/accounts", on="/accounts", name="lihua", role="operator")
    page = admin.page("/audit?who=admin")
    assert "新建账号" in page
    assert "198.51.100.7" in page
    assert "command" not in page.split("<tbody>")[1]


def test_audit_log_is_turned_page_by_page(house: House) -> None:
    admin = house.enter("admin")
    for number in range(150):
        house.database.accounts.write_audit_entry(entry(NOON_US + number))
    page = admin.page("/audit")
    onward = page.split('rel="next" href="')[1].split('"')[0]
    rest = admin.page(onward)
    assert page.count("<tr><td") + rest.count("<tr><td") == len(
        house.database.accounts.audit_entries(None, None, None, 1000)
    )
    assert 'rel="next"' not in rest
