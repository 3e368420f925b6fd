"""Passwords, and secrets of sessions and invitations. Time and chance are arguments."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from hashlib import sha256
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from vipgate.store.interfaces.accounts import (
    ROLES,
    Role,
    Session,
)

PASSWORD_CHARS_MIN: Final = 10
PASSWORD_CHARS_MAX: Final = 256
NAME_CHARS_MAX: Final = 64
SECRET_BYTES: Final = 32

SESSION_IDLE_US: Final = 12 * 3_600_000_000
SESSION_WHOLE_US: Final = 7 * 86_400_000_000
# A session that is in use is written once in this time, not with each page.
SESSION_TOUCH_US: Final = 60_000_000
PLATES_SHOWN_US: Final = 30 * 60_000_000
INVITATION_US: Final = 86_400_000_000

_NAME = re.compile(r"[\w.@-]+").fullmatch
# 19 MiB for each password that is checked (OWASP's least), because one is checked at a time beside a busy gateway.
_hasher = PasswordHasher(time_cost=3, memory_cost=19 * 1024, parallelism=1)
# Checked where the account is unknown, so that the answer takes as long. No password has this hash.
_nobody = _hasher.hash(sha256(b"nobody").hexdigest())

Chance = Callable[[int], str]


def is_name(text: str) -> bool:
    """Whether an account may be called so: letters of any script, digits, and `. @ - _`."""
    return len(text) <= NAME_CHARS_MAX and _NAME(text) is not None


def hash_password(text: str) -> str:
    """The argon2 hash of a password, with its salt and cost."""
    return _hasher.hash(text)


def verify_password(hashed: str | None, text: str) -> bool:
    """Whether `text` is the password; takes the same time for None, which is an account that is not there."""
    try:
        return _hasher.verify(hashed or _nobody, text) and hashed is not None
    except (VerificationError, InvalidHashError):
        return False


def wants_rehash(hashed: str) -> bool:
    """Whether a good password is to be hashed anew, because the cost has changed since."""
    return _hasher.check_needs_rehash(hashed)


def digest_of(secret: str) -> str:
    """What is stored of a secret that only its holder knows: its SHA-256 in hex."""
    return sha256(secret.encode()).hexdigest()


def same(one: str, other: str) -> bool:
    """Whether two secrets are the same, in constant time."""
    return hmac.compare_digest(one.encode(), other.encode())


def may(role: Role, wanted: Role) -> bool:
    """Whether `role` may do what `wanted` may."""
    return ROLES.index(role) >= ROLES.index(wanted)


def open_session(user: str, peer: str, now_us: int, chance: Chance) -> tuple[str, Session]:
    """A new session, and the secret for its cookie."""
    secret = chance(SECRET_BYTES)
    session = Session(
        digest=digest_of(secret),
        user=user,
        csrf=chance(SECRET_BYTES),
        created_us=now_us,
        seen_us=now_us,
        expires_us=now_us + SESSION_IDLE_US,
        plates_until_us=0,
        peer=peer,
    )
    return secret, session


def expires_us(session: Session, now_us: int) -> int:
    """When a session that is used now will end: after twelve idle hours, and seven days after the login at the latest."""
    return min(now_us + SESSION_IDLE_US, session.created_us + SESSION_WHOLE_US)
