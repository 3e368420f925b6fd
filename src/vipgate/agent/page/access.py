"""Lets in only the browser that came by the printed link. Everything else on this machine sees nothing.

The pages lie below a path that no one can guess, and the cookie is sent to this path only: browsers send cookies to every port
of a machine, and another user may serve pages at another port.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Final

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from vipgate.support.web.guard import is_embedded

COOKIE: Final = "vipgate_agent"
TOKEN_BYTES: Final = 24
# Every other answer may name the secret path, an error page too.
_PUBLIC: Final = frozenset({"/static/console.css", "/static/icon.svg", "/favicon.ico"})
# The browser comes from another place, a file or a terminal: without this reload a strict cookie would not be sent.
_ENTER: Final = Markup(
    '<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>vipgate</title>'
    '<meta http-equiv="refresh" content="0; url={0}"><a href="{0}">vipgate</a></html>'
)
_STRANGER: Final = (
    "请用 vipgate agent page 显示的链接打开；每个链接只能用一次，需要新链接时请再次运行该命令。\n"
    "Open the link that `vipgate agent page` prints. Each link works once; run the command again for a new one.\n"
)
_WRONG_HOST: Final = "This address is not served here; open the link that `vipgate agent page` prints.\n"


class Access:
    """ASGI middleware: checks the host, exchanges the one-time token for a cookie, and asks for the cookie everywhere else."""

    def __init__(self, new_secret: Callable[[int], str]) -> None:
        self._token = new_secret(TOKEN_BYTES)
        self._session = new_secret(TOKEN_BYTES)
        self._is_used = False
        self._hosts: frozenset[str] = frozenset()
        self._app: ASGIApp = PlainTextResponse(_STRANGER, 503)
        # Below this path are all pages.
        self.base = f"/{new_secret(TOKEN_BYTES // 2)}"

    def protect(self, app: ASGIApp, port: int) -> ASGIApp:
        """Puts this guard in front of `app`, which is served at `port`."""
        self._app = app
        self._hosts = frozenset({f"127.0.0.1:{port}", f"localhost:{port}"})
        return self

    def link(self, port: int) -> str:
        """The link that lets one browser in, once."""
        return f"http://127.0.0.1:{port}/enter/{self._token}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] != "http":
            return
        request = Request(scope)
        answer = self._answer(request)
        await (self._app if answer is None else answer)(scope, receive, send)

    def _answer(self, request: Request) -> Response | None:
        """The response to a request that must not reach the application; None for one that may."""
        # Another name for this address is another site that made its name point here.
        hosts = request.headers.getlist("host")
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            return PlainTextResponse(_WRONG_HOST, 421)
        path = request.scope["path"]
        if path in _PUBLIC and request.method in ("GET", "HEAD"):
            return None
        if is_embedded(request):
            return Response(status_code=403)
        if path.startswith("/enter/"):
            return self._enter(request, path.removeprefix("/enter/"))
        is_below = path == self.base or path.startswith(f"{self.base}/")
        if is_below and self._has_session(request):
            return None
        return PlainTextResponse(_STRANGER, 403)

    def _enter(self, request: Request, token: str) -> Response:
        if request.method != "GET" or self._is_used or not _is_same(token, self._token):
            return PlainTextResponse(_STRANGER, 403)
        self._is_used = True
        response = HTMLResponse(_ENTER.format(f"{self.base}/"))
        response.set_cookie(COOKIE, self._session, path=self.base, httponly=True, samesite="strict")
        return response

    def _has_session(self, request: Request) -> bool:
        # A page at another port may set a second cookie of this name: it must not lock this browser out.
        lines = request.headers.getlist("cookie")
        pairs = [pair.strip().partition("=") for line in lines for pair in line.split(";")]
        return any(name == COOKIE and _is_same(value, self._session) for name, _, value in pairs)


def _is_same(given: str, secret: str) -> bool:
    """Compares in constant time."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode())
