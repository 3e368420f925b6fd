"""Passwords, and secrets of sessions and invitations. Time and chance are arguments."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

PASSWORD_CHARS_MIN: Final = 10
PASSWORD_CHARS_MAX: Final = 256
NAME_CHARS_MAX: Final = 64


_NAME = re.compile(r"[\w.@-]+").fullmatch
# 19 MiB for each password that is checked (OWASP's least), because one is checked at a time beside a busy gateway.
_hasher = PasswordHasher(time_cost=3, memory_cost=19 * 1024, parallelism=1)
# Checked where the account is unknown, so that the answer takes as long. No password has this hash.
_nobody = _hasher.hash(sha256(b"nobody").hexdigest())


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


def needs_rehash(hashed: str) -> bool:
    """Whether a good password is to be hashed anew, because the cost has changed since."""
    return _hasher.check_needs_rehash(hashed)
