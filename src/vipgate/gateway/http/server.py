"""The HTTP server of one port: listener, connections, deadlines, shutdown. Knows no path and no park.

Built on asyncio and httptools: servers from PyPI limit neither the size nor the time of heads, and mishandle requests of real
clients (docs/decisions/003-http.md).
"""

from __future__ import annotations

import asyncio
import math
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from email.utils import formatdate
from typing import Final

from vipgate.errors import RequestError, ServiceUnavailable
from vipgate.gateway.http.connection import Connection
from vipgate.gateway.http.messages import App, HttpLimits
from vipgate.gateway.http.scheduler import RequestScheduler
from vipgate.gateway.http.tls_listener import TlsListener
from vipgate.gateway.limits.body_quota import BodyMemoryQuota
from vipgate.gateway.limits.connection_quota import ConnectionQuota, ConnectionSlot
from vipgate.support.background import Ended, attempt, only_logged, start_task
from vipgate.support.client_address import normalize_peer
from vipgate.support.log_throttle import LogThrottle

BACKLOG: Final = 16_384
# Rejected connections that get a response: half of the descriptors beyond `connections_max`.
REJECTED_CONNECTIONS_MAX: Final = 128
_TICK_S: Final = 0.5
_RETRY_S: Final = 5


class HttpServer:
    """Serves the connections of one listening port."""

    def __init__(self, app: App, limits: HttpLimits, clock_us: Callable[[], int]) -> None:
        self.app = app
        self.limits = limits
        self.clock_us = clock_us
        self.loop = asyncio.get_running_loop()
        self.connections: set[Connection] = set()
        self.scheduler = RequestScheduler(self.loop)
        self.body_quota = BodyMemoryQuota(limits.total_body_bytes_max, limits.body_bytes_max)
        self.stopping = False
        self.date = b""
        self._quota = ConnectionQuota(limits.connections_max, app.is_quota_exempt)
        self._rejected_quota = ConnectionQuota(REJECTED_CONNECTIONS_MAX, app.is_quota_exempt)
        # Slots of open connections, TLS handshakes included.
        self._slots: dict[Connection, ConnectionSlot] = {}
        self._rejection_log = LogThrottle("connections rejected", self.loop.time)
        self._emptied = asyncio.Event()
        self._listener: asyncio.Server | TlsListener[Connection] | None = None
        self._ticker: asyncio.Task[None] | None = None

    async def start(
        self, listener: socket.socket, tls: ssl.SSLContext | None = None, ended: Ended = only_logged
    ) -> None:
        """Accepts the connections of `listener`, with TLS where `tls` is given.

        `ended` is called with an error after which the port accepts no connections or enforces no deadlines.
        """
        if tls is None:
            self._listener = await self.loop.create_server(lambda: Connection(self), sock=listener, backlog=BACKLOG)
        else:
            self._listener = TlsListener(listener, tls, self._on_accept, self._on_handshake_done, ended)
        self._ticker = start_task(self._tick(), "deadlines of connections", ended, endless=True)

    def register(self, connection: Connection, peer: str) -> RequestError | None:
        """Registers a connection; returns why it is rejected, or None. Aborts it where too many rejections are pending."""
        self.connections.add(connection)
        if connection in self._slots or self._acquire_slot(connection, peer):
            return None
        reason, slot = self._quota.rejection_reason(), self._rejected_quota.acquire(peer)
        if slot is None:
            connection.abort()
            return None
        self._slots[connection] = slot
        return ServiceUnavailable(reason, retry_after_s=_RETRY_S)

    def _acquire_slot(self, connection: Connection, peer: str) -> bool:
        slot = self._quota.acquire(peer)
        if slot is None:
            self._rejection_log.count(address=peer, reason=self._quota.rejection_reason().en)
            return False
        self._slots[connection] = slot
        return True

    def _on_accept(self, peername: object) -> Connection | None:
        connection = Connection(self)
        return connection if self._acquire_slot(connection, normalize_peer(peername)) else None

    def _on_handshake_done(self, connection: Connection) -> None:
        if connection not in self.connections:
            self._release(connection)

    def _release(self, connection: Connection) -> None:
        slot = self._slots.pop(connection, None)
        if slot is not None:
            slot.release()

    async def stop(self, within_s: float) -> None:
        """Finishes requests in flight, for at most `within_s`, and closes all connections."""
        self.stopping = True
        if self._listener is not None:
            self._listener.close()
        for connection in list(self.connections):
            connection.close_gracefully()
        if self.connections:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._emptied.wait(), within_s)
        for connection in list(self.connections):
            connection.abort()
        if self._ticker is not None:
            self._ticker.cancel()

    def unregister(self, connection: Connection) -> None:
        """Removes a closed connection."""
        self.connections.discard(connection)
        self._release(connection)
        if self.stopping and not self.connections:
            self._emptied.set()

    async def _tick(self) -> None:
        while True:
            self.date = formatdate(usegmt=True).encode()
            now_s = self.loop.time()
            for connection in list(self.connections):
                if connection.deadline_s < now_s and not attempt("deadline of a connection", connection.expire):
                    connection.deadline_s = math.inf
                    connection.abort()
            await asyncio.sleep(_TICK_S)
