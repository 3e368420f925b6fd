"""Keys to the read API: how they look. What is stored of one is its digest (accounts.digest_of)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

TOKEN_PREFIX: Final = "vipgate_"
TOKEN_BYTES: Final = 32
TOKEN_NAME_CHARS_MAX: Final = 64


def make_token(chance: Callable[[int], str]) -> str:
    """A new token: the prefix, by which a scanner of leaked secrets knows it, and 43 url-safe characters."""
    return TOKEN_PREFIX + chance(TOKEN_BYTES)
