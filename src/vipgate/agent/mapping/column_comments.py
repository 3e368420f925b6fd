"""Reads what the comment of a database's column says of its meaning: another name, codes with their words, a unit. Pure.

`卡类型 1月卡 2季卡 3年卡` names the column `卡类型` and gives three codes. A comment is a stranger's text: what it says is proposed
with a question, never assumed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from unicodedata import normalize

from vipgate.agent.mapping.folding import folded

# A name that is longer is a sentence.
_NAME_CHARS_MAX: Final = 24
_CODES_MAX: Final = 30
_WORD_CHARS_MAX: Final = 20
_SIGNS: Final = r":：=＝\-—–、.．~→"
# A code begins the text or follows a blank or a sign; its word goes on to the next sign, blank or code.
_CODE: Final = re.compile(
    rf"(?:^|(?<=[\s,，;；、|/(（\[【{{：:\u4e00-\u9fff]))(\d{{1,3}}|[A-Za-z](?![A-Za-z]))\s*(?:[{_SIGNS}]+\s*)?"
    r"([\u4e00-\u9fffA-Za-z][^\s,，;；、|/()（）\[\]【】{}\d:：=]*)"
)
_NAME_ENDS: Final = re.compile(r"[\s,，;；:：=、|/(（\[【{。.!！]|\d")
_UNIT: Final = re.compile(
    r"(?:^|[\s(（\[【,，;；:：/、]|单位[:：是为]?\s*|以)(元|分|yuan|fen|cents?)(?=$|[\s)）\]】,，;；。/、]|为单位)",
    re.IGNORECASE,
)


def name_in(comment: str) -> str:
    """The leading words of a comment, which name the column; empty if there are none."""
    text = normalize("NFKC", comment).strip()
    if not text.isascii():
        words = _NAME_ENDS.split(text, maxsplit=1)[0]
        return words if len(words) <= _NAME_CHARS_MAX else ""
    # English names have blanks: all up to a sign or a number.
    words = re.split(r"[,;:=|/(\[{.!]|\d", text, maxsplit=1)[0].strip(" -")
    return words if len(words) <= _NAME_CHARS_MAX else ""


def codes_in(comment: str) -> dict[str, str]:
    """The codes that a comment explains, and their words. Fewer than two explain nothing."""
    found: dict[str, str] = {}
    for match in _CODE.finditer(comment):
        code, word = match[1], match[2].strip(_SIGNS + " ")
        if code in found and found[code] != word:
            # Two meanings: the comment is about something else.
            return {}
        found[code] = word[:_WORD_CHARS_MAX]
        if len(found) > _CODES_MAX:
            return {}
    return found if len(found) > 1 else {}


def unit_in(comment: str) -> str | None:
    """The unit of money that a comment names: `yuan`, `fen`, or None if it names none or both."""
    found = {"yuan" if one in ("元", "yuan") else "fen" for one in map(folded, _UNIT.findall(comment))}
    return found.pop() if len(found) == 1 else None


def names_of(comments: Mapping[str, str]) -> dict[str, str]:
    """For each column whose comment names it, that name."""
    return {column: name for column, comment in comments.items() if (name := name_in(comment))}
