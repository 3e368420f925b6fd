"""Reads what a browser submits: the form of one of our pages, and the query. Size, time and number of fields are bounded."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.requests import Request

from vipgate.i18n import LocalizedText
from vipgate.support.web.errors import PageError
from vipgate.support.web.forms import FIELDS_MAX, FormData
from vipgate.support.web.guard import is_of_this_site, read_body

BODY_S_MAX: Final = 30
QUERY_CHARS_MAX: Final = 4096
_FORM: Final = LocalizedText(
    "无法确认表单来自本站；请返回上一页，刷新后重试；如经代理访问，请让代理转发 Host",
    "the form is from another site or does not say; go back, reload the page and try again; a proxy must pass Host",
)
_BODY: Final = LocalizedText(
    "提交的内容过大或过慢；请缩短后重试", "the submission is too large or too slow; shorten it and try again"
)


async def read_form(request: Request, *, secure: bool, bytes_max: int, fields_max: int = FIELDS_MAX) -> FormData:
    """Reads a form of this site; empty for a GET. Raises PageError. `secure`: pages are served over HTTPS only."""
    if request.method != "POST":
        return FormData([])
    if not is_of_this_site(request, secure=secure):
        raise PageError(403, _FORM)
    try:
        async with asyncio.timeout(BODY_S_MAX):
            body = await read_body(request, bytes_max)
        return FormData.parse(body.decode("utf-8", "replace"), fields_max)
    except (TimeoutError, ValueError):
        raise PageError(413, _BODY) from None


def read_query(request: Request) -> FormData:
    """Reads the query; empty if it is too long."""
    text = request.scope["query_string"].decode("ascii", "replace")
    try:
        return FormData.parse(text if len(text) <= QUERY_CHARS_MAX else "")
    except ValueError:
        return FormData([])
