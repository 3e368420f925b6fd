"""A request for a page: its language and fields, with helpers for responses and templates."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, TypeVar
from urllib.parse import urlencode

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from vipgate.agent.page.context import Context
from vipgate.agent.page.readable import readable
from vipgate.agent.page.setup_progress import STEPS, steps_done
from vipgate.support.address_masking import mask
from vipgate.support.web.assets import STYLE_TAG
from vipgate.support.web.forms import FormData
from vipgate.support.web.translator import Translator

T = TypeVar("T")
NAV: Final = ("/", "/dead", "/compare", "/setup")
LANGUAGE_COOKIE: Final = "vipgate_agent_language"
LANGUAGE_S: Final = 365 * 86_400
# In the query of a page that reloaded by itself.
RELOADED: Final = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """A request of the browser that was let in. Templates call it `request`."""

    context: Context
    http: Request
    translator: Translator
    query: FormData
    form: FormData
    now_us: int
    style_tag: str = STYLE_TAG

    async def run(self, fn: Callable[[], T]) -> T:
        """Runs `fn`, which may wait for disk, source or platform, in a thread."""
        return await anyio.to_thread.run_sync(fn)

    def at(self, path: str, **values: object) -> str:
        """The URL of a page."""
        query = urlencode({name: value for name, value in values.items() if value not in (None, "")})
        return f"{self.context.base}{path}" + (f"?{query}" if query else "")

    def is_here(self, path: str) -> bool:
        """Whether this page is `path`, or below it."""
        own = self.here
        return own == path or (path != "/" and own.startswith(f"{path}/"))

    @property
    def here(self) -> str:
        """This page's path."""
        return str(self.http.scope["path"]).removeprefix(self.context.base) or "/"

    def code_options(self, member: str, codes: Iterable[int]) -> list[tuple[str, str]]:
        """The codes of a member as options of a selection."""
        return [(str(code), f"{code} {self.translator(f'{member}.{code}')}") for code in codes]

    def without_code(self, member: str, as_is: str) -> str:
        """What happens to a value that has no code of its own."""
        if not as_is:
            return self.translator("mapping.no_code")
        return self.translator("mapping.as_is", code=as_is, word=self.translator.either(f"{member}.{as_is}", as_is))

    def column_options(self, columns: Iterable[tuple[int, str]]) -> list[tuple[str, str]]:
        """Columns as options of a selection, by their places."""
        return [(str(place), name[:60]) for place, name in columns]

    def readable(self, member: str, sent: object) -> str:
        """A value of the wire as people write it; empty where that is what is sent."""
        return readable(self.translator, member, sent)

    @property
    def reload_url(self) -> str:
        """The URL by which this page reloads itself."""
        return self.at(self.here, **{RELOADED: 1})

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps of the set-up, in their order."""
        return STEPS

    @property
    def done_steps(self) -> frozenset[str]:
        """The steps of the set-up that are done."""
        return steps_done(self.context)

    @property
    def nav(self) -> tuple[str, ...]:
        """The pages of the navigation."""
        return NAV

    def page(self, template: str, /, *, status: int = 200, **values: object) -> Response:
        """Renders `template` with `request`, `t` and `values`."""
        made = self.context.templates.get_template(template)
        text = made.render(request=self, t=self.translator, **values)
        # The name of a file need not be UTF-8.
        return HTMLResponse(text.encode("utf-8", "replace"), status)

    def go(self, path: str, done: str = "", **values: object) -> Response:
        """Redirects to `path` after a form; that page shows the text `done.…`."""
        return RedirectResponse(self.at(path, done=done, **values), 303)

    def done(self) -> str:
        """The confirmation of the previous form; empty if there was none."""
        key = f"done.{self.query.get('done')}"
        if not self.translator.has(key):
            return ""
        counts = {name: self.query.get(name)[:12] for name in ("n", "m")}
        return self.translator(key, **counts)

    def masked(self, error: object) -> str:
        """An error's text without secrets."""
        return mask(str(error))
