"""Every odd framing of the table gets the answer wanted, on both ports; and so does every odd way to use a connection."""

from __future__ import annotations

import re
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from support.framing_cases import CASES, HEALTH, INSIDE_CASES, Case, chunked, health, push
from support.gateway_process import Gateway
from support.http_responses import Answered, read_answers
from vipgate.cli.sample import PAGE_BODY, PAGE_PARK_UUID, PAGE_SECRET
from vipgate.store.interfaces.ledger import Filter

WAIT_S = 20.0
SEND_S = 1.0
GOODBYE = health(b"Connection: close")
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.fixture(scope="module")
def framed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway that is soon tired of waiting."""
    made = Gateway(
        tmp_path_factory.mktemp("home"),
        {"VIPGATE_REQUEST_TIMEOUT_S": f"{SEND_S:g}", "VIPGATE_KEEPALIVE_TIMEOUT_S": "15"},
        admin=True,
    )
    made.add_park(PAGE_PARK_UUID, PAGE_SECRET)
    made.start()
    yield made
    assert made.stop() == 0


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as connection:
        yield connection


def read_to_end(connection: socket.socket) -> bytes:
    received = b""
    while piece := connection.recv(65_536):
        received += piece
    return received


def read_heads(connection: socket.socket, count: int) -> bytes:
    """What comes until `count` answers have begun and the last of them is whole."""
    received = b""
    while received.count(b"HTTP/1.1 ") < count or not received.endswith((b"}", b"\r\n\r\n")):
        piece = connection.recv(65_536)
        assert piece, f"closed after {received!r}"
        received += piece
    return received


def statuses(received: bytes) -> tuple[int, ...]:
    asked_on = received.count(CONTINUE)
    return (*[100] * asked_on, *[one.status for one in read_answers(received)])


def stored(gateway: Gateway) -> int:
    with gateway.store() as store:
        return sum(1 for _ in store.iter_records(PAGE_PARK_UUID, Filter()))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_framing_gets_the_answer_wanted(framed: Gateway, case: Case) -> None:
    with connected(framed.port) as connection:
        connection.sendall(case.sent)
        if case.closes:
            assert statuses(read_to_end(connection)) == case.answers
            return
        received = read_heads(connection, len(case.answers))
        # Open and in step: the next request is understood and answered.
        connection.sendall(GOODBYE)
        assert statuses(received + read_to_end(connection)) == (*case.answers, 200)


def test_only_what_was_answered_is_stored(framed: Gateway) -> None:
    """All the pushes of the table carry one and the same record."""
    assert stored(framed) == 1


@pytest.mark.parametrize("case", INSIDE_CASES, ids=lambda case: case.name)
def test_framing_gets_the_answer_wanted_on_the_inside_port(framed: Gateway, case: Case) -> None:
    with connected(framed.admin_port) as connection:
        connection.sendall(case.sent if case.closes else case.sent + GOODBYE)
        received = read_to_end(connection)
    found = re.findall(rb"HTTP/1\.1 (\d{3}) ", received)
    assert tuple(map(int, found)) == (case.answers if case.closes else (*case.answers, 200))


# ---- ways to use a connection -------------------------------------------------------------------------------------------


def answered(connection: socket.socket) -> list[Answered]:
    return read_answers(read_to_end(connection))


@pytest.mark.parametrize(
    ("first", "drip"),
    [
        (b"POST /gate HTTP/1.1\r\nHost: x\r\nX: ", b"a"),
        (push(body=b""), b" "),
        (chunked(chunks=b"1\r\n \r\n", end=b""), b"1\r\n \r\n"),
        (chunked(end=b"0\r\n"), b"X: a\r\n"),
    ],
    ids=["head", "body", "chunks", "trailers"],
)
def test_sender_that_goes_on_drop_by_drop_gets_no_time_for_it(framed: Gateway, first: bytes, drip: bytes) -> None:
    with connected(framed.port) as connection:
        connection.sendall(first)
        connection.settimeout(0.05)
        received = b""
        deadline_s = time.monotonic() + WAIT_S
        while not received and time.monotonic() < deadline_s:
            connection.sendall(drip)
            with suppress(TimeoutError):
                received = connection.recv(65_536)
        connection.settimeout(WAIT_S)
        connection.shutdown(socket.SHUT_WR)
        [answer] = read_answers(received + read_to_end(connection))
    assert answer.code == "400"
    assert f"{SEND_S:g}" in answer.envelope["hint"]


def test_slow_reader_gets_every_answer_whole(framed: Gateway) -> None:
    with connected(framed.port) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        connection.sendall(HEALTH * 200 + GOODBYE)
        received = b""
        while piece := connection.recv(777):
            received += piece
            time.sleep(0.001)
    assert [one.status for one in read_answers(received)] == [200] * 201


@pytest.mark.parametrize(
    ("sent", "wanted"),
    [
        (b"", []),
        (b"\r\n", []),
        (b"POST", ["400"]),
        (push(body=b""), ["400"]),
        (push(body=PAGE_BODY[:-1]), ["400"]),
        (push(), ["1001"]),
        (push() + push(), ["1001", "1001"]),
        (push() + push(body=b""), ["1001", "400"]),
        (chunked(end=b""), ["400"]),
        (chunked(end=b"0\r\n"), ["400"]),
        (chunked(), ["1001"]),
        (push(b"Expect: 100-continue", body=b""), ["400"]),
        (push(start=b"POST /nowhere HTTP/1.1", body=b""), ["404"]),
    ],
)
def test_end_of_sending_is_answered_at_once_and_the_connection_closed(
    framed: Gateway, sent: bytes, wanted: list[str]
) -> None:
    with connected(framed.port) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        assert [one.code for one in answered(connection)] == wanted


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@pytest.mark.parametrize(
    "sent", [b"", b"POST /", push(body=b"{"), push(), push() * 50, push(start=b"POST /no HTTP/1.1")]
)
def test_reset_in_the_middle_harms_nobody_else(framed: Gateway, sent: bytes) -> None:
    with connected(framed.port) as other:
        for _ in range(20):
            with connected(framed.port) as connection:
                connection.sendall(sent)
                reset(connection)
        other.sendall(push(b"Connection: close"))
        assert [one.code for one in answered(other)] == ["1001"]
    assert "Traceback" not in (framed.home / "log").read_text(encoding="utf-8")


def test_answers_come_in_the_order_of_the_requests(framed: Gateway) -> None:
    """However long each takes: a refusal that needs no commit must not overtake a push."""
    missing = HEALTH.replace(b"/healthz", b"/missing")
    with connected(framed.port) as connection:
        connection.sendall((push() + missing + HEALTH) * 20 + GOODBYE)
        assert [one.status for one in answered(connection)] == [200, 404, 200] * 20 + [200]


def test_requests_behind_a_broken_one_are_not_carried_out(framed: Gateway) -> None:
    before = stored(framed)
    another = PAGE_BODY.replace(b"pay_partner_1234567890", b"behind_a_broken_one000")
    with connected(framed.port) as connection:
        connection.sendall(push() + health(b"X : a") + push(body=another))
        assert [one.code for one in answered(connection)] == ["1001", "400"]
    assert stored(framed) == before
