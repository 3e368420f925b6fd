"""Loads templates, and serves the stylesheet and the icon that all pages share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from hashlib import sha256
from importlib.resources import files
from typing import Final

from jinja2 import DictLoader, Environment, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

STYLE_AGE_S: Final = 365 * 86_400
_SHARED: Final = "vipgate.support.web"


def read_templates(package: str) -> Environment:
    """Reads the shared templates and those of `package`. Undefined names raise an error, and all text is escaped."""
    folders = [files(one).joinpath("templates") for one in (_SHARED, package)]
    texts = {
        one.name: one.read_text(encoding="utf-8")
        for folder in folders
        for one in folder.iterdir()
        if one.name.endswith(".html")
    }
    return Environment(
        loader=DictLoader(texts),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )


async def compile_pages(templates: Environment, pause_s: float) -> None:
    """Compiles templates ahead of their first use: one at a time, in a thread, with a pause before each."""
    for name in templates.list_templates():
        await asyncio.sleep(pause_s)
        await asyncio.to_thread(templates.get_template, name)


def static_routes() -> list[Route]:
    """The routes of stylesheet and icon."""
    return [
        Route("/static/console.css", _served(_STYLE, "text/css")),
        Route("/static/icon.svg", _served(_ICON, "image/svg+xml")),
        Route("/favicon.ico", _served(_ICON, "image/svg+xml")),
    ]


def _served(content: bytes, media_type: str) -> Callable[[Request], Awaitable[Response]]:
    """Serves a static file; browsers cache it until its URL changes."""
    headers = {"etag": f'"{_tag(content)}"', "cache-control": f"public, max-age={STYLE_AGE_S}, immutable"}

    async def answer(request: Request) -> Response:
        if request.headers.get("if-none-match") == headers["etag"]:
            return Response(status_code=304, headers=headers)
        return Response(content, media_type=media_type, headers=headers)

    return answer


def _tag(content: bytes) -> str:
    return sha256(content).hexdigest()[:16]


_STYLE: Final = files(_SHARED).joinpath("static", "console.css").read_bytes()
_ICON: Final = files(_SHARED).joinpath("static", "icon.svg").read_bytes()
# Part of the stylesheet's URL: browsers load a new one after an update.
STYLE_TAG: Final = _tag(_STYLE)
