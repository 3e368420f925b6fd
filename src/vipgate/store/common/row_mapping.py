"""Converts database rows to the records of the store. Shared by all engines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from vipgate.i18n import LocalizedText
from vipgate.protocol.renewal import Renewal
from vipgate.store.interfaces.accounts import AuditEntry, Session, Token, User
from vipgate.store.interfaces.ledger import (
    HISTORY_MAX,
    INSTANT_US_MAX,
    Generation,
    Park,
    ParkAccess,
    RequestLogEntry,
    RequestOrigin,
    StoredRecord,
    SupersededRecord,
)

RENEWAL_COLUMNS: Final = len(Renewal.__struct_fields__)


def read_stored(row: tuple[Any, ...]) -> StoredRecord:
    """Converts a record's columns: those of Renewal in order, then revision, seqno, position."""
    return StoredRecord(Renewal(*row[:RENEWAL_COLUMNS]), *row[RENEWAL_COLUMNS:])


def read_access(row: tuple[Any, ...]) -> ParkAccess:
    """Converts a row of `park_access`."""
    park_uuid, enabled, secret, previous, allowed, rate, require_hmac, charset = row
    allow_list = tuple(allowed.split())
    return ParkAccess(park_uuid, bool(enabled), secret, previous, allow_list, rate, bool(require_hmac), charset)


def read_park(row: tuple[Any, ...]) -> Park:
    """Converts a row of `find_park` or `list_parks`."""
    return Park(
        park_uuid=row[0],
        name=row[1],
        enabled=bool(row[2]),
        generation=row[3],
        records=row[4],
        secret_changed_us=row[5],
        has_previous_secret=bool(row[6]),
        secret_used=row[7],
        secret_used_us=row[8],
        last_push_us=row[9],
        allow_list=tuple(row[10].split()),
        rate_per_minute=row[11],
        created_us=row[12],
        require_hmac=bool(row[13]),
        hold_replaces=bool(row[14]),
        charset=row[15],
        charset_changed_us=row[16],
    )


def read_generation(row: tuple[Any, ...]) -> Generation:
    """Converts a row of `generations`."""
    return Generation(
        generation=row[0], current=bool(row[1]), records=row[2], seqno=row[3], started_us=row[4], ended_us=row[5]
    )


def history_values(park_id: int, pay_partner: str, before: int | None, limit: int) -> dict[str, object]:
    """The parameters of the statement `history`."""
    return {
        "park_id": park_id,
        "pay_partner": pay_partner,
        "before": INSTANT_US_MAX if before is None else before,
        "limit": min(limit, HISTORY_MAX),
    }


def read_history(rows: Sequence[tuple[Any, ...]]) -> list[SupersededRecord]:
    """Converts the rows of `history`; returns the oldest first."""
    return [SupersededRecord(read_stored(row[:-1]), row[-1]) for row in reversed(rows)]


def read_request_log_entry(row: tuple[Any, ...]) -> RequestLogEntry:
    """Converts a row of `request_log_entry`."""
    return RequestLogEntry(
        seqno=row[0],
        park_uuid=row[1],
        claimed=row[2],
        code=row[3],
        hint=None if row[4] is None else LocalizedText(row[4], row[5]),
        complete=bool(row[6]),
        generation=row[7],
        received=row[8],
        inserted=row[9],
        updated=row[10],
        unchanged=row[11],
        origin=RequestOrigin(
            received_us=row[12], peer=row[15], body_bytes=row[16], body_sha256=row[17], replay_of=row[19]
        ),
        duration_us=row[13],
        secret_used=row[14],
        body_kept=bool(row[18]),
        webhook_id=row[20],
    )


def read_user(row: tuple[Any, ...]) -> User:
    """Converts a row of `find_user` or `list_users`."""
    return User(
        name=row[0],
        role=row[1],
        password=row[2],
        sees_plates=bool(row[3]),
        enabled=bool(row[4]),
        language=row[5],
        created_us=row[6],
        last_login_us=row[7],
    )


def read_session(row: tuple[Any, ...]) -> Session:
    """Converts the session columns of `find_session` or `list_sessions`."""
    return Session(
        digest=row[0],
        user=row[1],
        created_us=row[2],
        seen_us=row[3],
        expires_us=row[4],
        plates_until_us=row[5],
        peer=row[6],
    )


def read_token(row: tuple[Any, ...]) -> Token:
    """Converts a row of `find_token` or `list_tokens`."""
    return Token(
        number=row[0],
        name=row[1],
        digest=row[2],
        scopes=tuple(row[3].split()),
        park_uuid=row[4],
        masked=bool(row[5]),
        created_us=row[6],
        used_us=row[7],
        revoked_us=row[8],
    )


def read_audit_entry(row: tuple[Any, ...]) -> AuditEntry:
    """Converts a row of the audit log."""
    return AuditEntry(
        number=row[0],
        at_us=row[1],
        who=row[2],
        action=row[3],
        park_uuid=row[4],
        subject=row[5],
        detail=row[6],
        peer=row[7],
    )
