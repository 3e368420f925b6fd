"""Accepts TLS connections within a limit: asyncio's own server does not report pending handshakes."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import Final, Generic, TypeVar

import structlog

from vipgate.support.background import Ended, is_fault, only_logged, report, start_task
from vipgate.support.tls import HANDSHAKE_TIMEOUT_S, SHUTDOWN_TIMEOUT_S

log = structlog.get_logger()

_PAUSE_S: Final = 1.0
P = TypeVar("P", bound=asyncio.Protocol)


class TlsListener(Generic[P]):
    """A listener that creates a protocol for each connection before its TLS handshake.

    `on_accept` makes the protocol for a peer name, or None over the quota. `on_handshake_done` is called after each handshake,
    successful or not. `ended` is called with an error after which no connections are accepted.
    """

    def __init__(
        self,
        listener: socket.socket,
        tls: ssl.SSLContext,
        on_accept: Callable[[object], P | None],
        on_handshake_done: Callable[[P], None],
        ended: Ended = only_logged,
    ) -> None:
        self._listener = listener
        self._tls = tls
        self._on_accept = on_accept
        self._on_handshake_done = on_handshake_done
        self._loop = asyncio.get_running_loop()
        self._handshakes: set[asyncio.Task[None]] = set()
        listener.setblocking(False)
        self._accepting = start_task(self._accept(), "accepting of TLS connections", ended, endless=True)

    def close(self) -> None:
        """Stops accepting and cancels pending handshakes."""
        for task in (self._accepting, *self._handshakes):
            task.cancel()
        self._listener.close()

    async def _accept(self) -> None:
        while True:
            try:
                client, peername = await self._loop.sock_accept(self._listener)
            except OSError as error:
                log.warning("cannot accept", reason=str(error))
                await asyncio.sleep(_PAUSE_S)
                continue
            protocol = self._protocol_for(peername)
            if protocol is None:
                # Without a response: that would need the handshake.
                client.close()
                continue
            task = start_task(self._handshake(client, protocol), "TLS handshake")
            self._handshakes.add(task)
            task.add_done_callback(self._handshakes.discard)

    def _protocol_for(self, peername: object) -> P | None:
        try:
            return self._on_accept(peername)
        except BaseException as error:
            if not is_fault(error):
                raise
            # The error concerns one connection only.
            report("accepting a TLS connection", error)
            return None

    async def _handshake(self, client: socket.socket, protocol: P) -> None:
        try:
            await self._loop.connect_accepted_socket(
                lambda: protocol,
                client,
                ssl=self._tls,
                ssl_handshake_timeout=HANDSHAKE_TIMEOUT_S,
                ssl_shutdown_timeout=SHUTDOWN_TIMEOUT_S,
            )
        except BaseException as error:
            client.close()
            if not isinstance(error, OSError):
                raise
        finally:
            self._on_handshake_done(protocol)
