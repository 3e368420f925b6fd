"""Changes the language of the pages in this browser."""

from __future__ import annotations

import re
from typing import Final

from starlette.responses import Response

from vipgate.agent.page.request import LANGUAGE_COOKIE, LANGUAGE_S, NAV, PageRequest
from vipgate.agent.page.setup_progress import STEPS

# The page on which the answer to a form is shown: the form's own address answers no GET.
_PAGE_OF: Final = {
    "/setup": "/setup/platform",
    "/setup/source/table": "/setup/source",
    "/setup/check": "/setup/start",
    "/dead/retry": "/dead",
    "/dead/discard": "/dead",
}
_IS_LETTER: Final = re.compile(r"/dead/[0-9]{1,18}").fullmatch


async def choose(request: PageRequest) -> Response:
    """Sets the language cookie, and returns to the page that the form was on."""
    back = request.form.get("next")
    back = _PAGE_OF.get(back, back)
    language = "en" if request.form.get("language") == "en" else "zh"
    is_page = back in NAV or back.removeprefix("/setup/") in STEPS or _IS_LETTER(back)
    response = request.go(back if is_page else "/")
    response.set_cookie(
        LANGUAGE_COOKIE, language, max_age=LANGUAGE_S, path=request.context.base, httponly=True, samesite="strict"
    )
    return response
