"""Sessions, roles, and the hashes of secrets. Time and randomness are arguments."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Final

from vipgate.store.interfaces.accounts import ROLES, Role, Session

SECRET_BYTES: Final = 32

SESSION_IDLE_US: Final = 12 * 3_600_000_000

SESSION_WHOLE_US: Final = 7 * 86_400_000_000

# An active session is written once in this time, not on each page.
SESSION_TOUCH_US: Final = 60_000_000

PLATES_SHOWN_US: Final = 30 * 60_000_000

INVITATION_US: Final = 86_400_000_000

TokenFactory = Callable[[int], str]


def hash_token(secret: str) -> str:
    """Returns what is stored of a secret: its SHA-256 in hex."""
    return sha256(secret.encode()).hexdigest()


def has_role(role: Role, wanted: Role) -> bool:
    """Whether `role` includes the rights of `wanted`."""
    return ROLES.index(role) >= ROLES.index(wanted)


def open_session(user: str, peer: str, now_us: int, new_secret: TokenFactory) -> tuple[str, Session]:
    """Makes a session; returns the secret for its cookie and the session."""
    secret = new_secret(SECRET_BYTES)
    session = Session(
        digest=hash_token(secret),
        user=user,
        created_us=now_us,
        seen_us=now_us,
        expires_us=now_us + SESSION_IDLE_US,
        plates_until_us=0,
        peer=peer,
    )
    return secret, session


def expires_us(session: Session, now_us: int) -> int:
    """Returns when a session used now expires: after 12 idle hours, and 7 days after login at the latest."""
    return min(now_us + SESSION_IDLE_US, session.created_us + SESSION_WHOLE_US)
