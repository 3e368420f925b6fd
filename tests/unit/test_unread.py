"""Who does not read his answers has a time for it, whatever else he sends and however the connection is to end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

import pytest

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
        road, meter = cast("PushPipeline", None), cast("MetricsRecorder", None)
        super().__init__(road, meter, lambda: 0.0, parse_trusted_proxies(""), always_200=False)

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


def time_left_s(connection: Connection) -> float:
    return connection.deadline_s - asyncio.get_running_loop().time()


@pytest.mark.parametrize("pieces", [(GET % b"" * 5,), (GET % b"" * 2, GET % b"" * 3)])
def test_sending_on_buys_no_time_for_reading(pieces: tuple[bytes, ...]) -> None:
    transport = Unread(answers_max=2)

    async def steps(connection: Connection) -> None:
        for piece in pieces:
            connection.data_received(piece)
        await asyncio.sleep(0)
        assert len(transport.written) == 2
        assert 0 < time_left_s(connection) <= HttpLimits().request_timeout_s

    on_connection(transport, steps)


def test_last_answer_has_to_be_read_in_time() -> None:
    transport = Unread(answers_max=100)

    async def steps(connection: Connection) -> None:
        connection.data_received(GET % b"Connection: close\r\n")
        assert transport.is_closing()
        assert 0 < time_left_s(connection) <= HttpLimits().request_timeout_s

    on_connection(transport, steps)


@pytest.mark.parametrize(
    ("peer", "line"), [("203.0.113.1", "203.0.113.1"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64")]
)
def test_stranger_has_one_turn_however_many_addresses_his_line_has(peer: str, line: str) -> None:
    async def steps(connection: Connection) -> None:
        connection.data_received(GET % b"")
        assert connection._flow_key == line

    on_connection(Unread(answers_max=100, peer=peer), steps)
