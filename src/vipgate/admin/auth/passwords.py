"""Account names and passwords: rules, hashing, verification."""

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
# 19 MiB per check (the OWASP minimum): one password is checked at a time, next to a busy gateway.
_hasher = PasswordHasher(time_cost=3, memory_cost=19 * 1024, parallelism=1)
# Verified for unknown accounts, so that the response takes equally long. No password has this hash.
_no_account = _hasher.hash(sha256(b"no account").hexdigest())


def is_name(text: str) -> bool:
    """Whether `text` is a valid account name: letters of any script, digits, and `. @ - _`."""
    return len(text) <= NAME_CHARS_MAX and _NAME(text) is not None


def hash_password(text: str) -> str:
    """Returns the argon2 hash of a password, with salt and cost."""
    return _hasher.hash(text)


def verify_password(hashed: str | None, text: str) -> bool:
    """Whether `text` is the password. Takes the same time if `hashed` is None (unknown account)."""
    try:
        return _hasher.verify(hashed or _no_account, text) and hashed is not None
    except (VerificationError, InvalidHashError):
        return False


def needs_rehash(hashed: str) -> bool:
    """Whether the hash was made with a cost other than the current one."""
    return _hasher.check_needs_rehash(hashed)
