"""Accounts, tokens, the audit log, erasure, and what each role may do."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import expect

from support import browser_data
from support.browser_data import BUSY, PASSWORD, STOCKS
from support.browser_visitor import House
from vipgate.clock import clock_us
from vipgate.store.interfaces.accounts import Language, Role


def test_account_is_made_used_and_ended(house: House, language: Language) -> None:
    name = f"wang.{language}"
    visitor = house.staff("admin", language).at("/accounts")
    visitor.fill("login.name", "not a name")
    visitor.press("accounts.add", 422)
    visitor.fill("login.name", name)
    visitor.page.locator("#role-operator").check()
    visitor.press("accounts.add")
    password = visitor.page.locator("code.secret").inner_text()
    other = house.visitor(language).at("/login")
    other.fill("login.name", name)
    other.fill("login.password", password)
    other.press("login")
    assert other.path == "/"
    visitor.follow("secret_shown.onward")
    visitor.send(visitor.page.get_by_role("link", name=name, exact=True))
    visitor.page.locator("#enabled-1").uncheck()
    visitor.press("save")
    visitor.is_told("done.user_saved")
    other.at("/parks")
    assert other.path.startswith("/login")
    visitor.page.locator("details.sure summary").click()
    visitor.press("account.reset.do")
    assert visitor.page.locator("code.secret").inner_text() not in (password, PASSWORD)


def test_token_opens_the_read_api_until_it_is_revoked(house: House, language: Language) -> None:
    visitor = house.staff("admin", language).at("/tokens")
    name = f"财务 {language}"
    visitor.fill("token.name", name)
    visitor.press("tokens.add", 422)
    visitor.page.get_by_label(visitor.t("scope.parks"), exact=True).check()
    visitor.page.get_by_label(visitor.t("scope.renewals"), exact=True).check()
    visitor.press("tokens.add")
    token = visitor.page.locator("code.secret").inner_text()
    path = f"{house.home}/api/v1/parks/{BUSY}/renewals?limit=2"
    with httpx.Client(trust_env=False, headers={"authorization": f"Bearer {token}"}) as client:
        answer = client.get(path)
        assert answer.status_code == 200
        assert len(answer.json()["items"]) == 2
        visitor.follow("secret_shown.onward")
        row = visitor.page.locator("main tbody tr").filter(has_text=name)
        row.locator("details.sure summary").click()
        visitor.send(row.get_by_role("button", name=visitor.t("token.revoke.do", name=name)))
        visitor.is_told("done.token_revoked")
        assert client.get(path).status_code == 401
    visitor.follow("tokens.docs")
    assert visitor.path.startswith("/api/v1/")


def test_audit_log_tells_who_did_what_and_is_filtered(house: House, language: Language) -> None:
    name = f"looker.{language}"
    browser_data.add_user(house.database, name, "operator", clock_us(), sees_plates=True)
    house.visitor(language, secret=house.open_session(name, plates=True)).at("/")
    visitor = house.staff("admin", language).at("/audit")
    visitor.fill("audit.who", name)
    visitor.press("parks.filter")
    assert [visitor.cells(row)[1:3] for row in range(visitor.rows())] == [
        [name, visitor.t("audit.plates.show")],
        [name, visitor.t("audit.login")],
    ]
    visitor.fill("audit.who", "nobody")
    visitor.press("parks.filter")
    visitor.sees(visitor.t("page.none"))


def test_plate_is_erased_after_a_second_confirmation(house: House, language: Language) -> None:
    plate = "桂A00001" if language == "zh" else "桂A00002"
    browser_data.push_plate(house.gateway, BUSY, plate)
    visitor = house.staff("admin", language).at("/erase")
    visitor.fill("plate", plate)
    visitor.press("erase.go_on")
    expect(visitor.page.get_by_role("alert")).to_contain_text(plate)
    visitor.press("erase.do", plate=plate)
    visitor.is_told("erase.done", plate=plate)
    visitor.at(f"/records?plate={plate}")
    visitor.sees(visitor.t("records.none"))


@pytest.mark.parametrize("role", ["reader", "operator"])
def test_pages_above_a_role_are_refused_and_not_offered(house: House, language: Language, role: Role) -> None:
    visitor = house.staff(role, language).at("/")
    offered = visitor.page.get_by_role("navigation", name=visitor.t("nav"), exact=True).get_by_role("link")
    paths = {link.get_attribute("href") for link in offered.all()}
    assert paths == {"/", "/parks", "/records", "/vehicles", "/requests", "/signature-check"}
    for path in ("/accounts", "/tokens", "/audit", "/erase"):
        visitor.at(path, 403)
    if role == "reader":
        for path in ("/parks/new", f"/parks/{STOCKS}/generations/1"):
            visitor.at(path, 403)
            expect(visitor.page.get_by_role("alert")).to_be_visible()
        visitor.at(f"/requests/{house.seqnos[language][1]}")
        expect(visitor.page.locator("textarea")).to_have_count(0)
        visitor.at(f"/parks/{BUSY}/settings")
        expect(visitor.label("park.name")).to_be_disabled()
