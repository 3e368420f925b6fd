"""The time for which a connection is not listened to, because it was asked to come back later; and what comes on it meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from vipgate.gateway.limits.body_quota import BodyMemoryQuota


class ReadPause:
    """One connection's rest. What comes too early, a piece at most, is kept, and counted with all bodies."""

    __slots__ = ("_timer", "_uploads", "buffered")

    def __init__(self, uploads: BodyMemoryQuota) -> None:
        self._uploads = uploads
        self._timer: asyncio.TimerHandle | None = None
        self.buffered = b""

    @property
    def active(self) -> bool:
        """Whether it goes on."""
        return self._timer is not None

    def start(self, loop: asyncio.AbstractEventLoop, rest_s: float, then: Callable[[], None]) -> None:
        """Begins anew; `then` is called when it is over."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_later(rest_s, then)

    def buffer(self, data: bytes) -> bool:
        """Lays aside what comes too early; False where there is no room for it."""
        if not self._uploads.has_room(len(data)):
            return False
        self.buffered += data
        self._uploads.total_bytes += len(data)
        return True

    def stop(self) -> bytes:
        """Ends it, and hands out what was kept."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        kept, self.buffered = self.buffered, b""
        self._uploads.total_bytes -= len(kept)
        return kept
