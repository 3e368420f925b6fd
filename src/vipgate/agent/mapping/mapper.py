"""Maps the columns of a park's own records to wire members, as configured. Pure."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

from vipgate.agent.config_map import END_MEMBER, TIME_MEMBERS, Filter, Member
from vipgate.agent.mapping.timestamps import DayEnd, pay_time, period_time
from vipgate.agent.mapping.unjudged import count_unjudged
from vipgate.agent.mapping.values import (
    ConversionError,
    Convert,
    Value,
    amount,
    as_number,
    as_text,
    coded,
    display,
    is_absent,
    is_no_value,
    money,
    order_number,
    text_or_none,
)
from vipgate.agent.toml_reader import Scalar
from vipgate.errors import FieldError, UsageError, truncate
from vipgate.i18n import tr
from vipgate.protocol.renewal import MEMBERS
from vipgate.support.sheet.cells import BadCell

_NUMBERS = frozenset({"plate_color", "vip_type", "quantity", "pay_type", "pay_value"})


class Mapper:
    """A mapping bound to the columns of a source: takes rows, returns members or errors.

    Raises UsageError that names the missing columns.
    """

    def __init__(
        self, members: Mapping[str, Member], filters: Sequence[Filter], time_zone: ZoneInfo, columns: Sequence[str]
    ) -> None:
        places = _Places(columns)
        self._constants = {
            name: _constant(member.constant) for name, member in members.items() if member.constant is not None
        }
        self._steps = [
            _step(name, member, places.find(member.column, f"map.{name}"), time_zone)
            for name, member in members.items()
            if member.column is not None
        ]
        self._filters = [(places.find(one.column, "filter"), one) for one in filters]
        # Rows left out for a value that nobody has judged, by column and value, since `take_unjudged`.
        self._unjudged: Counter[tuple[str, str]] = Counter()
        places.check()

    def take_unjudged(self) -> dict[tuple[str, str], int]:
        """The columns and values that no filter names and that left rows out, and how many since the last call."""
        found, self._unjudged = dict(self._unjudged), Counter()
        return found

    def __call__(self, values: Sequence[object]) -> dict[str, Value] | list[FieldError] | None:
        """The members of a row, its errors by column, or None if a filter excludes it."""
        unjudged = None
        for place, wanted in self._filters:
            text = _compared(values[place])
            if not _passes(text, wanted):
                if wanted.refused is None or text in wanted.refused:
                    # A row that is left out by what a person has judged raises no question, whatever else it has.
                    return None
                unjudged = unjudged or (wanted.column, truncate(text))
        if unjudged is not None:
            count_unjudged(self._unjudged, {unjudged: 1})
            return None
        members = self._constants.copy()
        faults: list[FieldError] | None = None
        for name, place, convert, step in self._steps:
            value = convert(values[place])
            kind = type(value)
            if kind is str or kind is int:
                members[name] = value  # type: ignore[assignment]
                continue
            if value is None or (kind is ConversionError and step.is_listed and is_no_value(values[place])):
                value = step.default
                if value is None:
                    continue
            elif isinstance(value, ConversionError):
                # An unknown code may use the default; an unreadable amount, time or cell must not.
                if step.default is None or not step.is_coded or isinstance(values[place], BadCell):
                    faults = faults or []
                    faults.append(FieldError(step.column, value.remedy, _shown(values[place])))
                    continue
                value = step.default
            members[name] = value
        return members if faults is None else faults


class _Step(NamedTuple):
    """Used only for empty or invalid cells."""

    column: str
    default: Value | None
    is_coded: bool
    # The interface lists the member: words like NULL stand for an empty cell.
    is_listed: bool


def _step(name: str, member: Member, place: int, time_zone: ZoneInfo) -> tuple[str, int, Convert, _Step]:
    convert = _converter(name, member, time_zone)
    return (
        name,
        place,
        convert,
        _Step(
            member.column or "",
            _default(name, member, convert),
            member.codes is not None,
            name in MEMBERS and name != "pay_partner",
        ),
    )


def _default(name: str, member: Member, convert: Convert) -> Value | None:
    """The value for an empty cell, converted like a cell; with codes, it is the result itself."""
    if member.default is None or member.codes is not None:
        return None if member.default is None else _constant(member.default)
    found = as_text(member.default) if convert is text_or_none else convert(member.default)
    if isinstance(found, ConversionError):
        raise UsageError(
            tr(
                "{place}: {remedy}, got {value!r}",
                place=f"map.{name}.default",
                remedy=found.remedy.text(),
                value=member.default,
            )
        )
    return found


def _constant(value: Scalar) -> Value:
    return value if isinstance(value, int) else str(value)


def _converter(name: str, member: Member, time_zone: ZoneInfo) -> Convert:
    zone = time_zone if member.time_zone is None else ZoneInfo(member.time_zone)
    if member.codes is not None:
        return coded(member.codes)
    if name == "pay_time":
        return pay_time(member.format, zone)
    if name == END_MEMBER:
        return period_time(member.format, zone, _day_end(member.end_of_day))
    if name in TIME_MEMBERS or member.format is not None:
        return period_time(member.format, zone)
    if member.unit == "yuan":
        return money if name == "pay_value" else amount
    if name == "pay_partner":
        return order_number
    if name in _NUMBERS:
        return as_number
    return text_or_none if name in MEMBERS else as_text


def _day_end(setting: bool | None) -> DayEnd:
    """An end without a time of day means the end of that day; a midnight does only if the setting says so."""
    return DayEnd(dates=setting is not False, midnights=setting is True)


def _compared(value: object) -> str:
    """The text of a cell that filters compare."""
    text = as_text(value)
    return "" if text is None or isinstance(text, ConversionError) else str(text)


def _passes(text: str, wanted: Filter) -> bool:
    if wanted.allowed is not None:
        return text in wanted.allowed
    return text not in (wanted.refused or frozenset())


def _shown(value: object) -> str | None:
    return None if is_absent(value) else display(value)


class _Places:
    """Finds columns by name, ignoring blanks and case if unambiguous; collects missing ones."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = list(columns)
        self._missing: list[str] = []

    def find(self, name: str, place: str) -> int:
        times = self._columns.count(name)
        if times > 1:
            self._missing.append(
                tr(
                    "{place}: column {name} is there {times} times; give each a name of its own",
                    place=place,
                    name=name,
                    times=times,
                )
            )
            return 0
        if times:
            return self._columns.index(name)
        alike = [at for at, column in enumerate(self._columns) if column.strip().casefold() == name.strip().casefold()]
        if len(alike) == 1:
            return alike[0]
        near = difflib.get_close_matches(name, self._columns, 1)
        if near:
            text = tr("{place}: column {name} is not there; did you mean {near}?", place=place, name=name, near=near[0])
        else:
            text = tr("{place}: column {name} is not there", place=place, name=name)
        self._missing.append(text)
        return 0

    def check(self) -> None:
        """Raises UsageError if a column was missing."""
        if self._missing:
            there = ", ".join(self._columns[:100])
            raise UsageError(
                "\n".join(
                    [*self._missing, tr("The source has the columns: {there}; fix the configuration.", there=there)]
                )
            )
