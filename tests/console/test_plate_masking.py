"""Hidden plates stay hidden: no page spells them out, and no account tries more of them than a person needs."""

from __future__ import annotations

from hashlib import sha256
from html import unescape
from itertools import count, cycle

import pytest

from support.console_app import Browser, House
from support.console_data import PARK, PLATE, add_park, push, renewal
from support.store_database import NOON_US
from vipgate.admin.auth.plate_search_limit import BURST_HOURS, FLOOD
from vipgate.gateway.settings import MASKED_SEARCHES_PER_HOUR
from vipgate.store.interfaces.accounts import Role

BURST = BURST_HOURS * MASKED_SEARCHES_PER_HOUR
# Every way on which an account asks for one plate or card; `{}` is what it asks for.
WAYS = [
    "/records?plate={}",
    "/records?card={}",
    f"/records?park={PARK}&plate={{}}",
    f"/records?park={PARK}&card={{}}",
    "/records?pay_partner=P1&plate={}",
    f"/records?park={PARK}&plate={{}}&after=9{NOON_US}.{PARK}",
    f"/records.csv?park={PARK}&plate={{}}",
    f"/records.csv?park={PARK}&card={{}}",
    f"/records.csv?park={PARK}&pay_partner=P1&plate={{}}",
    "/vehicles?q={}",
    f"/vehicles?park={PARK}&q={{}}",
    f"/vehicles?park={PARK}&of=nobody&q={{}}",
    "/find?q={}",
]


def filled(house: House) -> None:
    add_park(house)
    push(house, renewal("P1", card_no="CARD-4711"))


def shown(house: House, role: Role = "reader") -> Browser:
    browser = house.enter(role, name=f"{role}-who-sees", sees_plates=True)
    assert browser.send("/plates/show", next="/").status_code == 303
    return browser


@pytest.mark.parametrize("path", [way.format("粤B") + "&prefix=1" for way in WAYS if "plate=" in way])
def test_beginning_of_a_plate_finds_nothing_while_plates_are_hidden(house: House, path: str) -> None:
    filled(house)
    for browser, way_out in (
        (house.enter(), "请管理员授予查看完整车牌的权限"),
        (house.enter("operator", sees_plates=True), "先显示完整车牌"),
    ):
        answer = browser.get(path)
        assert answer.status_code == 403
        assert way_out in answer.text
    assert shown(house).get(path).status_code == 200


def test_form_offers_the_beginning_of_a_plate_to_those_alone_who_may_see_plates(house: House) -> None:
    filled(house)
    assert 'name="prefix"' not in house.enter().page("/records")
    assert 'name="prefix"' in shown(house).page("/records")


def test_box_for_everything_does_not_complete_a_hidden_plate(house: House) -> None:
    filled(house)
    begins = PLATE[:5]
    assert "没有" in house.enter().page(f"/find?q={begins}")
    assert shown(house).get(f"/find?q={begins}").headers["location"].endswith("prefix=1")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("text", [PLATE, "CARD-4711", "粤B00000"], ids=["plate", "card", "miss"])
def test_each_way_to_ask_for_a_plate_or_card_costs_a_search(house: House, way: str, text: str) -> None:
    filled(house)
    browser = house.enter()
    for number in range(BURST - 1):
        assert browser.get(f"/records?plate=X{number}").status_code == 200
    for _ in range(3):
        assert browser.get(way.format(text)).status_code in (200, 303), "again, it tells nothing new"
    refused = browser.get(way.format(text + "1"))
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 3600 / MASKED_SEARCHES_PER_HOUR
    assert "请管理员授予查看完整车牌的权限" in unescape(refused.text)


@pytest.mark.parametrize("way", ["/find?q={}", "/vehicles?q={}", f"/vehicles?park={PARK}&q={{}}"])
@pytest.mark.parametrize("variant", ["CARD4711", "CARD%C2%B74711", "%EF%BC%A3ARD4711"])
def test_card_that_folds_to_the_same_plate_is_another_search(house: House, way: str, variant: str) -> None:
    """A card counts as it is written: variants of one text are as many guesses at a card."""
    filled(house)
    browser = house.enter()
    for number in range(BURST - 1):
        assert browser.get(f"/records?plate=X{number}").status_code == 200
    assert browser.get(way.format("card4711")).status_code == 200
    assert browser.get(way.format(variant)).status_code == 429


def test_no_mix_of_ways_logins_and_addresses_gets_an_account_more(house: House) -> None:
    filled(house)
    house.add_user("reader", "reader")
    ways, numbers, answered = cycle(WAYS), count(), 0
    for hour in range(3):
        for _login in range(4):
            browser = house.browser(peer=f"198.51.100.{next(numbers)}")
            browser.login("reader")
            for _ in range(25):
                answered += browser.get(next(ways).format(f"粤B{next(numbers):05}")).status_code != 429
        assert answered <= BURST + hour * MASKED_SEARCHES_PER_HOUR
        house.clock.forward(3600)
    noted = [one for one in house.database.accounts.audit_entries("reader", None, None, 100) if one.action == FLOOD]
    assert len(noted) == 3
    assert noted[-1].detail.endswith(f"missed {BURST}, refused 1")


def test_what_does_not_ask_for_a_plate_costs_nothing(house: House) -> None:
    filled(house)
    browser = house.enter()
    for number in range(BURST + 5):
        browser.get(f"/records?plate=X{number}")
    for path in (
        f"/records?park={PARK}", "/records?pay_partner=P1", f"/parks/{PARK}/records/P1", f"/vehicles?park={PARK}",
        f"/vehicles?park={PARK}&of=P1", "/find?q=P1", f"/find?q={PARK}", f"/records.csv?park={PARK}",
    ):  # fmt: skip
        assert browser.get(path).status_code in (200, 303), path
    assert house.enter("operator", name="colleague").get("/records?plate=X").status_code == 200


def test_who_has_plates_shown_searches_as_often_as_he_likes(house: House) -> None:
    filled(house)
    browser = shown(house)
    for number in range(BURST + 5):
        assert browser.get(f"/records?plate={PLATE}{number}").status_code == 200


def test_administrator_from_whom_plates_are_hidden_does_not_look_them_up_by_erasing(house: House) -> None:
    filled(house)
    admin = house.enter("admin")
    for number in range(BURST):
        assert admin.send("/erase", on="/erase", plate=f"粤B{number:05}").status_code == 200
    assert admin.send("/erase", on="/erase", plate=PLATE).status_code == 429


def test_refusal_is_said_in_english_too(house: House) -> None:
    filled(house)
    browser = house.enter(language="en")
    for number in range(BURST):
        browser.get(f"/records?plate=X{number}")
    page = browser.page("/records?plate=X", 429)
    assert f"{MASKED_SEARCHES_PER_HOUR} searches an hour" in page
    assert "ask an administrator for the right to see plates" in page


def test_digest_of_a_body_is_hidden_with_the_plates_in_it(house: House) -> None:
    """All else of a body with one row is in the record: its digest would tell which plate fits the mask."""
    add_park(house)
    seqno = push(house, renewal("P1"))
    entry = house.database.store.request_log_entry(seqno)
    assert entry is not None
    digest = entry.origin.body_sha256
    assert len(digest) == sha256().digest_size * 2
    assert digest not in house.enter().page(f"/requests/{seqno}")
    assert digest in shown(house).page(f"/requests/{seqno}")
