"""Converts a park's local times, in any format, to UTC instants. Pure: the time zone is an argument.

Common formats are parsed through two caches, one of days and one of seconds, because strptime takes ten times longer than
the rest of a row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from vipgate.agent.mapping.values import JSON_INT_MAX, ConversionError, Convert, Value, as_text
from vipgate.protocol.renewal import format_instant

Read = Callable[[object], "int | ConversionError | None"]

DAYS_KEPT: Final = 8_192
SECONDS_KEPT: Final = 86_400
PERIODS_KEPT: Final = 65_536
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - naive on purpose: local times are counted from it before their offset is taken off
_EPOCH_UTC: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_SECOND_US: Final = 1_000_000
_DAY_US: Final = 86_400 * _SECOND_US
_COUNTED_US: Final[Mapping[str, int]] = {"s": _SECOND_US, "ms": 1_000}
_COUNT: Final = re.compile(r"-?\d{1,18}(?:\.\d{1,18})?", re.ASCII).fullmatch
_ISO: Final = re.compile(
    r"\d{4}([-/])\d\d\1\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?: ?(?:Z|[+-]\d\d(?::?\d\d)?))?)?", re.ASCII
).fullmatch
# What MySQL writes for "no date".
_NO_DATE: Final = "0000-00-00"


class _Form(NamedTuple):
    """A format parsed without strptime: the length of its day part, and patterns for day and rest."""

    day_chars: int
    day: re.Pattern[str]
    rest: re.Pattern[str]


def _form(day: str, rest: str, day_chars: int = 10) -> _Form:
    return _Form(day_chars, re.compile(day, re.ASCII), re.compile(rest, re.ASCII))


_DASHED: Final = r"(\d{4})-(\d\d)-(\d\d)"
_SLASHED: Final = r"(\d{4})/(\d\d)/(\d\d)"
_CLOCK: Final = r" ([01]\d|2[0-3]):([0-5]\d):([0-5]\d)"
_QUICK: Final[Mapping[str | None, _Form]] = {
    None: _form(_DASHED, _CLOCK),
    "%Y-%m-%d %H:%M:%S": _form(_DASHED, _CLOCK),
    "%Y/%m/%d %H:%M:%S": _form(_SLASHED, _CLOCK),
    "%Y-%m-%d": _form(_DASHED, ""),
    "%Y/%m/%d": _form(_SLASHED, ""),
    "%Y%m%d%H%M%S": _form(r"(\d{4})(\d\d)(\d\d)", r"([01]\d|2[0-3])([0-5]\d)([0-5]\d)", 8),
}


def pay_time(form: str | None, zone: ZoneInfo) -> Convert:
    """Returns a converter to milliseconds since 1970 UTC."""
    read = instant_us(form, zone)

    def convert(value: object) -> Value | ConversionError | None:
        found = read(value)
        return found // 1000 if type(found) is int else found

    return convert


def period_time(form: str | None, zone: ZoneInfo) -> Convert:
    """Returns a converter to ISO 8601 in UTC."""
    read = instant_us(form, zone)
    wrong = _no_time(form)

    def shown(value: object) -> Value | ConversionError | None:
        found = read(value)
        if type(found) is not int:
            return found
        try:
            return format_instant(found)
        except OverflowError:
            return wrong

    # Records share few period boundaries. Only texts are cached: 1, 1.0 and True are one key.
    remembered = lru_cache(maxsize=PERIODS_KEPT)(shown)

    def convert(value: object) -> Value | ConversionError | None:
        return remembered(value) if type(value) is str else shown(value)

    return convert


def instant_us(form: str | None, zone: ZoneInfo) -> Read:
    """Returns a parser of `form` to microseconds since 1970 UTC; times without a zone are in `zone`."""
    offset_us = _offsets(zone)
    quick = _quick(form, offset_us)
    parse = _parser(form)

    def of_datetime(moment: datetime) -> int:
        if moment.tzinfo is not None:
            return _microseconds(moment - _EPOCH_UTC)
        since = moment - _EPOCH
        offset = offset_us(since.days)
        if offset is None:
            offset = (moment.replace(tzinfo=zone).utcoffset() or timedelta()) // _MICROSECOND
        return _microseconds(since) - offset

    def of_text(text: str) -> int | ConversionError | None:
        if not text or text.startswith(_NO_DATE):
            return None
        found = parse(text)
        return of_datetime(found) if isinstance(found, datetime) else found

    def convert(value: object) -> int | ConversionError | None:
        if type(value) is str:
            found = quick(value)
            return of_text(value.strip()) if found is None else found
        if isinstance(value, datetime):
            return of_datetime(value)
        if isinstance(value, date):
            return of_datetime(datetime(value.year, value.month, value.day))  # noqa: DTZ001 - local, its offset is taken off
        text = as_text(value)
        return of_text(text) if isinstance(text, str) else text

    return convert


def _microseconds(since: timedelta) -> int:
    return since.days * _DAY_US + since.seconds * _SECOND_US + since.microseconds


def _quick(form: str | None, offset_us: Callable[[int], int | None]) -> Callable[[str], int | None]:
    """Parses texts of exactly the shape of `form`; None for all others and for days with a clock change."""
    if form not in _QUICK:
        return lambda _: None
    day_chars, day_shape, rest_shape = _QUICK[form]

    @lru_cache(maxsize=DAYS_KEPT)
    def midnight_us(text: str) -> int | None:
        found = day_shape.fullmatch(text)
        if found is None:
            return None
        year, month, day = map(int, found.groups())
        try:
            days = date(year, month, day).toordinal() - _EPOCH.toordinal()
        except ValueError:
            return None
        offset = offset_us(days)
        return None if offset is None else days * _DAY_US - offset

    @lru_cache(maxsize=SECONDS_KEPT)
    def since_midnight_us(text: str) -> int | None:
        found = rest_shape.fullmatch(text)
        if found is None:
            return None
        hour, minute, second = map(int, found.groups() or (0, 0, 0))
        return (hour * 3600 + minute * 60 + second) * _SECOND_US

    def read(text: str) -> int | None:
        midnight = midnight_us(text[:day_chars])
        since = since_midnight_us(text[day_chars:])
        return None if midnight is None or since is None else midnight + since

    return read


def _parser(form: str | None) -> Callable[[str], datetime | int | ConversionError]:
    """Parses a text to a datetime, to microseconds since 1970 UTC, or to a ConversionError."""
    wrong = _no_time(form)

    def counted(text: str) -> int | ConversionError:
        count_us = int(Decimal(text) * _COUNTED_US[form or ""]) if _COUNT(text) else JSON_INT_MAX
        return count_us if abs(count_us) < JSON_INT_MAX else wrong

    def iso(text: str) -> datetime | ConversionError:
        if not _ISO(text):
            return wrong
        try:
            return datetime.fromisoformat(
                text.replace("/", "-").replace(" +", "+").replace(" -", "-").replace(" Z", "Z")
            )
        except ValueError:
            return wrong

    def by_form(text: str) -> datetime | ConversionError:
        try:
            return datetime.strptime(text, form or "")  # noqa: DTZ007 - the zone is added later
        except ValueError:
            return wrong

    if form is None:
        return iso
    return counted if form in _COUNTED_US else by_form


def _no_time(form: str | None) -> ConversionError:
    if form in _COUNTED_US:
        unit = {"s": ("秒", "seconds"), "ms": ("毫秒", "milliseconds")}[form or ""]
        return ConversionError(f"应为 1970 年以来的{unit[0]}数", f"must be {unit[1]} since 1970")
    if form is None:
        return ConversionError(
            "应为时间, 如 2024-01-31 08:30:00; 其他形式请用 format 说明",
            "must be a time such as 2024-01-31 08:30:00; tell other forms by format",
        )
    return ConversionError(f"应为时间, 格式 {form}", f"must be a time of the form {form}")


def _offsets(zone: ZoneInfo) -> Callable[[int], int | None]:
    """Returns the UTC offset of a local day, counted from 1970; None for days that may have two."""

    @lru_cache(maxsize=DAYS_KEPT)
    def of_day(day: int) -> int | None:
        try:
            starts = _EPOCH + timedelta(days=day)
            hours = [starts + timedelta(hours=hour) for hour in (-3, 0, 12, 24, 27)]
        except OverflowError:
            return None
        offsets = {hour.replace(tzinfo=zone).utcoffset() for hour in hours}
        only = offsets.pop()
        return None if offsets or only is None else only // _MICROSECOND

    return of_day
