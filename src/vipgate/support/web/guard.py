"""Protects pages from other sites in the same browser: headers of every response, origin of requests, bounded bodies."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# `same-origin`, not `no-referrer`: with the latter, browsers send "Origin: null" with our own forms.
HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


def is_embedded(request: Request) -> bool:
    """Whether a page of another origin loads this as a part of itself: a strict cookie comes with that from the same site."""
    site, mode, into = (request.headers.get(f"sec-fetch-{name}", "") for name in ("site", "mode", "dest"))
    return site in ("same-site", "cross-site") and (mode not in ("", "navigate") or into not in ("", "document"))


def is_of_this_site(request: Request, *, secure: bool) -> bool:
    """Whether the browser says that a form comes from one of our pages; no page can make it say so falsely.

    `Sec-Fetch-Site` first: it is right even behind a proxy that changes Host, but plain HTTP lacks it. Every supported browser
    sends `Origin` with a form. Behind TLS a page of the same host without TLS is another origin: anyone on the path can write it.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    # Compared as text: the standard library's URL parser raises on some origins.
    scheme, _, host = request.headers.get("origin", "").partition("://")
    return (
        scheme in (("https",) if secure else ("http", "https")) and host != "" and host == request.headers.get("host")
    )


async def read_body(request: Request, bytes_max: int) -> bytes:
    """Reads the body. Raises ValueError above `bytes_max`."""
    parts = []
    left = bytes_max
    async for part in request.stream():
        left -= len(part)
        if left < 0:
            raise ValueError(bytes_max)
        parts.append(part)
    return b"".join(parts)


class Headers:
    """Middleware that adds HEADERS to every response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)
