"""Reads the range of days that a page shows from its query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vipgate.store.interfaces.ledger import BEIJING_OFFSET_US, DAY_US
from vipgate.support.web.forms import FormData

PRESETS: Final = (7, 30, 90)
DAYS_USUAL: Final = 30
# The totals of all parks for so many days are read while the user waits.
DAYS_MAX: Final = 92


@dataclass(frozen=True, slots=True)
class Period:
    """`since_day` ≤ day < `until_day`, in days since 1970. `preset`: its length, if it is one of PRESETS."""

    since_day: int
    until_day: int
    preset: int | None = None

    @property
    def days(self) -> int:
        """The number of days."""
        return self.until_day - self.since_day


def read_period(query: FormData, today: int) -> Period:
    """Reads `since` and `until` (both inclusive), else `days`; adds errors to `query`."""
    since, until = query.day("since"), query.day("until")
    if since is not None or until is not None:
        last = until if until is not None else today
        first = since if since is not None else last - DAYS_USUAL + 1
        if first > last:
            query.fault("since", "开始日期晚于结束日期", "begins after it ends")
        elif last - first >= DAYS_MAX:
            query.fault("since", f"最多 {DAYS_MAX} 天", f"at most {DAYS_MAX} days")
        elif not query.errors:
            return Period(first, last + 1)
    wanted = query.get("days")
    preset = next((days for days in PRESETS if str(days) == wanted), DAYS_USUAL)
    return Period(today - preset + 1, today + 1, preset)


def day_start_us(day: int) -> int:
    """Returns when a Beijing day begins."""
    return day * DAY_US - BEIJING_OFFSET_US
