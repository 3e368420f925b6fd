"""People of the staff who sit before a Chromium, and the gateway whose console they see."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from playwright.sync_api import Browser, Locator, Page, expect

from support.browser_monitor import Watch
from support.gateway_process import Gateway
from vipgate.admin.auth.sessions import open_session
from vipgate.admin.console.i18n import Translator
from vipgate.clock import clock_us
from vipgate.store.interfaces.accounts import AuditEntry, Language, Role
from vipgate.store.interfaces.admin import Database

WIDE: Final = (1280, 800)
NARROW: Final = (390, 844)
ANSWER_MS: Final = 20_000
LOCALES: Final[dict[Language, str]] = {"zh": "zh-CN", "en": "en-GB"}
PLATES_US: Final = 20 * 60_000_000
Scheme = Literal["light", "dark"]


@dataclass(slots=True)
class Visitor:
    """Somebody at a browser: goes to pages, fills fields in by their labels, presses buttons by their names."""

    page: Page
    watch: Watch
    t: Translator
    home: str

    def at(self, path: str, status: int = 200) -> Visitor:
        """Goes to a page."""
        if status >= 400:
            self.watch.expected.add(status)
        response = self.page.goto(self.home + path)
        assert response is not None
        assert response.status == status, f"{path}: {response.status}"
        return self

    def label(self, key: str, **values: object) -> Locator:
        """The field that is called so."""
        return self.page.locator("input, select, textarea").and_(
            self.page.get_by_label(self.t(key, **values), exact=True)
        )

    def fill(self, key: str, text: str) -> None:
        """Types into a field."""
        self.label(key).fill(text)

    def button(self, key: str, **values: object) -> Locator:
        """The button of the page itself that is called so; those of the frame are said by frame_button."""
        return self.page.get_by_role("main").get_by_role("button", name=self.t(key, **values), exact=True)

    def press(self, key: str, status: int = 200, **values: object) -> None:
        """Presses a button and waits for the page that answers."""
        self.send(self.button(key, **values), status)

    def send(self, button: Locator, status: int = 200) -> None:
        """The same with any element."""
        if status >= 400:
            self.watch.expected.add(status)
        with self.page.expect_navigation() as navigation:
            button.click()
        assert navigation.value is not None
        assert navigation.value.status == status, f"{navigation.value.url}: {navigation.value.status}"

    def follow(self, key: str, **values: object) -> None:
        """Follows the first link of the page itself that is called so."""
        self.send(self.page.get_by_role("main").get_by_role("link", name=self.t(key, **values), exact=True).first)

    def sees(self, text: str) -> None:
        """Some text is there to be seen."""
        expect(self.page.get_by_text(text).first).to_be_visible()

    def is_told(self, key: str, **values: object) -> None:
        """The page says what was done."""
        expect(self.page.get_by_role("status")).to_have_text(self.t(key, **values))

    def cells(self, row: int = 0) -> list[str]:
        """The cells of a row of the first table."""
        texts = self.page.locator("main tbody tr").nth(row).locator("th, td").all_inner_texts()
        return [text.strip() for text in texts]

    def rows(self) -> int:
        """How many rows the first table has."""
        return self.page.locator("main table").first.locator("tbody tr").count()

    @property
    def path(self) -> str:
        """Where the browser is now, without the host."""
        return self.page.url.removeprefix(self.home)


@dataclass(slots=True)
class House:
    """The gateway, a desk on its database, and the browser."""

    gateway: Gateway
    database: Database
    browser: Browser
    seqnos: dict[Language, list[str]]
    held: dict[str, str]
    watches: list[Watch] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)

    @property
    def home(self) -> str:
        """The admin port's address."""
        return self.gateway.inside.rstrip("/")

    def visitor(
        self,
        language: Language = "zh",
        *,
        scheme: Scheme = "light",
        size: tuple[int, int] = WIDE,
        scripts: bool = True,
        secret: str | None = None,
    ) -> Visitor:
        """Somebody at a browser of the own, logged in where `secret` is that of a session."""
        context = self.browser.new_context(
            locale=LOCALES[language],
            color_scheme=scheme,
            viewport={"width": size[0], "height": size[1]},
            java_script_enabled=scripts,
            accept_downloads=True,
            timezone_id="Asia/Shanghai",
        )
        context.set_default_timeout(ANSWER_MS)
        watch = Watch(self.home)
        watch.follow(context, scripts=scripts)
        self.watches.append(watch)
        if secret is not None:
            context.add_cookies([{"name": "vipgate", "value": secret, "url": self.home, "httpOnly": True}])
        page = context.new_page()
        self.pages.append(page)
        return Visitor(page, watch, Translator(language), self.home)

    def staff(self, role: Role, language: Language = "zh", *, plates: bool = False, **how: Any) -> Visitor:
        """Somebody of the staff whose session is open; with `plates`, plates are shown."""
        return self.visitor(language, secret=self.open_session(f"{role}.one", plates=plates), **how)

    def open_session(self, user: str, *, plates: bool = False) -> str:
        """The secret of a new session."""
        now_us = clock_us()
        secret, session = open_session(user, "127.0.0.1", now_us, secrets.token_urlsafe)
        self.database.accounts.note_login(session, _entry(now_us, user, "login"))
        if plates:
            self.database.accounts.show_plates(session.digest, now_us + PLATES_US, _entry(now_us, user, "plates.show"))
        return secret

    def actions(self) -> list[str]:
        """What the audit log tells, newest first."""
        return [one.action for one in self.database.accounts.audit_entries(None, None, None, 100)]


def _entry(now_us: int, who: str, action: str) -> AuditEntry:
    return AuditEntry(at_us=now_us, who=who, action=action, park_uuid=None, subject=who, detail="", peer="127.0.0.1")


@dataclass(frozen=True, slots=True)
class FirstAccount:
    """How the first account was made: what was wrong on the way, what the pages said."""

    link: str
    titles: list[str]
    faults: list[str]
    wrong: list[str]
