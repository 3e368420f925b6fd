"""Who was asked to come back later is not listened to for a while; who hangs up meanwhile is gone, and who is a proxy is heard."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest

from support.busy_server import ASKED, LONG_S, WAIT_S, Busy, Streams, until
from vipgate.gateway.http.messages import HttpLimits, Request, Response
from vipgate.gateway.http.scheduler import TICK_ROWS_MAX
from vipgate.gateway.http.server import HttpServer
from vipgate.gateway.limits.fair_queue import REQUEST_COST_ROWS


async def asked(streams: Streams, extra: bytes = b"") -> bytes:
    """The first line of the answer to one request."""
    reader, writer = streams
    writer.write(ASKED % extra)
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), WAIT_S)
    await reader.readexactly(2)
    return head.partition(b"\r\n")[0]


def on_busy_server(
    steps: Callable[[HttpServer, Streams], Awaitable[None]], rest_s: float = LONG_S, total_body_bytes_max: int = 100_000
) -> None:
    async def scenario() -> None:
        server = HttpServer(Busy(), HttpLimits(rest_s_max=rest_s, total_body_bytes_max=total_body_bytes_max), lambda: 0)
        listener = socket.create_server(("127.0.0.1", 0))
        await server.start(listener)
        streams = await asyncio.open_connection(*listener.getsockname())
        try:
            await steps(server, streams)
        finally:
            streams[1].close()
            await server.stop(WAIT_S)
        assert server.body_quota.total_bytes == 0

    asyncio.run(scenario())


def test_caller_who_hangs_up_after_a_refusal_is_counted_no_longer() -> None:
    async def steps(server: HttpServer, streams: Streams) -> None:
        assert await asked(streams) == b"HTTP/1.1 503 Service Unavailable"
        [connection] = server.connections
        streams[1].close()
        await until(lambda: not server.connections)
        assert not connection._read_pause.active

    on_busy_server(steps)


def test_caller_who_comes_back_too_early_is_heard_after_the_rest() -> None:
    async def steps(server: HttpServer, streams: Streams) -> None:
        for _ in range(3):
            assert await asked(streams) == b"HTTP/1.1 503 Service Unavailable"
        streams[1].write(ASKED % b"")
        streams[1].write_eof()
        assert (await asyncio.wait_for(streams[0].read(), WAIT_S)).startswith(b"HTTP/1.1 503 ")
        await until(lambda: not server.connections)

    on_busy_server(steps, rest_s=0.05)


def test_requests_that_come_in_one_piece_are_all_answered_before_the_rest() -> None:
    async def steps(server: HttpServer, streams: Streams) -> None:
        streams[1].write(ASKED % b"" * 3)
        for _ in range(3):
            assert (await asyncio.wait_for(streams[0].readuntil(b"{}"), WAIT_S)).startswith(b"HTTP/1.1 503 ")
        [connection] = server.connections
        first = connection._read_pause._timer
        assert first is not None
        # One rest, and what comes then is heard once it is over.
        assert await asked(streams) == b"HTTP/1.1 503 Service Unavailable"
        assert connection._read_pause._timer not in (None, first)

    on_busy_server(steps, rest_s=0.05)


def test_requests_that_come_in_one_piece_are_answered_in_many_turns_of_the_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    many, turns = 1_000, 0
    answered_in: list[int] = []

    async def answer(_: Busy, request: Request) -> Response:
        answered_in.append(turns)
        return Response(200, request.body)

    monkeypatch.setattr(Busy, "handle", answer)

    async def steps(_: HttpServer, streams: Streams) -> None:
        async def count() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        counting = asyncio.ensure_future(count())
        streams[1].write(ASKED % b"" * many)
        await until(lambda: len(answered_in) == many)
        counting.cancel()

    on_busy_server(steps)
    assert max(Counter(answered_in).values()) <= TICK_ROWS_MAX // REQUEST_COST_ROWS + 1


def test_time_until_a_request_is_begun_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    async def answer(_: Busy, request: Request) -> Response:
        waited.append(request.queued_s)
        await asyncio.sleep(0.05)
        return Response(200, request.body)

    monkeypatch.setattr(Busy, "handle", answer)

    async def steps(_: HttpServer, streams: Streams) -> None:
        streams[1].write(ASKED % b"" * 3)
        await until(lambda: len(waited) == 3)

    on_busy_server(steps)
    assert waited[0] < 0.04
    assert waited[1] > 0.04
    assert waited[2] > 0.08


def test_caller_who_comes_back_too_early_is_not_heard_before() -> None:
    async def steps(server: HttpServer, streams: Streams) -> None:
        await asked(streams)
        [connection] = server.connections
        streams[1].write(ASKED % b"")
        await until(lambda: server.body_quota.total_bytes > 0)
        assert (connection._busy, connection._pipelined) == (False, type(connection._pipelined)())

    on_busy_server(steps)


def test_what_comes_too_early_takes_no_more_room_than_there_is_for_all() -> None:
    async def steps(server: HttpServer, streams: Streams) -> None:
        await asked(streams)
        streams[1].write(ASKED % b"")
        await until(lambda: not server.connections)

    on_busy_server(steps, total_body_bytes_max=len(ASKED % b"") - 1)


@pytest.mark.parametrize("header", [b"Via: 1.1 p\r\n", b"X-Forwarded-For: 203.0.113.9\r\n", b"Forwarded: for=a\r\n"])
def test_proxy_that_names_itself_is_listened_to_for_the_others(header: bytes) -> None:
    async def steps(_: HttpServer, streams: Streams) -> None:
        for _again in range(3):
            assert await asked(streams, header) == b"HTTP/1.1 503 Service Unavailable"

    on_busy_server(steps)
