"""Whether a text or a body of a request names a plate, in whatever form a park's program wrote it. Pure."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from unicodedata import normalize

# A shorter one would be found inside every other.
_WHOLE_CHARS_MIN: Final = 5
_FOLDS_MAX: Final = 8
# Programs of this interface write UTF-8, or GBK, which GB 18030 contains.
_CHARSETS: Final = ("utf-8", "gb18030")

_unescaped = re.compile(r"\\u([0-9a-fA-F]{4})")


def mentions_plate(text: str, plate: str) -> bool:
    """Whether `text` holds the folded `plate`, in full-width letters, small ones or with blanks and `·` in it, too.

    A short plate must stand for itself, not inside a longer word.
    """
    return _pattern(plate).search(_folded(text)) is not None


def body_mentions_plate(body: bytes, plate: str) -> bool:
    """The same of a body, whose characters may be written as JSON escapes."""
    for charset in _CHARSETS:
        text = body.decode(charset, "ignore")
        if mentions_plate(text, plate) or ("\\u" in text and mentions_plate(_unescape(text), plate)):
            return True
    return False


@lru_cache(maxsize=16)
def _pattern(plate: str) -> re.Pattern[str]:
    spread = r"[\s·]*".join(map(re.escape, plate))
    return re.compile(spread if len(plate) >= _WHOLE_CHARS_MIN else rf"(?<![0-9A-Z]){spread}(?![0-9A-Z])")


def _folded(text: str) -> str:
    """As a plate is folded, but for its blanks, which keep words apart."""
    for _ in range(_FOLDS_MAX):
        folded = normalize("NFKC", text).upper()
        if folded == text:
            break
        text = folded
    return text


def _unescape(text: str) -> str:
    """Pairs of surrogates stay apart: no plate has a character that needs them."""
    return _unescaped.sub(lambda found: chr(int(found[1], 16)), text)
