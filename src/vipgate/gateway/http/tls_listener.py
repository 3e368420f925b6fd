"""Takes connections under TLS within a bound: asyncio's own server tells nobody of those whose handshake is not done."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import Final, Generic, TypeVar

import structlog

from vipgate.support.background import (
    Ended,
    is_fault,
    only_logged,
    report,
    start_task,
)
from vipgate.support.tls import (
    HANDSHAKE_TIMEOUT_S,
    SHUTDOWN_TIMEOUT_S,
)

log = structlog.get_logger()

_PAUSE_S: Final = 1.0
P = TypeVar("P", bound=asyncio.Protocol)


class TlsListener(Generic[P]):
    """A listener whose connections become protocols once their handshake is done.

    `greet` makes the protocol of a caller, known by his peer name, or None where he has no room; `settle` is told when
    the handshake is over, well or not; `ended` hears of a fault after which no connections are taken.
    """

    def __init__(
        self,
        listener: socket.socket,
        tls: ssl.SSLContext,
        greet: Callable[[object], P | None],
        settle: Callable[[P], None],
        ended: Ended = only_logged,
    ) -> None:
        self._listener = listener
        self._tls = tls
        self._on_accept = greet
        self._on_handshake_done = settle
        self._loop = asyncio.get_running_loop()
        self._under_way: set[asyncio.Task[None]] = set()
        listener.setblocking(False)
        self._accepting = start_task(self._accept(), "accepting of TLS connections", ended, endless=True)

    def close(self) -> None:
        """Takes no more, and gives up those under way."""
        for task in (self._accepting, *self._under_way):
            task.cancel()
        self._listener.close()

    async def _accept(self) -> None:
        while True:
            try:
                caller, peername = await self._loop.sock_accept(self._listener)
            except OSError as error:
                log.warning("cannot accept", reason=str(error))
                await asyncio.sleep(_PAUSE_S)
                continue
            protocol = self._greeted(peername)
            if protocol is None:
                # Without a word: to say why would take the handshake.
                caller.close()
                continue
            task = start_task(self._shake_hands(caller, protocol), "TLS handshake")
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    def _greeted(self, peername: object) -> P | None:
        try:
            return self._on_accept(peername)
        except BaseException as error:
            if not is_fault(error):
                raise
            # One caller's; the next may be well.
            report("greeting of a TLS connection", error)
            return None

    async def _shake_hands(self, caller: socket.socket, protocol: P) -> None:
        try:
            await self._loop.connect_accepted_socket(
                lambda: protocol,
                caller,
                ssl=self._tls,
                ssl_handshake_timeout=HANDSHAKE_TIMEOUT_S,
                ssl_shutdown_timeout=SHUTDOWN_TIMEOUT_S,
            )
        except BaseException as error:
            caller.close()
            if not isinstance(error, OSError):
                raise
        finally:
            self._on_handshake_done(protocol)
