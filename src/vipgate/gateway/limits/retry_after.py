"""When those who are sent away for want of room may come back: one after another, ever later, the more of them there are.

A refusal costs about a third of a stored push. With a fixed time to wait, n callers who cannot be served would ask n times in
that time, and what is left for the others would shrink with n. Lives on the event loop.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

RETRY_AFTER_S_MIN: Final = 2
RETRY_AFTER_S_MAX: Final = 30
# Of so many that are served, one who was sent away comes back: refusals take a twentieth of the time, whatever is offered.
SERVED_PER_RETRY: Final = 8
_WINDOW_S: Final = 1.0


class RetryAfterScheduler:
    """A calendar that gives each who is sent away the next free moment."""

    def __init__(self, clock_s: Callable[[], float]) -> None:
        self._clock_s = clock_s
        self._since_s = clock_s()
        self._served = 0
        self._took_s = 0.0
        # None before anything was served: then nothing is known of how long that takes.
        self._gap_s: float | None = None
        self._last_s = 0.0

    def record_served(self, requests: int, took_s: float) -> None:
        """So many were served just now, which took so long: a quiet hour says nothing of what could be served in it."""
        self._served += requests
        self._took_s += took_s
        now_s = self._clock_s()
        if now_s - self._since_s >= _WINDOW_S:
            gap_s = SERVED_PER_RETRY * self._took_s / self._served
            if self._gap_s and gap_s < self._gap_s:
                # It has become faster: who asks from now on need not stand behind what was promised before.
                booked_s = max(0.0, self._last_s - now_s)
                self._last_s = now_s + booked_s * gap_s / self._gap_s
            self._gap_s, self._since_s = gap_s, now_s
            self._served, self._took_s = 0, 0.0

    def next_retry_after_s(self) -> int:
        """After how many whole seconds one who is sent away now may come back."""
        now_s = self._clock_s()
        soonest_s, latest_s = now_s + RETRY_AFTER_S_MIN, now_s + RETRY_AFTER_S_MAX
        self._last_s = min(latest_s, max(soonest_s, self._last_s + (self._gap_s or 0.0)))
        return math.ceil(self._last_s - now_s)
