"""Finds by values what names do not tell: rival amounts, the ends of periods, order numbers, passes that do not fit. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median
from typing import Final, NamedTuple

from vipgate.agent.mapping.guess_columns import is_contact, is_id, is_no_money, is_note, is_time_of_change
from vipgate.agent.mapping.guess_times import instants, is_short, is_time, time_form
from vipgate.agent.mapping.guess_values import text_of
from vipgate.i18n import tr

Rows = Mapping[str, Sequence[object]]

# An amount that may stand for another one differs from it by less than this factor.
_MONEY_FACTOR: Final = 4
# Of fewer rows nearly every column is unique.
_UNIQUE_ROWS_MIN: Final = 5
_AMOUNT: Final = re.compile(r"(?:0|[1-9]\d{0,8})(?:\.\d{1,4})?").fullmatch
_ORDER: Final = re.compile(r"(?=.*\d)[A-Za-z0-9_\-.]{6,64}").fullmatch
FREE: Final = 0
STORED_VALUE: Final = 2
# The months of one unit, by the interface's code of the pass.
_UNIT_MONTHS: Final = {1: 1, 5: 12, 6: 3, 7: 6}
_MONTH_US: Final = 365.25 / 12 * 86_400_000_000
# A period that is so many times longer or shorter than what was bought is not just one with days for free.
_PERIOD_FACTOR: Final = 1.8
_CARD_DIGITS_MIN: Final = 6
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}").fullmatch


def rival_amounts(amounts: Sequence[object], others: Rows) -> list[str]:
    """The columns of `others` that hold numbers of the size of `amounts`, whatever their names."""
    size = _typical(amounts)
    if not size:
        return []
    return [
        name
        for name, rows in others.items()
        if not is_no_money(name) and size / _MONEY_FACTOR <= _typical(rows) <= size * _MONEY_FACTOR
    ]


def _typical(rows: Sequence[object]) -> float:
    """The median of a column of amounts, zeros aside; 0 if it is none."""
    if any(isinstance(value, date) for value in rows):
        return 0.0
    texts = [text for value in rows if (text := text_of(value))]
    if not all(map(_AMOUNT, texts)):
        return 0.0
    return median([number for text in texts if (number := float(text))] or [0.0])


class Period(NamedTuple):
    """The columns of a start and an end; `others` could be the one that was looked for too."""

    start: str
    end: str
    others: tuple[str, ...] = ()


def find_period(start: str | None, end: str | None, rows: Rows, free: Sequence[str]) -> Period | None:
    """Completes a period by the `free` columns of times: an end is nowhere before its start, and mostly days after it."""
    times = {
        name: _instants(rows[name]) for name in free if not is_time_of_change(name) and is_time(_filled(rows[name]))
    }
    starts = times if start is None else {start: _instants(rows[start])}
    ends = times if end is None else {end: _instants(rows[end])}
    found = [(one, other) for one, begun in starts.items() for other, ended in ends.items() if _is_period(begun, ended)]
    if not found:
        return None
    best_start, best_end = found[0]
    others = {name for pair in found for name in pair} - {best_start, best_end}
    return Period(best_start, best_end, tuple(name for name in free if name in others))


def _filled(rows: Sequence[object]) -> list[object]:
    return [value for value in rows if text_of(value)]


def _instants(rows: Sequence[object]) -> list[int | None]:
    return instants(rows, time_form(_filled(rows)).format)


def _is_period(starts: Sequence[int | None], ends: Sequence[int | None]) -> bool:
    both = [(start, end) for start, end in zip(starts, ends, strict=True) if start is not None and end is not None]
    return bool(both) and all(start <= end for start, end in both) and not is_short(starts, ends)


def unique_columns(rows: Rows, free: Sequence[str]) -> list[str]:
    """The `free` columns that may hold an order number: each row has another one, and it is no time, name or phone."""
    return [name for name in free if not (is_note(name) or is_contact(name)) and _is_order(rows[name])]


def _is_order(values: Sequence[object]) -> bool:
    if len(values) < _UNIQUE_ROWS_MIN or any(isinstance(value, date | float) for value in values):
        return False
    texts = [text_of(value) for value in values]
    if not all(map(_ORDER, texts)) or len(set(texts)) < len(texts):
        return False
    return not is_time(list(values)) and not all("." in text for text in texts)


def unfit_passes(
    kinds: Sequence[str | int | None], amounts: Sequence[object] | None, ends: Sequence[object] | None
) -> str:
    """A question if free passes were paid for, or passes of stored value have a period; empty if neither.

    `kinds`: the interface's code of each row's pass.
    """
    paid = (
        0
        if amounts is None
        else sum(
            kind == FREE and any(digit in "123456789" for digit in text_of(amount))
            for kind, amount in zip(kinds, amounts, strict=True)
        )
    )
    if paid:
        return tr("free passes were paid for (rows: {count}): is it the kind of the pass that was sold", count=paid)
    timed = (
        0
        if ends is None
        else sum(kind == STORED_VALUE and bool(text_of(end)) for kind, end in zip(kinds, ends, strict=True))
    )
    if timed:
        return tr(
            "passes of stored value have a period (rows: {count}): is it the kind of the pass that was sold",
            count=timed,
        )
    return ""


@dataclass(frozen=True, slots=True)
class Purchase:
    """What a row says was bought: the interface's code of the pass, how many, and from when to when."""

    kind: str | int | None
    quantity: object
    start_us: int | None = None
    end_us: int | None = None

    @property
    def number(self) -> int:
        """How many were bought; 0 if that is not known."""
        text = text_of(self.quantity).partition(".")[0]
        return int(text) if re.fullmatch(r"\d{1,9}", text) else 0

    @property
    def unit_months(self) -> int:
        """The months of one such pass; 0 if it is none of months."""
        return _UNIT_MONTHS.get(self.kind, 0) if isinstance(self.kind, int) else 0

    @property
    def period_months(self) -> float:
        """The months from start to end; 0 if they are not known."""
        if self.start_us is None or self.end_us is None:
            return 0.0
        return max(0.0, (self.end_us - self.start_us) / _MONTH_US)

    @property
    def bought_months(self) -> int:
        """The months of all passes that were bought."""
        return self.number * self.unit_months


class QuantityDoubt(NamedTuple):
    """A question about the quantities; `is_open` if a person must decide."""

    question: str
    is_open: bool


class QuantityCheck:
    """Judges by many purchases whether quantities count passes. `counts_months`: the column's name says months."""

    def __init__(self, *, counts_months: bool = False) -> None:
        self._counts_months = counts_months
        self._units: dict[int, _OfUnit] = {}

    def add(self, one: Purchase) -> None:
        """Takes one purchase into account."""
        if one.bought_months:
            self._units.setdefault(one.unit_months, _OfUnit()).add(one)

    def doubt(self) -> QuantityDoubt | None:
        """A question if the quantities do not count passes; None if they do, or nothing tells."""
        for unit_months, found in sorted(self._units.items(), reverse=True):
            for count, example, is_too_many in (
                (found.too_many, found.much, True),
                (found.too_few, found.little, False),
            ):
                if example is not None and count * 2 > found.known:
                    # One pass is one pass: then the pass or the period may be wrong, the quantity is not.
                    if is_too_many and example.number > 1:
                        return QuantityDoubt(_counts_question(example), is_open=True)
                    return QuantityDoubt(_period_question(example), is_open=False)
            if not found.known and self._counts_months and unit_months > 1 and found.whole is not None:
                return _name_doubt(found.whole)
        return None


@dataclass(slots=True)
class _OfUnit:
    """What was seen of the passes of one length: periods that are known, those that are too short or long, examples."""

    known: int = 0
    too_many: int = 0
    too_few: int = 0
    much: Purchase | None = None
    little: Purchase | None = None
    whole: Purchase | None = None

    def add(self, one: Purchase) -> None:
        if one.number % one.unit_months == 0:
            self.whole = self.whole or one
        if not one.period_months:
            return
        self.known += 1
        if one.bought_months > one.period_months * _PERIOD_FACTOR:
            self.too_many += 1
            # Several passes say more than one does.
            self.much = one if self.much is None or (self.much.number == 1 and one.number > 1) else self.much
        elif one.bought_months * _PERIOD_FACTOR < one.period_months:
            self.too_few += 1
            self.little = self.little or one


def _name_doubt(one: Purchase) -> QuantityDoubt:
    question = tr(
        "{number} of a pass of {unit} months are sent as {total} months: does it count passes, or months (then divide "
        "it in source.query or in the file)",
        number=one.number,
        unit=one.unit_months,
        total=one.bought_months,
    )
    return QuantityDoubt(question, is_open=True)


def _counts_question(one: Purchase) -> str:
    return tr(
        "quantity {number} of a pass of {unit} months, but a period of {period:.1f} months: does it count passes, or months or "
        "days (then divide it in source.query or in the file)",
        number=one.number,
        unit=one.unit_months,
        period=one.period_months,
    )


def _period_question(one: Purchase) -> str:
    return tr(
        "quantity {number} of a pass of {unit} months, but a period of {period:.1f} months: is it the number that was bought, "
        "and the period that of this renewal",
        number=one.number,
        unit=one.unit_months,
        period=one.period_months,
    )


def is_row_reference(name: str, values: Sequence[object]) -> bool:
    """Whether a column of cards holds what databases give to rows: UUIDs or, by a name that says so, short numbers alone."""
    texts = [text for value in values if (text := text_of(value))]
    is_numbered = is_id(name) and all(
        text.isdigit() and len(text) < _CARD_DIGITS_MIN and text[0] != "0" for text in texts
    )
    return bool(texts) and (is_numbered or all(map(_UUID, texts)))
