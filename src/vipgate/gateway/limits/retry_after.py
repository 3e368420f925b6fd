"""Computes `Retry-After` for rejected requests so that retries arrive spread out. Runs on the event loop.

A rejection costs about a third of a stored push. With a fixed delay, n rejected clients would send n requests per delay, and
the capacity left for others would shrink with n.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

RETRY_AFTER_S_MIN: Final = 2
RETRY_AFTER_S_MAX: Final = 30
# One retry per so many served requests: rejections take a twentieth of the time, whatever the load.
SERVED_PER_RETRY: Final = 8
_WINDOW_S: Final = 1.0


class RetryAfterScheduler:
    """Gives each rejected client the next free time slot."""

    def __init__(self, clock_s: Callable[[], float]) -> None:
        self._clock_s = clock_s
        self._since_s = clock_s()
        self._served = 0
        self._took_s = 0.0
        # Seconds between two retries; None until the service time is known.
        self._gap_s: float | None = None
        self._last_s = 0.0

    def record_served(self, requests: int, took_s: float) -> None:
        """Records requests served in `took_s`. Idle time does not count: it says nothing about capacity."""
        self._served += requests
        self._took_s += took_s
        now_s = self._clock_s()
        if now_s - self._since_s >= _WINDOW_S:
            gap_s = SERVED_PER_RETRY * self._took_s / self._served
            if self._gap_s and gap_s < self._gap_s:
                # Service became faster: shorten the booked time in proportion.
                booked_s = max(0.0, self._last_s - now_s)
                self._last_s = now_s + booked_s * gap_s / self._gap_s
            self._gap_s, self._since_s = gap_s, now_s
            self._served, self._took_s = 0, 0.0

    def next_retry_after_s(self) -> int:
        """Returns the `Retry-After` in whole seconds for a request rejected now."""
        now_s = self._clock_s()
        soonest_s, latest_s = now_s + RETRY_AFTER_S_MIN, now_s + RETRY_AFTER_S_MAX
        self._last_s = min(latest_s, max(soonest_s, self._last_s + (self._gap_s or 0.0)))
        return math.ceil(self._last_s - now_s)
