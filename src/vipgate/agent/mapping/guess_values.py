"""Says what a value looks like to the guesser: a text, a number, a plate. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from vipgate.agent.mapping.values import as_text
from vipgate.protocol.renewal import normalize_plate, plate_flags

_PLATE_LIKE: Final = re.compile(r"(?=.*\d)[\u4e00-\u9fffA-Z]?[A-Z0-9]{4,9}[\u4e00-\u9fff]?").fullmatch


def text_of(value: object) -> str:
    """The text of a cell; empty where it has none."""
    text = as_text(value)
    return text if isinstance(text, str) else ""


def most(found: Iterable[bool]) -> bool:
    """Whether at least half of the answers are yes."""
    answers = list(found)
    return sum(answers) * 2 >= len(answers)


def is_number(text: str) -> bool:
    """Whether a text is a number, or an amount in yuan."""
    return re.fullmatch(r"[¥￥]?-?[\d,]+(?:\.\d+)?元?", text) is not None


def is_plate(text: str) -> bool:
    """Whether a text is a plate, or several."""
    plates = [normalize_plate(one) for one in re.split(r"[,;、，；|/]", text) if one.strip()]
    return bool(plates) and all(
        not plate_flags(plate) or (not plate.isdigit() and _PLATE_LIKE(plate) is not None) for plate in plates
    )
