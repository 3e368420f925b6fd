"""What keeps callers from making the gateway search, log and journal without end. No clock of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar, TypeVarTuple

import structlog

log = structlog.get_logger()

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

DIAGNOSIS_SHARE: Final = 0.2
STRANGERS_SHARE: Final = 0.2
# Of refusals that one park provokes by sending more: a line of the journal costs as much as a record.
LOGGED_PER_MINUTE_MAX: Final = 60
# Parks that are told apart in one minute; strangers and the parks beyond share what is one park's.
LOGGED_PARKS_MAX: Final = 1_000
_MINUTE_S: Final = 60.0


class DutyCycleLimiter:
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


class PacedWork:
    """Lets the work of strangers take at most STRANGERS_SHARE of the time, one piece after another in a thread of its own.

    A thread alone is not enough: one step of a parser holds the interpreter lock until it ends, and the event loop needs it many
    times for each request.
    """

    def __init__(self, clock_s: Callable[[], float], rest: Callable[[float], None]) -> None:
        self._clock_s = clock_s
        self._rest = rest
        self._free_at_s = 0.0

    def do(self, work: Callable[[*Ts], T], *args: *Ts) -> T:
        """Runs `work` after the pause that the work before it has earned, and returns its result."""
        since_s = self._clock_s()
        if since_s < self._free_at_s:
            self._rest(self._free_at_s - since_s)
            since_s = self._clock_s()
        try:
            return work(*args)
        finally:
            now_s = self._clock_s()
            self._free_at_s = now_s + (now_s - since_s) * (1 / STRANGERS_SHARE - 1)


class RejectionLogLimiter:
    """How often a minute each park's refusals for sending too much may have a line in the journal."""

    def __init__(self, clock_s: Callable[[], float]) -> None:
        self._clock_s = clock_s
        self._counts: dict[str | None, int] = {}
        self._minute_ends_s = 0.0

    def take(self, park_uuid: str | None) -> bool:
        """Whether there may be one more; None for who is proved to be no park."""
        now_s = self._clock_s()
        if now_s >= self._minute_ends_s:
            self._counts.clear()
            self._minute_ends_s = now_s + _MINUTE_S
        known = park_uuid in self._counts or len(self._counts) < LOGGED_PARKS_MAX
        park_uuid = park_uuid if known else None
        lines = self._counts.get(park_uuid, 0)
        if lines >= LOGGED_PER_MINUTE_MAX:
            return False
        self._counts[park_uuid] = lines + 1
        return True
