"""A connection whose other end reads none of its answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

from vipgate.gateway.app import PublicApp
from vipgate.gateway.http.connection import Connection
from vipgate.gateway.http.messages import HttpLimits, Request, Response
from vipgate.gateway.http.server import HttpServer
from vipgate.gateway.pipeline import PushPipeline
from vipgate.support.client_address import parse_trusted_proxies
from vipgate.support.metrics import MetricsRecorder

GET = b"GET / HTTP/1.1\r\nHost: g\r\n%s\r\n"


class Ready(PublicApp):
    """Answers everybody at once."""

    def __init__(self) -> None:
        pipeline, recorder = cast("PushPipeline", None), cast("MetricsRecorder", None)
        super().__init__(pipeline, recorder, lambda: 0.0, parse_trusted_proxies(""), always_200=False)

    def check_headers(self, _: Request) -> None:
        """There is room."""

    async def handle(self, _: Request) -> Response:
        return Response(200, b"{}")


class Unread(asyncio.Transport):
    """A transport whose other end reads nothing: it is full after `answers_max`, and what is in it never leaves."""

    def __init__(self, answers_max: int, peer: str = "203.0.113.1") -> None:
        super().__init__({"peername": (peer, 4321)})
        self.answers_max = answers_max
        self.written: list[bytes] = []
        self.ended = False
        self.connection: Connection

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))
        if len(self.written) == self.answers_max:
            self.connection.pause_writing()

    def pause_reading(self) -> None:
        """Nobody reads."""

    def resume_reading(self) -> None:
        """Nobody reads."""

    def is_closing(self) -> bool:
        return self.ended

    def close(self) -> None:
        self.ended = True

    def abort(self) -> None:
        self.ended = True


def on_connection(transport: Unread, steps: Callable[[Connection], Awaitable[None]]) -> None:
    async def scenario() -> None:
        transport.connection = Connection(HttpServer(Ready(), HttpLimits(), lambda: 0))
        transport.connection.connection_made(transport)
        await steps(transport.connection)
        transport.close()
        transport.connection.connection_lost(None)
        await asyncio.sleep(0)

    asyncio.run(scenario())
