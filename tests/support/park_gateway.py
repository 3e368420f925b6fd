"""A park's own gateway on a real socket, which does to each request what a test says; and how to ask it."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from support.rerouting import NEAR, rerouted
from vipgate.domain.charge_types import SERVICE, ChargeTypesError, fetch_charge_types
from vipgate.i18n import LocalizedText
from vipgate.store.interfaces.queries import ChargeType
from vipgate.support.safe_http import ANSWER_BYTES_MAX

PARK = "49f0cc52-e8c7-41e3-b54d-af666b8cc11a"
SECRET = "12323232323"
ROW = {"id": "101", "name": "月卡", "vip_type": "1", "price": "30000"}
DONE = {"service": SERVICE, "version": "1.0", "charset": "UTF-8", "result_code": "1001", "message": ""}

Behaviour = Callable[[socket.socket], None]


@dataclass
class ParkGateway:
    """A server that reads one request a connection and then does what the test says."""

    behave: Behaviour
    tls: ssl.SSLContext | None = None
    requests: list[bytes] = field(default_factory=list)
    port: int = 0

    def __enter__(self) -> ParkGateway:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            plain.settimeout(5)
            with plain:
                try:
                    connection = self.tls.wrap_socket(plain, server_side=True) if self.tls else plain
                    self.requests.append(_read_request(connection))
                    self.behave(connection)
                    connection.shutdown(socket.SHUT_RDWR)
                    connection.close()
                except OSError:
                    continue


def _read_request(connection: socket.socket) -> bytes:
    request = b""
    while b"\r\n\r\n" not in request:
        request += connection.recv(4096)
    head, _, body = request.partition(b"\r\n\r\n")
    length = int(next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")).split()[1])
    while len(body) < length:
        body += connection.recv(4096)
    return head + b"\r\n\r\n" + body


def sends(body: bytes | object, status: str = "200 OK", content_type: str = "application/json") -> Behaviour:
    content = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(content)}\r\n\r\n"
    return lambda connection: connection.sendall(head.encode() + content)


def drips(piece: bytes, pause_s: float = 0.05) -> Behaviour:
    """Something for ever, a little at a time."""

    def behave(connection: socket.socket) -> None:
        event = threading.Event()
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while not event.wait(pause_s):
            connection.sendall(piece)

    return behave


def floods(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(ANSWER_BYTES_MAX // 0x10000 + 64):
        connection.sendall(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
    connection.sendall(b"0\r\n\r\n")


def fetch(gateway: ParkGateway, total_s: float = 5.0, host: str = NEAR, **options: Any) -> list[ChargeType]:
    options = {"allow_private": True} | options
    address = f"{'https' if gateway.tls else 'http'}://{host}:{gateway.port}/gateway/1.0/dispatch"
    with rerouted():
        return fetch_charge_types(address, PARK, SECRET, total_s=total_s, **options)


def refusal(behave: Behaviour, total_s: float = 5.0) -> LocalizedText:
    with ParkGateway(behave) as gateway, pytest.raises(ChargeTypesError) as caught:
        fetch(gateway, total_s)
    return caught.value.words
