"""A platform that is not this gateway: it speaks the interface in a way of its own, as the test's rule says."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from bench.records import SECRET

from vipgate.protocol.envelope import PUSH_PATH
from vipgate.protocol.signature_hmac import (
    ID_HEADER,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    WebhookSignature,
    hmac_matches,
)
from vipgate.protocol.signature_md5 import sign

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Reply:
    """What the platform answers. `pieces` come one after the other, `pause_s` apart, for ever where `is_endless`."""

    status: int = 200
    body: bytes = b'{"code":"1001","message":"ok","seqno":"1"}'
    headers: Mapping[str, str] = field(default_factory=dict)
    stores: bool = False
    is_endless: bool = False
    pause_s: float = 0.0

    @classmethod
    def of(cls, code: str, hint: object = None, *, status: int = 200, seqno: object = "1", **headers: str) -> Reply:
        members = {"code": code, "message": "said", "hint": hint, "seqno": seqno}
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return cls(status, json.dumps(members, ensure_ascii=False).encode(), named)


STORED = Reply(stores=True)
Rule = Callable[["Push"], Reply]


@dataclass(frozen=True)
class Push:
    """One push as it came; `number` counts from 1."""

    number: int
    at_s: float
    path: str
    rows: list[Row]
    webhook_id: str

    @property
    def keys(self) -> list[str]:
        return [str(row["pay_partner"]) for row in self.rows]


class OddPlatform:
    """Takes pushes on a port of its own. `rule` decides on each; what it stores is in `held`, newest arrival last."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.pushes: list[Push] = []
        self.held: dict[str, Row] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.port = int(self._http.server_address[1])
        self.url = f"http://127.0.0.1:{self.port}"

    @contextmanager
    def running(self) -> Iterator[OddPlatform]:
        thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._stopping.set()
            self._http.shutdown()
            thread.join(5)
            self._http.server_close()

    def take(self, path: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Notes a push and stores it where the rule says so."""
        stamp = WebhookSignature(*(headers.get(name, "") for name in (ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER)))
        if headers.get("Authorization") != sign(body, SECRET) and not hmac_matches(body, stamp, SECRET):
            return Reply.of("401", "signature")
        with self._lock:
            push = Push(len(self.pushes) + 1, time.monotonic(), path, json.loads(body)["row"], stamp.id)
            self.pushes.append(push)
            reply = self.rule(push)
            if reply.stores:
                self.held |= {str(row["pay_partner"]): row for row in push.rows}
        return reply

    def pause(self, s: float) -> bool:
        """Waits; false once the platform ends."""
        return not self._stopping.wait(s)


def platform(rule: Rule) -> OddPlatform:
    """A platform whose address is that of the interface; every other path is one that nobody should come to."""
    return OddPlatform(lambda push: rule(push) if push.path == PUSH_PATH else Reply.of("404", "nobody lives here"))


def _handler(platform: OddPlatform) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            reply = platform.take(self.path, body, dict(self.headers))
            self.send_response_only(reply.status)
            for name, text in ({"Date": self.date_time_string()} | dict(reply.headers)).items():
                self.send_header(name, text)
            if reply.is_endless:
                self._send_for_ever(reply)
                return
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        do_GET = do_POST  # noqa: N815

        def _send_for_ever(self, reply: Reply) -> None:
            self.close_connection = True
            self.end_headers()
            try:
                while platform.pause(reply.pause_s):
                    self.wfile.write(reply.body)
                    self.wfile.flush()
            except OSError:
                return

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    return Handler
