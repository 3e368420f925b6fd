"""Finds a plate in a text or a request body, in any spelling that park software uses. Pure."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from unicodedata import normalize

from vipgate.protocol.renewal import PLATE_GAPS

# A shorter plate would match inside longer words.
_WHOLE_CHARS_MIN: Final = 5
_FOLDS_MAX: Final = 8
# Park software writes UTF-8 or GBK; GB 18030 contains GBK.
_CHARSETS: Final = ("utf-8", "gb18030")

_unescaped = re.compile(r"\\u([0-9a-fA-F]{4})")


def mentions_plate(text: str, plate: str) -> bool:
    """Whether `text` contains the normalized `plate`, also full-width, in lower case, or with ignored characters in it.

    A short plate must be a word of its own, not part of a longer one.
    """
    return _pattern(plate).search(_folded(text)) is not None


def body_mentions_plate(body: bytes, plate: str) -> bool:
    """Whether a request body contains the normalized `plate`, possibly written as JSON escapes."""
    for charset in _CHARSETS:
        text = body.decode(charset, "ignore")
        if mentions_plate(text, plate) or ("\\u" in text and mentions_plate(_unescape(text), plate)):
            return True
    return False


@lru_cache(maxsize=16)
def _pattern(plate: str) -> re.Pattern[str]:
    spread = f"[{PLATE_GAPS}]*".join(map(re.escape, plate))
    return re.compile(spread if len(plate) >= _WHOLE_CHARS_MIN else rf"(?<![0-9A-Z]){spread}(?![0-9A-Z])")


def _folded(text: str) -> str:
    """Normalizes like a plate, but keeps blanks, which separate words."""
    for _ in range(_FOLDS_MAX):
        folded = normalize("NFKC", text).upper()
        if folded == text:
            break
        text = folded
    return text


def _unescape(text: str) -> str:
    unescaped = _unescaped.sub(lambda found: chr(int(found[1], 16)), text)
    return unescaped.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
