"""A park with something in it, and what tests read out of a page."""

from __future__ import annotations

import re

from support.console_app import House
from support.store_data import changed, do, push, refused, renewals
from support.store_database import NOON_US
from vipgate.store.interfaces.ledger import DAY_US, ParkAccess

PARK = "49f0cc52-e8c7-41e3-b54d-af666b8cc11a"


def add_park(house: House, park_uuid: str = PARK, name: str = "海岸城") -> None:
    assert house.database.store.add_park(park_uuid, name, house.vault.seal("s3cret", park_uuid), NOON_US - 30 * DAY_US)


def access(house: House, park_uuid: str = PARK) -> ParkAccess:
    found = house.database.store.park_access(park_uuid)
    assert found is not None
    return found


def shown_secret(page: str) -> str:
    return page.split('class="secret"')[1].split(">")[1].split("<")[0]


def bare(page: str) -> str:
    """The text of a page, without its tags."""
    return re.sub(r"<[^>]+>", " ", page)


def fill(house: House, park_uuid: str = PARK, name: str = "海岸城") -> None:
    """A park with two stocks, flags, refusals, a previous secret."""
    add_park(house, park_uuid, name)
    store = house.database.store
    rows = renewals(20)
    do(store, push(rows, NOON_US - 2 * DAY_US, park=park_uuid))
    do(store, push(renewals(5, seed=2, first=100), NOON_US - DAY_US, park=park_uuid, complete=True))
    again = [changed(row, pay_value_fen=123_456, plate="粤B99999") for row in renewals(5, seed=2, first=100)[:2]]
    do(store, push(again, NOON_US - 3_000_000, park=park_uuid))
    do(store, *(refused(NOON_US - 2_000_000, park=park_uuid, code="400") for _ in range(4)))
    store.rotate_secret(park_uuid, house.vault.seal("n3w", park_uuid), NOON_US - 1_000_000)


def asked(page: str) -> dict[str, str]:
    """The hidden fields of the forms in the page proper."""
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.split("<main")[1]))
