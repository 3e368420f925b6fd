"""Reads the part of the agent's TOML file that says how a row is sent: `[map]` and `[[filter]]`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from vipgate.agent.toml_reader import Scalar, TomlTableReader, is_scalar
from vipgate.i18n import tr
from vipgate.protocol.renewal import MEMBERS
from vipgate.protocol.row import REQUIRED

END_MEMBER: Final = "renewal_end_time"
TIME_MEMBERS: Final = ("pay_time", "renewal_start_time", END_MEMBER)
# Numbers that count: seconds, milliseconds and days since 1970, days of a spreadsheet.
COUNTS: Final = ("s", "ms", "d", "excel")
_DIRECTIVE: Final = re.compile("%(.?)", re.DOTALL).findall
_DIRECTIVES: Final = frozenset("aAbBcdfGHIjmMpSuUVwWxXyYzZ")
_YEARS: Final = frozenset("cGxyY")
UNITS: Final[Mapping[str, tuple[str, ...]]] = {"pay_value": ("yuan", "fen"), "value": ("yuan",)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Maps one wire member: to a column or a constant."""

    column: str | None = None
    constant: Scalar | None = None
    codes: Mapping[str, str | int] | None = None
    default: Scalar | None = None
    unit: str | None = None
    format: str | None = None
    time_zone: str | None = None
    end_of_day: bool | None = None
    # Not in the mapping's fingerprint, which is made of the repr: how a row is sent stays the same.
    exact: bool | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Sends only rows whose column text is in `allowed`, or not in `refused`.

    With both, every value was judged by a person: one in neither is not sent, and is named.
    """

    column: str
    allowed: frozenset[str] | None = None
    refused: frozenset[str] | None = None


def read_members(table: TomlTableReader) -> dict[str, Member]:
    """Reads `[map]`. Notes every fault in the reader."""
    members = {name: _member(table, name, value) for name, value in table.rest().items()}
    for name in MEMBERS:
        if name in REQUIRED and name not in members:
            near = difflib.get_close_matches(name, [other for other in members if other not in MEMBERS], 1)
            remedy = tr("is missing: the interface wants it")
            if near:
                remedy = tr("is missing: the interface wants it; did you mean it by {name}?", name=near[0])
            table.fault(name, remedy)
    return members


def _member(members: TomlTableReader, name: str, value: object) -> Member:
    if isinstance(value, str) and value.strip():
        return Member(column=value)
    if not isinstance(value, dict):
        members.fault(name, tr('must be a column\'s name, { column = "…" } or { constant = … }'), value)
        return Member(constant="")
    table = members.nested(f"map.{name}", value)
    made = Member(
        column=table.optional("column"),
        constant=table.scalar("constant"),
        codes=_codes(table),
        default=table.scalar("default"),
        unit=table.optional("unit"),
        format=table.optional("format"),
        time_zone=table.time_zone("time_zone", "Asia/Shanghai") if table.has("time_zone") else None,
        end_of_day=_boolean(table, "end_of_day", name, END_MEMBER),
        exact=_boolean(table, "exact", name, "pay_partner"),
    )
    table.refuse_rest()
    if ("column" in value) == ("constant" in value):
        table.fault("column", tr("give either column or constant"))
    _check_together(table, name, made)
    return made


def _boolean(table: TomlTableReader, key: str, name: str, only: str) -> bool | None:
    """A setting that the member `only` has."""
    found = table.any(key)
    if found is not None and name != only:
        table.fault(key, tr("only {member} has one; leave it out", member=only), found)
    elif found is not None and not isinstance(found, bool):
        table.fault(key, tr("must be true or false"), found)
        return None
    return found  # type: ignore[no-any-return]


def _codes(table: TomlTableReader) -> dict[str, str | int] | None:
    found = table.any("codes")
    if found is None:
        return None
    if not isinstance(found, dict) or not all(
        is_scalar(meant) and type(meant) is not float for meant in found.values()
    ):
        table.fault("codes", tr('must be a table like { "蓝" = 1 }'), found)
        return None
    codes = {code.strip(): meant for code, meant in found.items()}
    if len(codes) < len(found):
        table.fault("codes", tr("has one code twice, blanks aside"), found)
    return codes


def _check_together(table: TomlTableReader, name: str, member: Member) -> None:
    """Rejects settings that would have no effect: an ignored unit makes amounts a hundred times too large."""
    if member.format is not None and not _is_form(member.format):
        table.fault(
            "format",
            tr('must be that of strptime, with the year: %Y-%m-%d %H:%M:%S, or "s", "ms", "d" or "excel"'),
            member.format,
        )
    units = UNITS.get(name, ())
    if member.unit is not None and member.unit not in units:
        table.fault(
            "unit",
            tr("must be one of {units}", units=", ".join(units)) if units else tr("this member has none; leave it out"),
            member.unit,
        )
    if name in MEMBERS and name not in TIME_MEMBERS:
        for key, given in (("format", member.format), ("time_zone", member.time_zone)):
            if given is not None:
                table.fault(key, tr("only times have one; leave it out"), given)
    others = {"codes": member.codes, "unit": member.unit, "format": member.format}
    if member.constant is not None:
        silent: dict[str, object] = {**others, "default": member.default, "time_zone": member.time_zone}
        silent |= {"end_of_day": member.end_of_day, "exact": member.exact}
        for key, ignored in silent.items():
            if ignored is not None:
                table.fault(
                    key,
                    tr("a constant is sent as it is; leave this out, and write it as the interface wants it"),
                    ignored,
                )
    elif sum(given is not None for given in others.values()) > 1:
        table.fault("codes", tr("give one of codes, unit and format: each says how the column is read"))


def _is_form(form: str) -> bool:
    directives = [one for one in _DIRECTIVE(form) if one != "%"]
    is_once = len(set(directives)) == len(directives) and not ("c" in directives and len(directives) > 1)
    return form in COUNTS or (is_once and _DIRECTIVES.issuperset(directives) and not _YEARS.isdisjoint(directives))


def read_filter(table: TomlTableReader) -> Filter:
    """Reads one `[[filter]]`. Notes every fault in the reader."""
    column = table.text("column")
    has_allowed, has_refused = table.has("in"), table.has("not_in")
    if not has_allowed and not has_refused:
        table.fault("in", tr("give in = […], not_in = […] or both"))
    allowed, refused = (_texts(table, key) if table.has(key) else None for key in ("in", "not_in"))
    if allowed and refused and not allowed.isdisjoint(refused):
        table.fault("not_in", tr("has a value that is in `in`, too"), sorted(allowed & refused)[0])
    table.refuse_rest()
    return Filter(column=column, allowed=allowed, refused=refused)


def _texts(table: TomlTableReader, key: str) -> frozenset[str]:
    """The texts of a list of values."""
    values = table.any(key)
    if not isinstance(values, list) or not values or not all(isinstance(one, bool) or is_scalar(one) for one in values):
        table.fault(key, tr("must be a list of texts or numbers"), values)
        return frozenset()
    return frozenset(map(as_compared, values))


def as_compared(value: Scalar) -> str:
    """The value of a filter as the text of a cell that holds it."""
    if isinstance(value, str):
        return value.strip()
    return str(int(value)) if value == int(value) else format(Decimal(repr(value)), "f")
