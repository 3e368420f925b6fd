"""The HTTP server of one port: its listener, its connections, their deadlines, its end. Knows no path and no park.

A server of our own, on asyncio and httptools, because a kept one has no limit on the time to send head and body, answers some
faults in its own words, and serves half the requests (docs/decisions/003-http.md).
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from email.utils import formatdate
from typing import Final

from vipgate.connection import Connection
from vipgate.handshakes import Handshakes
from vipgate.httptypes import App, HttpLimits
from vipgate.uploads import Uploads

BACKLOG: Final = 2048
_TICK_S: Final = 0.5


class HttpServer:
    """All connections of one listening port: their deadlines, their bytes, their end."""

    def __init__(self, app: App, limits: HttpLimits, clock_us: Callable[[], int]) -> None:
        self.app = app
        self.limits = limits
        self.clock_us = clock_us
        self.loop = asyncio.get_running_loop()
        self.connections: set[Connection] = set()
        self.uploads = Uploads(limits.bodies_bytes_max, limits.body_bytes_max)
        self.stopping = False
        self.date = b""
        self._emptied = asyncio.Event()
        self._listener: asyncio.Server | Handshakes | None = None
        self._ticker: asyncio.Task[None] | None = None

    async def start(self, listener: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        """Takes the connections of `listener`, under TLS where there is a context for it."""
        if tls is None:
            self._listener = await self.loop.create_server(lambda: Connection(self), sock=listener, backlog=BACKLOG)
        else:
            self._listener = Handshakes(listener, tls, lambda: Connection(self), self._has_room)
        self._ticker = self.loop.create_task(self._tick())

    def _has_room(self, under_way: int) -> bool:
        return len(self.connections) + under_way < self.limits.connections_max

    async def stop(self, within_s: float) -> None:
        """Answers what is in flight, for `within_s` at most, and closes."""
        self.stopping = True
        if self._listener is not None:
            self._listener.close()
        for connection in list(self.connections):
            connection.finish()
        if self.connections:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._emptied.wait(), within_s)
        for connection in list(self.connections):
            connection.abort()
        if self._ticker is not None:
            self._ticker.cancel()

    def forget(self, connection: Connection) -> None:
        """A connection has ended."""
        self.connections.discard(connection)
        if self.stopping and not self.connections:
            self._emptied.set()

    async def _tick(self) -> None:
        while True:
            self.date = formatdate(usegmt=True).encode()
            now_s = self.loop.time()
            for connection in list(self.connections):
                if connection.deadline_s < now_s:
                    connection.expire()
            await asyncio.sleep(_TICK_S)
