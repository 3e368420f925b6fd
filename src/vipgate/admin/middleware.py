"""What every request on the admin port passes: bounds on its body and on its time, a line in the log, a count.

No answer may hang: within STALL_S it must begin, and within STALL_S after each piece the next must be on its way and taken.
So long exports and waiting questions go through, and what stands still ends.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any, Final

import msgspec
import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vipgate.support.client_address import TrustedProxies
from vipgate.support.metrics import AdminRecorder

log = structlog.get_logger("vipgate.admin")

BODY_BYTES_MAX: Final = 32 * 1024 * 1024
STALL_S: Final = 60.0
HTTP_VERSIONS: Final = ("1.0", "1.1")
PATH_CHARS_MAX: Final = 200
# Where the views put the name of the account or token, and the path as it may be shown: `request.state.who = …`.
WHO: Final = "who"
SHOWN: Final = "shown"
# Members of a path that may stand in a log. All others may be a secret or somebody's plate.
_SHOWN: Final = frozenset({"park_uuid", "seqno", "pay_partner", "number", "generation", "name", "code"})
# Asked every few seconds by programs: only their refusals are news.
_PROBES: Final = frozenset({"/healthz", "/readyz", "/metrics"})


class BodyTooLarge(Exception):
    """The body went over its bound; the caller has been told."""


class RequestGuard:
    """Stands around the whole application of the admin port."""

    def __init__(
        self,
        app: ASGIApp,
        meter: AdminRecorder,
        clock_s: Callable[[], float],
        stall_s: float = STALL_S,
        proxies: TrustedProxies | None = None,
    ) -> None:
        self._proxies = proxies or TrustedProxies()
        self._app = app
        self._meter = meter
        self._clock_s = clock_s
        self._stall_s = stall_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets a request through and sees what becomes of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._proxies and scope.get("client"):
            scope["client"] = _caller(self._proxies, scope)
        since_s = self._clock_s()
        path = scope["path"]
        passage = GuardedExchange(receive, send, self._stall_s)
        try:
            await self._exchange(scope, passage)
        finally:
            seconds = self._clock_s() - since_s
            self._meter.answered(passage.status or 500, seconds)
            _log_fault(scope, path, passage, seconds)

    async def _exchange(self, scope: Scope, passage: GuardedExchange) -> None:
        fault = _framing_fault(scope)
        if fault is not None:
            await passage.reject(400, fault)
            return
        if _declared_bytes(scope) > BODY_BYTES_MAX:
            await passage.reject(413, f"A body has at most {BODY_BYTES_MAX} bytes.")
            return
        try:
            async with asyncio.timeout(self._stall_s) as passage.limit:
                await self._app(scope, passage.receive, passage.send)
        except BodyTooLarge:
            return
        except TimeoutError:
            if not passage.limit.expired():
                raise
            await passage.reject(503, "The answer took too long; ask for less, or try again.", retry_after_s=5)


class GuardedExchange:
    """One request on its way through: what came in, what went out, until when the next piece must follow."""

    def __init__(self, receive: Receive, send: Send, stall_s: float) -> None:
        self._receive = receive
        self._send = send
        self._stall_s = stall_s
        self._refused = False
        self._bytes = 0
        self.limit: asyncio.Timeout = asyncio.timeout(None)
        self.status = 0

    async def receive(self) -> Message:
        """The next piece of the body. Raises TooMuch."""
        message = await self._receive()
        self._bytes += len(message.get("body", b""))
        if self._bytes > BODY_BYTES_MAX:
            await self.reject(413, f"A body has at most {BODY_BYTES_MAX} bytes.")
            raise BodyTooLarge
        return message

    async def send(self, message: Message) -> None:
        """The next piece of the answer; nothing where another answer was given already."""
        if self._refused:
            return
        if message["type"] == "http.response.start":
            self.status = message["status"]
        self._go_on()
        await self._send(message)
        self._go_on()

    def _go_on(self) -> None:
        if not self.limit.expired():
            self.limit.reschedule(asyncio.get_running_loop().time() + self._stall_s)

    async def reject(self, status: int, reason: str, *, retry_after_s: int | None = None) -> None:
        """Answers in place of the application, unless its own answer has begun: then that breaks off."""
        self._refused = True
        if self.status:
            return
        self.status = status
        body = msgspec.json.encode({"status": "refused", "reason": reason})
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
            (b"connection", b"close"),
        ]
        if retry_after_s is not None:
            headers.append((b"retry-after", str(retry_after_s).encode()))
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})


def _caller(proxies: TrustedProxies, scope: Scope) -> tuple[str, int]:
    """Who asks, for the log, the audit and the throttle of logins: whom our own proxies name."""
    peer, port = scope["client"]
    lines = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    caller = proxies.client_address(peer, ",".join(lines) if lines else None)
    return caller, port if caller == peer else 0


def _framing_fault(scope: Scope) -> str | None:
    """What a proxy before us may read otherwise than the server does, which takes it."""
    version, names = scope["http_version"], {name for name, _ in scope["headers"]}
    if version not in HTTP_VERSIONS:
        return f"HTTP/1.1 is wanted, got HTTP/{version}."
    if b"transfer-encoding" in names and (b"content-length" in names or version == "1.0"):
        return "Give a body's length or send it in chunks, not both; in HTTP/1.0 give its length."
    return None


def _declared_bytes(scope: Scope) -> int:
    """What the head says about the body's length; the server has checked that it is a number."""
    return max((int(value) for name, value in scope["headers"] if name == b"content-length"), default=0)


def _log_fault(scope: Scope, path: str, passage: GuardedExchange, seconds: float) -> None:
    if path in _PROBES and passage.status < 400:
        return
    state: dict[str, Any] = scope.get("state", {})
    client = scope.get("client")
    log.info(
        "asked",
        method=scope["method"],
        path=state.get(SHOWN) or shown_path(scope, path, passage.status),
        status=passage.status or 500,
        ms=round(seconds * 1e3, 1),
        who=state.get(WHO),
        peer=client[0] if client else None,
    )


def shown_path(scope: Scope, path: str, status: int) -> str:
    """The path as the log may have it: members that may be private by their names, what no page answers to but for its head."""
    if status == 404 and not inspect.isroutine(scope.get("endpoint")):
        head, _, rest = path[1:].partition("/")
        return f"/{head[:PATH_CHARS_MAX]}/…" if rest else f"/{head[:PATH_CHARS_MAX]}"
    for name, value in scope.get("path_params", {}).items():
        if name not in _SHOWN and str(value):
            path = path.replace(str(value), f"{{{name}}}")
    return path[:PATH_CHARS_MAX]
