"""Builds the console: pages, static files, error pages, headers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from typing import Final

import structlog
from jinja2 import Environment
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from vipgate.admin.auth.plate_search_limit import MaskedSearches
from vipgate.admin.console.context import ConsoleSettings, Context
from vipgate.admin.console.daily_totals import DailyTotalsCache
from vipgate.admin.console.i18n import Translator
from vipgate.admin.console.park_status import ParkStatusCache
from vipgate.admin.console.request import LANGUAGE_COOKIE
from vipgate.admin.console.routes import PAGES
from vipgate.errors import RequestError, StoreError
from vipgate.i18n import LocalizedText
from vipgate.protocol.seqno import SeqnoGenerator
from vipgate.store.async_pool import DatabasePool
from vipgate.support.vault import Vault
from vipgate.support.web.assets import STYLE_TAG, read_templates, static_routes
from vipgate.support.web.errors import PageError
from vipgate.support.web.guard import Headers
from vipgate.support.web.translator import choose_language

STORE_RETRY_S: Final = 5
SEQNO_PLACE_BYTES: Final = 16
_WORDS: Final = {
    404: LocalizedText(
        "没有这个页面；请检查网址，或从总览开始", "there is no such page; check the address or start from the overview"
    ),
    405: LocalizedText(
        "此页面不接受这种请求；请从页面上的按钮操作",
        "this page does not accept such a request; use the buttons on the pages",
    ),
    500: LocalizedText(
        "控制台内部错误；请重试，若重复出现请查看日志",
        "internal error of the console; try again, and check the log if it happens again",
    ),
    503: LocalizedText(
        "数据库暂时无法访问；请几秒后重试", "the database is temporarily unreachable; try again in a few seconds"
    ),
}
log = structlog.get_logger("vipgate.admin.console")


def build_console(
    pool: DatabasePool,
    vault: Vault,
    settings: ConsoleSettings,
    clock_us: Callable[[], int],
    new_secret: Callable[[int], str],
    *,
    searches: MaskedSearches | None = None,
) -> ASGIApp:
    """Builds the console's ASGI application, to be mounted last, at `/`.

    `new_secret(n)` returns a URL-safe secret of n random bytes: secrets.token_urlsafe.
    """
    context = Context(
        databases=pool,
        vault=vault,
        settings=settings,
        clock_us=clock_us,
        new_secret=new_secret,
        templates=load_templates(),
        style_tag=STYLE_TAG,
        park_status=ParkStatusCache(pool),
        daily_totals=DailyTotalsCache(pool),
        searches=searches or MaskedSearches(),
        seqno_generator=SeqnoGenerator(int.from_bytes(new_secret(SEQNO_PLACE_BYTES).encode()) % 10**15),
    )
    app = Starlette(
        routes=[
            *(page.route(context) for page in PAGES),
            *static_routes(),
        ],
        exception_handlers=_handlers(context),
    )
    # Outside Starlette, so that the page of an unexpected error has the headers too.
    return Headers(app)


@cache
def load_templates() -> Environment:
    """Loads the console's templates once."""
    return read_templates("vipgate.admin.console")


def _handlers(context: Context) -> dict[int | type[Exception], Callable[[Request, Exception], Awaitable[Response]]]:
    async def refused(request: Request, error: Exception) -> Response:
        """Handles PageError, RequestError and StoreError."""
        if isinstance(error, PageError):
            return _error_page(context, request, error.status, error.words, error.retry_after_s)
        if isinstance(error, RequestError):
            return _error_page(context, request, error.status, error.hint, error.retry_after_s)
        return _error_page(context, request, 503, _WORDS[503], STORE_RETRY_S)

    async def http(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        return _error_page(context, request, status, _WORDS.get(status, _WORDS[404]), None)

    async def fault(request: Request, error: Exception) -> Response:
        # Only the first path segment: the rest may be a secret.
        log.error("page failed", page=request.scope["path"][1:].partition("/")[0], exc_info=error)
        return _error_page(context, request, 500, _WORDS[500], None)

    return {PageError: refused, RequestError: refused, StoreError: refused, HTTPException: http, Exception: fault}


def _error_page(
    context: Context, request: Request, status: int, words: LocalizedText, retry_after_s: int | None
) -> Response:
    """Renders an error page; needs neither database nor account."""
    cookie, accept = request.cookies.get(LANGUAGE_COOKIE), request.headers.get("accept-language", "")
    translator = Translator(choose_language(None, cookie, accept))
    template = context.templates.get_template("error.html")
    content = template.render(t=translator, style_tag=context.style_tag, status=status, words=words)
    headers = {} if retry_after_s is None else {"retry-after": str(retry_after_s)}
    return Response(content, status, headers, "text/html; charset=utf-8")
