"""Limits the time for diagnosis and unauthenticated work, and the rejections in the request log. No clock of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar, TypeVarTuple

import structlog

log = structlog.get_logger()

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

DIAGNOSIS_SHARE: Final = 0.2
STRANGERS_SHARE: Final = 0.2
# Overload rejections of one park: an entry in the request log costs as much as a record.
LOGGED_PER_MINUTE_MAX: Final = 60
# Parks counted separately in one minute; further parks and unauthenticated requests share one count.
LOGGED_PARKS_MAX: Final = 1_000
_MINUTE_S: Final = 60.0


class DutyCycleLimiter:
    """Limits signature diagnosis, which anyone can trigger, to DIAGNOSIS_SHARE of the time."""

    def __init__(self, clock_s: Callable[[], float]) -> None:
        self._clock_s = clock_s
        self._free_at_s = 0.0
        self._since_s = 0.0

    def take(self) -> bool:
        """Whether a diagnosis may start now. Call `give_back` after it."""
        now_s = self._clock_s()
        if now_s < self._free_at_s:
            return False
        self._since_s, self._free_at_s = now_s, now_s + 1.0
        return True

    def give_back(self) -> None:
        """Ends a diagnosis; the next may start after a proportional pause."""
        now_s = self._clock_s()
        self._free_at_s = now_s + (now_s - self._since_s) * (1 / DIAGNOSIS_SHARE - 1)


class PacedWork:
    """Limits unauthenticated work to STRANGERS_SHARE of the time. Call it from one thread.

    A thread alone is not enough: one step of a parser holds the interpreter lock until it ends, and the event loop needs the
    lock many times for each request.
    """

    def __init__(self, clock_s: Callable[[], float], rest: Callable[[float], None]) -> None:
        self._clock_s = clock_s
        self._rest = rest
        self._free_at_s = 0.0

    def do(self, work: Callable[[*Ts], T], *args: *Ts) -> T:
        """Runs `work` after the pause due from the previous call, and returns its result."""
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
    """Limits how many overload rejections per park and minute enter the request log."""

    def __init__(self, clock_s: Callable[[], float]) -> None:
        self._clock_s = clock_s
        self._counts: dict[str | None, int] = {}
        self._minute_ends_s = 0.0

    def take(self, park_uuid: str | None) -> bool:
        """Whether one more may be logged; `park_uuid` is None for unauthenticated requests."""
        now_s = self._clock_s()
        if now_s >= self._minute_ends_s:
            self._counts.clear()
            self._minute_ends_s = now_s + _MINUTE_S
        known = park_uuid in self._counts or len(self._counts) < LOGGED_PARKS_MAX
        park_uuid = park_uuid if known else None
        count = self._counts.get(park_uuid, 0)
        if count >= LOGGED_PER_MINUTE_MAX:
            return False
        self._counts[park_uuid] = count + 1
        return True
