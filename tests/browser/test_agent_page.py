"""The agent's page in a real browser: the whole set-up, every page by the rules, the keyboard alone, no script, a stranger."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from bench.records import SECRET
from playwright.sync_api import Browser, BrowserContext, Page

from support.agent_page import make_park
from support.browser_monitor import Watch, overlaps, sideways
from support.browser_rules import COLOURS, RULES, UNFOLD, broken_rules
from support.odd_platform import STORED, OddPlatform
from vipgate.agent.models import Rejection
from vipgate.agent.spool import Spool
from vipgate.agent.status import Status, Sweep, save_status
from vipgate.clock import clock_us

pytestmark = pytest.mark.timeout(240)
PATHS = (
    "/?still=1",
    "/dead",
    "/dead/1",
    "/compare",
    "/setup/platform",
    "/setup/source",
    "/setup/mapping",
    "/setup/key",
    "/setup/preview",
    "/setup/start?still=1",
    "/nowhere",
    # A form's answer: asks a second time.
    "/dead/discard",
)
STATUSES = {"/nowhere": 404}
STEPS_MAX = 120


@dataclass
class Place:
    """A page's process, a browser that was let in by its link, and what went wrong in it."""

    context: BrowserContext
    page: Page
    base: str
    link: str
    watch: Watch
    platform: OddPlatform

    def press(self, selector: str) -> None:
        """Presses a button and waits for the page that answers."""
        with self.page.expect_navigation():
            self.page.click(selector)


@pytest.fixture(params=["zh-CN", "en-GB"])
def place(request: pytest.FixtureRequest, chromium: Browser, tmp_path: Path) -> Iterator[Place]:
    make_park(tmp_path, 30)
    (tmp_path / "park.toml").unlink()
    words = [sys.executable, "-m", "vipgate", "agent", "page", "park.toml", "--no-browser"]
    process = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    assert process.stdout is not None
    try:
        link = next(found[0] for line in process.stdout if (found := re.search(r"http://\S+", line)))
        watch = Watch(re.sub("/enter/.*", "", link))
        context = chromium.new_context(locale=request.param, java_script_enabled=True)
        watch.follow(context, scripts=True)
        page = context.new_page()
        page.goto(link)
        page.wait_for_selector("h1")
        base = re.sub("/setup/platform$", "", page.url)
        with OddPlatform(lambda _: STORED).running() as platform:
            yield Place(context, page, base, link, watch, platform)
        context.close()
        assert watch.wrong == []
    finally:
        process.terminate()
        process.wait(20)


def set_up(place: Place) -> None:
    page = place.page
    page.fill("#url", place.platform.url)
    page.fill("#park_uuid", "P-0001")
    page.fill("#secret", SECRET)
    place.press("main button.main")
    assert page.locator(".tag.good").count() == 3
    place.press("main p.row a.button")
    page.check("#kind-sqlite")
    page.fill("#path", "park.db")
    place.press("main button.main")
    place.press("form.stack button.main")
    assert page.url.endswith("/setup/mapping")
    for tick in page.locator('input[name^="ok."]').all():
        tick.check()
    place.press('main button[name="next"]')
    assert page.locator(".note.good").count() >= 1


def fill_spool(folder: Path) -> None:
    """What an agent leaves after a while."""
    spool = Spool(folder / "park.spool", clock_us)
    status = Status(at_us=clock_us(), is_snapshot_done=True, sweep=Sweep(total=30, begun_us=1, ended_us=clock_us()))
    status.note_request(clock_us(), "20261130000000000001", 30, "")
    status.note_request(clock_us(), "20261130000000000002", 4, "400 row[0].plate: wrong")
    status.acknowledged = 30
    status.note_interval(clock_us())
    status.tell("platform", "cannot connect to the platform; look at the network", clock_us())
    with spool.transaction():
        save_status(spool, status)
        spool.add_dead_letters([Rejection("P1", "P1", "编号=1", "金额: 应为金额", source='{"订单号": "P1"}')])
    spool.close()


def test_set_up_and_every_page_by_the_rules(place: Place, tmp_path: Path) -> None:
    set_up(place)
    fill_spool(tmp_path)
    found = []
    check_all(place)
    place.watch.expected = set(STATUSES.values())
    for path in PATHS:
        size = look_at(place, path)
        assert size <= 50 * 1024, path
        for width in (1280, 390):
            place.page.set_viewport_size({"width": width, "height": 844})
            found += [f"{path} at {width}: {line}" for line in [sideways(place.page)] if line]
            found += [f"{path} at {width}: {line}" for line in overlaps(place.page)]
        place.page.evaluate(UNFOLD)
        place.page.emulate_media(color_scheme="light")
        found += [f"{path}, light: {line}" for line in broken_rules(place.page, RULES)]
        place.page.emulate_media(color_scheme="dark")
        found += [f"{path}, dark: {line}" for line in broken_rules(place.page, COLOURS)]
    assert found == []


def check_all(place: Place) -> None:
    """Runs the checks of the last step, and waits for their end."""
    place.page.goto(f"{place.base}/setup/start")
    place.press("main form button.main")
    place.page.wait_for_selector("details.sure", timeout=60_000)


def look_at(place: Place, path: str) -> int:
    """Opens a page; returns its size."""
    if path == "/dead/discard":
        place.page.goto(f"{place.base}/dead")
        place.press("button.grave")
        return len(place.page.content())
    response = place.page.goto(place.base + path)
    assert response is not None
    assert response.status == STATUSES.get(path, 200), path
    return len(response.body())


def test_constant_is_asked_for_as_soon_as_it_is_chosen(place: Place) -> None:
    set_up(place)
    page = place.page
    page.goto(f"{place.base}/setup/mapping")
    for name, field in (("vip_type", "select"), ("operator", "input"), ("pay_value", "input"), ("pay_time", "input")):
        constant = page.locator(f'{field}[name="constant.{name}"]')
        of_column = page.locator(f"#row-{name} .of-column")
        needs_more = of_column.count() == 1
        assert needs_more == (name in ("pay_value", "pay_time"))
        assert not constant.is_visible()
        chosen = page.locator(f'select[name="column.{name}"]')
        before = chosen.input_value()
        chosen.select_option("=")
        assert constant.is_visible(), name
        assert not (needs_more and of_column.is_visible()), name
        chosen.select_option(before)
        assert not constant.is_visible(), name
        assert of_column.is_visible() == needs_more, name
    # The keyboard comes from the list to the field that has just appeared, and what it writes is stored.
    page.select_option('select[name="column.operator"]', "=")
    page.focus('select[name="column.operator"]')
    tab_to(page, '[name="constant.operator"]')
    page.keyboard.type("东门岗亭")
    place.press("main form.stack button.main")
    assert page.input_value('select[name="column.operator"]') == "="
    assert page.input_value('[name="constant.operator"]') == "东门岗亭"
    assert page.locator('[name="constant.operator"]').is_visible()


def test_constant_that_lacks_stays_to_be_seen(place: Place) -> None:
    set_up(place)
    page = place.page
    place.watch.expected = {422}
    page.goto(f"{place.base}/setup/mapping")
    page.select_option('select[name="column.operator"]', "=")
    place.press("main form.stack button.main")
    constant = page.locator('[name="constant.operator"]')
    page.select_option('select[name="column.operator"]', "")
    assert constant.is_visible()
    assert constant.get_attribute("aria-invalid") == "true"


def test_dates_and_months_are_not_broken_in_two(place: Place) -> None:
    set_up(place)
    page = place.page
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 844})
        for path in ("/setup/preview", "/setup/mapping"):
            page.goto(place.base + path)
            heights = page.evaluate(
                "[...document.querySelectorAll('td .tight')].map(one => one.getClientRects().length)"
            )
            assert heights, path
            assert set(heights) == {1}, path


def test_dead_letters_are_discarded_by_keyboard(place: Place, tmp_path: Path) -> None:
    set_up(place)
    fill_spool(tmp_path)
    page = place.page
    page.goto(f"{place.base}/dead")
    tab_to(page, "button.grave")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.locator("[role=alert]").count() == 1
    tab_to(page, ".languages button")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.url.endswith("/dead")
    for _ in range(2):
        tab_to(page, "button.grave")
        with page.expect_navigation():
            page.keyboard.press("Enter")
    assert page.locator(".note.good").count() == 1
    assert page.locator("table").count() == 0


def test_first_step_is_done_by_keyboard(place: Place) -> None:
    page, keys = place.page, place.page.keyboard
    keys.press("Tab")
    assert page.evaluate("document.activeElement.matches('.skip')")
    for selector, text in (("#url", place.platform.url), ("#park_uuid", "P-0001"), ("#secret", SECRET)):
        tab_to(page, selector)
        keys.type(text)
    tab_to(page, "main button.main")
    with page.expect_navigation():
        keys.press("Enter")
    assert page.locator(".tag.good").count() == 3
    tab_to(page, ".languages button")
    before = page.evaluate("document.documentElement.lang")
    with page.expect_navigation():
        keys.press("Space")
    assert page.evaluate("document.documentElement.lang") != before


def tab_to(page: Page, selector: str) -> None:
    """Presses Tab until the focus is on what `selector` says."""
    for _ in range(STEPS_MAX):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    pytest.fail(f"The keyboard does not come to {selector}")


def test_another_browser_of_this_machine_sees_nothing(place: Place, chromium: Browser) -> None:
    stranger = chromium.new_context()
    page = stranger.new_page()
    for url in (place.link, f"{place.base}/", f"{place.base}/setup/platform"):
        response = page.goto(url)
        assert response is not None
        assert response.status == 403
        assert "park_uuid" not in page.content()
    stranger.close()
