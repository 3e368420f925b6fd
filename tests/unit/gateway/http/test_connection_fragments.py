"""Requests may be cut into pieces anywhere: what belongs to one head is held against no other."""

from __future__ import annotations

import asyncio

import pytest

from support.unread_connection import GET, Unread, on_connection
from vipgate.gateway.http.connection import Connection
from vipgate.gateway.http.messages import HttpLimits

MANY = 1_000
WAIT_S = 10.0


@pytest.mark.parametrize("first_bytes", [len(GET % b"") * MANY - 5, 5, len(GET % b"") * 3 + 5])
def test_piece_that_begins_and_ends_in_a_head_is_none_too_long(first_bytes: int) -> None:
    transport = Unread(answers_max=2 * MANY)

    async def steps(connection: Connection) -> None:
        sent = GET % b"" * MANY
        assert len(sent) > HttpLimits().head_bytes_max
        for piece in (sent[:first_bytes], sent[first_bytes:-5], sent[-5:]):
            connection.data_received(piece)
            await asyncio.sleep(0.01)
        async with asyncio.timeout(WAIT_S):
            while len(transport.written) < MANY and not connection._discarding:  # noqa: ASYNC110 - a transport that tells nobody
                await asyncio.sleep(0.01)
        assert [answer[:12] for answer in transport.written] == [b"HTTP/1.1 200"] * MANY

    on_connection(transport, steps)


def test_head_without_an_end_is_refused_behind_others_too() -> None:
    transport = Unread(answers_max=100)

    async def steps(connection: Connection) -> None:
        connection.data_received(GET % b"" + b"GET / HTTP/1.1\r\nA: ")
        for _ in range(HttpLimits().head_bytes_max // 1_000 + 1):
            assert not connection._discarding
            connection.data_received(b"a" * 1_000)
        assert connection._discarding

    on_connection(transport, steps)
