"""In and out: the one-time link, the login, wrong passwords, the language, sessions that are ended elsewhere."""

from __future__ import annotations

from playwright.sync_api import expect

from support import browser_data
from support.browser_visitor import FirstAccount, House
from vipgate.clock import clock_us
from vipgate.store.interfaces.accounts import Language

TRIES_MAX = 9


def test_link_of_the_first_start_makes_one_account_and_no_second(house: House, first_account: FirstAccount) -> None:
    assert not first_account.wrong
    assert [title.partition(" · ")[0] for title in first_account.titles] == ["创建第一个账号", "总览"]
    assert first_account.faults == ["两次输入不一致"]
    made = house.database.accounts.find_user("第一位.admin")
    assert made is not None
    assert made.role == "admin"
    visitor = house.visitor("en").at(first_account.link, 404)
    visitor.sees("vipgate user add")


def test_login_leads_to_where_one_wanted_to_go_and_logout_back(house: House, language: Language) -> None:
    name = f"lin.{language}"
    browser_data.add_user(house.database, name, "reader", clock_us())
    visitor = house.visitor(language).at(f"/parks/{browser_data.BUSY}")
    assert visitor.path.startswith("/login?")
    visitor.fill("login.name", name)
    visitor.fill("login.password", "not the password")
    visitor.press("login", 422)
    expect(visitor.page.get_by_role("alert")).to_have_text(visitor.t("login.wrong"))
    expect(visitor.label("login.name")).to_have_value(name)
    expect(visitor.label("login.password")).to_have_value("")
    visitor.fill("login.password", browser_data.PASSWORD)
    visitor.press("login")
    assert visitor.path == f"/parks/{browser_data.BUSY}"
    visitor.page.locator(".me summary").click()
    visitor.send(visitor.page.get_by_role("button", name=visitor.t("logout"), exact=True))
    visitor.is_told("done.logout")
    visitor.at("/parks")
    assert visitor.path.startswith("/login?")


def test_who_guesses_has_to_wait(house: House, language: Language) -> None:
    visitor = house.visitor(language).at("/login")
    visitor.watch.expected |= {422, 429}
    for _ in range(TRIES_MAX):
        visitor.fill("login.name", f"guessed.{language}")
        visitor.fill("login.password", "123456")
        with visitor.page.expect_navigation() as answer:
            visitor.button("login").click()
        if answer.value is not None and answer.value.status == 429:
            break
    told = visitor.page.get_by_role("alert").inner_text()
    before, _, behind = visitor.t("login.wait", seconds="|").partition("|")
    assert told.startswith(before)
    assert told.endswith(behind)


def test_language_is_chosen_before_the_login_and_kept_by_the_account(house: House) -> None:
    visitor = house.visitor("zh").at("/login?next=/parks")
    visitor.send(visitor.page.get_by_role("button", name="English", exact=True))
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Log in")
    expect(visitor.page.locator("html")).to_have_attribute("lang", "en")
    browser_data.add_user(house.database, "speaks.both", "reader", clock_us())
    visitor.page.get_by_label("Name", exact=True).fill("speaks.both")
    visitor.page.get_by_label("Password", exact=True).fill(browser_data.PASSWORD)
    visitor.send(visitor.page.get_by_role("button", name="Log in", exact=True))
    assert visitor.path == "/parks"
    expect(visitor.page.get_by_role("heading", level=1)).to_contain_text("Parks")
    visitor.page.locator(".me summary").click()
    visitor.send(visitor.page.get_by_role("button", name="中文", exact=True))
    assert visitor.path == "/parks"
    expect(visitor.page.locator("html")).to_have_attribute("lang", "zh-CN")
    again = house.visitor("en", secret=house.open_session("speaks.both")).at("/")
    expect(again.page.get_by_role("heading", level=1)).to_have_text("总览")


def test_session_that_is_ended_elsewhere_is_over(house: House, language: Language) -> None:
    name = f"two.places.{language}"
    browser_data.add_user(house.database, name, "reader", clock_us())
    office = house.visitor(language, secret=house.open_session(name)).at("/parks")
    home = house.visitor(language, secret=house.open_session(name)).at("/account")
    home.press("session.end")
    home.is_told("done.session_ended")
    office.at("/records")
    assert office.path.startswith("/login?next=")
    home.at("/account")


def test_password_is_changed_and_the_old_one_is_over(house: House, language: Language) -> None:
    name, new = f"new.password.{language}", "another good password"
    browser_data.add_user(house.database, name, "reader", clock_us())
    elsewhere = house.visitor(language, secret=house.open_session(name)).at("/")
    visitor = house.visitor(language, secret=house.open_session(name)).at("/account")
    visitor.fill("account.password.old", "wrong")
    visitor.fill("password.new", new)
    visitor.fill("password.again", new)
    visitor.press("account.password.change", 422)
    visitor.fill("account.password.old", browser_data.PASSWORD)
    visitor.fill("password.new", new)
    visitor.fill("password.again", new)
    visitor.press("account.password.change")
    visitor.is_told("done.password_changed")
    elsewhere.at("/")
    assert elsewhere.path.startswith("/login")
