"""The HTTP edge, from the outside and by raw bytes: bounds, deadlines, framing, and an envelope for everything."""

from __future__ import annotations

import json
import socket
import sqlite3
import threading
import time
from contextlib import ExitStack
from typing import Any

import pytest

from support.gateway_process import PARK, SECRET, Answer, Gateway, send
from support.raw_http import WAIT_S, connected, head, parse
from vipgate.cli.sample import PAGE_BODY, sample_renewals
from vipgate.gateway.limits.connection_quota import FULL
from vipgate.protocol.authentication import signed_headers
from vipgate.protocol.envelope import BODY_BYTES_MAX, PUSH_PATH, encode_renewals
from vipgate.store.interfaces.ledger import Filter

CLOSE = "Connection: close\r\n"
UNTIL_US = 1_795_492_800_000_000


def read_to_end(connection: socket.socket) -> bytes:
    received = b""
    while piece := connection.recv(65_536):
        received += piece
    return received


def exchange(gateway: Gateway, *pieces: bytes) -> list[Answer]:
    """Sends `pieces` and reads until the gateway closes; the answers."""
    with connected(gateway) as connection:
        for piece in pieces:
            connection.sendall(piece)
        return parse(read_to_end(connection))


def refused(answers: list[Answer], status: int) -> Answer:
    """The one answer, which is an envelope with `status`."""
    [answer] = answers
    assert (answer.status, answer.code) == (status, str(status))
    assert list(answer.envelope) == ["code", "message", "hint", "seqno"]
    assert len(answer.envelope["seqno"]) == 32
    return answer


def codes(answers: list[Answer]) -> list[str]:
    return [answer.code for answer in answers]


# ---- framing ---------------------------------------------------------------------------------------------------------


def test_push_in_one_piece_is_answered(gateway: Gateway) -> None:
    [answer] = exchange(gateway, head(CLOSE) + PAGE_BODY)
    assert (answer.status, answer.code) == (200, "1001")
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert list(answer.envelope) == ["code", "message", "seqno", "payload"]


def test_push_byte_by_byte_is_answered(gateway: Gateway) -> None:
    whole = head(CLOSE) + PAGE_BODY
    assert codes(exchange(gateway, *[whole[place : place + 1] for place in range(len(whole))])) == ["1001"]


def test_push_in_chunks_is_answered(gateway: Gateway) -> None:
    chunks = b"".join(b"%x;note=1\r\n%s\r\n" % (len(piece), piece) for piece in (PAGE_BODY[:7], PAGE_BODY[7:]))
    chunked = head(CLOSE + "Transfer-Encoding: chunked\r\n", length=None)
    assert codes(exchange(gateway, chunked + chunks + b"0\r\nTrailer: x\r\n\r\n")) == ["1001"]


def test_connection_stays_open_for_the_next_push(gateway: Gateway) -> None:
    connection = gateway.connect()
    assert [send(connection, PAGE_BODY).code for _ in range(3)] == ["1001"] * 3
    connection.close()


def test_pushes_sent_without_waiting_are_answered_in_order(gateway: Gateway) -> None:
    bad = PAGE_BODY.replace(b'"quantity":"1"', b'"quantity":"x"')
    signed = "".join(f"{name}: {text}\r\n" for name, text in signed_headers(bad, SECRET).items())
    wrong = f"POST {PUSH_PATH} HTTP/1.1\r\nHost: g\r\n{signed}Content-Length: {len(bad)}\r\n\r\n".encode() + bad
    good = head() + PAGE_BODY
    assert codes(exchange(gateway, good + wrong + good + head(CLOSE) + PAGE_BODY)) == ["1001", "400", "1001", "1001"]


def test_client_that_asks_first_is_told_to_go_on(gateway: Gateway) -> None:
    with connected(gateway) as connection:
        connection.sendall(head(CLOSE + "Expect: 100-continue\r\n"))
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(PAGE_BODY)
        assert codes(parse(read_to_end(connection))) == ["1001"]


@pytest.mark.parametrize(("path", "length", "status"), [("/nowhere", 10, 404), (PUSH_PATH, BODY_BYTES_MAX + 1, 413)])
def test_client_that_asks_first_is_refused_before_it_sends(
    gateway: Gateway, path: str, length: int, status: int
) -> None:
    refused(exchange(gateway, head("Expect: 100-continue\r\n", path=path, length=length)), status)


def test_offer_of_another_protocol_is_not_taken_up_and_loses_nothing(gateway: Gateway) -> None:
    offer = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
    with connected(gateway) as connection:
        for piece in (head(offer)[:90], head(offer)[90:], PAGE_BODY[:20], PAGE_BODY[20:], head(offer) + PAGE_BODY):
            connection.sendall(piece)
        connection.sendall(head(CLOSE) + PAGE_BODY)
        assert codes(parse(read_to_end(connection))) == ["1001"] * 3


def test_half_closed_connection_still_gets_its_answer(gateway: Gateway) -> None:
    with connected(gateway) as connection:
        connection.sendall(head() + PAGE_BODY)
        connection.shutdown(socket.SHUT_WR)
        assert codes(parse(read_to_end(connection))) == ["1001"]


def test_request_that_ends_in_the_middle_is_refused(gateway: Gateway) -> None:
    with connected(gateway) as connection:
        connection.sendall(head() + PAGE_BODY[:50])
        connection.shutdown(socket.SHUT_WR)
        refused(parse(read_to_end(connection)), 400)


@pytest.mark.parametrize(
    "stream",
    [
        b"hello there\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n",
        head("Authorization: x\r\n" + CLOSE) + PAGE_BODY,
        head("Content-Length: 5\r\n") + PAGE_BODY,
        head("Transfer-Encoding: chunked\r\n") + PAGE_BODY,
        head("Transfer-Encoding: chunked\r\n", length=None) + b"zz\r\n",
        head("X: a\r\n b\r\n" + CLOSE).replace(b"X: a", b"X : a") + PAGE_BODY,
    ],
)
def test_request_that_means_nothing_or_two_things_is_refused_in_an_envelope(gateway: Gateway, stream: bytes) -> None:
    refused(exchange(gateway, stream), 400)


@pytest.mark.parametrize("keep", [True, False])
def test_http_1_0_is_answered(gateway: Gateway, keep: bool) -> None:
    asked = b"GET /healthz HTTP/1.0\r\n" + (b"Connection: keep-alive\r\n" if keep else b"") + b"\r\n"
    answers = exchange(gateway, *[asked] * (2 if keep else 1), *([b"GET /healthz HTTP/1.0\r\n\r\n"] if keep else []))
    assert [answer.status for answer in answers] == [200] * (3 if keep else 1)
    assert answers[0].headers["connection"] == ("keep-alive" if keep else "close")


# ---- bounds ----------------------------------------------------------------------------------------------------------


def test_body_over_the_limit_is_refused_while_it_is_still_being_sent(gateway: Gateway) -> None:
    with connected(gateway) as connection:
        connection.sendall(head(length=BODY_BYTES_MAX + 4_000_000))
        for _ in range(20):
            connection.sendall(b"x" * 1_000_000)
        hint = refused(parse(read_to_end(connection)), 413).envelope["hint"]
    assert str(BODY_BYTES_MAX) in hint


def test_chunked_body_over_the_limit_is_refused_while_reading(gateway: Gateway) -> None:
    with connected(gateway) as connection:
        connection.sendall(head("Transfer-Encoding: chunked\r\n", length=None))
        for _ in range(18):
            connection.sendall(b"100000\r\n" + b"x" * 0x100000 + b"\r\n")
        refused(parse(read_to_end(connection)), 413)


@pytest.mark.parametrize("end", [b"", b"\r\n\r\n"])
def test_oversized_head_is_refused(gateway: Gateway, end: bytes) -> None:
    stream = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: " + b"a" * 40_000 + end
    assert "16384" in refused(exchange(gateway, stream), 413).envelope["hint"]


@pytest.mark.parametrize("sent", [b"POST /gate", head(), head() + b"{"])
def test_slow_sender_is_cut_off_with_an_envelope(gateway: Gateway, sent: bytes) -> None:
    assert "1.5" in refused(exchange(gateway, sent), 400).envelope["hint"]


def test_idle_connection_is_closed(gateway: Gateway) -> None:
    assert exchange(gateway) == []


def test_reader_that_never_reads_is_not_read_from_for_ever(gateway: Gateway) -> None:
    with connected(gateway) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(0.5)
        sent = 0
        try:
            while sent < 64 * 1024 * 1024:
                sent += connection.send((head() + PAGE_BODY) * 100)
        except OSError:
            pass
        assert sent < 64 * 1024 * 1024


def test_caller_on_the_machine_itself_may_have_all_connections_and_the_next_is_told_to_come_back(own: Gateway) -> None:
    own.settings["VIPGATE_CONNECTIONS_MAX"] = "4"
    gateway = own.start()
    with ExitStack() as open_ones:
        for connection in [open_ones.enter_context(connected(gateway)) for _ in range(4)]:
            connection.sendall(head() + PAGE_BODY)
            assert codes(parse(connection.recv(65_536))) == ["1001"]
        answer = refused(exchange(gateway), 503)
    assert answer.headers["retry-after"] == "5"
    assert answer.envelope["hint"] == FULL.zh


# ---- paths -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/readyz", "/metrics", PUSH_PATH + "/", "/healthz/x", "//healthz"])
def test_outside_port_knows_nothing_but_the_push_and_healthz(gateway: Gateway, path: str) -> None:
    refused(exchange(gateway, f"GET {path} HTTP/1.1\r\nHost: x\r\n{CLOSE}\r\n".encode()), 404)


def test_wrong_method_is_told_the_right_one_in_the_caller_s_language(gateway: Gateway) -> None:
    stream = f"GET {PUSH_PATH}?a=1 HTTP/1.1\r\nHost: x\r\nAccept-Language: en-GB,zh;q=0.5\r\n{CLOSE}\r\n".encode()
    answer = refused(exchange(gateway, stream), 405)
    assert answer.headers["allow"] == "POST"
    assert answer.envelope["message"] == "method not allowed"
    assert "takes POST, got GET" in answer.envelope["hint"]


@pytest.mark.parametrize("target", ["/healthz", "/healthz?x=1", "http://gate/healthz"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_healthz_is_answered(gateway: Gateway, target: str, method: str) -> None:
    with connected(gateway) as connection:
        connection.sendall(f"{method} {target} HTTP/1.1\r\nHost: x\r\n{CLOSE}\r\n".encode())
        answer = read_to_end(connection)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b'{"status":"ok"}' if method == "GET" else b"\r\n\r\n")


def test_inside_port_is_ready_and_takes_no_push(gateway: Gateway) -> None:
    inside = Gateway(gateway.home, outside=gateway.inside)
    ready = f"GET /readyz HTTP/1.1\r\nHost: x\r\n{CLOSE}\r\n".encode()
    assert [answer.envelope for answer in exchange(inside, ready)] == [{"status": "ok"}]
    with connected(inside) as connection:
        connection.sendall(head(CLOSE) + PAGE_BODY)
        assert read_to_end(connection).startswith(b"HTTP/1.1 404 ")


def test_status_stays_200_for_clients_that_cannot_read_errors(own: Gateway) -> None:
    own.settings["VIPGATE_ALWAYS_200"] = "1"
    own.start()
    answer = own.push(PAGE_BODY, "wrong")
    assert (answer.status, answer.code) == (200, "401")


# ---- the pipeline behind it ----------------------------------------------------------------------------------------------


def body_of(
    count: int, *, first: int = 1, complete: bool = False, operator: str | None = None, padding: str = ""
) -> bytes:
    """A push of `count` records; `padding` makes each row larger."""
    rows = list(sample_renewals(count, 7, until_us=UNTIL_US, first=first))
    body = json.loads(encode_renewals(PARK, rows, complete=complete))
    for row in body["row"]:
        row["pay_partner"] = f"P{row['pay_partner'][-8:]}"
        if operator is not None:
            row["operator"] = operator
        if padding:
            row["padding"] = padding
    return json.dumps(body).encode()


def held(gateway: Gateway) -> dict[str, Any]:
    with gateway.store() as store:
        return {one.renewal.pay_partner: one for one in store.iter_records(PARK, Filter())}


def test_small_push_never_overtakes_a_large_one_of_its_park(own: Gateway) -> None:
    own.start()
    large = body_of(4_000, operator="first", padding="x" * 400)
    small = body_of(5, operator="then")
    assert len(large) > 1024 * 1024 > len(small)
    signed = "".join(f"{name}: {text}\r\n" for name, text in signed_headers(large, SECRET).items())
    large_came_first = 0
    for _ in range(6):
        with connected(own) as connection:
            start = f"POST {PUSH_PATH} HTTP/1.1\r\nHost: g\r\n{signed}Content-Length: {len(large)}\r\n{CLOSE}\r\n"
            connection.sendall(start.encode() + large)
            time.sleep(0.01)
            after = own.push(small)
            [before] = parse(read_to_end(connection))
        assert (before.code, after.code) == ("1001", "1001")
        # A seqno is given out when a request is whole: the later one must win.
        later_is_small = after.envelope["seqno"] > before.envelope["seqno"]
        large_came_first += later_is_small
        winners = {held(own)[number].renewal.operator for number in sorted(held(own))[:5]}
        assert winners == {"then" if later_is_small else "first"}
    assert large_came_first, "the large push was never the first: the test has seen nothing"


def test_many_callers_at_once_are_all_answered_and_stored_once(own: Gateway) -> None:
    own.start()
    answers: list[str] = []

    def client(number: int) -> None:
        connection = own.connect()
        answers.extend(send(connection, body_of(3, first=number * 100 + place * 3)).code for place in range(5))
        connection.close()

    clients = [threading.Thread(target=client, args=(number,)) for number in range(1, 101)]
    for one in clients:
        one.start()
    for one in clients:
        one.join()
    assert answers == ["1001"] * 500
    assert len(held(own)) == 1_500


def test_full_queue_says_busy_and_when_to_come_back_and_loses_nothing(own: Gateway) -> None:
    own.settings["VIPGATE_QUEUE_REQUESTS_MAX"] = "3"
    own.start()
    assert own.push(body_of(1)).code == "1001"
    blocker = sqlite3.connect(own.home / "vipgate.db", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    answers: list[Answer] = []

    def client(number: int) -> None:
        answers.append(own.push(body_of(1, first=number)))

    clients = [threading.Thread(target=client, args=(number,)) for number in range(2, 14)]
    for one in clients:
        one.start()
    deadline_s = time.monotonic() + WAIT_S
    while len(answers) < 6 and time.monotonic() < deadline_s:
        time.sleep(0.01)
    busy = list(answers)
    # The event loop is free while the store waits.
    assert exchange(own, f"GET /healthz HTTP/1.1\r\nHost: x\r\n{CLOSE}\r\n".encode())[0].status == 200
    blocker.execute("ROLLBACK")
    blocker.close()
    for one in clients:
        one.join()
    assert len(busy) >= 6  # of 12, at most 3 are being written and 3 wait
    assert {(answer.status, answer.code) for answer in busy} == {(503, "503")}
    assert all(int(answer.headers["retry-after"]) > 0 and answer.envelope["hint"] for answer in busy)
    stored = sum(answer.code == "1001" for answer in answers)
    assert stored >= 1
    assert len(held(own)) == 1 + stored


def test_stop_answers_what_is_still_being_sent(own: Gateway) -> None:
    own.start()
    with connected(own) as connection:
        connection.sendall(head() + PAGE_BODY[:40])
        time.sleep(0.2)
        assert own.process is not None
        own.process.terminate()
        time.sleep(0.3)
        connection.sendall(PAGE_BODY[40:])
        assert codes(parse(read_to_end(connection))) == ["1001"]
    assert own.process.wait(WAIT_S) == 0
    assert len(held(own)) == 1


def test_wrong_signature_is_explained_and_found_in_the_request_log_at_once(gateway: Gateway) -> None:
    answer = gateway.push(PAGE_BODY, SECRET, Authorization="0" * 32)
    assert answer.code == "401"
    with gateway.store() as store:
        entry = store.request_log_entry(answer.envelope["seqno"])
    assert entry is not None
    assert (entry.park_uuid, entry.claimed, entry.code) == (None, PARK, "401")
    assert entry.hint is not None
    assert entry.hint.zh == answer.envelope["hint"]


def test_unknown_disabled_and_wrongly_signed_get_the_same_answer(gateway: Gateway) -> None:
    unknown = gateway.push(PAGE_BODY.replace(PARK.encode(), b"f" * 36))
    wrong = gateway.push(PAGE_BODY, "wrong")
    assert (unknown.code, unknown.envelope["hint"]) == (wrong.code, wrong.envelope["hint"])


def test_refused_body_is_kept_for_the_operator(gateway: Gateway) -> None:
    bad = PAGE_BODY.replace(b'"plate_color":"1"', b'"plate_color":"9"')
    answer = gateway.push(bad)
    assert answer.code == "400"
    assert answer.envelope["hint"] == 'row[0].plate_color: 应为 1,2,3,4,5,-1 之一, 收到 "9"'
    with gateway.store() as store:
        assert store.rejected_body(answer.envelope["seqno"]) == bad
