"""Pauses reading on a connection after a Retry-After, and buffers a piece that arrives too early."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from vipgate.gateway.limits.body_quota import BodyMemoryQuota


class ReadPause:
    """The read pause of one connection. Buffers at most one early piece, within the body quota."""

    __slots__ = ("_timer", "_uploads", "buffered")

    def __init__(self, uploads: BodyMemoryQuota) -> None:
        self._uploads = uploads
        self._timer: asyncio.TimerHandle | None = None
        self.buffered = b""

    @property
    def active(self) -> bool:
        """Whether the pause is running."""
        return self._timer is not None

    def start(self, loop: asyncio.AbstractEventLoop, rest_s: float, then: Callable[[], None]) -> None:
        """Starts or restarts the pause; `then` is called at its end."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_later(rest_s, then)

    def buffer(self, data: bytes) -> bool:
        """Buffers early data; False where there is no room for it."""
        if not self._uploads.has_room(len(data)):
            return False
        self.buffered += data
        self._uploads.total_bytes += len(data)
        return True

    def stop(self) -> bytes:
        """Ends the pause and returns the buffered data."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        buffered, self.buffered = self.buffered, b""
        self._uploads.total_bytes -= len(buffered)
        return buffered
