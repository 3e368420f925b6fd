"""One real gateway with a realistic stock, one Chromium, and people of the staff who sit before it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from support import browser_data
from support.admin_port import welcomed
from support.browser_visitor import FirstAccount, House
from support.gateway_process import Gateway
from support.rerouting import NEAR_PATH
from vipgate.clock import clock_us
from vipgate.store.interfaces.accounts import Language
from vipgate.store.interfaces.ledger import Retention
from vipgate.store.open_database import open_database

CHROMIUM: Final = Path("/usr/bin/chromium")
FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.fail(f"The browser tests need Chromium at {CHROMIUM}; install it: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = _launch(playwright)
        yield browser
        browser.close()


def _launch(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=list(FLAGS))


@pytest.fixture(scope="session")
def opened(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, FirstAccount]]:
    """A house whose first account was made by its one-time link, as after the first start."""
    home = tmp_path_factory.mktemp("console")
    browser_data.tell(home, clock_us())
    path = os.pathsep.join((str(NEAR_PATH), os.environ.get("PYTHONPATH", "")))
    settings = {"VIPGATE_CHARGE_TYPES_ALLOW_PRIVATE": "true", "VIPGATE_SHUTDOWN_TIMEOUT_S": "3", "PYTHONPATH": path}
    gateway = Gateway(home, settings, admin=True).start()
    link = welcomed(gateway).split()[-1]
    seqnos = browser_data.push_what_is_refused(gateway)
    database = open_database(f"sqlite:///{home / 'vipgate.db'}", clock_us, Retention())
    house = House(gateway, database, chromium, seqnos, browser_data.push_replaces_again(gateway, database, clock_us()))
    try:
        first = _make_first_account(house, link)
        for role in ("reader", "operator", "admin"):
            browser_data.add_user(database, f"{role}.one", role, clock_us(), sees_plates=role != "reader")
        yield house, first
    finally:
        database.close()
        status = gateway.stop()
    assert status == 0


def _make_first_account(house: House, link: str) -> FirstAccount:
    visitor = house.visitor()
    page = visitor.page
    visitor.at(link.removeprefix(house.home))
    titles = [page.title()]
    visitor.fill("login.name", "第一位.admin")
    visitor.fill("password.new", browser_data.PASSWORD)
    visitor.fill("password.again", browser_data.PASSWORD + "!")
    visitor.press("welcome.make", 422)
    faults = page.locator(".wrong").all_inner_texts()
    visitor.fill("password.new", browser_data.PASSWORD)
    visitor.fill("password.again", browser_data.PASSWORD)
    visitor.press("welcome.make")
    titles.append(page.title())
    page.context.close()
    house.pages.clear()
    house.watches.clear()
    return FirstAccount(link.removeprefix(house.home), titles, faults, visitor.watch.wrong)


@pytest.fixture
def house(opened: tuple[House, FirstAccount]) -> Iterator[House]:
    """The house; after the test nothing may have gone wrong in any browser that was opened in it."""
    made = opened[0]
    yield made
    for page in made.pages:
        page.context.close()
    wrong = [line for watch in made.watches for line in watch.wrong]
    made.pages.clear()
    made.watches.clear()
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def first_account(opened: tuple[House, FirstAccount]) -> FirstAccount:
    return opened[1]


@pytest.fixture(params=["zh", "en"])
def language(request: pytest.FixtureRequest) -> Language:
    return "en" if request.param == "en" else "zh"
