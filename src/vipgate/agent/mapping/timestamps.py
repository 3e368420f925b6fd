"""Converts a park's local times, in any format, to UTC instants. Pure: the time zone is an argument.

A date without a time is the beginning of that day, or its last second where it ends a period (`DayEnd`).

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
# Days since a local day: spreadsheets count from the last but one of 1899.
_COUNTED_DAYS: Final[Mapping[str, datetime]] = {"d": _EPOCH, "excel": datetime(1899, 12, 30)}  # noqa: DTZ001 - local days
_DAYS_MAX: Final = 200_000
_LAST_SECOND: Final = timedelta(days=1, seconds=-1)
_COUNT: Final = re.compile(r"-?\d{1,18}(?:\.\d{1,18})?", re.ASCII).fullmatch
# Year first, so that no part can be taken for another: 2024-01-31 08:30:00, 2024/1/31 8:30, 2024.1.31, 2024年1月31日 8时30分.
_TEXT: Final = re.compile(
    r"(\d{4})(?:([-/.])(\d\d?)\2(\d\d?)|年(\d\d?)月(\d\d?)[日号]?)"
    r"(?:(?:\s+|T|(?<=[日号]))(\d\d?)(?::(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?|[时点](?:(\d\d?)分(?:(\d\d?)秒)?)?)"
    r"\s*(Z|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
).fullmatch
# What MySQL writes for "no date", and the days that programs write for one: 0 of Excel, of SQL Server, of .NET and of Unix.
_NO_DATE: Final = "0000-00-00"
_NO_DATES: Final = frozenset(
    {date(1899, 12, 30), date(1899, 12, 31), date(1900, 1, 1), date(1753, 1, 1), date(1, 1, 1), date(1970, 1, 1)}
)
_NO_DATES_UNTIL: Final = 1970


class DayEnd(NamedTuple):
    """Which values mean the last second of their day: dates without a time, and midnights."""

    dates: bool = False
    midnights: bool = False


_STARTS: Final = DayEnd()


class _Form(NamedTuple):
    """A format parsed without strptime: the length of its day part, and patterns for day and rest."""

    day_chars: int
    day: re.Pattern[str]
    rest: re.Pattern[str]


def _form(day: str, rest: str, day_chars: int = 10) -> _Form:
    return _Form(day_chars, re.compile(day, re.ASCII), re.compile(rest, re.ASCII))


_DASHED: Final = r"(\d{4})-(\d\d)-(\d\d)"
_SLASHED: Final = r"(\d{4})/(\d\d)/(\d\d)"
_EITHER: Final = r"(\d{4})(?:-(?=\d\d-)|/(?=\d\d/))(\d\d)[-/](\d\d)"
_CLOCK: Final = r" ([01]\d|2[0-3]):([0-5]\d):([0-5]\d)"
_QUICK: Final[Mapping[str | None, _Form]] = {
    None: _form(_EITHER, f"(?:{_CLOCK})?"),
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


def period_time(form: str | None, zone: ZoneInfo, day_end: DayEnd = _STARTS) -> Convert:
    """Returns a converter to ISO 8601 in UTC."""
    read = instant_us(form, zone, day_end)
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


def instant_us(form: str | None, zone: ZoneInfo, day_end: DayEnd = _STARTS) -> Read:
    """Returns a parser of `form` to microseconds since 1970 UTC; times without a zone are in `zone`."""
    offset_us = _offsets(zone)
    quick = _quick(form, offset_us, day_end)
    parse = _parser(form)

    def of_moment(found: date) -> int | None:
        """Takes a date or a datetime, which is a date too."""
        if found.year <= _NO_DATES_UNTIL and date(found.year, found.month, found.day) in _NO_DATES:
            return None
        if not isinstance(found, datetime):
            moment = datetime(found.year, found.month, found.day)  # noqa: DTZ001 - local, its offset is taken off
            return of_datetime(moment + _LAST_SECOND if day_end.dates else moment)
        is_midnight = day_end.midnights and not (found.hour or found.minute or found.second or found.microsecond)
        return of_datetime(found + _LAST_SECOND if is_midnight else found)

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
        if isinstance(found, date):
            return of_moment(found)
        # Zero of a count means no time.
        return found or None

    def convert(value: object) -> int | ConversionError | None:
        if type(value) is str:
            found = quick(value)
            return of_text(value.strip()) if found is None else found
        if isinstance(value, date):
            return of_moment(value)
        text = as_text(value)
        return of_text(text) if isinstance(text, str) else text

    return convert


def _microseconds(since: timedelta) -> int:
    return since.days * _DAY_US + since.seconds * _SECOND_US + since.microseconds


def _quick(form: str | None, offset_us: Callable[[int], int | None], day_end: DayEnd) -> Callable[[str], int | None]:
    """Parses texts of exactly the shape of `form`; None for other texts, days with a clock change and days that do not exist."""
    if form not in _QUICK:
        return lambda _: None
    day_chars, day_shape, rest_shape = _QUICK[form]

    @lru_cache(maxsize=DAYS_KEPT)
    def midnight_us(text: str) -> int | None:
        found = day_shape.fullmatch(text)
        if found is None:
            return None
        year, month, day = map(int, found.groups())
        if year <= _NO_DATES_UNTIL:
            return None
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
        if not text:
            return _DAY_US - _SECOND_US if day_end.dates else 0
        hour, minute, second = map(int, found.groups())
        seconds = hour * 3600 + minute * 60 + second
        return _DAY_US - _SECOND_US if day_end.midnights and not seconds else seconds * _SECOND_US

    def read(text: str) -> int | None:
        midnight = midnight_us(text[:day_chars])
        since = since_midnight_us(text[day_chars:])
        return None if midnight is None or since is None else midnight + since

    return read


def _parser(form: str | None) -> Callable[[str], date | int | ConversionError]:
    """Parses a text to a date or datetime, to microseconds since 1970 UTC, or to a ConversionError."""
    wrong = _no_time(form)
    has_clock = form is not None and re.search("%[HIMSfpcX]", form) is not None

    def counted(text: str) -> int | ConversionError:
        count_us = int(Decimal(text) * _COUNTED_US[form or ""]) if _COUNT(text) else JSON_INT_MAX
        return count_us if abs(count_us) < JSON_INT_MAX else wrong

    def days(text: str) -> date | ConversionError:
        count = Decimal(text) if _COUNT(text) else None
        if count is None or not 0 <= count < _DAYS_MAX:
            return wrong
        # A fraction of a day is exact to a microsecond at best: round to the second that was meant.
        moment = _COUNTED_DAYS[form or ""] + timedelta(seconds=round(count * 86_400))
        return moment.date() if count == count.to_integral_value() else moment

    def by_form(text: str) -> date | ConversionError:
        try:
            found = datetime.strptime(text, form or "")  # noqa: DTZ007 - the zone is added later
        except ValueError:
            return wrong
        return found if has_clock else found.date()

    if form is None:
        return lambda text: _of_text(text) or wrong
    if form in _COUNTED_DAYS:
        return days
    return counted if form in _COUNTED_US else by_form


def _of_text(text: str) -> date | None:
    """Reads a text that begins with the year: a datetime, a date if it has no time of day, None if it is neither."""
    found = _TEXT(text)
    if found is None:
        return None
    year, _, month, day, month_zh, day_zh, hour, minute, second, fraction, minute_zh, second_zh, zone = found.groups()
    try:
        that_day = date(int(year), int(month or month_zh), int(day or day_zh))
        if hour is None:
            return that_day
        clock = (
            int(hour),
            int(minute or minute_zh or 0),
            int(second or second_zh or 0),
            int(((fraction or "") + "000000")[:6]),
        )
        moment = datetime(that_day.year, that_day.month, that_day.day, *clock)  # noqa: DTZ001 - the zone is added below
        return moment if zone is None else moment.replace(tzinfo=datetime.strptime(_zone(zone), "%z").tzinfo)
    except ValueError:
        return None


def _zone(text: str) -> str:
    return text if text == "Z" or len(text) > 3 else f"{text}:00"


def _no_time(form: str | None) -> ConversionError:
    if form in _COUNTED_DAYS:
        first = _COUNTED_DAYS[form or ""].date()
        return ConversionError(f"应为自 {first} 起的天数", f"must be days since {first}")
    if form in _COUNTED_US:
        unit = {"s": ("秒", "seconds"), "ms": ("毫秒", "milliseconds")}[form or ""]
        return ConversionError(f"应为 1970 年以来的{unit[0]}数", f"must be {unit[1]} since 1970")
    if form is None:
        return ConversionError(
            "应为时间，如 2024-01-31 08:30:00；其他形式请用 format 说明",
            "must be a time such as 2024-01-31 08:30:00; give any other form as format",
        )
    return ConversionError(f"应为时间，格式 {form}", f"must be a time of the form {form}")


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
