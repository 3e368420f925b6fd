"""The real clocks, handed to whatever needs the time."""

from __future__ import annotations

import time


def clock_us() -> int:
    """Microseconds since 1970 UTC."""
    return time.time_ns() // 1000


def clock_s() -> float:
    """Seconds that only go forward, for waiting and measuring."""
    return time.monotonic()
