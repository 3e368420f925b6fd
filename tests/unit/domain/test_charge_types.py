"""A night of asking many parks for their charge types: each once, bounded, the rest first the next night."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import cast

import pytest

from vipgate.domain.charge_types import NIGHT_AT_ONCE, ChargeTypeQuery, Result, refresh_all
from vipgate.i18n import LocalizedText
from vipgate.store.interfaces.admin import Database
from vipgate.store.interfaces.ledger import DAY_US, ParkAccess
from vipgate.store.interfaces.queries import ParkDetails
from vipgate.support.vault import Vault

VAULT = Vault("k" * 32)


@dataclass
class Parks:
    """As much of a desk as a night asks for; times of tries and what was saved."""

    tried_us: dict[str, int]
    disabled: tuple[str, ...] = ()
    sealed_elsewhere: tuple[str, ...] = ()
    saved: dict[str, tuple[object, LocalizedText | None]] = field(default_factory=dict)

    def parks_for_charge_types(self, before_us: int, limit: int) -> list[str]:
        due = [park for park, tried_us in self.tried_us.items() if tried_us < before_us]
        return sorted(due)[:limit]

    def park_details(self, park_uuid: str) -> ParkDetails:
        return ParkDetails(park_uuid=park_uuid, position=0, retention_days=None, charge_address=f"http://{park_uuid}/")

    def park_access(self, park_uuid: str) -> ParkAccess:
        owner = "another" if park_uuid in self.sealed_elsewhere else park_uuid
        return ParkAccess(park_uuid, park_uuid not in self.disabled, VAULT.seal("s", owner), None, (), None)

    def save_charge_types(self, park_uuid: str, items: object, trouble: LocalizedText | None, now_us: int) -> None:
        self.tried_us[park_uuid] = now_us
        self.saved[park_uuid] = (items, trouble)

    def database(self) -> Database:
        return cast("Database", SimpleNamespace(store=self, queries=self, accounts=self, admin=self))


HOUR_US = 3_600_000_000
NIGHT_US = 100 * HOUR_US


@pytest.fixture
def many() -> Iterator[Parks]:
    parks = Parks({f"park-{number:03}": number for number in range(200)})
    parks.tried_us["lately"] = NIGHT_US - HOUR_US
    yield parks
    assert "lately" not in parks.saved


def test_night_asks_every_park_once_and_tells_troubles_apart(many: Parks) -> None:
    asked: list[str] = []
    many.disabled, many.sealed_elsewhere = ("park-001",), ("park-002",)

    def ask(order: ChargeTypeQuery) -> Result:
        asked.append(order.park_uuid)
        assert order.secret == "s"
        return Result(None, LocalizedText("坏", "bad")) if order.park_uuid == "park-003" else Result([], None)

    night = refresh_all(many.database(), VAULT, lambda: NIGHT_US, ask=ask)
    assert (night.answered, night.troubled) == (197, 3)
    assert sorted(asked) == [f"park-{number:03}" for number in range(200) if number not in (1, 2)]
    assert many.saved["park-004"] == ([], None)
    assert many.saved["park-003"] == (None, LocalizedText("坏", "bad"))
    assert "disabled" in str(many.saved["park-001"])
    assert "another master key" in str(many.saved["park-002"])


def test_night_that_is_told_to_stop_asks_no_more(many: Parks) -> None:
    stop, asked = threading.Event(), []

    def ask(order: ChargeTypeQuery) -> Result:
        stop.set()
        asked.append(order.park_uuid)
        return Result([], None)

    night = refresh_all(many.database(), VAULT, lambda: NIGHT_US, ask=ask, stopping=stop.is_set)
    # Those that were under way when the first was answered, no other.
    assert 0 < night.answered <= NIGHT_AT_ONCE
    assert sorted(many.saved) == sorted(asked)


def test_what_a_short_night_does_not_come_to_is_first_the_next(many: Parks) -> None:
    now_us = [NIGHT_US]

    def ask(order: ChargeTypeQuery) -> Result:
        now_us[0] += HOUR_US
        return Result([], None)

    night = refresh_all(many.database(), VAULT, lambda: now_us[0], ask=ask)
    assert 0 < night.answered < 64
    before = set(many.saved)
    many.saved.clear()
    now_us[0] = NIGHT_US + DAY_US
    assert refresh_all(many.database(), VAULT, lambda: now_us[0], ask=ask).answered > 0
    assert not before & set(many.saved)
    many.saved.pop("lately", None)


def test_park_that_is_gone_does_not_keep_the_night_going() -> None:
    parks = Parks({"gone": 0})
    parks.save_charge_types = lambda *_: None  # type: ignore[method-assign]
    assert refresh_all(parks.database(), VAULT, lambda: NIGHT_US, ask=lambda _: Result([], None)).answered == 1
