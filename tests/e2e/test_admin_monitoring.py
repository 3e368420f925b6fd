"""What can be seen of a server at its admin port, by real processes: metrics, bounds, the log."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from bench.cluster import Server, running_server

from support.admin_port import PROCESS, WAIT_S, answers, eventually, get, log_of, metric, on_postgres
from support.gateway_process import SECRET, Gateway, send
from vipgate.cli.sample import PAGE_BODY, sample_renewals
from vipgate.protocol.envelope import encode_renewals

UNTIL_US = 1_795_492_800_000_000


@pytest.fixture
def own(own: Gateway) -> Gateway:
    own.admin = True
    return own


@pytest.fixture(scope="module")
def postgres() -> Iterator[Server]:
    with running_server("max_connections=60") as server:
        yield server


# ---- metrics -----------------------------------------------------------------------------------------------------------------


def test_metrics_of_two_workers_add_up_and_outlive_one_of_them(tmp_path: Path, postgres: Server) -> None:
    gateway = on_postgres(tmp_path, postgres)
    gateway.add_park("two")
    gateway.start("--workers", "2")
    eventually(lambda: answers(gateway), "the admin port")
    assert gateway.process is not None
    for number in range(40):
        rows = list(sample_renewals(5, 1, until_us=UNTIL_US, first=1 + number * 5))
        assert gateway.push(encode_renewals("two", rows)).code == "1001"
        assert gateway.push(PAGE_BODY, "wrong").code == "401"
    killed = next(one for one in psutil.Process(gateway.process.pid).children() if PROCESS not in one.cmdline())
    killed.kill()
    eventually(lambda: not killed.is_running() or killed.status() == psutil.STATUS_ZOMBIE, "a worker gone")
    eventually(lambda: get(gateway, "/readyz")[0] == 200, "ready")
    assert metric(gateway, 'vipgate_requests_total{code="1001"}') == 40
    assert metric(gateway, 'vipgate_requests_total{code="401"}') == 40
    assert metric(gateway, 'vipgate_rows_total{outcome="inserted"}') == 200
    assert metric(gateway, "vipgate_request_seconds_count") == 80
    assert metric(gateway, "vipgate_commit_rows_sum") == 200
    assert metric(gateway, 'vipgate_request_seconds_bucket{le="+Inf"}') == 80
    eventually(lambda: 'heartbeat_timestamp_seconds{worker="1"}' in get(gateway, "/metrics")[2], "both workers")
    eventually(lambda: metric(gateway, 'vipgate_park_last_push_timestamp_seconds{park_uuid="two"}') > 0, "the park")
    assert metric(gateway, "vipgate_store_answers") == 1
    assert gateway.stop() == 0


def test_metrics_want_a_token_from_whoever_is_not_on_this_machine(own: Gateway) -> None:
    own.start()
    eventually(lambda: answers(own), "the admin port")
    assert get(own, "/metrics")[0] == 200
    status, headers, _ = get(own, "/metrics", X_Forwarded_For="203.0.113.9")
    assert (status, headers["www-authenticate"]) == (401, "Bearer")
    assert get(own, "/metrics", X_Forwarded_For="203.0.113.9", Authorization="Bearer wrong")[0] == 401
    tokens = {}
    for name, scope in (("scraper", "metrics"), ("other", "parks")):
        made = own.command("token", "add", "--name", name, "--scope", scope, "--format", "json")
        assert made.returncode == 0, made.stderr
        tokens[name] = json.loads(made.stdout)["token"]
    assert get(own, "/metrics", Via="1.1 proxy", Authorization=f"Bearer {tokens['scraper']}")[0] == 200
    assert get(own, "/metrics", Via="1.1 proxy", Authorization=f"Bearer {tokens['other']}")[0] == 403


# ---- bounds and the log -----------------------------------------------------------------------------------------------------


def raw(gateway: Gateway, *pieces: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", gateway.admin_port), timeout=WAIT_S) as connection:
        received = b""
        try:
            for piece in pieces:
                connection.sendall(piece)
            while piece := connection.recv(65_536):
                received += piece
        except OSError:
            pass
        return received


def test_body_beyond_its_bound_is_refused_whatever_its_framing(own: Gateway) -> None:
    own.start()
    eventually(lambda: answers(own), "the admin port")
    head = b"POST /login HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    declared = raw(own, head + b"Content-Length: 33554433\r\n\r\n")
    assert declared.startswith(b"HTTP/1.1 413 ")
    assert b"33554432 bytes" in declared
    chunks = [b"2000000\r\n", b"x" * 0x2000000, b"\r\n1\r\nx\r\n0\r\n\r\n"]
    counted = raw(own, head + b"Transfer-Encoding: chunked\r\n\r\n", *chunks)
    assert b" 200 " not in counted.partition(b"\r\n")[0]
    endless = raw(own, b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: ", *[b"x" * 40_000] * 20)
    assert not endless.startswith(b"HTTP/1.1 200")
    assert answers(own)


def test_log_shows_what_was_asked_without_query_and_without_plates(own: Gateway) -> None:
    own.start()
    eventually(lambda: answers(own), "the admin port")
    get(own, "/parks?text=%E7%B2%A4B12345")
    get(own, "/%E7%B2%A4B12345/%E7%B2%A4B12345")
    assert own.stop() == 0
    asked = [line for line in log_of(own) if line["event"] == "request"]
    assert {"method", "path", "status", "ms", "who", "process"} <= set(asked[-1])
    assert [line["path"] for line in asked[-2:]] == ["/parks", "/粤B***45/…"]
    assert "粤B12345" not in (own.home / "log").read_text(encoding="utf-8")


def test_connection_that_never_finishes_its_head_holds_up_nobody(own: Gateway) -> None:
    own.start()
    eventually(lambda: answers(own), "the admin port")
    crowd = []
    for _ in range(100):
        one = socket.create_connection(("127.0.0.1", own.admin_port), timeout=WAIT_S)
        one.sendall(b"GET /healthz HT")
        crowd.append(one)
    assert answers(own)
    for one in crowd:
        one.close()


def test_pushes_are_counted_with_their_bytes(own: Gateway) -> None:
    own.start()
    eventually(lambda: answers(own), "the admin port")
    connection = own.connect()
    assert send(connection, PAGE_BODY, SECRET).code == "1001"
    assert send(connection, PAGE_BODY, SECRET).code == "1001"
    assert metric(own, "vipgate_body_bytes_total") == 2 * len(PAGE_BODY)
    assert metric(own, 'vipgate_rows_total{outcome="unchanged"}') == 1
    eventually(lambda: metric(own, "vipgate_connections") == 1, "a connection that is kept")
    connection.close()
