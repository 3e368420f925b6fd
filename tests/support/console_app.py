"""A console over a real SQLite database, and a browser without a screen for it."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
from starlette.types import ASGIApp

from support.store_database import Clock
from vipgate.admin.auth.passwords import hash_password
from vipgate.admin.auth.sessions import open_session
from vipgate.admin.console.request import session_cookie
from vipgate.store.interfaces.accounts import AuditEntry, Language, Role, User
from vipgate.store.interfaces.admin import Database
from vipgate.support.vault import Vault

PASSWORD = "correct horse battery"
# Hashed once: a test that makes an account need not wait for it.
HASHED = hash_password(PASSWORD)
ORIGIN = "http://console.test"
PEER = "198.51.100.7"
Fields = Mapping[str, str | list[str]]


class Browser:
    """Follows no redirect by itself, and sends forms as a browser does: with the token of the page they are on."""

    def __init__(self, app: ASGIApp, runner: asyncio.Runner, language: str, peer: str) -> None:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(peer, 50_000))
        self.client = httpx.AsyncClient(
            transport=transport, base_url=ORIGIN, headers={"accept-language": language}, follow_redirects=False
        )
        self._runner = runner

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Asks for a page."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._runner.run(self.client.get(path, headers=named))

    def post(self, path: str, fields: Fields, **headers: str) -> httpx.Response:
        """Sends a form as it is: from a page of the console, unless `headers` say otherwise; "" leaves one out."""
        said = {"sec_fetch_site": "same-origin", **headers}
        named = {name.replace("_", "-"): value for name, value in said.items() if value}
        return self._runner.run(self.client.post(path, data=dict(fields), headers=named))

    def page(self, path: str, status: int = 200) -> str:
        """The page at `path`."""
        answer = self.get(path)
        assert answer.status_code == status, (answer.status_code, answer.text)
        return answer.text

    def send(self, path: str, /, *, on: str | None = None, **fields: str | list[str]) -> httpx.Response:
        """Sends a form that lies on the page `on`, by default the one before the login or that of the account."""
        page = self.page(on or ("/" if self.is_in() else "/login"))
        seen = re.search(r'name="seen" value="([^"]+)"', page)
        return self.post(path, {**({"seen": seen[1]} if seen else {}), **fields})

    def login(self, name: str, password: str = PASSWORD) -> httpx.Response:
        """Logs in."""
        return self.send("/login", on="/login", name=name, password=password)

    def is_in(self) -> bool:
        """Whether this browser holds the cookie of a session."""
        return any(name.removeprefix("__Host-") == "vipgate" for name in self.client.cookies)


@dataclass(slots=True)
class House:
    """The database, the console over it, and ways to come in."""

    database: Database
    app: ASGIApp
    clock: Clock
    vault: Vault
    runner: asyncio.Runner
    secure: bool

    def browser(self, language: str = "zh-CN", peer: str = PEER) -> Browser:
        """Somebody who is not logged in."""
        return Browser(self.app, self.runner, language, peer)

    def add_user(
        self,
        name: str,
        role: Role,
        *,
        sees_plates: bool = False,
        enabled: bool = True,
        language: Language | None = None,
    ) -> None:
        """An account with PASSWORD."""
        user = User(
            name=name,
            role=role,
            password=HASHED,
            sees_plates=sees_plates,
            enabled=enabled,
            language=language,
            created_us=self.clock.now_us,
            last_login_us=None,
        )
        assert self.database.accounts.add_user(user, entry(self.clock.now_us))

    def enter(
        self, role: Role = "reader", *, name: str = "", sees_plates: bool = False, language: str = "zh-CN"
    ) -> Browser:
        """Somebody whose session is open: the way in by a password takes its time, and test_accounts.py goes it."""
        user = name or role
        self.add_user(user, role, sees_plates=sees_plates)
        secret, session = open_session(user, PEER, self.clock.now_us, secrets.token_urlsafe)
        self.database.accounts.note_login(session, entry(self.clock.now_us, user, "login"))
        browser = self.browser(language)
        browser.client.cookies.set(session_cookie(secure=self.secure), secret, urlsplit(ORIGIN).hostname or "")
        return browser

    def actions(self) -> list[str]:
        """What the audit log tells, newest first."""
        return [one.action for one in self.database.accounts.audit_entries(None, None, None, 100)]


def entry(now_us: int, who: str = "command", action: str = "user.add") -> AuditEntry:
    return AuditEntry(at_us=now_us, who=who, action=action, park_uuid=None, subject="", detail="", peer="")


Build = Callable[..., House]
