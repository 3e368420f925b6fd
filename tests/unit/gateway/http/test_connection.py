"""Who does not read his answers has a time for it, whatever else he sends and however the connection is to end."""

from __future__ import annotations

import asyncio

import pytest

from support.unread_connection import GET, Unread, on_connection
from vipgate.gateway.http.connection import Connection
from vipgate.gateway.http.messages import HttpLimits


def time_left_s(connection: Connection) -> float:
    return connection.deadline_s - asyncio.get_running_loop().time()


@pytest.mark.parametrize("pieces", [(GET % b"" * 5,), (GET % b"" * 2, GET % b"" * 3)])
def test_sending_on_buys_no_time_for_reading(pieces: tuple[bytes, ...]) -> None:
    transport = Unread(answers_max=2)

    async def steps(connection: Connection) -> None:
        for piece in pieces:
            connection.data_received(piece)
        for _ in range(3):  # The task starts, and each pipelined request waits for a turn of the loop.
            await asyncio.sleep(0)
        assert len(transport.written) == 2
        assert 0 < time_left_s(connection) <= HttpLimits().request_timeout_s

    on_connection(transport, steps)


def test_last_answer_has_to_be_read_in_time() -> None:
    transport = Unread(answers_max=100)

    async def steps(connection: Connection) -> None:
        connection.data_received(GET % b"Connection: close\r\n")
        await asyncio.sleep(0)
        assert transport.is_closing()
        assert 0 < time_left_s(connection) <= HttpLimits().request_timeout_s

    on_connection(transport, steps)


@pytest.mark.parametrize(
    ("peer", "line"), [("203.0.113.1", "203.0.113.1"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64")]
)
def test_stranger_has_one_turn_however_many_addresses_his_line_has(peer: str, line: str) -> None:
    async def steps(connection: Connection) -> None:
        connection.data_received(GET % b"")
        await asyncio.sleep(0)
        assert connection._flow_key == line

    on_connection(Unread(answers_max=100, peer=peer), steps)
