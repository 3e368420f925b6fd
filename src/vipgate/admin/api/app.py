"""The read API over HTTP: finds the endpoint, parses the query, and sends every response with the same strict headers.

HEAD is handled like GET; the server omits the body.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final
from urllib.parse import quote, unquote

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from vipgate.admin.api.auth import TokenAuthenticator
from vipgate.admin.api.endpoint import JSON, AnyEndpoint, ApiDependencies, ApiRequest, Export
from vipgate.admin.api.errors import NOT_FOUND, WRONG_METHOD, ApiError, error_response, translated
from vipgate.admin.api.long_poll import ChangeWaiter
from vipgate.admin.api.openapi import document
from vipgate.admin.api.params import parse_query
from vipgate.admin.api.reference_page import POLICY, PageParams, page, stylesheet
from vipgate.admin.api.routes import BASE, ENDPOINTS
from vipgate.admin.auth.plate_search_limit import MaskedSearches
from vipgate.errors import RateLimited, ServiceUnavailable, StoreError
from vipgate.i18n import Language, LocalizedText, accepted_language
from vipgate.store.async_pool import DatabasePool
from vipgate.store.interfaces.ledger import Unreachable

PATH_CHARS_MAX: Final = 200
METHODS: Final = ("GET", "HEAD")
_ALWAYS: Final = {
    "Cache-Control": "private, no-cache",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Vary": "Authorization, Accept-Language",
}
_NO_CONTENT: Final = "default-src 'none'; frame-ancestors 'none'"
_TAG = re.compile(r'\*|(?:W/)?"([^"]*)"').finditer


def build_api(
    databases: DatabasePool,
    clock_us: Callable[[], int],
    *,
    searches: MaskedSearches | None = None,
    watch: ChangeWaiter | None = None,
) -> list[Route]:
    """Returns the routes of the read API."""
    dependencies = ApiDependencies(
        databases, TokenAuthenticator(clock_us, searches or MaskedSearches()), watch or ChangeWaiter(databases)
    )
    return [Route("/api/{rest:path}", Api(dependencies))]


# Sent while nodes of a cluster do not answer: lists and sums over parks omit the parks on them.
INCOMPLETE: Final = "Vipgate-Incomplete"


@dataclass(frozen=True, slots=True)
class Page:
    """A response that is complete in memory."""

    body: bytes
    media: str
    headers: dict[str, str] = field(default_factory=dict)


class Api:
    """ASGI application for everything below /api/. Matches raw paths, so that a segment may contain an encoded `/`."""

    def __init__(self, dependencies: ApiDependencies) -> None:
        self._dependencies = dependencies
        self._endpoints = [(_parts(endpoint.path), endpoint) for endpoint in ENDPOINTS]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        request = Request(scope, receive)
        language = accepted_language(request.headers.get("accept-language"))
        try:
            given = await self._answer(request, language)
        except ApiError as refused:
            await _refuse(refused, language)(scope, receive, send)
        except (StoreError, ServiceUnavailable, RateLimited) as error:
            await _refuse(translated(error), language)(scope, receive, send)
        else:
            if isinstance(given, Export):
                await _send_export(given, scope, receive, send)
            else:
                await _whole(request, given, self._dependencies.databases.unreachable)(scope, receive, send)

    async def _answer(self, request: Request, language: Language) -> Page | Export:
        parts = _sent_parts(request)
        found = self._find(parts) or _FIXED.get("/".join(["", *parts]))
        if found is None:
            shown = request.scope["path"][:64]
            raise ApiError(
                NOT_FOUND, LocalizedText(f"没有路径 {shown}; 见 {BASE}/", f"there is no {shown}; see {BASE}/")
            )
        if request.method not in METHODS:
            allow = ", ".join(METHODS)
            words = LocalizedText(
                f"只接受 {allow}, 收到 {request.method[:16]}", f"takes {allow}, got {request.method[:16]}"
            )
            raise ApiError(WRONG_METHOD, words, headers={"Allow": allow})
        if isinstance(found, tuple):
            return await self._ask(request, *found)
        return _fixed(request, found, language)

    def _find(self, parts: list[str]) -> tuple[AnyEndpoint, dict[str, str]] | None:
        """Returns the endpoint of a path and its path parameters, or None."""
        for pattern, endpoint in self._endpoints:
            if len(pattern) == len(parts) and all(
                want == part or (want[0] == "{" and part) for want, part in zip(pattern, parts, strict=True)
            ):
                named = zip(pattern, parts, strict=True)
                return endpoint, {want[1:-1]: part for want, part in named if want[0] == "{"}
        return None

    async def _ask(self, request: Request, endpoint: AnyEndpoint, path: dict[str, str]) -> Page | Export:
        # Paths of the API hold nothing private, unlike queries: the log may show them.
        request.state.shown = request.scope["path"][:PATH_CHARS_MAX]
        client = request.client
        given = await endpoint.handler(
            ApiRequest(
                params=parse_query(endpoint.params, path, request.scope["query_string"]),
                scope=endpoint.scope,
                authorization=request.headers.get("authorization"),
                peer="" if client is None else client.host,
                head=request.method == "HEAD",
                dependencies=self._dependencies,
                note_who=lambda who: setattr(request.state, "who", who),
            )
        )
        return given if isinstance(given, Export) else Page(msgspec.json.encode(given), JSON)


def _document(_: Language) -> Page:
    return Page(document(), JSON)


def _reference(language: Language) -> Page:
    return Page(
        page(language), "text/html; charset=utf-8", {"Content-Security-Policy": POLICY, "Content-Language": language}
    )


def _stylesheet(_: Language) -> Page:
    return Page(stylesheet(), "text/css; charset=utf-8")


_FIXED: Final[dict[str, Callable[[Language], Page]]] = {
    f"{BASE}/": _reference,
    BASE: _reference,
    f"{BASE}/openapi.json": _document,
    f"{BASE}/api.css": _stylesheet,
}


def _fixed(request: Request, make: Callable[[Language], Page], language: Language) -> Page:
    """Serves a page that needs neither token nor database."""
    ask = parse_query(PageParams, {}, request.scope["query_string"])
    return make(language if ask.lang is None else ask.lang)


def _parts(path: str) -> list[str]:
    return (BASE + path).split("/")[1:]


def _sent_parts(request: Request) -> list[str]:
    """Splits the raw path and decodes each segment. Raises ApiError if one is not UTF-8."""
    sent = request.scope.get("raw_path") or quote(request.scope["path"]).encode()
    try:
        return [unquote(part, errors="strict") for part in sent.decode("ascii").split("/")[1:]]
    except ValueError:
        words = LocalizedText("路径应为百分号编码的 UTF-8", "a path is percent-encoded UTF-8")
        raise ApiError(NOT_FOUND, words) from None


def _whole(request: Request, given: Page, unreachable: Unreachable | None) -> Response:
    """Builds the response, or 304 if the client has this ETag. Names the cluster's nodes whose parks may be missing from it."""
    tag = f'"{sha256(given.body).hexdigest()[:32]}"'
    headers = _ALWAYS | {"Content-Security-Policy": _NO_CONTENT, "ETag": tag} | given.headers
    if unreachable is not None:
        headers[INCOMPLETE] = f'parks={unreachable.parks}; nodes="{" ".join(unreachable.nodes)}"'
    wanted = request.headers.get("if-none-match", "")
    if any(found[0] == "*" or f'"{found[1]}"' == tag for found in _TAG(wanted)):
        return Response(status_code=304, headers=headers)
    return Response(given.body, headers=headers | {"Content-Type": given.media})


def _refuse(refused: ApiError, language: Language) -> Response:
    shown = error_response(refused, language)
    headers = _ALWAYS | {"Content-Security-Policy": _NO_CONTENT, "Content-Type": JSON, "Content-Language": language}
    return Response(shown.body, status_code=shown.status, headers=headers | shown.headers)


async def _send_export(given: Export, scope: Scope, receive: Receive, send: Send) -> None:
    headers = _ALWAYS | {
        "Content-Security-Policy": _NO_CONTENT,
        "Content-Type": given.media,
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(given.file_name, safe='')}",
    }
    if given.stream is None:
        await Response(headers=headers)(scope, receive, send)
        return
    try:
        await StreamingResponse(given.stream, headers=headers)(scope, receive, send)
    finally:
        # The client may be gone; nothing else would release the database connection.
        given.stream.close()
