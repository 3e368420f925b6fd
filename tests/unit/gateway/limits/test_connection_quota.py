"""One address may have as many connections as are still free for all, so whoever comes from elsewhere finds room."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Awaitable, Callable
from typing import cast

import pytest

from support.busy_server import STRANGER, WAIT_S, Shared, Streams, opened_from, until
from vipgate.gateway.app import PublicApp
from vipgate.gateway.http.messages import HttpLimits
from vipgate.gateway.http.server import REJECTED_CONNECTIONS_MAX, HttpServer
from vipgate.gateway.limits.connection_quota import FULL, TOO_MANY_OF_ONE, ConnectionQuota, ConnectionSlot
from vipgate.gateway.pipeline import PushPipeline
from vipgate.support.client_address import parse_trusted_proxies
from vipgate.support.metrics import MetricsRecorder

ROOM = 60
OURS = "10.0.0.7"
PARK = "127.0.0.3"


def crowd(places: int = ROOM) -> ConnectionQuota:
    return ConnectionQuota(places, lambda peer: peer == OURS)


def entered(room: ConnectionQuota, peer: str) -> list[ConnectionSlot]:
    """All the places that `peer` gets."""
    return [place for place in iter(lambda: room.acquire(peer), None) if place is not None]


def test_address_alone_gets_half_and_the_next_one_finds_room() -> None:
    room = crowd()
    assert len(entered(room, "203.0.113.9")) == ROOM // 2
    assert room.rejection_reason() is TOO_MANY_OF_ONE
    assert len(entered(room, "198.51.100.1")) == ROOM // 4


def test_addresses_that_take_turns_get_equal_shares_and_leave_as_much() -> None:
    room = crowd()
    got = {f"203.0.113.{number}": 0 for number in range(5)}
    for _ in range(ROOM):
        for peer in got:
            got[peer] += room.acquire(peer) is not None
    assert (set(got.values()), room.free) == ({ROOM // 6}, ROOM // 6)


def test_only_place_goes_to_whoever_comes() -> None:
    room = crowd(1)
    assert room.acquire("203.0.113.9") is not None
    assert (room.acquire(OURS), room.rejection_reason()) == (None, FULL)


def test_proxy_of_ours_may_have_all_and_what_it_has_is_not_free_for_others() -> None:
    room = crowd()
    theirs = entered(room, OURS)
    assert len(theirs) == ROOM
    assert (room.acquire("203.0.113.9"), room.rejection_reason()) == (None, FULL)
    for place in theirs[: ROOM // 2]:
        place.release()
    assert len(entered(room, "203.0.113.9")) == ROOM // 4


def test_addresses_of_one_ipv6_line_share() -> None:
    room = crowd()
    assert len(entered(room, "2001:db8:1:2::9")) == ROOM // 2
    assert room.acquire("2001:db8:1:2:3::9") is None
    assert room.acquire("2001:db8:1:3::9") is not None


@pytest.mark.parametrize("seed", range(10))
def test_books_end_at_nought(seed: int) -> None:
    chance = random.Random(seed)
    room, inside = crowd(), list[ConnectionSlot]()
    peers = [OURS, *(f"203.0.113.{number}" for number in range(4))]
    for _ in range(3_000):
        if inside and chance.random() < 0.4:
            inside.pop(chance.randrange(len(inside))).release()
        else:
            place = room.acquire(chance.choice(peers))
            inside += [] if place is None else [place]
        assert room.free == ROOM - len(inside) >= 0
    for place in inside:
        place.release()
    assert (room.free, room._taken) == (ROOM, {})


@pytest.mark.parametrize(
    ("peer", "may"),
    [
        ("127.0.0.1", True),
        ("127.8.0.1", True),
        ("::1", True),
        (OURS, True),
        ("10.1.2.3", True),
        ("10.0.0.8", False),
        ("203.0.113.9", False),
        ("12.7.0.1", False),
        ("2001:db8::1", False),
        ("", False),
    ],
)
def test_own_proxies_and_the_machine_itself_may_have_all_connections(peer: str, *, may: bool) -> None:
    pipeline, recorder = cast("PushPipeline", None), cast("MetricsRecorder", None)
    outside = PublicApp(pipeline, recorder, lambda: 0.0, parse_trusted_proxies(f"{OURS},10.1.0.0/16"), always_200=False)
    assert outside.is_quota_exempt(peer) is may


# ---- over real HTTP --------------------------------------------------------------------------------------------------


async def is_refused(streams: Streams) -> bool:
    """Whether it hears anything before it has asked for anything."""
    try:
        await asyncio.wait_for(streams[0].read(1), 0.2)
    except TimeoutError:
        return False
    return True


def on_shared_server(connections_max: int, steps: Callable[[HttpServer, int], Awaitable[None]]) -> None:
    async def scenario() -> None:
        server = HttpServer(Shared(), HttpLimits(connections_max=connections_max), lambda: 0)
        listener = socket.create_server(("127.0.0.1", 0))
        await server.start(listener)
        try:
            await steps(server, listener.getsockname()[1])
        finally:
            await server.stop(0)

    asyncio.run(scenario())


def test_address_that_opens_all_it_can_is_told_why_and_keeps_nobody_else_out() -> None:
    async def steps(server: HttpServer, port: int) -> None:
        theirs = [await opened_from(STRANGER, port) for _ in range(4)]
        for reader, _ in theirs[2:]:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), WAIT_S)
            assert head.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
            assert b"\r\nRetry-After: 5\r\n" in head
            assert b"\r\nConnection: close\r\n" in head
            assert (await asyncio.wait_for(reader.read(), WAIT_S)).decode() == TOO_MANY_OF_ONE.zh
        assert [await is_refused(one) for one in theirs[:2]] == [False, False]
        ours = await opened_from(PARK, port)
        assert not await is_refused(ours)
        # Who ends a connection may open another one.
        for _, writer in [*theirs[1:], ours]:
            writer.close()
        await until(lambda: len(server.connections) == 1)
        again = await opened_from(STRANGER, port)
        assert not await is_refused(again)
        for _, writer in (theirs[0], again):
            writer.close()
        await until(lambda: not server.connections)
        assert (server._quota.free, server._rejected_quota.free, server._slots) == (4, REJECTED_CONNECTIONS_MAX, {})

    on_shared_server(4, steps)


def test_refused_connections_that_stay_open_are_bounded() -> None:
    async def steps(server: HttpServer, port: int) -> None:
        theirs = [await opened_from(STRANGER, port) for _ in range(2 + REJECTED_CONNECTIONS_MAX)]
        await until(lambda: len(server.connections) == 2 + REJECTED_CONNECTIONS_MAX // 2)
        ours = await opened_from(PARK, port)
        assert not await is_refused(ours)
        # Of the others' refusals there is room to be told, too.
        another = await opened_from(PARK, port)
        assert (await asyncio.wait_for(another[0].readline(), WAIT_S)).startswith(b"HTTP/1.1 503 ")
        for _, writer in [*theirs, ours, another]:
            writer.close()

    on_shared_server(4, steps)
