"""Makes and parses seqnos: 32 decimal digits, time first, unique across processes and nodes (wire contract, Answer)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

SEQNO_CHARS: Final = 32


class SeqnoGenerator:
    """Makes seqnos: 17 digits of UTC time, then a 15-digit counter with a random start.

    Never goes back in time within one process; two processes collide only if both draw the same random start out of 10^15.
    """

    def __init__(self, start: int) -> None:
        self._count = start
        self._last_ms = 0
        self._time_text = seqno_prefix(0)

    def generate(self, now_us: int) -> str:
        """Returns a new seqno for a request received at `now_us`."""
        now_ms = now_us // 1000
        if now_ms < self._last_ms:
            now_ms = self._last_ms
        elif now_ms > self._last_ms:
            self._last_ms = now_ms
            self._time_text = seqno_prefix(now_us)
        self._count = (self._count + 1) % 10**15
        return f"{self._time_text}{self._count:015}"


def seqno_time_us(seqno: str) -> int | None:
    """Returns the time of `seqno` in microseconds since 1970 UTC; None where it is not a seqno."""
    if len(seqno) != SEQNO_CHARS or not (seqno.isascii() and seqno.isdigit()):
        return None
    try:
        second = datetime.strptime(seqno[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return (second - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) + int(seqno[14:17]) * 1000


def seqno_prefix(instant_us: int) -> str:
    """Returns the time part of a seqno made at `instant_us`: it sorts before every seqno made then or later."""
    second, rest_us = divmod(max(instant_us, 0), 1_000_000)
    return f"{_format_second(second)}{rest_us // 1000:03}"


@lru_cache(maxsize=16)
def _format_second(second: int) -> str:
    """Cached: a gateway under load makes thousands of seqnos a second."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y%m%d%H%M%S")
