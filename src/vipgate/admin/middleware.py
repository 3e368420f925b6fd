"""Guards every request on the admin port: limits its body and its time, logs it, counts it.

A response must start within STALL_S, and each chunk must follow the previous one and be taken within STALL_S. So long exports
and long polls pass; a stalled connection is ended.
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
# Keys of `request.state`, set by the views: the account or token, and the path that may be logged.
WHO: Final = "who"
SHOWN: Final = "shown"
# Path parameters that may be logged. Any other may be a secret or a plate.
_SHOWN: Final = frozenset({"park_uuid", "seqno", "pay_partner", "number", "generation", "name", "code"})
# Polled every few seconds: only errors are logged.
_PROBES: Final = frozenset({"/healthz", "/readyz", "/metrics"})


class BodyTooLarge(Exception):
    """The body exceeds BODY_BYTES_MAX; the response has been sent."""


class RequestGuard:
    """ASGI middleware around the whole admin application."""

    def __init__(
        self,
        app: ASGIApp,
        recorder: AdminRecorder,
        clock_s: Callable[[], float],
        stall_s: float = STALL_S,
        proxies: TrustedProxies | None = None,
    ) -> None:
        self._proxies = proxies or TrustedProxies()
        self._app = app
        self._recorder = recorder
        self._clock_s = clock_s
        self._stall_s = stall_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request, then counts and logs it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._proxies and scope.get("client"):
            scope["client"] = _client(self._proxies, scope)
        since_s = self._clock_s()
        path = scope["path"]
        exchange = GuardedExchange(receive, send, self._stall_s)
        try:
            await self._exchange(scope, exchange)
        finally:
            seconds = self._clock_s() - since_s
            self._recorder.answered(exchange.status or 500, seconds)
            _log_request(scope, path, exchange, seconds)

    async def _exchange(self, scope: Scope, exchange: GuardedExchange) -> None:
        reason = _framing_error(scope)
        if reason is not None:
            await exchange.reject(400, reason)
            return
        if _declared_bytes(scope) > BODY_BYTES_MAX:
            await exchange.reject(413, f"A body has at most {BODY_BYTES_MAX} bytes.")
            return
        try:
            async with asyncio.timeout(self._stall_s) as exchange.limit:
                await self._app(scope, exchange.receive, exchange.send)
        except BodyTooLarge:
            return
        except TimeoutError:
            if not exchange.limit.expired():
                raise
            await exchange.reject(503, "The answer took too long; ask for less, or try again.", retry_after_s=5)


class GuardedExchange:
    """One request and its response: counts body bytes, keeps the status, extends the deadline with each chunk."""

    def __init__(self, receive: Receive, send: Send, stall_s: float) -> None:
        self._receive = receive
        self._send = send
        self._stall_s = stall_s
        self._refused = False
        self._bytes = 0
        self.limit: asyncio.Timeout = asyncio.timeout(None)
        self.status = 0

    async def receive(self) -> Message:
        """Receives the next chunk of the body. Raises BodyTooLarge."""
        message = await self._receive()
        self._bytes += len(message.get("body", b""))
        if self._bytes > BODY_BYTES_MAX:
            await self.reject(413, f"A body has at most {BODY_BYTES_MAX} bytes.")
            raise BodyTooLarge
        return message

    async def send(self, message: Message) -> None:
        """Sends the next chunk of the response; nothing after `reject`."""
        if self._refused:
            return
        if message["type"] == "http.response.start":
            self.status = message["status"]
        self._extend()
        await self._send(message)
        self._extend()

    def _extend(self) -> None:
        if not self.limit.expired():
            self.limit.reschedule(asyncio.get_running_loop().time() + self._stall_s)

    async def reject(self, status: int, reason: str, *, retry_after_s: int | None = None) -> None:
        """Responds instead of the application. If its response has started, drops the rest of that."""
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


def _client(proxies: TrustedProxies, scope: Scope) -> tuple[str, int]:
    """Resolves the client address behind trusted proxies, for log, audit log and login throttle."""
    peer, port = scope["client"]
    forwarded = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    client = proxies.client_address(peer, ",".join(forwarded) if forwarded else None)
    return client, port if client == peer else 0


def _framing_error(scope: Scope) -> str | None:
    """Returns why the framing is rejected: a proxy in front may read it differently than uvicorn, which accepts it."""
    version, names = scope["http_version"], {name for name, _ in scope["headers"]}
    if version not in HTTP_VERSIONS:
        return f"HTTP/1.1 is wanted, got HTTP/{version}."
    if b"transfer-encoding" in names and (b"content-length" in names or version == "1.0"):
        return "Give a body's length or send it in chunks, not both; in HTTP/1.0 give its length."
    return None


def _declared_bytes(scope: Scope) -> int:
    """Returns Content-Length, or 0; the server has checked that it is a number."""
    return max((int(value) for name, value in scope["headers"] if name == b"content-length"), default=0)


def _log_request(scope: Scope, path: str, exchange: GuardedExchange, seconds: float) -> None:
    if path in _PROBES and exchange.status < 400:
        return
    state: dict[str, Any] = scope.get("state", {})
    client = scope.get("client")
    log.info(
        "request",
        method=scope["method"],
        path=state.get(SHOWN) or shown_path(scope, path, exchange.status),
        status=exchange.status or 500,
        ms=round(seconds * 1e3, 1),
        who=state.get(WHO),
        peer=client[0] if client else None,
    )


def shown_path(scope: Scope, path: str, status: int) -> str:
    """Returns the path for the log: private parameters by name, and of an unknown path only the first segment."""
    if status == 404 and not inspect.isroutine(scope.get("endpoint")):
        head, _, rest = path[1:].partition("/")
        return f"/{head[:PATH_CHARS_MAX]}/…" if rest else f"/{head[:PATH_CHARS_MAX]}"
    for name, value in scope.get("path_params", {}).items():
        if name not in _SHOWN and str(value):
            path = path.replace(str(value), f"{{{name}}}")
    return path[:PATH_CHARS_MAX]
