"""No header is a fault of ours, on either port, over a real socket to a real process."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, example, given, settings

from support.admin_port import answers, body_of, eventually
from support.fuzz_strategies import odd_headers
from support.gateway_process import PARK, SECRET, Gateway
from support.http_responses import read_answers
from vipgate.protocol.envelope import PUSH_PATH
from vipgate.protocol.signature_md5 import sign

TRUSTED = "127.0.0.1"
WAIT_S = 20
BODY = body_of(1)
STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ").findall
KNOWN = [b"Content-Type: application/json; charset*1=x; charset*=y", b"Origin: http://[", b"Host: ["]
ASKED = (
    ("GET", "/login", b""),
    ("POST", "/login", b"name=a&password=b"),
    ("GET", "/api/v1/parks", b""),
    ("GET", "/api/nowhere", b""),
    ("GET", "/metrics", b""),
    ("GET", "/static/console.css", b""),
)
wild = settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def behind_a_proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Trusts what is said of callers here, so that it is read; ends without a fault in its log."""
    made = Gateway(tmp_path_factory.mktemp("home"), admin=True)
    made.add_park(PARK)
    made.start("--trusted-proxies", TRUSTED)
    eventually(lambda: answers(made), "the admin port")
    yield made
    assert made.stop() == 0
    log = (made.home / "log").read_text(encoding="utf-8")
    assert "Traceback" not in log
    assert [line for line in log.splitlines() if line.startswith("{") and json.loads(line)["level"] == "error"] == []


def exchange(port: int, first: str, ours: dict[str, str], lines: bytes, body: bytes) -> bytes:
    """All that comes back; a line of `lines` stands in place of one of `ours` that has its name."""
    named = {line.partition(b":")[0].strip().lower().decode("latin-1") for line in lines.split(b"\r\n")}
    kept = "".join(f"{name}: {text}\r\n" for name, text in ours.items() if name.lower() not in named)
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as connection:
        with suppress(OSError):  # It may be refused and closed before all of it is sent.
            connection.sendall(f"{first} HTTP/1.1\r\n{kept}".encode() + lines + b"\r\n\r\n" + body)
            connection.shutdown(socket.SHUT_WR)
        with suppress(ConnectionError):
            while piece := connection.recv(65_536):
                received += piece
    return received


@given(odd_headers(KNOWN))
@wild
@example(KNOWN[0])
def test_no_header_of_a_push_is_a_fault_of_ours(behind_a_proxy: Gateway, lines: bytes) -> None:
    ours = {"Host": "gate", "Content-Length": str(len(BODY)), "Authorization": sign(BODY, SECRET)}
    for answer in read_answers(exchange(behind_a_proxy.port, f"POST {PUSH_PATH}", ours, lines, BODY)):
        assert answer.status in (200, 400, 401, 403, 404, 405, 413)


@given(odd_headers(KNOWN))
@wild
@example(KNOWN[1])
@example(KNOWN[2])
def test_no_header_of_a_request_on_the_inside_port_is_a_fault_of_ours(behind_a_proxy: Gateway, lines: bytes) -> None:
    for method, path, body in ASKED:
        ours = {"Host": "inside", "Content-Length": str(len(body)), "Connection": "close"}
        statuses = STATUS(exchange(behind_a_proxy.admin_port, f"{method} {path}", ours, lines, body))
        assert all(100 <= int(status) < 500 for status in statuses), statuses
