"""Every page in both languages: rules of accessibility in light and dark, nothing sideways, no text on another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

import pytest

from support import browser_pages
from support.browser_data import BUSY
from support.browser_monitor import overlaps, sideways
from support.browser_rules import COLOURS, RULES, UNFOLD, broken_rules
from support.browser_visitor import NARROW, WIDE, FirstAccount, House, Visitor
from vipgate.clock import clock_us
from vipgate.store.interfaces.accounts import Language
from vipgate.store.interfaces.queries import ChargeType

pytestmark = pytest.mark.timeout(240)
TYPES: Final = [
    ChargeType(
        id=name, name="A 区月卡", desc="仅限工作日", vip_type=1, price_fen=30_000, extra_days=7,
        create_time="20260101000000", update_time="20260102000000",
    )
    for name in ("MON_A", "QTR_A")
]  # fmt: skip


@dataclass(slots=True)
class Seen:
    """What was found on all pages, each line with the page's name."""

    rules: list[str] = field(default_factory=list)
    sideways: list[str] = field(default_factory=list)
    overlaps: list[str] = field(default_factory=list)
    frame: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


@pytest.fixture(scope="module", params=["zh", "en"])
def seen(opened: tuple[House, FirstAccount], request: pytest.FixtureRequest) -> Seen:
    """Each page is loaded once for a language and then looked at in all ways."""
    house = opened[0]
    language: Language = "en" if request.param == "en" else "zh"
    house.database.admin.save_charge_types(BUSY, TYPES, None, clock_us())
    found = Seen()
    _walk(house.staff("admin", language), list(browser_pages.inside(house)), found)
    guests = [(name, path, browser_pages.STATUSES.get(name, 200)) for name, path in browser_pages.OUTSIDE.items()]
    _walk(house.visitor(language), guests, found)
    for page in house.pages:
        page.context.close()
    house.pages.clear()
    house.watches.clear()
    return found


def _walk(visitor: Visitor, pages: list[tuple[str, str, int]], found: Seen) -> None:
    for name, path, status in pages:
        visitor.at(path, status)
        found.frame += [f"{name}: {line}" for line in _frame(visitor)]
        for width, height in (WIDE, NARROW):
            visitor.page.set_viewport_size({"width": width, "height": height})
            found.sideways += [f"{name} at {width}: {line}" for line in [sideways(visitor.page)] if line]
            found.overlaps += [f"{name} at {width}: {line}" for line in overlaps(visitor.page)]
        visitor.page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
        visitor.page.evaluate(UNFOLD)
        visitor.page.emulate_media(color_scheme="light")
        found.rules += [
            f"{name}, light: {line}" for line in broken_rules(visitor.page, RULES, colours=visitor.t.language == "zh")
        ]
        if visitor.t.language == "zh":
            visitor.page.emulate_media(color_scheme="dark")
            found.rules += [f"{name}, dark: {line}" for line in broken_rules(visitor.page, COLOURS)]
    found.wrong += visitor.watch.wrong


def _frame(visitor: Visitor) -> Iterator[str]:
    """What every page must have, whatever it says."""
    told = visitor.page.evaluate(_COUNTS)
    if told["headings"] != 1:
        yield f"{told['headings']} headings of the first level"
    if not told["language"].startswith(visitor.t.language):
        yield f"in another language: {told['language']}"
    if told["tables"] != told["captions"]:
        yield f"{told['tables']} tables, {told['captions']} captions"
    yield from told["foreign"]


_COUNTS: Final = """() => {
    const count = selector => document.querySelectorAll(selector).length;
    const foreign = "[style], script, link:not([href^='/static/']), img:not([src^='/'])";
    return {
        headings: count("h1"), language: document.documentElement.lang, tables: count("table"),
        captions: count("table > caption"), foreign: [...document.querySelectorAll(foreign)].map(one => one.outerHTML),
    };
}"""


def test_no_page_breaks_a_rule_of_accessibility(seen: Seen) -> None:
    assert not seen.rules, "\n".join(seen.rules)


def test_no_page_scrolls_sideways(seen: Seen) -> None:
    assert not seen.sideways, "\n".join(seen.sideways)


def test_no_text_lies_on_another(seen: Seen) -> None:
    assert not seen.overlaps, "\n".join(seen.overlaps)


def test_no_page_lacks_what_all_have(seen: Seen) -> None:
    assert not seen.frame, "\n".join(seen.frame)


def test_no_page_does_what_it_should_not(seen: Seen) -> None:
    assert not seen.wrong, "\n".join(seen.wrong)


@pytest.mark.parametrize("fault", ["sideways", "overlap", "contrast", "outside", "policy"])
def test_what_is_looked_for_would_be_found(house: House, language: Language, fault: str) -> None:
    """A page is broken on purpose: whoever looks on must say so."""
    visitor = house.staff("reader", language, size=NARROW).at("/account")
    page = visitor.page
    page.evaluate(_FAULTS[fault])
    looks: dict[str, Callable[[], bool]] = {
        "sideways": lambda: bool(sideways(page)),
        "overlap": lambda: bool(overlaps(page)),
        "contrast": lambda: any("color-contrast" in line for line in broken_rules(page, COLOURS)),
        "outside": lambda: any("outside" in line or "policy" in line for line in visitor.watch.wrong),
        "policy": lambda: any("policy" in line for line in visitor.watch.wrong),
    }
    page.wait_for_timeout(200)
    assert looks[fault]()
    visitor.watch.wrong.clear()


_FAULTS: Final = {
    "sideways": 'document.querySelector("h1").insertAdjacentHTML("afterend", "<hr width=900>")',
    "overlap": 'document.querySelector("h2").animate([{translate: "0 1.6rem"}, {translate: "0 1.6rem"}], 1e6)',
    "contrast": 'document.querySelector("h1").insertAdjacentHTML("afterend", "<p><font color=#999>x y</font></p>")',
    "outside": 'document.body.insertAdjacentHTML("beforeend", "<img alt=x src=http://127.0.0.1:9/x.png>")',
    "policy": 'document.body.insertAdjacentHTML("beforeend", "<p style=color:red>x</p>")',
}
