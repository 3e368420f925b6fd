"""From the columns of a park's own record to the members of the wire, as the configuration tells. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from vipgate.agent.config import Filter, Member
from vipgate.agent.convert import (
    Convert,
    Value,
    Wrong,
    amount,
    as_number,
    as_text,
    coded,
    is_absent,
    money,
    pay_time,
    period_time,
)
from vipgate.errors import Fault, OperatorError

_NUMBERS = frozenset({"plate_color", "vip_type", "quantity", "pay_type", "pay_value"})
_PERIOD = frozenset({"renewal_start_time", "renewal_end_time"})


class Mapper:
    """A mapping bound to the columns of a source: rows in, members or faults out.

    Raises OperatorError that names the columns which are not there.
    """

    def __init__(
        self, members: Mapping[str, Member], filters: Sequence[Filter], time_zone: ZoneInfo, columns: Sequence[str]
    ) -> None:
        places = _Places(columns)
        self._constants: dict[str, Value] = {}
        self._steps: list[tuple[str, str, int, Convert, Value | None, bool]] = []
        for name, member in members.items():
            if member.column is None:
                self._constants[name] = member.constant if isinstance(member.constant, int) else str(member.constant)
                continue
            place = places.find(member.column, f"map.{name}")
            default = (
                member.default if member.default is None or isinstance(member.default, int) else str(member.default)
            )
            self._steps.append(
                (name, member.column, place, _converter(name, member, time_zone), default, member.codes is not None)
            )
        self._filters = [(places.find(one.column, "filter"), one) for one in filters]
        places.check()

    def __call__(self, values: Sequence[object]) -> dict[str, Value] | list[Fault] | None:
        """The members of a row, its faults by column, or None where a filter leaves it out."""
        for place, wanted in self._filters:
            if not _passes(values[place], wanted):
                return None
        members = self._constants.copy()
        faults: list[Fault] | None = None
        for name, column, place, convert, default, is_coded in self._steps:
            value = convert(values[place])
            if value is None or type(value) is Wrong:
                # A code that nobody knows may have a default; an amount or a time that cannot be read must not.
                if default is not None and (value is None or is_coded):
                    value = default
                elif value is None:
                    continue
                else:
                    faults = faults or []
                    faults.append(Fault(column, value.remedy, _shown(values[place])))
                    continue
            members[name] = value  # type: ignore[assignment]
        return faults if faults is not None else members


def _converter(name: str, member: Member, time_zone: ZoneInfo) -> Convert:
    zone = time_zone if member.time_zone is None else ZoneInfo(member.time_zone)
    if member.codes is not None:
        return coded(member.codes)
    if name == "pay_time":
        return pay_time(member.format, zone)
    if name in _PERIOD or member.format is not None:
        return period_time(member.format, zone)
    if member.unit == "yuan":
        return money if name == "pay_value" else amount
    return as_number if name in _NUMBERS else as_text


def _passes(value: object, wanted: Filter) -> bool:
    text = as_text(value)
    shown = "" if text is None or isinstance(text, Wrong) else str(text)
    if wanted.allowed is not None:
        return shown in wanted.allowed
    return shown not in (wanted.refused or frozenset())


def _shown(value: object) -> str | None:
    if is_absent(value):
        return None
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


class _Places:
    """Finds columns by name, blanks and letter case aside where that leaves no doubt; remembers what is missing."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = list(columns)
        self._missing: list[str] = []

    def find(self, name: str, place: str) -> int:
        if name in self._columns:
            return self._columns.index(name)
        alike = [at for at, column in enumerate(self._columns) if column.strip().casefold() == name.strip().casefold()]
        if len(alike) == 1:
            return alike[0]
        self._missing.append(f"{place}: column {name} is not there")
        return 0

    def check(self) -> None:
        if self._missing:
            there = ", ".join(self._columns[:100])
            raise OperatorError(
                "\n".join([*self._missing, f"The source has the columns: {there}; mend the configuration."])
            )
