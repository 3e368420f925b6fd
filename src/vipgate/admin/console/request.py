"""One request for a page: who asks, in which language, with which fields, and the ways to answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar
from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from vipgate.admin.auth.plate_search_limit import Searcher
from vipgate.admin.auth.sessions import has_role
from vipgate.admin.console.context import Context
from vipgate.admin.console.errors import PageError
from vipgate.admin.console.forms import FormData
from vipgate.admin.console.i18n import Translator
from vipgate.admin.console.navigation import (
    NAV,
    PARK_TABS,
    Entry,
    Tab,
)
from vipgate.admin.console.urls import (
    park_at,
    segment,
    with_query,
)
from vipgate.domain.masking import mask_plate
from vipgate.i18n import LocalizedText
from vipgate.store.interfaces.accounts import (
    AuditEntry,
    Role,
    Session,
    User,
)
from vipgate.store.interfaces.admin import Database

T = TypeVar("T")
LANGUAGE_COOKIE: Final = "vipgate_language"
LANGUAGE_S: Final = 365 * 86_400
_SHOW_PLATES = LocalizedText("先显示完整车牌", "have plates shown first")
_ASK_FOR_PLATES = LocalizedText("请管理员授予查看完整车牌的权限", "ask an administrator for the right to see plates")
_ROLE = LocalizedText("您的账号没有这项权限；请联系管理员", "your account may not do this; ask an administrator")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """A request of somebody who need not be logged in. `csrf` is the token that a form of this page must send back."""

    context: Context
    request: Request
    peer: str
    now_us: int
    speech: Translator
    query: FormData
    form: FormData
    csrf: str
    new_guest: str | None = None

    @property
    def here(self) -> str:
        """Path and query of this page as the browser sent them, to come back to."""
        return here_of(self.request)

    async def database(self, fn: Callable[[Database], T]) -> T:
        """Does `fn` with the database, in a thread. Raises StoreError, Unavailable."""
        return await self.context.databases.run(fn)

    def page(self, template: str, /, *, status: int = 200, **values: object) -> Response:
        """The page made of `template`. It knows `visit`, `t` and `values`."""
        content = self.context.templates.get_template(template).render(visit=self, t=self.speech, **values)
        response = HTMLResponse(content, status)
        if self.new_guest is not None:
            self.set_cookie(response, guest_cookie(secure=self.context.settings.secure), self.new_guest)
        return response

    def go(self, path: str, done: str = "") -> Response:
        """On to `path` after a form; the page there says the text `done.…`."""
        joined = path if not done else f"{path}{'&' if '?' in path else '?'}done={done}"
        return RedirectResponse(joined, 303)

    def set_cookie(self, response: Response, name: str, value: str, *, age_s: int | None = None) -> None:
        """A cookie that no program in the browser reads and no other site sends."""
        response.set_cookie(
            name, value, max_age=age_s, path="/", secure=self.context.settings.secure, httponly=True, samesite="strict"
        )

    def done(self) -> str:
        """What the form before this page did, in words; empty where there was none."""
        key = f"done.{self.query.get('done')}"
        return self.speech(key) if self.speech.has(key) else ""

    def entries(self) -> list[Entry]:
        """The pages that this visitor may go to."""
        return []

    def segment(self, text: str) -> str:
        """A text as one segment of a path."""
        return segment(text)

    def link(self, path: str, **values: object) -> str:
        """An address with a query."""
        return with_query(path, **values)

    def is_here(self, path: str, *, below: bool = True) -> bool:
        """Whether this page is `path`, or lies below it."""
        own, wanted = self.request.scope["path"], unquote(path.partition("?")[0])
        return own == wanted or (below and wanted != "/" and own.startswith(wanted + "/"))


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffRequest(PageRequest):
    """A request of somebody who is logged in."""

    session: Session
    user: User

    def may(self, role: Role) -> bool:
        """Whether the visitor may do what `role` may."""
        return has_role(self.user.role, role)

    def need(self, role: Role) -> None:
        """Raises PageRefused where the visitor may not do what `role` may."""
        if not self.may(role):
            raise PageError(403, _ROLE)

    @property
    def sees_plates(self) -> bool:
        """Whether plates are shown in the clear now."""
        return self.user.sees_plates and self.session.plates_until_us > self.now_us

    def plate(self, text: str | None) -> str:
        """A plate or a card as this visitor may see it; a dash where there is none."""
        if not text:
            return "–"
        return text if self.sees_plates else mask_plate(text)

    @property
    def way_to_plates(self) -> LocalizedText:
        """What this visitor does to see plates."""
        return _SHOW_PLATES if self.user.sees_plates else _ASK_FOR_PLATES

    def search(self, database: Database, text: str, work: Callable[[], T], hits: Callable[[T], object] = bool) -> T:
        """Does a search by a plate or card; where these are hidden, only as often as a person needs. Raises TooOften."""
        if self.sees_plates:
            return work()
        searcher = Searcher(database, self.user.name, self.peer, self.now_us, self.way_to_plates)
        return self.context.searches.run(searcher, text, work, hits)

    def entries(self) -> list[Entry]:
        """The pages that this visitor may go to."""
        return [entry for entry in NAV if self.may(entry.role)]

    def audit_entry(
        self, action: str, *, park_uuid: str | None = None, subject: str = "", detail: str = ""
    ) -> AuditEntry:
        """A line of the audit log by this visitor, now."""
        return AuditEntry(
            at_us=self.now_us,
            who=self.user.name,
            action=action,
            park_uuid=park_uuid,
            subject=subject,
            detail=detail,
            peer=self.peer,
        )

    def park_at(self, park_uuid: str, below: str = "") -> str:
        """The address of a park's page."""
        return park_at(park_uuid, below)

    @property
    def tabs(self) -> tuple[Tab, ...]:
        """The pages of a park."""
        return PARK_TABS

    def tab_at(self, tab: Tab, park_uuid: str) -> str:
        """Where a park's tab leads: below its page, or to a page of all parks with this one as the filter."""
        return with_query(tab.path, park=park_uuid) if tab.path else park_at(park_uuid, tab.below)

    def with_fields(self, **values: object) -> str:
        """This page with other values in its query: for "next page" and presets."""
        kept = {name: value for name, value in self.query.values.items() if name not in ("done", "after")}
        return with_query(self.here.partition("?")[0], **{**kept, **values})


def here_of(request: Request) -> str:
    """Path and query of a request. Not `request.url`, which takes a quoted `?` of a path for the query."""
    path = request.scope.get("raw_path", b"").decode("ascii", "replace") or quote(request.scope["path"])
    query = request.scope["query_string"].decode("ascii", "replace")
    return f"{path}?{query}" if query else path


def session_cookie(*, secure: bool) -> str:
    """The cookie's name: browsers take `__Host-` from nobody but this very host, behind TLS."""
    return "__Host-vipgate" if secure else "vipgate"


def guest_cookie(*, secure: bool) -> str:
    """The same for the token of a form before the login."""
    return "__Host-vipgate_guest" if secure else "vipgate_guest"
