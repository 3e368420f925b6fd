"""Takes connections under TLS within a bound: asyncio's own server tells nobody of those whose handshake is not done."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import Final

import structlog

from vipgate.tls import GOODBYE_S, HANDSHAKE_S

log = structlog.get_logger()

_PAUSE_S: Final = 1.0


class Handshakes:
    """A listener whose connections become protocols once their handshake is done."""

    def __init__(
        self,
        listener: socket.socket,
        tls: ssl.SSLContext,
        make: Callable[[], asyncio.Protocol],
        has_room: Callable[[int], bool],
    ) -> None:
        self._listener = listener
        self._tls = tls
        self._make = make
        self._has_room = has_room
        self._loop = asyncio.get_running_loop()
        self._under_way: set[asyncio.Task[None]] = set()
        listener.setblocking(False)
        self._accepting = self._loop.create_task(self._accept())

    def close(self) -> None:
        """Takes no more, and gives up those under way."""
        for task in (self._accepting, *self._under_way):
            task.cancel()
        self._listener.close()

    async def _accept(self) -> None:
        while True:
            try:
                caller, _ = await self._loop.sock_accept(self._listener)
            except OSError as error:
                log.warning("cannot accept", reason=str(error))
                await asyncio.sleep(_PAUSE_S)
                continue
            if not self._has_room(len(self._under_way)):
                # Without a word: to say why would take the handshake.
                caller.close()
                continue
            task = self._loop.create_task(self._greet(caller))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def _greet(self, caller: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(
                self._make,
                caller,
                ssl=self._tls,
                ssl_handshake_timeout=HANDSHAKE_S,
                ssl_shutdown_timeout=GOODBYE_S,
            )
        except OSError:
            caller.close()
