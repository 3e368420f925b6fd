"""The health and held replaces of all parks, read on demand and cached for LOOK_US."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from vipgate.domain.park_health import USUAL_DAYS, Health, Mark, by_park, park_health
from vipgate.store.async_pool import DatabasePool
from vipgate.store.interfaces.admin import Database
from vipgate.store.interfaces.ledger import DAY_US, business_day
from vipgate.store.interfaces.queries import HeldReplace

LOOK_US: Final = 15_000_000
PARKS_A_READ: Final = 500
PARKS_MAX: Final = 20_000
# Held for longer, a replace is no longer news; the park's page still lists it.
HELD_DAYS: Final = 7
HELD_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class ParkStatus:
    """Each park's health, sorted by park_uuid, and the held replaces of the last HELD_DAYS.

    `whole` is False if not all parks were read (PARKS_MAX).
    """

    at_us: int
    parks: Mapping[str, Health]
    whole: bool
    held: Sequence[HeldReplace] = ()

    def marked(self, mark: Mark) -> list[str]:
        """Returns the parks with `mark`."""
        return [park_uuid for park_uuid, health in self.parks.items() if mark in health.marks]


class ParkStatusCache:
    """Caches one ParkStatus for all visitors; while it is being read, the others wait for it."""

    def __init__(self, databases: DatabasePool) -> None:
        self._databases = databases
        self._last: ParkStatus | None = None
        self._one = asyncio.Lock()

    async def read(self, now_us: int) -> ParkStatus:
        """Returns a status that is at most LOOK_US old. Raises StoreError."""
        async with self._one:
            if self._last is None or not 0 <= now_us - self._last.at_us < LOOK_US:
                self._last = await self._databases.run(lambda database: read_status(database, now_us))
            return self._last

    def forget(self) -> None:
        """Drops the cached status after a change of a park."""
        self._last = None


def read_status(database: Database, now_us: int) -> ParkStatus:
    """Reads the health of every park and the held replaces."""
    today = business_day(now_us)
    answers = by_park(database.queries.answers_by_park(today - USUAL_DAYS + 1, today + 1))
    held = database.queries.held_replaces(None, now_us - HELD_DAYS * DAY_US, HELD_MAX)
    seen: dict[str, Health] = {}
    after = ""
    while len(seen) < PARKS_MAX:
        page = database.store.reachable_parks(after, PARKS_A_READ)
        for park in page:
            seen[park.park_uuid] = park_health(park, answers.get(park.park_uuid, ()), now_us)
        if len(page) < PARKS_A_READ:
            return ParkStatus(now_us, seen, whole=True, held=held)
        after = page[-1].park_uuid
    return ParkStatus(now_us, seen, whole=False, held=held)
