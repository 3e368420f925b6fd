"""Splits the hint of a rejection into place, rule and value; masks plates and cards. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from vipgate.domain.masking import mask_plate
from vipgate.protocol.renewal import PLATE_GAPS

LINES_MAX: Final = 40
# Members that cannot hold a plate. An order number can, but it identifies the record.
PLAIN_MEMBERS: Final = frozenset(
    {
        "park_uuid", "complete", "plate_color", "charge_type", "vip_type", "quantity", "pay_partner", "pay_type", "value",
        "pay_time", "renewal_start_time", "renewal_end_time", "pay_value",
    }
)  # fmt: skip
_LINE = re.compile(r"(row(?:\[(\d{1,5})\])?(?:\.(\w+))?|park_uuid|complete): (.*?)(?:, (?:收到|got) (.*))?").fullmatch
# For values sent by a park.
_GAP = f"[{PLATE_GAPS}]{{0,4}}"
_PLATE_LIKE = re.compile(
    rf"[\u4e00-\u9fff]{_GAP}[A-Za-z]{_GAP}(?:[A-Za-z0-9]{_GAP}){{3,5}}[A-Za-z0-9](?:{_GAP}[\u4e00-\u9fff])?"
)
# For text of the gateway, which must stay readable ("应为 base64"): needs a province or office, and a digit.
_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领警学港澳]\s?[A-Za-z]"
    r"(?=[\s·]?[A-Za-z]{0,5}\d)[\s·]?[A-Za-z0-9]{4,6}[警学港澳领挂使]?(?![A-Za-z0-9])"
)


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
    known = (member or place) in PLAIN_MEMBERS
    return line[: found.start(5)] + (hide_plates(value) if known else mask_plate(value.strip('"')))


def _taken_apart(line: str) -> HintLine:
    found = _LINE(line)
    if found is None:
        return HintLine("", None, line, None)
    place, row, _, rule, value = found.groups()
    return HintLine(place, None if row is None else int(row), rule, value)


def hide_plates(text: str) -> str:
    """Masks everything in a park's text that looks like a plate, such as one in the wrong member."""
    return _PLATE_LIKE.sub(lambda found: mask_plate(found[0]), text)
