"""A console request: user, language and fields, with helpers for responses and templates."""

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
from vipgate.admin.console.i18n import Translator
from vipgate.admin.console.navigation import NAV, PARK_TABS, Entry, Tab
from vipgate.admin.console.urls import park_at, segment, with_query
from vipgate.domain.masking import mask_plate
from vipgate.i18n import LocalizedText
from vipgate.store.interfaces.accounts import AuditEntry, Role, Session, User
from vipgate.store.interfaces.admin import Database
from vipgate.store.interfaces.ledger import Unreachable
from vipgate.support.web.errors import PageError
from vipgate.support.web.forms import FormData

T = TypeVar("T")
LANGUAGE_COOKIE: Final = "vipgate_language"
LANGUAGE_S: Final = 365 * 86_400
_SHOW_PLATES = LocalizedText("先显示完整车牌", "show plates first")
_ASK_FOR_PLATES = LocalizedText("请管理员授予查看完整车牌的权限", "ask an administrator for the right to see plates")
_ROLE = LocalizedText("您的账号没有这项权限；请联系管理员", "your account may not do this; ask an administrator")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """A request that needs no login."""

    context: Context
    request: Request
    peer: str
    now_us: int
    translator: Translator
    query: FormData
    form: FormData

    @property
    def here(self) -> str:
        """This page's path and query as the browser sent them, to return to."""
        return here_of(self.request)

    @property
    def unreachable(self) -> Unreachable | None:
        """What pages over several parks omit because nodes of a cluster do not answer."""
        return self.context.databases.unreachable

    async def database(self, fn: Callable[[Database], T]) -> T:
        """Runs `fn` with a database connection, in a thread. Raises StoreError, ServiceUnavailable."""
        return await self.context.databases.run(fn)

    def page(self, template: str, /, *, status: int = 200, **values: object) -> Response:
        """Renders `template` with `staff`, `t` and `values`."""
        content = self.context.templates.get_template(template).render(staff=self, t=self.translator, **values)
        return HTMLResponse(content, status)

    def go(self, path: str, done: str = "") -> Response:
        """Redirects to `path` after a form; that page shows the text `done.…`."""
        joined = path if not done else f"{path}{'&' if '?' in path else '?'}done={done}"
        return RedirectResponse(joined, 303)

    def set_cookie(self, response: Response, name: str, value: str, *, age_s: int | None = None) -> None:
        """Sets a cookie that scripts cannot read and other sites do not send."""
        response.set_cookie(
            name, value, max_age=age_s, path="/", secure=self.context.settings.secure, httponly=True, samesite="strict"
        )

    def done(self) -> str:
        """Returns the confirmation of the previous form; empty if there was none."""
        key = f"done.{self.query.get('done')}"
        return self.translator(key) if self.translator.has(key) else ""

    def entries(self) -> list[Entry]:
        """Returns the navigation entries that this visitor may use."""
        return []

    def segment(self, text: str) -> str:
        """Encodes a text as one path segment."""
        return segment(text)

    def link(self, path: str, **values: object) -> str:
        """Returns a URL with a query."""
        return with_query(path, **values)

    def is_here(self, path: str, *, below: bool = True) -> bool:
        """Whether this page is `path`, or below it."""
        own, wanted = self.request.scope["path"], unquote(path.partition("?")[0])
        return own == wanted or (below and wanted != "/" and own.startswith(wanted + "/"))


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffRequest(PageRequest):
    """A request with a valid session."""

    session: Session
    user: User

    def may(self, role: Role) -> bool:
        """Whether the user has the rights of `role`."""
        return has_role(self.user.role, role)

    def need(self, role: Role) -> None:
        """Raises PageError if the user lacks the rights of `role`."""
        if not self.may(role):
            raise PageError(403, _ROLE)

    @property
    def sees_plates(self) -> bool:
        """Whether plates are shown unmasked now."""
        return self.user.sees_plates and self.session.plates_until_us > self.now_us

    def plate(self, text: str | None) -> str:
        """Returns a plate or card as this user may see it; a dash if empty."""
        if not text:
            return "–"
        return text if self.sees_plates else mask_plate(text)

    @property
    def way_to_plates(self) -> LocalizedText:
        """What this user must do to see plates."""
        return _SHOW_PLATES if self.user.sees_plates else _ASK_FOR_PLATES

    def search(self, database: Database, text: str, work: Callable[[], T], hits: Callable[[T], object] = bool) -> T:
        """Runs a search by plate or card, rate limited while plates are masked. Raises RateLimited."""
        if self.sees_plates:
            return work()
        searcher = Searcher(database, self.user.name, self.peer, self.now_us, self.way_to_plates)
        return self.context.searches.run(searcher, text, work, hits)

    def entries(self) -> list[Entry]:
        """Returns the navigation entries that this visitor may use."""
        return [entry for entry in NAV if self.may(entry.role)]

    def audit_entry(
        self, action: str, *, park_uuid: str | None = None, subject: str = "", detail: str = ""
    ) -> AuditEntry:
        """Makes an audit entry of this user, now."""
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
        """Returns the URL of a park's page."""
        return park_at(park_uuid, below)

    @property
    def tabs(self) -> tuple[Tab, ...]:
        """The tabs of a park."""
        return PARK_TABS

    def tab_at(self, tab: Tab, park_uuid: str) -> str:
        """Returns the URL of a tab: below the park's page, or a page of all parks filtered by this one."""
        return with_query(tab.path, park=park_uuid) if tab.path else park_at(park_uuid, tab.below)

    def with_fields(self, **values: object) -> str:
        """Returns this page's URL with other query values: for "next page" and presets."""
        kept = {name: value for name, value in self.query.values.items() if name not in ("done", "after")}
        return with_query(self.here.partition("?")[0], **{**kept, **values})


def here_of(request: Request) -> str:
    """Returns path and query of a request. Not `request.url`, which takes an encoded `?` in the path for the query."""
    path = request.scope.get("raw_path", b"").decode("ascii", "replace") or quote(request.scope["path"])
    query = request.scope["query_string"].decode("ascii", "replace")
    return f"{path}?{query}" if query else path


def session_cookie(*, secure: bool) -> str:
    """Returns the name of the session cookie. Browsers accept `__Host-` from this host only, over TLS."""
    return "__Host-vipgate" if secure else "vipgate"
