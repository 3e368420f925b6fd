"""The time for which a connection is not listened to, because it was asked to come back later; and what comes on it meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from vipgate.gateway.limits.body_quota import Uploads


class Rest:
    """One connection's rest. What comes too early, a piece at most, is kept, and counted with all bodies."""

    __slots__ = ("_timer", "_uploads", "kept")

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads
        self._timer: asyncio.TimerHandle | None = None
        self.kept = b""

    @property
    def is_on(self) -> bool:
        """Whether it goes on."""
        return self._timer is not None

    def begin(self, loop: asyncio.AbstractEventLoop, rest_s: float, then: Callable[[], None]) -> None:
        """Begins anew; `then` is called when it is over."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_later(rest_s, then)

    def keep(self, data: bytes) -> bool:
        """Lays aside what comes too early; False where there is no room for it."""
        if not self._uploads.has_room(len(data)):
            return False
        self.kept += data
        self._uploads.total_bytes += len(data)
        return True

    def end(self) -> bytes:
        """Ends it, and hands out what was kept."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        kept, self.kept = self.kept, b""
        self._uploads.total_bytes -= len(kept)
        return kept
