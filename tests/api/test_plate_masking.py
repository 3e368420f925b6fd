"""What a masked token may find out: no way to ask for a plate or card gets it more than a person needs."""

from __future__ import annotations

from itertools import count, cycle
from pathlib import Path
from random import Random

import pytest

from support.api_app import Platform, opened, row
from support.store_data import PARK, changed, do, push
from support.store_database import Clock
from vipgate.admin.api.cursors import VehicleCursor, write_cursor
from vipgate.admin.auth.plate_search_limit import BURST_HOURS, FLOOD
from vipgate.gateway.settings import MASKED_SEARCHES_PER_HOUR

PLATE, CARD = "粤B88123", "CARD0000042"
BURST = BURST_HOURS * MASKED_SEARCHES_PER_HOUR
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
    do(platform.database.store, push([row(pay_partner="order-1", plate=PLATE, card_no=CARD)], platform.clock()))


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
    assert 0 < int(refused.headers["retry-after"]) <= 3600 / MASKED_SEARCHES_PER_HOUR
    if method == "GET":
        error = refused.json()["error"]
        assert error["code"] == "too_many"
        assert "masked_searches_per_hour" in error["message"]


def test_masked_token_that_tries_plates_is_noted_by_its_name(platform: Platform) -> None:
    filled(platform)
    token, ways, numbers = platform.token(masked=True, name="bi"), cycle(WAYS), count()
    answered = [platform.ask(next(ways).format(f"粤B{next(numbers):05}"), token).status_code for _ in range(3 * BURST)]
    assert answered.count(200) == BURST
    [noted] = platform.database.accounts.audit_entries("token:bi", None, None, 10)
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


LISTS = [
    f"/parks/{PARK}/renewals",
    f"/parks/{PARK}/vehicles",
    "/renewals?pay_partner=order-0007",
]


def answers(platform: Platform, seed: int) -> dict[str, list[object]]:
    """What a masked token is told of forty vehicles whose plates differ from one `seed` to the next where they are hidden."""
    hidden = Random(seed).sample(range(1_000), 40)
    rows = [row(pay_partner=f"order-{n:04}", plate=f"粤B{middle:03}45") for n, middle in enumerate(hidden)]
    again = [changed(rows[n], pay_partner=f"order-{n + 100:04}") for n in (3, 30)]
    do(platform.database.store, push(rows, platform.clock()))
    do(platform.database.store, push(again, platform.clock()))
    token = platform.token(masked=True)
    told: dict[str, list[object]] = {}
    for path in LISTS:
        for limit in (1, 7, 100):
            pages = platform.pages(path, token, limit)
            told[f"{path}, {limit}"] = [[(one.get("key"), one["pay_partner"]) for one in page] for page in pages]
    lines = platform.ask(f"/parks/{PARK}/renewals.csv", token).text.splitlines()
    told["csv"] = [line.split(",")[7] for line in lines]
    told["changes"] = [
        one["pay_partner"] for one in platform.get(f"/changes?park_uuid={PARK}&limit=100", token)["items"]
    ]
    return told


def test_two_ledgers_that_differ_in_what_masks_hide_look_alike(memory_path: Path, clock: Clock) -> None:
    """So neither the order of a list, nor where its pages end, tells anything of a hidden plate."""
    seen = []
    for seed in (1, 2):
        with opened(f"sqlite:///{memory_path / str(seed)}.db", clock) as platform:
            seen.append(answers(platform, seed))
    assert seen[0] == seen[1]
    assert sum(map(len, seen[0][f"{LISTS[1]}, 7"])) == 40  # type: ignore[arg-type]


def test_masked_token_pages_vehicles_from_no_plate_of_its_choice(platform: Platform) -> None:
    filled(platform)
    word = write_cursor(VehicleCursor("plate", "粤B88000"))
    assert platform.ask(f"/parks/{PARK}/vehicles?after={word}", platform.token(masked=True)).status_code == 400
    assert platform.ask(f"/parks/{PARK}/vehicles?after={word}", platform.token()).status_code == 200


def test_digest_of_a_body_is_hidden_with_the_plates_in_it(platform: Platform) -> None:
    filled(platform)
    masked, plain = platform.token(masked=True), platform.token()
    [one] = platform.get("/requests", masked)["items"]
    assert one["body_sha256"] is None
    assert platform.get(f"/requests/{one['seqno']}", masked)["body_sha256"] is None
    assert platform.get(f"/requests/{one['seqno']}", plain)["body_sha256"]
