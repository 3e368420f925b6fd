"""Logs a frequent event at most once a second, with a count."""

from __future__ import annotations

from collections.abc import Callable

import structlog

log = structlog.get_logger()


class LogThrottle:
    """Logs an event that anyone can cause: at most once a second, with its count and the latest details."""

    def __init__(self, event: str, clock_s: Callable[[], float]) -> None:
        self._event = event
        self._clock_s = clock_s
        self._times = 0
        self._quiet_until_s = 0.0

    def count(self, **last: str) -> None:
        """Counts one occurrence and logs if due; `last` are its details."""
        self._times += 1
        now_s = self._clock_s()
        if now_s >= self._quiet_until_s:
            log.warning(self._event, times=self._times, **last)
            self._times, self._quiet_until_s = 0, now_s + 1.0
