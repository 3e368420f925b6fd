"""What a connection needs of its server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from vipgate.errors import RequestError
from vipgate.gateway.http.messages import App, HttpLimits
from vipgate.gateway.http.scheduler import RequestScheduler
from vipgate.gateway.limits.body_quota import BodyMemoryQuota

if TYPE_CHECKING:
    from vipgate.gateway.http.connection import Connection


class ConnectionHost(Protocol):
    """The server as its connections see it."""

    app: App
    limits: HttpLimits
    clock_us: Callable[[], int]
    loop: asyncio.AbstractEventLoop
    body_quota: BodyMemoryQuota
    scheduler: RequestScheduler
    stopping: bool
    date: bytes

    def register(self, connection: Connection, peer: str) -> RequestError | None:
        """Registers a new connection; returns why it is rejected, or None."""

    def unregister(self, connection: Connection) -> None:
        """Removes a closed connection."""
