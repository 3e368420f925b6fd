"""Guesses whether an amount is in yuan or fen: from its column's name and comment, then from its values. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from vipgate.agent.mapping.guess_values import is_number, text_of
from vipgate.i18n import tr

_YUAN_MAX: Final = 5_000
_NAMED: Final = re.compile(r"[(（\[]\s*(元|分|yuan|fen)\s*[)）\]]|_(yuan|fen|cents?)$")


class UnitGuess(NamedTuple):
    """The unit, with a question where it is not certain; see `Guess`."""

    unit: str
    doubt: str = ""
    is_open: bool = False


def guess_unit(name: str, values: Sequence[object], told: str | None) -> UnitGuess:
    """The unit of a column of money. `told`: the unit by the column's comment."""
    texts = [text_of(value) for value in values]
    has_decimals = any("." in text for text in texts)
    hint = _NAMED.search(name.lower())
    if hint is not None:
        unit = "yuan" if (hint[1] or hint[2]) in ("元", "yuan") else "fen"
        if told not in (None, unit):
            return UnitGuess(unit, tr("yuan or fen: the comment says the other"), is_open=True)
        return UnitGuess(unit)
    if told == "fen" and has_decimals:
        return UnitGuess(told, tr("yuan or fen: the comment says fen, the values have decimals"), is_open=True)
    # A float without decimals proves nothing: spreadsheets store all numbers as floats.
    if told is not None or has_decimals:
        return UnitGuess(told or "yuan")
    highest = max((float(text.replace(",", "")) for text in texts if is_number(text)), default=0.0)
    return UnitGuess("yuan", tr("yuan or fen: the values have no decimals"), is_open=highest > _YUAN_MAX)
