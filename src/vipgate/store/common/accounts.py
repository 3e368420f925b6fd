"""Implements `AccountStore`: accounts, sessions, tokens, audit log. Shared by the engines, which supply the statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Final

from vipgate.store.common.row_mapping import read_audit_entry, read_session, read_token, read_user
from vipgate.store.common.transaction import Transaction, TransactionRunner
from vipgate.store.interfaces.accounts import AuditEntry, Language, Role, Session, Token, User
from vipgate.store.interfaces.ledger import INSTANT_US_MAX

USERS_MAX: Final = 1_000
TOKENS_MAX: Final = 1_000
SESSIONS_LISTED_MAX: Final = 100
AUDIT_ENTRIES_PER_PAGE_MAX: Final = 1_000
EXPIRED_DROPPED_MAX: Final = 1_000
# A token may be used many times a second; its use is written once per this interval.
TOKEN_USE_US: Final = 60_000_000
_AUDIT_LOG_LOCK: Final = 0x76697069


def write_audit_entry(work: Transaction, entry: AuditEntry) -> None:
    """Adds an entry to the audit log. Call it last in a transaction: other writers of the log wait until the commit."""
    _lock_audit_log(work)
    [[number]] = work.rows("next_audit_number", {})
    values = {name: _without_nul(value) for name, value in asdict(entry).items()}
    work.run("add_audit_entry", values | {"number": number})


def _without_nul(value: object) -> object:
    """Replaces NUL, which PostgreSQL does not store: an audit entry may quote what a stranger typed."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value


def _lock_audit_log(work: Transaction) -> None:
    work.rows("lock_audit_log", {"lock": _AUDIT_LOG_LOCK})


class SqlAccountStore:
    """See `AccountStore`."""

    def __init__(self, worker: TransactionRunner) -> None:
        self._worker = worker

    def count_users(self) -> int:
        """See `AccountStore.count_users`."""
        [[count]] = self._worker.rows("count_users", {})
        return int(count)

    def add_user(self, user: User, entry: AuditEntry) -> bool:
        """See `AccountStore.add_user`."""
        with self._worker.transaction() as work:
            _lock_audit_log(work)
            added = work.run("add_user", asdict(user)) > 0
            if added:
                write_audit_entry(work, entry)
        return added

    def find_user(self, name: str) -> User | None:
        """See `AccountStore.find_user`."""
        rows = self._worker.rows("find_user", {"name": name})
        return read_user(rows[0]) if rows else None

    def list_users(self) -> list[User]:
        """See `AccountStore.list_users`."""
        return list(map(read_user, self._worker.rows("list_users", {"limit": USERS_MAX})))

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
        """See `AccountStore.change_user`."""
        given = {"role": role, "password": password, "sees_plates": sees_plates, "enabled": enabled}
        with self._worker.transaction() as work:
            _lock_audit_log(work)
            rows = work.rows("find_user", {"name": name})
            if not rows:
                return False
            old = read_user(rows[0])
            members = {member: value for member, value in {**given, "language": language}.items() if value is not None}
            new = replace(old, **members)  # type: ignore[arg-type]
            work.run("change_user", asdict(new))
            if (old.role, old.password, old.enabled) != (new.role, new.password, new.enabled):
                work.run("end_sessions_of", {"name": name})
            elif old.sees_plates and not new.sees_plates:
                work.run("hide_plates", {"name": name})
            write_audit_entry(work, entry)
        return True

    def note_login(self, session: Session, entry: AuditEntry) -> None:
        """See `AccountStore.note_login`."""
        values = _session_values(session)
        with self._worker.transaction() as work:
            work.run("drop_expired_sessions", {"now_us": session.created_us, "limit": EXPIRED_DROPPED_MAX})
            work.run("add_session", values)
            work.run("note_login", values)
            write_audit_entry(work, entry)

    def find_session(self, digest: str, now_us: int) -> tuple[Session, User] | None:
        """See `AccountStore.find_session`."""
        rows = self._worker.rows("find_session", {"digest": digest, "now_us": now_us})
        return (read_session(rows[0][:7]), read_user(rows[0][7:])) if rows else None

    def touch_session(self, digest: str, seen_us: int, expires_us: int) -> None:
        """See `AccountStore.touch_session`."""
        with self._worker.transaction() as work:
            work.run("touch_session", {"digest": digest, "seen_us": seen_us, "expires_us": expires_us})

    def show_plates(self, digest: str, until_us: int, entry: AuditEntry) -> None:
        """See `AccountStore.show_plates`."""
        with self._worker.transaction() as work:
            work.run("show_plates", {"digest": digest, "until_us": until_us})
            write_audit_entry(work, entry)

    def end_session(self, digest: str) -> None:
        """See `AccountStore.end_session`."""
        with self._worker.transaction() as work:
            work.run("end_session", {"digest": digest})

    def end_sessions_of(self, user: str, entry: AuditEntry) -> int:
        """See `AccountStore.end_sessions_of`."""
        with self._worker.transaction() as work:
            ended = work.run("end_sessions_of", {"name": user})
            write_audit_entry(work, entry)
        return ended

    def list_sessions(self, user: str, now_us: int) -> list[Session]:
        """See `AccountStore.list_sessions`."""
        wanted = {"name": user, "now_us": now_us, "limit": SESSIONS_LISTED_MAX}
        return list(map(read_session, self._worker.rows("list_sessions", wanted)))

    def add_invitation(self, digest: str, expires_us: int) -> None:
        """See `AccountStore.add_invitation`."""
        with self._worker.transaction() as work:
            _lock_audit_log(work)
            work.run("drop_invitation", {})
            work.run("add_invitation", {"digest": digest, "expires_us": expires_us})

    def take_invitation(self, digest: str, user: User, now_us: int, entry: AuditEntry) -> bool:
        """See `AccountStore.take_invitation`."""
        with self._worker.transaction() as work:
            # Lock first: a second user of the same link then sees the account of the first.
            _lock_audit_log(work)
            if not work.rows("find_invitation", {"digest": digest, "now_us": now_us}):
                return False
            work.run("drop_invitation", {})
            work.run("add_user", asdict(user))
            write_audit_entry(work, entry)
        return True

    def find_invitation(self, digest: str, now_us: int) -> bool:
        """See `AccountStore.find_invitation`."""
        return bool(self._worker.rows("find_invitation", {"digest": digest, "now_us": now_us}))

    def add_token(self, token: Token, entry: AuditEntry) -> bool:
        """See `AccountStore.add_token`."""
        with self._worker.transaction() as work:
            _lock_audit_log(work)
            [[number]] = work.rows("next_token", {})
            values = asdict(token) | {"number": number, "scopes": " ".join(token.scopes)}
            added = work.run("add_token", values) > 0
            if added:
                write_audit_entry(work, entry)
        return added

    def find_token(self, digest: str) -> Token | None:
        """See `AccountStore.find_token`."""
        rows = self._worker.rows("find_token", {"digest": digest})
        return read_token(rows[0]) if rows else None

    def list_tokens(self) -> list[Token]:
        """See `AccountStore.list_tokens`."""
        return list(map(read_token, self._worker.rows("list_tokens", {"limit": TOKENS_MAX})))

    def revoke_token(self, name: str, now_us: int, entry: AuditEntry) -> bool:
        """See `AccountStore.revoke_token`."""
        with self._worker.transaction() as work:
            ended = work.run("revoke_token", {"name": name, "now_us": now_us}) > 0
            if ended:
                write_audit_entry(work, entry)
        return ended

    def use_token(self, number: int, now_us: int) -> None:
        """See `AccountStore.use_token`."""
        values = {"number": number, "now_us": now_us, "before_us": now_us - TOKEN_USE_US}
        # Read first: a write waits for the pushes.
        if self._worker.rows("token_used_before", values):
            with self._worker.transaction() as work:
                work.run("use_token", values)

    def write_audit_entry(self, entry: AuditEntry) -> None:
        """See `AccountStore.write_audit_entry`."""
        with self._worker.transaction() as work:
            write_audit_entry(work, entry)

    def audit_entries(
        self, who: str | None, park_uuid: str | None, before: int | None, limit: int
    ) -> Sequence[AuditEntry]:
        """See `AccountStore.audit_entries`."""
        name = "audit_entries" + ("" if who is None else "_of") + ("" if park_uuid is None else "_at")
        values: dict[str, object] = {
            "who": who,
            "park_uuid": park_uuid,
            "limit": min(limit, AUDIT_ENTRIES_PER_PAGE_MAX),
        }
        values["before"] = INSTANT_US_MAX if before is None else before
        return list(map(read_audit_entry, self._worker.rows(name, values)))


def _session_values(session: Session) -> dict[str, object]:
    """The columns of a session. `user` is a reserved word in PostgreSQL, so the column is `staff_user`."""
    values = asdict(session)
    values["staff_user"] = values.pop("user")
    return values
