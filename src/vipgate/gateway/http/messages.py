"""Types shared by connections and the application: limits, requests, responses, the `App` protocol."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Protocol

import msgspec

from vipgate.errors import RequestError
from vipgate.support.hashes import Hash


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpLimits:
    """Limits on the size and duration of requests."""

    head_bytes_max: int = 16 * 1024
    body_bytes_max: int = 16 * 1024 * 1024
    total_body_bytes_max: int = 256 * 1024 * 1024
    drain_bytes_max: int = 64 * 1024 * 1024
    request_timeout_s: float = 120.0
    # For a body in several pieces: the longest pause, and the minimum rate otherwise.
    pause_s: float = 20.0
    bytes_a_second_min: int = 8 * 1024
    keepalive_timeout_s: float = 75.0
    drain_s: float = 10.0
    # Longest pause in reading from a client that got a Retry-After.
    rest_s_max: float = 10.0
    # Largest rejected body that is read to its end, so that the connection can be reused.
    skipped_bytes_max: int = 64 * 1024
    connections_max: int = 20_000


@dataclass(slots=True)
class Request:
    """One HTTP request, complete or being received. Header names are lower case."""

    method: str
    path: str
    headers: dict[bytes, bytes]
    peer: str
    keep_alive: bool
    received_us: int
    is_http_1_0: bool = False
    # From complete receipt to the start of processing.
    queued_s: float = 0.0
    body: bytes = b""
    # Made by the application, updated with each piece of the body as it arrives.
    body_hashes: tuple[Hash, ...] = ()

    def header(self, name: bytes) -> str | None:
        """Returns a header's text, or None."""
        raw = self.headers.get(name)
        return None if raw is None else raw.decode("latin-1")


_REASONS: Final = {status.value: status.phrase.encode() for status in HTTPStatus}


def serialize_response(request: Request, response: Response, date: bytes, *, last: bool) -> bytes:
    """Serializes a response with its status line and headers."""
    head = [
        b"HTTP/1.1 %d %s\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: %d\r\nDate: %s\r\n"
        % (response.status, _REASONS[response.status], len(response.body), date)
    ]
    if response.retry_after_s is not None:
        head.append(b"Retry-After: %d\r\n" % response.retry_after_s)
    if response.allow is not None:
        head.append(b"Allow: %s\r\n" % response.allow.encode("ascii"))
    if last:
        head.append(b"Connection: close\r\n")
    elif request.is_http_1_0:
        head.append(b"Connection: keep-alive\r\n")
    head.append(b"\r\n" if request.method == "HEAD" else b"\r\n" + response.body)
    return b"".join(head)


class App(Protocol):
    """The application behind a port. `check_headers` sees only the head, before any of the body is read."""

    def check_headers(self, request: Request) -> RequestError | None:
        """Returns why the request is rejected without its body, or None."""

    def new_body_hashes(self) -> tuple[Hash, ...]:
        """Returns new hash objects for the body of one request."""

    def client_address(self, request: Request) -> str:
        """Resolves the client address behind trusted proxies."""

    async def handle(self, request: Request) -> Response:
        """Responds to a complete request. Must not raise."""

    async def handle_error(self, request: Request, refusal: RequestError) -> Response:
        """Responds to a rejected request."""

    def is_quota_exempt(self, peer: str) -> bool:
        """Whether `peer` is exempt from the per-address connection quota."""

    def is_proxied(self, request: Request) -> bool:
        """Whether the connection of `request` carries requests of several clients."""


class Response(msgspec.Struct, frozen=True, gc=False):
    """One response."""

    status: int
    body: bytes
    retry_after_s: int | None = None
    allow: str | None = None
    # The authenticated park, where there is one.
    park_uuid: str | None = None
