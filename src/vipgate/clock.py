"""The real clocks; code that needs the time gets one as an argument."""

from __future__ import annotations

import time


def clock_us() -> int:
    """Returns the wall-clock time in microseconds since 1970 UTC."""
    return time.time_ns() // 1000


def clock_s() -> float:
    """Returns a monotonic time in seconds, for timeouts and durations."""
    return time.monotonic()
