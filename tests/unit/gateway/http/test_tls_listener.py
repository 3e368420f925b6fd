"""Connections whose TLS handshake is not done count like all others, in all and for each address."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from ssl import SSLContext, create_default_context

from support.busy_server import ASKED, LONG_S, STRANGER, WAIT_S, Busy, Shared, Streams, opened_from, until
from support.certificates import write_pair
from vipgate.gateway.http.messages import HttpLimits
from vipgate.gateway.http.server import HttpServer
from vipgate.support.tls import Certificate

ROOM = 4
SILENT = 10


async def greeted(port: int, trusted: SSLContext) -> Streams:
    """A connection under TLS, as soon as there is room for one."""
    async with asyncio.timeout(WAIT_S):
        while True:
            try:
                return await asyncio.open_connection("127.0.0.1", port, ssl=trusted)
            except OSError:
                await asyncio.sleep(0.05)


async def silent_ones(port: int) -> list[asyncio.StreamWriter]:
    """Callers that never begin a handshake; those that the server keeps."""
    opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(SILENT)]
    ends = {asyncio.create_task(reader.read(1)): writer for reader, writer in opened}
    async with asyncio.timeout(WAIT_S):
        while sum(one.done() for one in ends) < SILENT - ROOM:
            await asyncio.wait([one for one in ends if not one.done()], return_when=asyncio.FIRST_COMPLETED)
    for one, writer in ends.items():
        if not one.cancel():
            writer.close()
    return [writer for one, writer in ends.items() if not one.done()]


def test_callers_that_begin_no_handshake_are_bounded_and_the_next_is_served_when_they_go(tmp_path: Path) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    write_pair(cert, key, 1)
    trusted = create_default_context(cafile=cert)

    async def scenario() -> None:
        server = HttpServer(Busy(), HttpLimits(connections_max=ROOM, rest_s_max=LONG_S), lambda: 0)
        listener = socket.create_server(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        await server.start(listener, Certificate(cert, key).context)
        kept = await silent_ones(port)
        assert len(kept) == ROOM
        for writer in kept:
            writer.close()
        reader, writer = await greeted(port, trusted)
        writer.write(ASKED % b"")
        assert (await asyncio.wait_for(reader.readline(), WAIT_S)).startswith(b"HTTP/1.1 503 ")
        assert len(server.connections) == 1
        writer.close()
        await server.stop(WAIT_S)

    asyncio.run(scenario())


def test_address_that_begins_handshakes_and_ends_none_leaves_room_for_others(tmp_path: Path) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    write_pair(cert, key, 1)
    trusted = create_default_context(cafile=cert)

    async def scenario() -> None:
        server = HttpServer(Shared(), HttpLimits(connections_max=ROOM, rest_s_max=LONG_S), lambda: 0)
        listener = socket.create_server(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        await server.start(listener, Certificate(cert, key).context)
        silent = [await opened_from(STRANGER, port) for _ in range(ROOM)]
        for reader, _ in silent[ROOM // 2 :]:
            # Without a word: not even the beginning of an answer under TLS.
            assert await asyncio.wait_for(reader.read(), WAIT_S) == b""
        served = await greeted(port, trusted)
        served[1].write(ASKED % b"")
        assert (await asyncio.wait_for(served[0].readline(), WAIT_S)).startswith(b"HTTP/1.1 503 ")
        # It keeps the place that its handshake had, and the others give theirs back.
        assert server._quota.free == ROOM - ROOM // 2 - 1
        for _, writer in [*silent, served]:
            writer.close()
        await until(lambda: server._quota.free == ROOM)
        assert (server._slots, server._quota._taken) == ({}, {})
        await server.stop(WAIT_S)

    asyncio.run(scenario())
