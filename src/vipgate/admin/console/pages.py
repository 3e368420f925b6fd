"""Guards every page: session, role, origin and CSRF token of forms; adds the headers of every response."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final, Literal

from markupsafe import Markup
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vipgate.admin.auth.sessions import SECRET_BYTES, SESSION_TOUCH_US, constant_time_equal, expires_us, hash_token
from vipgate.admin.console.context import Context
from vipgate.admin.console.errors import PageError
from vipgate.admin.console.forms import FormData
from vipgate.admin.console.i18n import Translator, choose_language
from vipgate.admin.console.request import (
    LANGUAGE_COOKIE,
    PageRequest,
    StaffRequest,
    guest_cookie,
    here_of,
    session_cookie,
)
from vipgate.admin.console.urls import from_segment, with_query
from vipgate.errors import RateLimited
from vipgate.i18n import LocalizedText
from vipgate.store.interfaces.accounts import Role, Session, User
from vipgate.store.interfaces.admin import Database

Method = Literal["GET", "POST"]
View = Callable[[StaffRequest], Awaitable[Response]]
PublicView = Callable[[PageRequest], Awaitable[Response]]

BODY_BYTES_MAX: Final = 64 * 1024
BODY_S_MAX: Final = 30
COOKIE_CHARS_MAX: Final = 128
QUERY_CHARS_MAX: Final = 4096

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
_FORM: Final = LocalizedText(
    "表单已过期或来自其他网站；请返回上一页，刷新后重试",
    "the form is too old or not ours; go back, reload the page and try again",
)
_BODY: Final = LocalizedText("提交的内容过大或过慢；请缩短后重试", "what was sent is too large or too slow; send less")
# A link from a mail or chat comes without the SameSite=Strict cookie; the reload by this page sends it.
_AGAIN: Final = Markup(
    '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={0}"><a href="{0}">{0}</a>'
)


@dataclass(frozen=True, slots=True)
class StaffRoute:
    """A page for staff: path, view, required role, and maximum form size."""

    path: str
    view: View
    method: Method = "GET"
    role: Role = "reader"
    body_bytes_max: int = BODY_BYTES_MAX

    def route(self, context: Context) -> Route:
        """Returns the guarded route."""

        async def guarded(request: Request) -> Response:
            found = await _find_session(context, request)
            if found is None:
                return _to_login(request)
            session, user = found
            request.state.who = user.name  # for the log of the admin port
            visit = StaffRequest(
                context=context,
                request=request,
                peer=_peer(request),
                now_us=context.clock_us(),
                speech=Translator(
                    choose_language(user.language, request.cookies.get(LANGUAGE_COOKIE), _accept(request))
                ),
                query=_query(request),
                form=FormData([]),
                csrf=session.csrf,
                session=session,
                user=user,
            )
            try:
                visit.need(self.role)
                return await self.view(replace(visit, form=await _form(request, session.csrf, self.body_bytes_max)))
            except PageError as refused:
                return _refused(visit, refused.status, refused.words, refused.retry_after_s)
            except RateLimited as often:
                return _refused(visit, often.status, often.hint, often.retry_after_s)

        return Route(self.path, guarded, methods=[self.method])


def _refused(visit: StaffRequest, status: int, words: LocalizedText, retry_after_s: int | None) -> Response:
    response = visit.page("refused.html", status=status, words=words)
    if retry_after_s is not None:
        response.headers["retry-after"] = str(retry_after_s)
    return response


@dataclass(frozen=True, slots=True)
class PublicRoute:
    """A page without login. Its forms carry the CSRF token of a guest cookie."""

    path: str
    view: PublicView
    method: Method = "GET"

    def route(self, context: Context) -> Route:
        """Returns the guarded route."""

        async def guarded(request: Request) -> Response:
            return await self.view(await guest_visit(context, request))

        return Route(self.path, guarded, methods=[self.method])


async def guest_visit(context: Context, request: Request) -> PageRequest:
    """Makes the request of a visitor without login. Raises PageError for a form without a valid CSRF token."""
    cookie = request.cookies.get(guest_cookie(secure=context.settings.secure), "")
    known = 0 < len(cookie) <= COOKIE_CHARS_MAX
    csrf = cookie if known else context.chance(SECRET_BYTES)
    return PageRequest(
        context=context,
        request=request,
        peer=_peer(request),
        now_us=context.clock_us(),
        speech=Translator(choose_language(None, request.cookies.get(LANGUAGE_COOKIE), _accept(request))),
        query=_query(request),
        form=await _form(request, csrf, BODY_BYTES_MAX),
        csrf=csrf,
        new_guest=None if known else csrf,
    )


def session_digest(context: Context, request: Request) -> str | None:
    """Returns the hash of the session cookie, or None without one."""
    secret = request.cookies.get(session_cookie(secure=context.settings.secure), "")
    return hash_token(secret) if 0 < len(secret) <= COOKIE_CHARS_MAX else None


async def _find_session(context: Context, request: Request) -> tuple[Session, User] | None:
    digest = session_digest(context, request)
    if digest is None:
        return None
    now_us = context.clock_us()

    def find(database: Database) -> tuple[Session, User] | None:
        found = database.accounts.find_session(digest, now_us)
        if found is not None and now_us - found[0].seen_us >= SESSION_TOUCH_US:
            database.accounts.touch_session(digest, now_us, expires_us(found[0], now_us))
        return found

    return await context.databases.run(find)


def _to_login(request: Request) -> Response:
    here = here_of(request)
    if request.method == "GET" and request.headers.get("sec-fetch-site") == "cross-site":
        return HTMLResponse(_AGAIN.format(here))
    return Response(
        status_code=303, headers={"location": with_query("/login", next=here if request.method == "GET" else "")}
    )


async def _form(request: Request, csrf: str, bytes_max: int) -> FormData:
    """Reads a form and checks its origin and CSRF token; empty for a GET. Raises PageError."""
    if request.method != "POST":
        return FormData([])
    _check_origin(request)
    try:
        async with asyncio.timeout(BODY_S_MAX):
            body = await _read(request, bytes_max)
        form = FormData.parse(body.decode("utf-8", "replace"))
    except (TimeoutError, ValueError):
        raise PageError(413, _BODY) from None
    if not constant_time_equal(form.raw("csrf"), csrf):
        raise PageError(403, _FORM)
    return form


def _check_origin(request: Request) -> None:
    """Rejects forms from other sites. Clients that send no origin still need the CSRF token.

    `Sec-Fetch-Site` first: it is right even behind a proxy that changes Host, but plain HTTP lacks it.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is not None:
        if site not in ("same-origin", "none"):
            raise PageError(403, _FORM)
    elif origin is not None:
        # Compared as text: the standard library's URL parser raises on some origins.
        host = request.headers.get("host")
        if not host or origin.partition("://")[2] != host:
            raise PageError(403, _FORM)


async def _read(request: Request, bytes_max: int) -> bytes:
    """Reads the body. Raises ValueError above `bytes_max`."""
    parts = []
    left = bytes_max
    async for part in request.stream():
        left -= len(part)
        if left < 0:
            raise ValueError(bytes_max)
        parts.append(part)
    return b"".join(parts)


def _query(request: Request) -> FormData:
    text = request.scope["query_string"].decode("ascii", "replace")
    try:
        return FormData.parse(text if len(text) <= QUERY_CHARS_MAX else "")
    except ValueError:
        return FormData([])


def _peer(request: Request) -> str:
    return request.client.host if request.client is not None else ""


def _accept(request: Request) -> str:
    return request.headers.get("accept-language", "")


def path_text(visit: PageRequest, name: str) -> str:
    """Returns a path parameter that is free text: a park_uuid, an order number."""
    return from_segment(str(visit.request.path_params[name]))


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
