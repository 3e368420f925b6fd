"""What a masked token may find out: no way to ask for a plate or card gets it more than a person needs."""

from __future__ import annotations

from itertools import count, cycle

import pytest

from api.conftest import PARK, Platform, row
from store.making import do, push
from vipgate.staff.searches import BURST_HOURS, FLOOD, SEARCHES_PER_HOUR

PLATE, CARD = "粤B88123", "CARD0000042"
BURST = BURST_HOURS * SEARCHES_PER_HOUR
WAYS = [
    "/renewals?plate={}",
    "/renewals?card={}",
    "/renewals?pay_partner=order-1&plate={}",
    f"/parks/{PARK}/renewals?plate={{}}",
    f"/parks/{PARK}/renewals?card={{}}",
    f"/parks/{PARK}/renewals?pay_partner=order-1&plate={{}}",
    f"/parks/{PARK}/vehicles?plate={{}}",
    f"/parks/{PARK}/vehicles?card={{}}",
]


def filled(platform: Platform) -> None:
    do(platform.desk.store, push([row(pay_partner="order-1", plate=PLATE, card_no=CARD)], platform.clock()))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("text", [PLATE, CARD, "粤B00000"], ids=["plate", "card", "miss"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_each_way_to_ask_for_a_plate_or_card_costs_a_search(
    platform: Platform, way: str, text: str, method: str
) -> None:
    filled(platform)
    token = platform.token(masked=True)
    for number in range(BURST - 1):
        assert platform.ask(f"/renewals?plate=X{number}", token).status_code == 200
    for _ in range(3):
        assert platform.ask(way.format(text), token, method).status_code == 200, "again, it tells nothing new"
    refused = platform.ask(way.format(text + "1"), token, method)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 3600 / SEARCHES_PER_HOUR
    if method == "GET":
        error = refused.json()["error"]
        assert error["code"] == "too_many"
        assert "masked_searches_per_hour" in error["message"]


def test_masked_token_that_tries_plates_is_noted_by_its_name(platform: Platform) -> None:
    filled(platform)
    token, ways, numbers = platform.token(masked=True, name="bi"), cycle(WAYS), count()
    answered = [platform.ask(next(ways).format(f"粤B{next(numbers):05}"), token).status_code for _ in range(3 * BURST)]
    assert answered.count(200) == BURST
    [noted] = platform.desk.staff.deeds("token:bi", None, None, 10)
    assert (noted.action, noted.detail) == (FLOOD, f"found 0, missed {BURST}, refused 1")


def test_other_questions_and_other_tokens_are_answered_meanwhile(platform: Platform) -> None:
    filled(platform)
    token = platform.token(masked=True)
    for number in range(BURST + 5):
        platform.ask(f"/renewals?plate=X{number}", token)
    for path in ("/parks", f"/parks/{PARK}/renewals", f"/parks/{PARK}/vehicles", f"/changes?park_uuid={PARK}"):
        assert platform.ask(path, token).status_code == 200, path
    assert platform.ask("/renewals?pay_partner=order-1", token).status_code == 200
    assert platform.ask(f"/renewals?plate={PLATE}", platform.token(masked=True)).status_code == 200


def test_token_that_sees_plates_asks_as_often_as_it_likes(platform: Platform) -> None:
    filled(platform)
    token = platform.token()
    for number in range(BURST + 5):
        assert platform.ask(f"/renewals?plate={PLATE}{number}", token).status_code == 200


def test_digest_of_a_body_is_hidden_with_the_plates_in_it(platform: Platform) -> None:
    filled(platform)
    masked, plain = platform.token(masked=True), platform.token()
    [one] = platform.get("/requests", masked)["items"]
    assert one["body_sha256"] is None
    assert platform.get(f"/requests/{one['seqno']}", masked)["body_sha256"] is None
    assert platform.get(f"/requests/{one['seqno']}", plain)["body_sha256"]
