"""Splits the hint of a rejection into place, rule and value; masks plates and cards. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from unicodedata import normalize

from vipgate.domain.masking import mask_plate
from vipgate.protocol.renewal import MEMBERS, PERSONAL_MEMBERS, PLATE_GAPS

LINES_MAX: Final = 40
# Members that have no business with a plate. Two of them identify the record or the park.
PLAIN_MEMBERS: Final = frozenset({"park_uuid", "complete", *MEMBERS}) - PERSONAL_MEMBERS
_NAMES: Final = frozenset({"park_uuid", "pay_partner"})
_LINE = re.compile(r"(row(?:\[(\d{1,5})\])?(?:\.(\w+))?|park_uuid|complete): (.*?)(?:, (?:收到|got) (.*))?").fullmatch
# For values sent by a park: ordinary plates (粤B12345, 粤BD12345, 粤B1234学), 使123456, WJ粤12345, WJ01-12345.
_GAP = f"[{PLATE_GAPS}_-]{{0,4}}"
_SIGN = "[A-Za-z0-9\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]"
_PLATE_LIKE = re.compile(
    rf"(?:[Ww\uff37\uff57]{_GAP}[Jj\uff2a\uff4a]{_GAP}(?:[\u4e00-\u9fff]|\d\d)|[\u4e00-\u9fff])"
    # A character behind it is its last (学, 警), or the first of the next plate.
    rf"(?:{_GAP}{_SIGN}){{4,}}(?:{_GAP}[\u4e00-\u9fff](?!{_GAP}{_SIGN}))?"
)
# For text of the gateway, which must stay readable ("应为 base64"): needs a province or office, and a digit.
_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领警学港澳"
_PLATE = re.compile(
    rf"[{_PROVINCES}]\s?[A-Za-z](?=[\s·]?[A-Za-z]{{0,5}}\d)[\s·]?[A-Za-z0-9]{{4,6}}[警学港澳领挂使临]?(?![A-Za-z0-9])"
    rf"|(?:WJ[\s·]?)?[{_PROVINCES}]·?\d{{2,5}}·?[A-Za-z0-9]{{1,4}}|WJ\d\d[·-]?\d{{3,5}}",
    re.IGNORECASE,
)
# What members with a fixed form hold when no plate or card is in them. Anything else with a digit may be one.
_PLAIN = re.compile(r"[A-Za-z0-9]{1,4}|-?\d{1,6}(?:\.\d{1,4})?", re.ASCII)
# Seconds, milliseconds, and dates in the forms that parks write by mistake.
_DAY = r"20\d\d(?:[-/.年]\d{1,2}[-/.月]\d{1,2}日?|(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01]))"
_INSTANT = re.compile(rf"[12]\d{{9}}|[12]\d{{12}}|{_DAY}(?:[T ]?[\d:.,]{{1,18}})?(?:Z|[+-]\d\d:?\d\d)?", re.ASCII)
_DIGIT = re.compile(r"\d|\\")


@dataclass(frozen=True, slots=True)
class HintLine:
    """One error: place, rule, received value. A line of another form is all `rule`."""

    place: str
    row: int | None
    rule: str
    value: str | None


def read_hint(text: str, *, hide: bool) -> list[HintLine]:
    """Parses a hint, at most LINES_MAX lines; `hide` masks plates and cards."""
    return [_taken_apart(line) for line in _lines(text, hide=hide)]


def mask_hint(text: str) -> str:
    """Masks plates and cards in a hint, cut to LINES_MAX lines."""
    return "\n".join(_lines(text, hide=True))


def _lines(text: str, *, hide: bool) -> list[str]:
    lines = [line for line in text.splitlines() if line.strip()][:LINES_MAX]
    return list(map(_hidden, lines)) if hide else lines


def _hidden(line: str) -> str:
    found = _LINE(line)
    if found is None:
        return _PLATE.sub(lambda plate: mask_plate(plate[0]), line)
    place, _, member, _, value = found.groups()
    if value is None:
        return line
    name = member or place
    return line[: found.start(5)] + (hide_value(name, value) if name in PLAIN_MEMBERS else mask_plate(value.strip('"')))


def _taken_apart(line: str) -> HintLine:
    found = _LINE(line)
    if found is None:
        return HintLine("", None, line, None)
    place, row, _, rule, value = found.groups()
    return HintLine(place, None if row is None else int(row), rule, value)


def hide_value(member: str, text: str) -> str:
    """Masks a value of one of PLAIN_MEMBERS, with its quotes or without, unless it is clear that no plate or card is in it."""
    bare = text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
    if member in _NAMES:
        return hide_plates(text)
    if _PLAIN.fullmatch(bare) or (member.endswith("_time") and _INSTANT.fullmatch(bare)):
        return text
    if not _DIGIT.search(normalize("NFKC", bare)):
        return hide_plates(text)
    masked = mask_plate(bare)
    return masked if bare is text else f'"{masked}"'


def hide_plates(text: str) -> str:
    """Masks everything in a park's text that looks like a plate, such as one in the wrong member."""
    return _PLATE_LIKE.sub(lambda found: mask_plate(found[0]), text)
