"""HTTP by raw bytes: a socket, the head of a push, and the answers taken apart."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from support.gateway_process import SECRET, Answer, Gateway
from vipgate.cli.sample import PAGE_BODY
from vipgate.protocol.authentication import signed_headers
from vipgate.protocol.envelope import PUSH_PATH

WAIT_S = 15.0


def head(extra: str = "", *, path: str = PUSH_PATH, length: int | None = len(PAGE_BODY), method: str = "POST") -> bytes:
    """The head of a push of the page's example."""
    signed = "".join(f"{name}: {text}\r\n" for name, text in signed_headers(PAGE_BODY, SECRET).items())
    declared = "" if length is None else f"Content-Length: {length}\r\n"
    return f"{method} {path} HTTP/1.1\r\nHost: gate\r\n{signed}{declared}{extra}\r\n".encode()


@contextmanager
def connected(gateway: Gateway) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=WAIT_S) as connection:
        yield connection


def parse(stream: bytes) -> list[Answer]:
    answers = []
    while stream:
        raw_head, _, stream = stream.partition(b"\r\n\r\n")
        status, *lines = raw_head.decode().split("\r\n")
        headers = {name.lower(): text.strip() for name, _, text in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        body, stream = stream[:length], stream[length:]
        answers.append(Answer(int(status.split()[1]), headers, json.loads(body) if body else {}))
    return answers
