"""The hint of a refusal line by line: place, rule, value; plates and cards hidden from whoever may not see them. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from vipgate.staff.privacy import mask_plate

LINES_MAX: Final = 40
# Their rules allow no plate. An order number may hold anything, but it is what a record is called by.
PLAIN_MEMBERS: Final = frozenset(
    {
        "park_uuid", "complete", "plate_color", "charge_type", "vip_type", "quantity", "pay_partner", "pay_type", "value",
        "pay_time", "renewal_start_time", "renewal_end_time", "pay_value",
    }
)  # fmt: skip
_LINE = re.compile(r"(row(?:\[(\d{1,5})\])?(?:\.(\w+))?|park_uuid|complete): (.*?)(?:, (?:收到|got) (.*))?").fullmatch
_PLATE_LIKE = re.compile(r"[\u4e00-\u9fff]\s?[A-Za-z][\s·]?[A-Za-z0-9]{4,6}[\u4e00-\u9fff]?")


@dataclass(frozen=True, slots=True)
class HintLine:
    """One fault: where, what the rule is, what came. A line of another form is all `rule`."""

    place: str
    row: int | None
    rule: str
    value: str | None


def read_hint(text: str, *, hide: bool) -> list[HintLine]:
    """The lines of a hint, LINES_MAX at most; `hide` masks what could name a person."""
    return [_read(line, hide=hide) for line in text.splitlines()[:LINES_MAX] if line.strip()]


def _read(line: str, *, hide: bool) -> HintLine:
    found = _LINE(line)
    if found is None:
        return HintLine("", None, hide_plates(line) if hide else line, None)
    place, row, member, rule, value = found.groups()
    if hide and value is not None:
        known = (member or place) in PLAIN_MEMBERS
        value = hide_plates(value) if known else mask_plate(value.strip('"'))
    return HintLine(place, None if row is None else int(row), rule, value)


def hide_plates(text: str) -> str:
    """`text` with what looks like a plate in it hidden, as where a park has put one into the wrong member."""
    return _PLATE_LIKE.sub(lambda found: mask_plate(found[0]), text)
