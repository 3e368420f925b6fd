"""A console over a real SQLite database, a browser without a screen for it, and a clock that tests set."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.types import ASGIApp

from vipgate.admin.auth.passwords import hash_password
from vipgate.admin.auth.sessions import open_session
from vipgate.admin.console.app import build_console
from vipgate.admin.console.context import ConsoleSettings
from vipgate.admin.console.request import session_cookie
from vipgate.store.async_pool import DatabasePool
from vipgate.store.interfaces.accounts import AuditEntry, Language, Role, User
from vipgate.store.interfaces.admin import Database
from vipgate.store.interfaces.ledger import Retention
from vipgate.store.open_database import open_database
from vipgate.support.vault import Vault

NOON_US = 1_795_492_800_000_000  # 2026-11-24T04:00:00Z, noon in Beijing
PASSWORD = "correct horse battery"
# Hashed once: a test that makes an account need not wait for it.
HASHED = hash_password(PASSWORD)
ORIGIN = "http://console.test"
PEER = "198.51.100.7"
Fields = Mapping[str, str | list[str]]


@dataclass(slots=True)
class Clock:
    """A clock that stands still until a test moves it."""

    now_us: int = NOON_US

    def __call__(self) -> int:
        return self.now_us

    def forward(self, seconds: float) -> None:
        self.now_us += round(seconds * 1_000_000)


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
        """Sends a form as it is."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
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
        return self.post(path, {"csrf": token_of(page), **({"seen": seen[1]} if seen else {}), **fields})

    def login(self, name: str, password: str = PASSWORD) -> httpx.Response:
        """Logs in."""
        return self.send("/login", on="/login", name=name, password=password)

    def is_in(self) -> bool:
        """Whether this browser holds the cookie of a session."""
        return any(name.removeprefix("__Host-") == "vipgate" for name in self.client.cookies)


def token_of(page: str) -> str:
    """The token in the first form of a page."""
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found is not None, page
    return found[1]


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


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A database with nothing in it but its tables: to make them takes longer than most tests."""
    path = tmp_path_factory.mktemp("empty") / "vipgate.db"
    open_database(f"sqlite:///{path}", Clock(), Retention()).close()
    return path.read_bytes()


@pytest.fixture
def build(memory_path: Path, empty_database: bytes) -> Iterator[Build]:
    """Builds a console; `secure=True` is one behind TLS."""
    open_things: list[Callable[[], None]] = []

    def made(*, secure: bool = False, charge_types_allow_private: bool = False) -> House:
        clock = Clock()
        url = f"sqlite:///{memory_path / 'vipgate.db'}"
        (memory_path / "vipgate.db").write_bytes(empty_database)
        database = open_database(url, clock, Retention())
        databases = DatabasePool(lambda: open_database(url, clock, Retention()), 2)
        vault = Vault("k" * 32)
        runner = asyncio.Runner()
        settings = ConsoleSettings(secure=secure, charge_types_allow_private=charge_types_allow_private)
        app = build_console(databases, vault, settings, clock, secrets.token_urlsafe)
        house = House(database, app, clock, vault, runner, secure)
        open_things.extend((databases.close, database.close, runner.close))
        return house

    yield made
    for close in open_things:
        close()


@pytest.fixture
def house(build: Build) -> House:
    return build()
