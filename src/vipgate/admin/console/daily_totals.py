"""Daily totals of all parks for the overview. Past days are cached and checked again after LOOK_US."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Final

from vipgate.store.async_pool import DatabasePool
from vipgate.store.interfaces.admin import Database
from vipgate.store.interfaces.ledger import business_day
from vipgate.store.interfaces.queries import DailyAnswers, DailyMoney

# A push counts for the day of its receipt and is stored minutes later at most; the rest covers clock differences.
OVER_US: Final = 3_600_000_000
LOOK_US: Final = 60_000_000
DAYS_KEPT_MAX: Final = 400


@dataclass(frozen=True, slots=True)
class DailyTotals:
    """The totals of all parks for one day, and when they were last checked."""

    money: tuple[DailyMoney, ...]
    answers: tuple[DailyAnswers, ...]
    seen_us: int

    @property
    def total(self) -> int:
        """See `QueryStore.daily_totals`."""
        return sum(one.inserted + one.updated for one in self.money) + sum(one.requests for one in self.answers)


class DailyTotalsCache:
    """Caches past days for all visitors; while they are being read, the others wait."""

    def __init__(self, databases: DatabasePool) -> None:
        self._databases = databases
        self._kept: dict[int, DailyTotals] = {}
        self._one = asyncio.Lock()

    async def read(self, since_day: int, until_day: int, now_us: int) -> list[DailyTotals]:
        """Returns the totals of `since_day` ≤ day < `until_day`. Raises StoreError.

        Past days are up to LOOK_US old: pushes stored late for them appear after that.
        """
        over_day = min(max(business_day(now_us - OVER_US), since_day), until_day)
        async with self._one:
            if any(self._is_due(day, now_us) for day in range(since_day, over_day)):
                kept = dict(self._kept)
                found = await self._databases.run(lambda database: refresh(database, kept, since_day, over_day, now_us))
                self._keep(found)
            past = [self._kept[day] for day in range(since_day, over_day)]
        fresh = await self._databases.run(lambda database: read_days(database, over_day, until_day, now_us))
        return [*past, *fresh.values()]

    def _is_due(self, day: int, now_us: int) -> bool:
        kept = self._kept.get(day)
        return kept is None or not 0 <= now_us - kept.seen_us < LOOK_US

    def _keep(self, found: dict[int, DailyTotals]) -> None:
        self._kept |= found
        if len(self._kept) > DAYS_KEPT_MAX:
            self._kept = found


def refresh(
    database: Database, kept: dict[int, DailyTotals], since_day: int, until_day: int, now_us: int
) -> dict[int, DailyTotals]:
    """Returns current days: from `kept` if their counters have not grown, which takes a fifth of the time."""
    days = range(since_day, until_day)
    missing = [day for day in days if day not in kept]
    known = {day: replace(kept[day], seen_us=now_us) for day in days if day in kept}
    if missing:
        known |= read_days(database, missing[0], missing[-1] + 1, now_us)
    if len(missing) < len(days) and database.queries.daily_totals(since_day, until_day) != sum(
        one.total for one in known.values()
    ):
        return read_days(database, since_day, until_day, now_us)
    return known


def read_days(database: Database, since_day: int, until_day: int, now_us: int) -> dict[int, DailyTotals]:
    """Reads days from the store, including days without data."""
    if since_day >= until_day:
        return {}
    money: dict[int, list[DailyMoney]] = {}
    for one in database.queries.money_by_day(None, since_day, until_day):
        money.setdefault(one.day, []).append(one)
    answers: dict[int, list[DailyAnswers]] = {}
    for counted in database.queries.answers_by_day(None, since_day, until_day):
        answers.setdefault(counted.day, []).append(counted)
    return {
        day: DailyTotals(tuple(money.get(day, ())), tuple(answers.get(day, ())), now_us)
        for day in range(since_day, until_day)
    }
