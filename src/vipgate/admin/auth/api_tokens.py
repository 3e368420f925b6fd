"""Format of API tokens. Only the hash of a token is stored (sessions.hash_token)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

TOKEN_PREFIX: Final = "vipgate_"
TOKEN_BYTES: Final = 32
TOKEN_NAME_CHARS_MAX: Final = 64


def make_token(new_secret: Callable[[int], str]) -> str:
    """Makes a token: the prefix, by which secret scanners recognize it, and 43 URL-safe characters."""
    return TOKEN_PREFIX + new_secret(TOKEN_BYTES)
