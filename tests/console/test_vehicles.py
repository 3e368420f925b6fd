"""What a plate or a card may do now, told to whoever has a caller on the phone."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

import pytest
from msgspec.structs import replace

from support.console_app import Browser, House
from support.console_data import DAY_US, OTHER, PARK, PLATE, add_park, push, renewal
from support.store_database import NOON_US
from vipgate.admin.console.views.vehicles import LOOKED_AT_MAX, VEHICLES_A_PAGE, open_place, seal_place
from vipgate.protocol.renewal import Renewal
from vipgate.store.common import record_queries
from vipgate.store.interfaces.ledger import Park


def states_of(page: str) -> list[str]:
    """The states in the table, in its order."""
    return re.findall(r'<td><span class="tag \w*">([^<]+)</span></td>', page)


@pytest.mark.parametrize(
    ("members", "state", "told"),
    [
        ({}, "valid", "2026-12-24 12:00 <small>30 days left"),
        ({"renewal_end_time_us": NOON_US + 3 * DAY_US}, "ends within 7 days", "3 days left"),
        ({"renewal_end_time_us": NOON_US + 1}, "ends within 7 days", "within 24 hours"),
        ({"renewal_end_time_us": NOON_US - 3 * DAY_US}, "expired", "3 days ago"),
        ({"renewal_start_time_us": NOON_US + DAY_US}, "not valid", "–"),
        (
            {"vip_type": 2, "value_e4": 1_000_000, "renewal_start_time_us": None, "renewal_end_time_us": None},
            "valid",
            "bought 100 yuan",
        ),
        (
            {"vip_type": 3, "quantity": 12, "renewal_start_time_us": None, "renewal_end_time_us": None},
            "valid",
            "bought × 12",
        ),
        ({"vip_type": 0, "renewal_start_time_us": None, "renewal_end_time_us": None}, "valid", "no end"),
    ],
)
def test_vehicle_is_told_what_is_valid_and_until_when(
    house: House, members: dict[str, Any], state: str, told: str
) -> None:
    add_park(house)
    push(house, renewal(**members))
    page = house.enter(language="en").page(f"/vehicles?q={PLATE}")
    assert states_of(page) == [state]
    assert told in page


def test_plate_is_looked_for_in_all_parks_or_in_one(house: House) -> None:
    add_park(house)
    add_park(house, OTHER, "科技园")
    push(house, renewal("P1"))
    push(house, renewal("Q1"), park=OTHER)
    browser = house.enter()
    page = browser.page("/vehicles?q=粤b·12345")
    assert ">P1</a>" in page
    assert ">Q1</a>" in page
    assert "科技园" in page
    assert ">P1</a>" not in browser.page(f"/vehicles?q={PLATE}&park={OTHER}")


def test_card_is_found_as_it_stands_though_a_plate_would_be_folded(house: House) -> None:
    add_park(house)
    push(house, renewal("P1", card_no="ab 12"), renewal("P2", plate="粤B99999", card_id="AB12"))
    page = house.enter().page("/vehicles?q=ab 12")
    assert ">P1</a>" in page
    assert "逻辑卡号" in page


def test_nothing_typed_is_no_fault_and_an_unknown_plate_says_so(house: House) -> None:
    add_park(house)
    browser = house.enter()
    assert "输入车牌或卡号" in browser.page("/vehicles")
    assert "没有找到这个车牌或卡号的记录" in browser.page("/vehicles?q=粤B00000")
    assert 'aria-invalid="true"' in browser.page("/vehicles?q=1&park=nowhere", 422)


def many(how_many: int) -> list[Renewal]:
    """Vehicles of which every tenth has expired."""
    ended = NOON_US - DAY_US
    return [
        renewal(f"P{n:04}", plate=f"粤B{n:05}", **({} if n % 10 else {"renewal_end_time_us": ended}))
        for n in range(how_many)
    ]


def entered(house: House, *, shown: bool) -> Browser:
    """Somebody from whom plates are hidden, or for whom they are shown."""
    browser = house.enter(sees_plates=True)
    if shown:
        assert browser.send("/plates/show", next="/").status_code == 303
    return browser


SHOWN = pytest.mark.parametrize("shown", [False, True], ids=["hidden", "shown"])


@SHOWN
def test_pages_of_a_park_follow_each_other_and_bear_no_plate_in_their_address(house: House, shown: bool) -> None:
    """In the order of plates where these are shown, else newest change first: the order would tell what the mask hides."""
    add_park(house)
    push(house, *many(VEHICLES_A_PAGE * 2 + 1))
    browser = entered(house, shown=shown)
    page = browser.page(f"/vehicles?park={PARK}")
    assert "粤B" not in unquote(page.partition('rel="next" href="')[2].partition('"')[0])
    orders = listed(browser)
    in_order = [f"P{n:04}" for n in range(VEHICLES_A_PAGE * 2 + 1)]
    assert orders == (in_order if shown else in_order[::-1])


def listed(browser: Browser, query: str = "") -> list[str]:
    """The order numbers of all pages."""
    orders: list[str] = []
    path = f"/vehicles?park={PARK}{query}"
    while path:
        page = browser.page(path)
        orders += re.findall(r">(P\d{4})</a>", page)
        path = page.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    return orders


def test_each_hidden_vehicle_is_listed_once_where_its_newest_change_is(house: House) -> None:
    add_park(house)
    rows = [renewal(f"P{n:04}", plate=f"粤B{n * 7919 % 100_000:05}") for n in range(120)]
    push(house, *rows)
    push(house, *(replace(rows[n], pay_partner=f"P{n + 1000:04}") for n in (7, 33)), at_us=NOON_US + 1)
    wanted = ["P1033", "P1007", *(f"P{n:04}" for n in reversed(range(120)) if n not in (7, 33))]
    browser = entered(house, shown=False)
    assert listed(browser) == listed(browser, "&state=valid") == wanted


def test_hidden_vehicles_that_end_soon_are_picked_out_of_many(house: House) -> None:
    add_park(house)
    soon = {"renewal_end_time_us": NOON_US + DAY_US}
    push(house, *(renewal(f"P{n:04}", plate=f"粤B{n:05}", **(soon if n % 7 == 3 else {})) for n in range(500)))
    wanted = [f"P{n:04}" for n in reversed(range(500)) if n % 7 == 3]
    assert listed(entered(house, shown=False), "&state=expiring") == wanted


@SHOWN
def test_those_of_a_state_are_picked_out_of_a_bounded_look(house: House, shown: bool) -> None:
    add_park(house)
    push(house, *many(LOOKED_AT_MAX + 50))
    browser = entered(house, shown=shown)
    page = browser.page(f"/vehicles?park={PARK}&state=expired")
    assert states_of(page) == ["已到期"] * (LOOKED_AT_MAX // 10)
    assert f"检查了 {LOOKED_AT_MAX} 辆" in page
    onward = page.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert states_of(browser.page(onward)) == ["已到期"] * 5


@SHOWN
def test_more_of_a_state_than_a_page_holds_go_on_behind_the_last_one_shown(house: House, shown: bool) -> None:
    add_park(house)
    push(house, *many(150))
    browser = entered(house, shown=shown)
    page = browser.page(f"/vehicles?park={PARK}&state=valid")
    assert len(states_of(page)) == VEHICLES_A_PAGE
    onward = page.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    seen = re.findall(r">(P\d{4})</a>", page) + re.findall(r">(P\d{4})</a>", browser.page(onward))
    numbers = range(150) if shown else reversed(range(150))
    assert seen == [f"P{n:04}" for n in numbers if n % 10][: 2 * VEHICLES_A_PAGE]


@SHOWN
@pytest.mark.parametrize("word", ["x", "====", "é", "A" * 500, "cGxhdGU=", "9" * 19, "-1"])
def test_broken_place_is_the_first_page(house: House, word: str, shown: bool) -> None:
    add_park(house)
    push(house, renewal())
    assert ">P1</a>" in entered(house, shown=shown).page(f"/vehicles?park={PARK}&after={word}")


def test_place_of_another_park_is_not_taken(house: House) -> None:
    add_park(house)
    add_park(house, OTHER, "科技园")
    parks = [house.database.store.find_park(park) for park in (PARK, OTHER)]
    one, other = (park for park in parks if isinstance(park, Park))
    word = seal_place(house.vault, one, PLATE)
    assert open_place(house.vault, one, word) == PLATE
    assert open_place(house.vault, other, word) is None


def test_vehicle_of_a_record_is_shown_without_its_plate_in_the_address(house: House) -> None:
    add_park(house)
    push(house, renewal("P1"), renewal("P2", plate="粤B99999"))
    page = house.enter().page(f"/vehicles?park={PARK}&of=P1")
    assert ">P1</a>" in page
    assert ">P2</a>" not in page
    assert PLATE not in page


def test_plate_is_found_while_cards_are_not_indexed_yet(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    add_park(house)
    push(house, *(renewal(f"P{number}", card_no=f"C{number}") for number in range(3)))
    monkeypatch.setattr(record_queries, "SCAN_ROWS_MAX", 2)
    browser = house.enter(language="en")
    page = browser.page(f"/vehicles?q={PLATE}")
    assert ">P1</a>" in page or ">P2</a>" in page
    assert "cards are not indexed yet" in page
    assert browser.get("/vehicles?q=C1").status_code == 422
    once = house.enter("admin", sees_plates=True).send("/erase", on="/erase", plate=PLATE)
    assert once.status_code == 200
    assert "1 " in once.text
