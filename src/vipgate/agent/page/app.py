"""Builds the agent's page: routes, error pages, guards."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from typing import Final

import structlog
from jinja2 import Environment
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from vipgate.agent.page.access import Access
from vipgate.agent.page.context import Context
from vipgate.agent.page.request import LANGUAGE_COOKIE, RELOADED, PageRequest
from vipgate.agent.page.routes import PAGES, Page
from vipgate.agent.page.texts import TEXTS
from vipgate.errors import VipgateError
from vipgate.i18n import Language, LocalizedText, language_of_context
from vipgate.support.web.assets import read_templates, static_routes
from vipgate.support.web.errors import PageError
from vipgate.support.web.forms import FormData
from vipgate.support.web.guard import Headers
from vipgate.support.web.submitted import read_form, read_query
from vipgate.support.web.translator import Translator, choose_language

BODY_BYTES_MAX: Final = 256 * 1024
# The mapping has a field for each value of a code table.
FIELDS_MAX: Final = 1_000
_NO_PAGE: Final = LocalizedText("没有这个页面；请从左侧导航进入", "there is no such page; use the navigation")
_FAULT: Final = LocalizedText(
    "页面内部错误；请重试，若重复出现请查看运行此页面的命令行窗口",
    "internal error of the page; try again, and look at the window of the command if it happens again",
)
log = structlog.get_logger("vipgate.agent.page")


@cache
def load_templates() -> Environment:
    """Loads the page's templates once."""
    return read_templates("vipgate.agent.page")


def build_page(context: Context, access: Access, port: int) -> ASGIApp:
    """Builds the application that is served at `port`."""
    app = Starlette(
        routes=[*(_route(context, page) for page in PAGES), *static_routes()], exception_handlers=_handlers(context)
    )
    return Headers(access.protect(app, port))


def _route(context: Context, page: Page) -> Route:
    async def answer(request: Request) -> Response:
        language = _language(context, request)
        page_request = PageRequest(
            context=context,
            http=request,
            translator=Translator(language, TEXTS),
            query=read_query(request),
            form=await read_form(request, secure=False, bytes_max=BODY_BYTES_MAX, fields_max=FIELDS_MAX),
            now_us=context.clock_us(),
        )
        if not page_request.query.ticked(RELOADED):
            context.usage.note()
        with language_of_context(language):
            return await page.view(page_request)

    return Route(context.base + page.path, answer, methods=[page.method])


def _language(context: Context, request: Request) -> Language:
    """The language that was chosen on the page, else that of VIPGATE_LANGUAGE, else the browser's, else Chinese."""
    accept = request.headers.get("accept-language", "")
    return choose_language(request.cookies.get(LANGUAGE_COOKIE), context.asked_language, accept)


def _handlers(context: Context) -> dict[int | type[Exception], Callable[[Request, Exception], Awaitable[Response]]]:
    def shown(request: Request, status: int, reason: str | LocalizedText) -> Response:
        translator = Translator(_language(context, request), TEXTS)
        empty = FormData([])
        page_request = PageRequest(
            context=context, http=request, translator=translator, query=empty, form=empty, now_us=context.clock_us()
        )
        text = translator.say(reason) if isinstance(reason, LocalizedText) else page_request.masked(reason)
        if not f"{request.scope['path']}/".startswith(f"{context.base}/"):
            # The navigation of the error page names the secret path.
            return PlainTextResponse(f"{text}\n", status)
        return page_request.page("error.html", status=status, reason=text)

    async def refused(request: Request, error: Exception) -> Response:
        """Handles PageError and VipgateError."""
        return (
            shown(request, error.status, error.words)
            if isinstance(error, PageError)
            else shown(request, 409, str(error))
        )

    async def http(request: Request, error: Exception) -> Response:
        return shown(request, error.status_code if isinstance(error, HTTPException) else 500, _NO_PAGE)

    async def fault(request: Request, error: Exception) -> Response:
        log.error("page failed", page=request.scope["path"].removeprefix(context.base), exc_info=error)
        return shown(request, 500, _FAULT)

    return {PageError: refused, VipgateError: refused, HTTPException: http, Exception: fault}
