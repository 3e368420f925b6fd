"""Who may look and who changed what: accounts, sessions, tokens and the audit log. The verbs of a Staff."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

Role = Literal["reader", "operator", "admin"]
Language = Literal["zh", "en"]
ROLES: Final[tuple[Role, ...]] = ("reader", "operator", "admin")
Scope = Literal["parks", "renewals", "vehicles", "requests", "totals", "changes", "metrics"]
SCOPES: Final[tuple[Scope, ...]] = ("parks", "renewals", "vehicles", "requests", "totals", "changes", "metrics")


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A member of the staff. `password` is an argon2 hash; `sees_plates`: may unmask plates."""

    name: str
    role: Role
    password: str
    sees_plates: bool
    enabled: bool
    language: Language | None
    created_us: int
    last_login_us: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A login. `digest` is the SHA-256 of the cookie's secret, in hex; plates are shown until `plates_until_us`."""

    digest: str
    user: str
    csrf: str
    created_us: int
    seen_us: int
    expires_us: int
    plates_until_us: int
    peer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A key to the read API. `digest` is the SHA-256 of the token, in hex; `park_uuid` None opens all parks."""

    number: int
    name: str
    digest: str
    scopes: tuple[Scope, ...]
    park_uuid: str | None
    masked: bool
    created_us: int
    used_us: int | None
    revoked_us: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One line of the audit log: who did what to what. `who` is a user, `token:NAME`, or `command`."""

    at_us: int
    who: str
    action: str
    park_uuid: str | None
    subject: str
    detail: str
    peer: str
    number: int = 0


class AccountStore(Protocol):
    """Accounts, sessions, tokens, and what was done with them. One thread at a time. Raises StoreError.

    A verb with `deed` writes the line of the audit log in the same transaction as the change.
    """

    def count_users(self) -> int:
        """How many accounts there are, ended ones too."""

    def add_user(self, user: User, entry: AuditEntry) -> bool:
        """False where the name is taken."""

    def find_user(self, name: str) -> User | None:
        """One account."""

    def list_users(self) -> list[User]:
        """All accounts, by name, 1,000 at most."""

    def change_user(
        self,
        name: str,
        entry: AuditEntry,
        *,
        role: Role | None = None,
        password: str | None = None,
        sees_plates: bool | None = None,
        enabled: bool | None = None,
        language: Language | None = None,
    ) -> bool:
        """Changes an account and, where its role, password or `enabled` changes, ends its sessions. False where unknown.

        Where it may not see plates any more, its sessions stop showing them.
        """

    def note_login(self, session: Session, entry: AuditEntry) -> None:
        """Stores a new session and the time of the login; drops sessions that have expired."""

    def find_session(self, digest: str, now_us: int) -> tuple[Session, User] | None:
        """A session that has not expired, with its account, which is enabled."""

    def touch_session(self, digest: str, seen_us: int, expires_us: int) -> None:
        """The session was used."""

    def show_plates(self, digest: str, until_us: int, entry: AuditEntry) -> None:
        """Lets a session see plates in the clear until then."""

    def end_session(self, digest: str) -> None:
        """Logs out."""

    def end_sessions_of(self, user: str, entry: AuditEntry) -> int:
        """Logs an account out everywhere; how many sessions that were."""

    def list_sessions(self, user: str, now_us: int) -> list[Session]:
        """The open sessions of an account, newest first, 100 at most."""

    def add_invitation(self, digest: str, expires_us: int) -> None:
        """The one-time link that makes the first account; replaces an earlier one."""

    def take_invitation(self, digest: str, user: User, now_us: int, entry: AuditEntry) -> bool:
        """Makes the first account. False where the link is wrong, used or too old, or an account is there already."""

    def find_invitation(self, digest: str, now_us: int) -> bool:
        """Whether the link is good."""

    def add_token(self, token: Token, entry: AuditEntry) -> bool:
        """False where an unrevoked token has this name. The number is given by the store."""

    def find_token(self, digest: str) -> Token | None:
        """An unrevoked token."""

    def list_tokens(self) -> list[Token]:
        """All tokens, by name, revoked ones last, 1,000 at most."""

    def revoke_token(self, name: str, now_us: int, entry: AuditEntry) -> bool:
        """Ends a token; False where there is none of this name."""

    def use_token(self, number: int, now_us: int) -> None:
        """The token was used; written once a minute at most."""

    def write_audit_entry(self, entry: AuditEntry) -> None:
        """Adds one line to the audit log."""

    def audit_entries(
        self, who: str | None, park_uuid: str | None, before: int | None, limit: int
    ) -> Sequence[AuditEntry]:
        """The audit log, newest first, with numbers below `before`."""
