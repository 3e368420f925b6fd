"""Callers that hold a connection each and send one byte a second of a request that never becomes whole."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection
from typing import Final, cast

import uvloop

from bench.closed import HOST
from bench.forking import BenchError, Forked

CONNECT_S_MAX: Final = 30.0
PERIOD_S: Final = 1.0


@contextmanager
def held_connections(port: int, count: int, request: bytes) -> Iterator[None]:
    """Holds `count` connections in a process of its own. Raises BenchError where the server has ended one of them.

    Every second connection has sent its head and drips the body, the others drip the head.
    """
    holder = Forked(lambda pipe: uvloop.run(_hold(pipe, port, count, request)))
    try:
        holder.receive(CONNECT_S_MAX)
        yield
        holder.send("end")
        ended = holder.receive(CONNECT_S_MAX)
        if ended:
            raise BenchError(f"{ended} of {count} held connections did not last; the figure would flatter.")
    finally:
        holder.end()


async def _hold(pipe: Connection, port: int, count: int, request: bytes) -> None:
    """Connects, says so, drips until it is asked to end, and says how many connections the server has ended."""
    loop = asyncio.get_running_loop()
    body_at = request.index(b"\r\n\r\n") + 4
    drips: list[_Drip] = []
    for number in range(count):
        make = partial(_Drip, request, body_at if number % 2 else 0, PERIOD_S * number / count)
        _, drip = await loop.create_connection(make, HOST, port)
        drips.append(drip)
    told = asyncio.Event()
    loop.add_reader(pipe.fileno(), told.set)
    pipe.send("held")
    await told.wait()
    loop.remove_reader(pipe.fileno())
    pipe.send(sum(drip.ended for drip in drips))
    for drip in drips:
        drip.close()


class _Drip(asyncio.Protocol):
    """One held connection; `sent` bytes go at once, the others one by one, from `start_s` on."""

    def __init__(self, request: bytes, sent: int, start_s: float) -> None:
        self._request = request
        self._sent = sent
        self._start_s = start_s
        self.ended = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._request[: self._sent])
        asyncio.get_running_loop().call_later(self._start_s, self._drip)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self.ended = True

    def data_received(self, data: bytes) -> None:  # noqa: ARG002 - asyncio's signature
        # Any answer before the request is whole is a refusal.
        self.ended = True

    def _drip(self) -> None:
        # The last byte stays unsent, so that the request never becomes whole.
        if self._transport.is_closing() or self._sent >= len(self._request) - 1:
            return
        self._transport.write(self._request[self._sent : self._sent + 1])
        self._sent += 1
        asyncio.get_running_loop().call_later(PERIOD_S, self._drip)

    def close(self) -> None:
        """Lets go of the connection."""
        self._transport.abort()
