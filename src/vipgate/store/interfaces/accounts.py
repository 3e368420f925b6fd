"""Protocol and records for staff accounts, sessions, API tokens and the audit log."""

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
    """A staff account. `password` is an argon2 hash; `sees_plates`: may unmask plates."""

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
    """A login session. `digest`: SHA-256 of the cookie's secret, in hex. Plates are unmasked until `plates_until_us`."""

    digest: str
    user: str
    created_us: int
    seen_us: int
    expires_us: int
    plates_until_us: int
    peer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token for the read API. `digest`: SHA-256 of the token, in hex. `park_uuid` None: all parks."""

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
    """One entry of the audit log: who did what to what. `who` is a user, `token:NAME`, or `command`."""

    at_us: int
    who: str
    action: str
    park_uuid: str | None
    subject: str
    detail: str
    peer: str
    number: int = 0


class AccountStore(Protocol):
    """Reads and changes accounts, sessions, tokens and the audit log. One thread at a time. Raises StoreError.

    A method that takes `entry` writes it to the audit log in the same transaction as the change.
    """

    def count_users(self) -> int:
        """The number of accounts, disabled ones included."""

    def add_user(self, user: User, entry: AuditEntry) -> bool:
        """Adds an account; False if the name is taken."""

    def find_user(self, name: str) -> User | None:
        """The account with this name."""

    def list_users(self) -> list[User]:
        """All accounts by name, at most 1,000."""

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
        """Changes an account; None leaves a member as it is. False if the name is unknown.

        A new role, password or `enabled` ends its sessions. Without `sees_plates` its sessions mask plates again.
        """

    def note_login(self, session: Session, entry: AuditEntry) -> None:
        """Stores a new session and the login time; deletes expired sessions."""

    def find_session(self, digest: str, now_us: int) -> tuple[Session, User] | None:
        """The session and its account; None if the session has expired or the account is disabled."""

    def touch_session(self, digest: str, seen_us: int, expires_us: int) -> None:
        """Records the use of a session and its new expiry."""

    def show_plates(self, digest: str, until_us: int, entry: AuditEntry) -> None:
        """Unmasks plates in a session until `until_us`."""

    def end_session(self, digest: str) -> None:
        """Deletes a session (logout)."""

    def end_sessions_of(self, user: str, entry: AuditEntry) -> int:
        """Deletes all sessions of an account; returns how many."""

    def list_sessions(self, user: str, now_us: int) -> list[Session]:
        """The unexpired sessions of an account, newest first, at most 100."""

    def add_invitation(self, digest: str, expires_us: int) -> None:
        """Stores the one-time link that creates the first account; replaces an earlier link."""

    def take_invitation(self, digest: str, user: User, now_us: int, entry: AuditEntry) -> bool:
        """Creates the first account. False if the link is wrong, used or expired, or an account exists."""

    def find_invitation(self, digest: str, now_us: int) -> bool:
        """Whether the link is valid: known, not expired, and no account exists yet."""

    def add_token(self, token: Token, entry: AuditEntry) -> bool:
        """Adds a token; the store assigns its number. False if an unrevoked token has this name."""

    def find_token(self, digest: str) -> Token | None:
        """The unrevoked token with this digest."""

    def list_tokens(self) -> list[Token]:
        """All tokens by name, revoked ones last, at most 1,000."""

    def revoke_token(self, name: str, now_us: int, entry: AuditEntry) -> bool:
        """Revokes a token; False if no unrevoked token has this name."""

    def use_token(self, number: int, now_us: int) -> None:
        """Records the use of a token; written at most once a minute."""

    def write_audit_entry(self, entry: AuditEntry) -> None:
        """Adds an entry to the audit log."""

    def audit_entries(
        self, who: str | None, park_uuid: str | None, before: int | None, limit: int
    ) -> Sequence[AuditEntry]:
        """Up to `limit` audit entries with numbers below `before`, newest first."""
