"""A park that floods is told to come back later, the others are served, and refusing costs neither body nor connection."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from support.gateway_process import PARK, Answer, Gateway, send
from support.raw_http import WAIT_S, connected, head, parse
from vipgate.cli.sample import sample_renewals
from vipgate.protocol.envelope import encode_renewals
from vipgate.store.interfaces.ledger import Filter

UNTIL_US = 1_795_492_800_000_000
QUIET = tuple(f"quiet-{number}" for number in range(6))
FLOOD = 48
ROOM = 16


def body_of(park_uuid: str, number: int) -> bytes:
    return encode_renewals(park_uuid, sample_renewals(1, number, until_us=UNTIL_US, first=number))


@contextmanager
def stalled(gateway: Gateway) -> Iterator[None]:
    """The store takes nothing meanwhile."""
    blocker = sqlite3.connect(gateway.home / "vipgate.db", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        blocker.execute("ROLLBACK")
        blocker.close()


class Pushes:
    """Pushes of one park, each on a thread and a connection of its own."""

    def __init__(self, gateway: Gateway, park_uuid: str, numbers: range) -> None:
        self.answers: list[Answer] = []
        self._gateway = gateway
        self._threads = [threading.Thread(target=self._push, args=(body_of(park_uuid, one),)) for one in numbers]
        for one in self._threads:
            one.start()

    def _push(self, body: bytes) -> None:
        self.answers.append(self._gateway.push(body))

    def wait_for(self, answers: int) -> None:
        deadline_s = time.monotonic() + WAIT_S
        while len(self.answers) < answers and time.monotonic() < deadline_s:
            time.sleep(0.01)
        assert len(self.answers) >= answers

    def join(self) -> list[str]:
        for one in self._threads:
            one.join(WAIT_S)
        return [answer.code for answer in self.answers]


def held(gateway: Gateway, park_uuid: str) -> int:
    with gateway.store() as store:
        return sum(1 for _ in store.iter_records(park_uuid, Filter()))


def started(own: Gateway, room: int) -> Gateway:
    own.settings["VIPGATE_QUEUE_REQUESTS_MAX"] = str(room)
    for park_uuid in QUIET:
        own.add_park(park_uuid)
    return own.start()


def test_park_that_floods_is_refused_and_every_other_is_served(own: Gateway) -> None:
    gateway = started(own, ROOM)
    with stalled(gateway):
        noisy = Pushes(gateway, PARK, range(1, 1 + FLOOD))
        noisy.wait_for(FLOOD // 3)
        quiet = [Pushes(gateway, park_uuid, range(1, 2)) for park_uuid in QUIET]
        # Longer would not be wrong, only slower: the quiet ones are to find the flood before them.
        time.sleep(0.3)
    assert [one.join() for one in quiet] == [["1001"]] * len(QUIET)
    codes = noisy.join()
    assert set(codes) == {"1001", "503"}
    refused = [answer for answer in noisy.answers if answer.code == "503"]
    assert all(int(answer.headers["retry-after"]) > 0 and "该车场" in answer.envelope["hint"] for answer in refused)
    assert held(gateway, PARK) == codes.count("1001")
    assert [held(gateway, park_uuid) for park_uuid in QUIET] == [1] * len(QUIET)


def looks_full(gateway: Gateway) -> list[Answer]:
    """The answer to a head alone, where it gets one: without its body nothing else is answered so soon."""
    with connected(gateway) as connection:
        connection.settimeout(0.1)
        connection.sendall(head(length=1_000_000))
        try:
            return parse(connection.recv(65_536))
        except TimeoutError:
            return []


def filled(gateway: Gateway) -> list[Pushes]:
    """Pushes until one is being written and another takes all the room there is."""
    pushes: list[Pushes] = []
    for park_uuid in QUIET:
        pushes.append(Pushes(gateway, park_uuid, range(1, 2)))
        # Full for a moment is what it is before the first is taken to be written.
        looks = []
        for _ in range(3):
            time.sleep(0.1)
            looks.append(looks_full(gateway))
        if all(looks):
            return pushes
    raise AssertionError("the gateway does not get full")


def test_full_gateway_refuses_on_the_head_alone_and_keeps_the_connection(own: Gateway) -> None:
    gateway = started(own, 1)
    kept = gateway.connect()
    try:
        assert send(kept, body_of(PARK, 1)).code == "1001"
        with stalled(gateway):
            waiting = filled(gateway)
            refused = send(kept, body_of(PARK, 2))
            since_s = time.monotonic()
            [early] = looks_full(gateway)
            # Who does not wait is not heard sooner: refusing over and over would leave no time for the others.
            assert send(kept, body_of(PARK, 2)).status == 503
            assert time.monotonic() - since_s > 1.5
        assert (refused.status, "connection" in refused.headers) == (503, False)
        assert (early.status, early.headers["retry-after"], early.headers["connection"]) == (503, "2", "close")
        codes = [code for one in waiting for code in one.join()]
        assert codes.count("1001") == 2
        # The connection that was refused on goes on.
        assert send(kept, body_of(PARK, 2)).code == "1001"
    finally:
        kept.close()
    assert held(gateway, PARK) == 2


def test_proxy_that_brings_a_refusal_back_is_listened_to_for_the_others(own: Gateway) -> None:
    own.settings["VIPGATE_TRUSTED_PROXIES"] = "127.0.0.1"
    gateway = started(own, 1)
    proxy = gateway.connect()
    try:
        with stalled(gateway):
            waiting = filled(gateway)
            since_s = time.monotonic()
            refused = [send(proxy, body_of(PARK, 2)) for _ in range(20)]
            # With a rest after each it would be forty.
            assert time.monotonic() - since_s < 20
        assert {(one.status, one.headers["retry-after"]) for one in refused} == {(503, "2")}
        for one in waiting:
            one.join()
    finally:
        proxy.close()


STRANGER, OTHER = "X-Forwarded-For: 203.0.113.9\r\n", {"X_Forwarded_For": "198.51.100.1"}
A_MIB = 1024 * 1024


def test_stranger_who_ends_none_of_his_bodies_keeps_nobody_else_out(own: Gateway) -> None:
    own.settings |= {"VIPGATE_BODY_BYTES_MAX": str(A_MIB), "VIPGATE_TOTAL_BODY_BYTES_MAX": str(16 * A_MIB)}
    own.settings["VIPGATE_TRUSTED_PROXIES"] = "127.0.0.1"
    gateway = own.start()
    large = encode_renewals(PARK, sample_renewals(1_500, 1, until_us=UNTIL_US))
    small = body_of(PARK, 5_000)
    assert len(small) < 65_536 < len(large) < A_MIB
    with ExitStack() as open_ones:
        strangers = [open_ones.enter_context(connected(gateway)) for _ in range(18)]
        refused = 0
        for one in strangers:
            one.sendall(head(STRANGER, length=A_MIB))
            try:
                one.sendall(b" " * (A_MIB - 65_536))
                one.settimeout(0.1)
                refused += one.recv(65_536).startswith(b"HTTP/1.1 503")
            except TimeoutError:
                continue
            except OSError:
                refused += 1
        assert 0 < refused < len(strangers)
        assert [gateway.push(body, **OTHER).code for body in (small, large)] == ["1001"] * 2
