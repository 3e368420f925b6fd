"""The guard of the admin port: bounds on size and time, and a log line for each request."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import Message, Receive, Scope, Send

from vipgate.admin.middleware import BODY_BYTES_MAX, RequestGuard
from vipgate.support.metrics import ADMIN_REQUESTS, AdminRecorder, SharedMetrics

STALL_S = 0.2


class Caller:
    """Sends one request to an application and keeps what comes back."""

    def __init__(self, *pieces: bytes, pause_s: float = 0.0) -> None:
        self._pieces = list(pieces) or [b""]
        self._pause_s = pause_s
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.body = b""
        self.whole = False

    async def receive(self) -> Message:
        await asyncio.sleep(self._pause_s)
        piece = self._pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(self._pieces)}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            assert not self.status, "two answers"
            self.status, self.headers = message["status"], dict(message["headers"])
        else:
            self.body += message.get("body", b"")
            self.whole = not message.get("more_body", False)

    def ask(self, app: Any, path: str = "/", **headers: str) -> SharedMetrics:
        shared_metrics = SharedMetrics(1)
        door = RequestGuard(app, AdminRecorder(shared_metrics), time.monotonic, STALL_S)
        named = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "POST",
            "path": path,
            "root_path": "",
            "query_string": b"a=b",
        }
        asyncio.run(door({**scope, "headers": named, "client": ("192.0.2.1", 5)}, self.receive, self.send))
        return shared_metrics


async def read_all(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads the body and answers its length."""
    await PlainTextResponse(str(len(await Request(scope, receive).body())))(scope, receive, send)


def test_body_that_declares_too_much_is_never_read() -> None:
    caller = Caller(b"never read")
    caller.ask(read_all, content_length=str(BODY_BYTES_MAX + 1))
    assert (caller.status, caller.whole) == (413, True)
    assert caller.headers[b"connection"] == b"close"


def test_body_that_declares_nothing_is_counted() -> None:
    half = bytes(BODY_BYTES_MAX // 2)
    fits, grows = Caller(half, half), Caller(half, half, b"x")
    fits.ask(read_all)
    shared_metrics = grows.ask(read_all)
    assert (fits.status, fits.body) == (200, str(BODY_BYTES_MAX).encode())
    assert (grows.status, grows.whole) == (413, True)
    assert shared_metrics.total(ADMIN_REQUESTS, range(2))[ADMIN_REQUESTS.values.index("413")] == 1


def test_application_that_answers_all_the_same_is_not_heard() -> None:
    async def swallow(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await Request(scope, receive).body()
        finally:
            await PlainTextResponse("all is well")(scope, receive, send)

    caller = Caller(bytes(BODY_BYTES_MAX), b"x")
    caller.ask(swallow)
    assert caller.status == 413
    assert b"well" not in caller.body


def test_answer_that_does_not_begin_in_time_is_given_up() -> None:
    async def hang(_: Scope, __: Receive, ___: Send) -> None:
        await asyncio.sleep(60)

    caller = Caller()
    caller.ask(hang)
    assert (caller.status, caller.headers[b"retry-after"]) == (503, b"5")


def test_body_that_drips_is_given_up() -> None:
    caller = Caller(*[b"x"] * 100, pause_s=STALL_S / 4)
    caller.ask(read_all)
    assert caller.status == 503


def test_answer_that_goes_on_is_not_cut_however_long_it_takes() -> None:
    async def drip(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for number in range(8):
            await asyncio.sleep(STALL_S / 2)
            await send({"type": "http.response.body", "body": b"x", "more_body": number < 7})

    caller = Caller()
    caller.ask(drip)
    assert (caller.status, caller.body, caller.whole) == (200, b"x" * 8, True)


def test_answer_that_stands_still_breaks_off_and_gets_no_second_head() -> None:
    async def stick(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
        await asyncio.sleep(60)

    caller = Caller()
    caller.ask(stick)
    assert (caller.status, caller.body, caller.whole) == (200, b"x", False)


def test_error_of_a_timer_of_the_application_is_its_own() -> None:
    async def late(_: Scope, __: Receive, ___: Send) -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        Caller().ask(late)


async def page(request: Request) -> Response:
    request.state.who = "lin"
    if "told" in request.url.path:
        request.state.shown = "/told/{by}/the/page"
    return PlainTextResponse("", 404 if "gone" in request.url.path else 200)


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/parks", "/parks"),
        ("/parks/p-1/records/R1", "/parks/p-1/records/R1"),
        ("/parks/gone/records/R1", "/parks/gone/records/R1"),
        ("/welcome/abcdefgh", "/welcome/{secret}"),
        ("/vehicles/ABC-1", "/vehicles/{plate}"),
        ("/told/ABC-1", "/told/{by}/the/page"),
        ("/nothing", "/nothing"),
        ("/nothing/ABC-1", "/nothing/…"),
        ("/" + "x" * 500, "/" + "x" * 200),
    ],
)
def test_log_line_names_who_asked_what_and_hides_what_may_be_private(
    path: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = (
        "/parks",
        "/parks/{park_uuid}/records/{pay_partner}",
        "/welcome/{secret}",
        "/vehicles/{plate}",
        "/told/{it}",
    )
    app = Starlette(routes=[Mount("/", Starlette(routes=[Route(one, page, methods=["POST"]) for one in paths]))])
    with structlog.testing.capture_logs() as lines:
        Caller().ask(app, path)
    [line] = [line for line in lines if line["event"] == "request"]
    assert (line["method"], line["path"], line["peer"]) == ("POST", shown, "192.0.2.1")
    assert line["who"] == (None if "nothing" in path or "xxx" in path else "lin")
    assert line["ms"] >= 0


@pytest.mark.parametrize(("status", "lines"), [(200, 0), (503, 1)])
def test_probe_is_news_only_when_it_fails(status: int, lines: int) -> None:
    async def probe(_: Request) -> Response:
        return PlainTextResponse("", status)

    with structlog.testing.capture_logs() as told:
        Caller().ask(Starlette(routes=[Route("/readyz", probe, methods=["POST"])]), "/readyz")
    assert len(told) == lines
