"""A caller who sends bodies and never ends them holds his own share of the memory for bodies, and not for long."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import cast

import pytest

from vipgate.gateway.http.connection import Connection
from vipgate.gateway.http.messages import App, HttpLimits, Request
from vipgate.gateway.http.scheduler import RequestScheduler
from vipgate.gateway.limits.body_quota import SMALL_BYTES_MAX, BodyMemoryQuota, BodyReservation
from vipgate.support.client_address import quota_key

MIB = 1024 * 1024
ROOM = 256 * MIB
LARGE = 16 * MIB


def uploads() -> BodyMemoryQuota:
    return BodyMemoryQuota(ROOM, LARGE)


def begun(room: BodyMemoryQuota, caller: str, size: int, *, here: int | None = None) -> BodyReservation | None:
    """One body of `size`, of which `here` bytes have come; all but the last by default."""
    upload = room.begin(caller, size)
    if upload is None or not room.grow(upload, size - 1 if here is None else here):
        return None
    return upload


def stalled(room: BodyMemoryQuota, caller: str, size: int = LARGE) -> int:
    """How many bodies of `size` an address may have that do not end."""
    return next(number for number in range(100_000) if begun(room, caller, size) is None)


def test_address_that_ends_none_of_its_bodies_leaves_as_much_room_as_it_takes() -> None:
    room = uploads()
    assert stalled(room, "203.0.113.9") == 7
    assert stalled(room, "198.51.100.1") == 4
    assert begun(room, "198.51.100.2", LARGE) is not None


def test_small_bodies_find_room_when_many_addresses_have_filled_that_for_large_ones() -> None:
    room = uploads()
    assert sum(stalled(room, f"203.0.113.{number}") for number in range(100)) == 14
    assert begun(room, "198.51.100.1", MIB) is None
    assert begun(room, "198.51.100.1", SMALL_BYTES_MAX) is not None


def test_small_bodies_of_one_address_fill_no_more_than_its_share() -> None:
    room = uploads()
    assert stalled(room, "203.0.113.9", SMALL_BYTES_MAX) == ROOM // 2 // SMALL_BYTES_MAX
    assert begun(room, "198.51.100.1", LARGE) is not None


def test_what_is_only_promised_takes_room_from_nobody_else() -> None:
    room = uploads()
    for caller in ("203.0.113.8", "203.0.113.9"):
        assert sum(begun(room, caller, LARGE, here=0) is not None for _ in range(20)) == 7
    assert stalled(room, "198.51.100.1") == 7


def test_body_that_tells_no_length_has_the_same_bounds() -> None:
    room = uploads()
    open_ended = [one for one in (room.begin("203.0.113.9", 0) for _ in range(100)) if one is not None]
    while [one for one in open_ended if room.grow(one, MIB)]:
        pass
    assert room.total_bytes <= ROOM // 2
    assert begun(room, "198.51.100.1", LARGE) is not None


def test_largest_body_finds_room_in_the_smallest() -> None:
    room = BodyMemoryQuota(LARGE, LARGE)
    upload = room.begin("203.0.113.9", LARGE)
    assert upload is not None
    assert all(room.grow(upload, MIB) for _ in range(16))


@pytest.mark.parametrize("seed", range(10))
def test_books_end_at_nought_and_the_total_keeps_its_bound(seed: int) -> None:
    chance = random.Random(seed)
    room, under_way = uploads(), list[BodyReservation]()
    for _ in range(3_000):
        if under_way and chance.random() < 0.3:
            upload = under_way.pop(chance.randrange(len(under_way)))
            room.end(upload)
            room.total_bytes -= upload.received_bytes
        elif under_way and chance.random() < 0.6:
            room.grow(chance.choice(under_way), chance.randrange(1, MIB))
        else:
            made = room.begin(f"203.0.113.{chance.randrange(9)}", chance.choice((0, 100, MIB, LARGE)))
            under_way += [] if made is None else [made]
        assert 0 <= room.total_bytes <= ROOM
    for upload in under_way:
        room.end(upload)
        room.total_bytes -= upload.received_bytes
    assert (room.total_bytes, room._addresses) == (0, {})


@pytest.mark.parametrize(
    ("caller", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("", ""),
        ("a:b:c", "a:b:c"),
    ],
)
def test_addresses_of_one_line_are_one_caller(caller: str, network: str) -> None:
    assert quota_key(caller) == network


# ---- how fast they must come -----------------------------------------------------------------------------------------


class Clock:
    """A loop's clock that the test turns."""

    now_s = 1_000.0

    def time(self) -> float:
        return self.now_s


class Nobody:
    """Answers nothing; nothing comes so far."""

    def check_headers(self, _: Request) -> None:
        """There is room."""

    def new_body_hashes(self) -> tuple[()]:
        return ()

    def client_address(self, request: Request) -> str:
        return request.peer


class Port:
    """What a connection needs of its server."""

    def __init__(self) -> None:
        self.app = cast("App", Nobody())
        self.limits = HttpLimits()
        self.clock = Clock()
        self.loop = cast("asyncio.AbstractEventLoop", self.clock)
        self.body_quota = uploads()
        self.scheduler = RequestScheduler(self.loop)
        self.stopping = False
        self.date = b""
        self.clock_us: Callable[[], int] = lambda: 0

    def register(self, _: Connection, peer: str) -> None:
        """Whoever it is."""

    def unregister(self, _: Connection) -> None:
        """It was never counted."""


def test_body_that_pauses_is_given_up_soon_and_one_that_comes_steadily_has_all_its_time() -> None:
    port = Port()
    limits = port.limits
    connection = Connection(port)
    connection.connection_made(asyncio.Transport())
    connection.data_received(b"POST / HTTP/1.1\r\nHost: g\r\nContent-Length: 10000000\r\n\r\n")
    begun_s = port.clock.now_s
    assert connection.deadline_s == begun_s + limits.request_timeout_s
    # However much came before: a pause is a pause.
    connection.data_received(b" " * 5_000_000)
    assert connection.deadline_s == begun_s + limits.pause_s
    # A little now and then buys a little time, at the least rate.
    port.clock.now_s += limits.pause_s - 1
    connection.data_received(b" " * limits.bytes_a_second_min)
    assert connection.deadline_s == begun_s + limits.pause_s + 1
    for _ in range(30):
        port.clock.now_s += 1
        connection.data_received(b" " * limits.bytes_a_second_min * 2)
    assert connection.deadline_s > port.clock.now_s + limits.pause_s / 2
    port.clock.now_s = begun_s + limits.request_timeout_s - 1
    connection.data_received(b" ")
    assert connection.deadline_s <= begun_s + limits.request_timeout_s
    connection.connection_lost(None)
    assert port.body_quota.total_bytes == 0
