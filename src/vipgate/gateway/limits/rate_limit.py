"""What keeps callers from making the gateway search, log and journal without end. No clock of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog

log = structlog.get_logger()

DIAGNOSIS_SHARE: Final = 0.2
# Of refusals that one park provokes by sending more: a line of the journal costs as much as a record.
OFTEN_A_MINUTE_MAX: Final = 60
# Parks that are told apart in one minute; strangers and the parks beyond share what is one park's.
OFTEN_PARKS_MAX: Final = 1_000
_MINUTE_S: Final = 60.0


class DiagnosisBudget:
    """Lets the search for a signature's mistake take DIAGNOSIS_SHARE of the time at most: anybody can ask for it."""

    def __init__(self, clock_s: Callable[[], float]) -> None:
        self._clock_s = clock_s
        self._free_at_s = 0.0
        self._since_s = 0.0

    def take(self) -> bool:
        """Whether there is time for one now; it must be given back."""
        now_s = self._clock_s()
        if now_s < self._free_at_s:
            return False
        self._since_s, self._free_at_s = now_s, now_s + 1.0
        return True

    def give_back(self) -> None:
        """Ends one; the next may come after a rest in proportion."""
        now_s = self._clock_s()
        self._free_at_s = now_s + (now_s - self._since_s) * (1 / DIAGNOSIS_SHARE - 1)


class Tally:
    """Logs what anybody can make happen: once a second at most, with how often it happened and the last of them."""

    def __init__(self, event: str, clock_s: Callable[[], float]) -> None:
        self._event = event
        self._clock_s = clock_s
        self._times = 0
        self._quiet_until_s = 0.0

    def count(self, **last: str) -> None:
        """It has happened again."""
        self._times += 1
        now_s = self._clock_s()
        if now_s >= self._quiet_until_s:
            log.warning(self._event, times=self._times, **last)
            self._times, self._quiet_until_s = 0, now_s + 1.0


class Often:
    """How often a minute each park's refusals for sending too much may have a line in the journal."""

    def __init__(self, clock_s: Callable[[], float]) -> None:
        self._clock_s = clock_s
        self._lines: dict[str | None, int] = {}
        self._minute_ends_s = 0.0

    def take(self, park_uuid: str | None) -> bool:
        """Whether there may be one more; None for who is proved to be no park."""
        now_s = self._clock_s()
        if now_s >= self._minute_ends_s:
            self._lines.clear()
            self._minute_ends_s = now_s + _MINUTE_S
        known = park_uuid in self._lines or len(self._lines) < OFTEN_PARKS_MAX
        park_uuid = park_uuid if known else None
        lines = self._lines.get(park_uuid, 0)
        if lines >= OFTEN_A_MINUTE_MAX:
            return False
        self._lines[park_uuid] = lines + 1
        return True
