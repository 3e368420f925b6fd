"""Guards every page: session, role, origin of forms."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final, Literal

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from vipgate.admin.auth.sessions import SESSION_TOUCH_US, expires_us, hash_token
from vipgate.admin.console.context import Context
from vipgate.admin.console.i18n import Translator
from vipgate.admin.console.request import (
    LANGUAGE_COOKIE,
    PageRequest,
    StaffRequest,
    here_of,
    session_cookie,
)
from vipgate.admin.console.urls import from_segment, with_query
from vipgate.errors import RateLimited
from vipgate.i18n import LocalizedText
from vipgate.store.interfaces.accounts import Role, Session, User
from vipgate.store.interfaces.admin import Database
from vipgate.support.web.errors import PageError
from vipgate.support.web.forms import FormData
from vipgate.support.web.guard import is_embedded
from vipgate.support.web.submitted import read_form, read_query
from vipgate.support.web.translator import choose_language

Method = Literal["GET", "POST"]
View = Callable[[StaffRequest], Awaitable[Response]]
PublicView = Callable[[PageRequest], Awaitable[Response]]

BODY_BYTES_MAX: Final = 64 * 1024
COOKIE_CHARS_MAX: Final = 128

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
            if is_embedded(request):
                return Response(status_code=403)
            found = await _find_session(context, request)
            if found is None:
                return _to_login(request)
            session, user = found
            request.state.who = user.name  # for the log of the admin port
            staff = StaffRequest(
                context=context,
                request=request,
                peer=_peer(request),
                now_us=context.clock_us(),
                translator=Translator(
                    choose_language(user.language, request.cookies.get(LANGUAGE_COOKIE), _accept(request))
                ),
                query=read_query(request),
                form=FormData([]),
                session=session,
                user=user,
            )
            try:
                staff.need(self.role)
                return await self.view(
                    replace(
                        staff,
                        form=await read_form(request, secure=context.settings.secure, bytes_max=self.body_bytes_max),
                    )
                )
            except PageError as refused:
                return _refused(staff, refused.status, refused.words, refused.retry_after_s)
            except RateLimited as often:
                return _refused(staff, often.status, often.hint, often.retry_after_s)

        return Route(self.path, guarded, methods=[self.method])


def _refused(staff: StaffRequest, status: int, words: LocalizedText, retry_after_s: int | None) -> Response:
    response = staff.page("rejected.html", status=status, words=words)
    if retry_after_s is not None:
        response.headers["retry-after"] = str(retry_after_s)
    return response


@dataclass(frozen=True, slots=True)
class PublicRoute:
    """A page without login."""

    path: str
    view: PublicView
    method: Method = "GET"

    def route(self, context: Context) -> Route:
        """Returns the guarded route."""

        async def guarded(request: Request) -> Response:
            return await self.view(await guest_visit(context, request))

        return Route(self.path, guarded, methods=[self.method])


async def guest_visit(context: Context, request: Request) -> PageRequest:
    """Makes the request of a visitor without login. Raises PageError for a form of another site."""
    return PageRequest(
        context=context,
        request=request,
        peer=_peer(request),
        now_us=context.clock_us(),
        translator=Translator(choose_language(None, request.cookies.get(LANGUAGE_COOKIE), _accept(request))),
        query=read_query(request),
        form=await read_form(request, secure=context.settings.secure, bytes_max=BODY_BYTES_MAX),
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


def _peer(request: Request) -> str:
    return request.client.host if request.client is not None else ""


def _accept(request: Request) -> str:
    return request.headers.get("accept-language", "")


def path_text(staff: PageRequest, name: str) -> str:
    """Returns a path parameter that is free text: a park_uuid, an order number."""
    return from_segment(str(staff.request.path_params[name]))
