"""What a cursor's values mean: times of some kind, or plain counters. Pure: the time zone is an argument.

Only the first column counts. Its grain is how far apart two of its times are at least: 1 s, a minute or a day.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from vipgate.agent.sources.postgres_time import InfiniteTimestamp
from vipgate.errors import UsageError
from vipgate.i18n import tr

DAY_S: Final = 86_400.0
MINUTE_S: Final = 60.0
SECOND_S: Final = 1.0
# Of fewer values it cannot be said how coarse they are.
GRAIN_SAMPLES_MIN: Final = 5
# Of the texts of a column, so many must be times of one form; the others are found by the sweep.
TEXTS_SHARE_MIN: Final = 0.9
_YEARS: Final = range(1990, 2100)
_LEAST_S: Final = datetime(1, 1, 3, tzinfo=UTC).timestamp()
_GREATEST_S: Final = datetime(9999, 12, 30, tzinfo=UTC).timestamp()
_UNITS: Final = ((1e9, 1.0), (1e12, 1e3), (1e15, 1e6))
_BLANK: Final = re.compile(r"\s*(?:0000[-/]?00[-/]?00.*)?", re.DOTALL).fullmatch
# Forms whose order as text is that of time. A fraction may be shorter in some rows: that keeps the order.
_TEXT_FORMS: Final = tuple(
    (re.compile(pattern, re.ASCII), form)
    for pattern, form in (
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,9})?", "%Y-%m-%d %H:%M:%S"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?", "%Y-%m-%dT%H:%M:%S"),
        (r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?:\.\d{1,9})?", "%Y/%m/%d %H:%M:%S"),
        (r"\d{4}\.\d\d\.\d\d \d\d:\d\d:\d\d(?:\.\d{1,9})?", "%Y.%m.%d %H:%M:%S"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d", "%Y-%m-%d %H:%M"),
        (r"\d{4}/\d\d/\d\d \d\d:\d\d", "%Y/%m/%d %H:%M"),
        (r"\d{14}", "%Y%m%d%H%M%S"),
        (r"\d{4}-\d\d-\d\d", "%Y-%m-%d"),
        (r"\d{4}/\d\d/\d\d", "%Y/%m/%d"),
        (r"\d{8}", "%Y%m%d"),
    )
)
_ZONED: Final = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)", re.ASCII).fullmatch


@dataclass(frozen=True, slots=True)
class CursorKind:
    """How to read a cursor's values as times. For a counter, `moment` gives None for every value."""

    moment: Callable[[object], float | None]
    value_at: Callable[[float], object] | None
    grain_s: float = 0.0

    @property
    def is_time(self) -> bool:
        """Whether the values are times; otherwise they only grow."""
        return self.value_at is not None


COUNTER: Final = CursorKind(lambda _: None, None)


def cursor_kind(samples: Sequence[object], name: str, zone: ZoneInfo) -> CursorKind | None:
    """The kind of the values in `samples`; None without samples. Raises UsageError if their order is not that of time."""
    there = [one for one in samples if one is not None and not isinstance(one, InfiniteTimestamp)]
    there = [one for one in there if not (isinstance(one, str) and _BLANK(one))]
    if not there:
        return None
    # SQLite's columns may hold values of several types: most of them count.
    [(most, _)] = Counter(map(type, there)).most_common(1)
    found = [one for one in there if type(one) is most]
    kind = _kind_of(found, name, zone)
    return CursorKind(kind.moment, kind.value_at, _grain_s(kind, found, zone)) if kind.is_time else kind


def _kind_of(found: Sequence[object], name: str, zone: ZoneInfo) -> CursorKind:
    first = found[0]
    if isinstance(first, str):
        return _text_kind([one for one in found if isinstance(one, str)], name, zone)
    if isinstance(first, datetime):
        return _datetimes(zone, is_aware=first.tzinfo is not None)
    if isinstance(first, date):
        return CursorKind(
            _guarded(lambda value: _epoch(_midnight(value), zone)), lambda at_s: _local(at_s, zone).date()
        )
    if isinstance(first, int | float | Decimal) and not isinstance(first, bool):
        return _numbers([one for one in found if isinstance(one, int | float | Decimal)], zone)
    if isinstance(first, bytes | bytearray | memoryview):
        return COUNTER
    raise _no_time(name, repr(first))


def _text_kind(texts: Sequence[str], name: str, zone: ZoneInfo) -> CursorKind:
    """The form that most texts have."""
    for pattern, form in _TEXT_FORMS:
        odd = [text for text in texts if pattern.fullmatch(text) is None]
        if len(odd) <= (1 - TEXTS_SHARE_MIN) * len(texts):
            length = len(_local(0.0, zone).strftime(form))
            return CursorKind(
                _guarded(lambda value: _epoch(datetime.strptime(str(value)[:length], form), zone)),  # noqa: B023, DTZ007
                lambda at_s: _local(at_s, zone).strftime(form),  # noqa: B023
            )
    odd = [text for text in texts if not any(pattern.fullmatch(text) for pattern, _ in _TEXT_FORMS)] or list(texts)
    if _ZONED(odd[0]):
        raise UsageError(
            tr(
                'source.cursor: {name} holds times with a zone as text ("{example}"), whose order as text need '
                "not be that of time; leave the cursor out, or convert the column to a time in a query",
                name=name,
                example=odd[0],
            )
        )
    raise _no_time(name, f'"{odd[0][:40]}"')


def _no_time(name: str, shown: str) -> UsageError:
    return UsageError(
        tr(
            "source.cursor: the order of {name} is not that of time: it holds {shown}. Choose a column of "
            "times, of numbers that only grow, or of text such as 2026-09-09 08:00:00 with all its zeros; or "
            "leave the cursor out: the sweep then finds every change by itself",
            name=name,
            shown=shown,
        )
    )


def _datetimes(zone: ZoneInfo, *, is_aware: bool) -> CursorKind:
    if is_aware:
        return CursorKind(
            _guarded(lambda value: _epoch(value, zone)), lambda at_s: _local(at_s, ZoneInfo("UTC")).replace(tzinfo=UTC)
        )
    return CursorKind(_guarded(lambda value: _epoch(value, zone)), lambda at_s: _local(at_s, zone))


def _numbers(found: Sequence[int | float | Decimal], zone: ZoneInfo) -> CursorKind:
    """Seconds, milliseconds or microseconds since 1970, digits such as 20260930120000, or a counter."""
    newest = float(max(found))
    for least, unit in _UNITS:
        if least <= newest < 4.2 * least and len(found) and float(min(found)) >= 0:
            return CursorKind(_guarded(lambda value: float(str(value)) / unit), lambda at_s: int(at_s * unit))  # noqa: B023
    for form, digits in (("%Y%m%d%H%M%S", 14), ("%Y%m%d", 8)):
        text = str(int(newest))
        if len(text) == digits and int(text[:4]) in _YEARS and _parsed(text, form) is not None:
            return CursorKind(
                _guarded(lambda value: _epoch(datetime.strptime(str(value).partition(".")[0], form), zone)),  # noqa: B023, DTZ007
                lambda at_s: int(_local(at_s, zone).strftime(form)),  # noqa: B023
            )
    return COUNTER


def _parsed(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form)  # noqa: DTZ007 - local time of the source
    except ValueError:
        return None


def _guarded(read: Callable[[object], float]) -> Callable[[object], float | None]:
    """Like `read`; None for a value that is no time. Infinite times of PostgreSQL lie in the future or the past."""

    def moment(value: object) -> float | None:
        try:
            return read(value)
        except (ValueError, TypeError, OverflowError, AttributeError, ArithmeticError):
            return {"infinity": float("inf"), "-infinity": float("-inf")}.get(str(value))

    return moment


def _midnight(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001 - local time of the source
    raise TypeError(value)


def _epoch(moment: object, zone: ZoneInfo) -> float:
    if not isinstance(moment, datetime):
        raise TypeError(moment)
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)).timestamp()


def _local(at_s: float, zone: ZoneInfo) -> datetime:
    """The local time, within what a `datetime` can hold in any zone: programs write 0001-01-01 and 9999-12-31 for none."""
    within_s = min(max(at_s, _LEAST_S), _GREATEST_S)
    return (datetime.fromtimestamp(0, UTC) + timedelta(seconds=within_s)).astimezone(zone).replace(tzinfo=None)


def _grain_s(kind: CursorKind, found: Sequence[object], zone: ZoneInfo) -> float:
    """How coarse the times are, by those that are there."""
    moments = [moment for moment in map(kind.moment, found) if moment is not None and abs(moment) < 1e11]
    locals_ = [_local(moment, zone) for moment in moments]
    is_few = len(set(moments)) < GRAIN_SAMPLES_MIN
    if is_few or all(one.hour == one.minute == one.second == one.microsecond == 0 for one in locals_):
        return DAY_S
    if all(one.second == one.microsecond == 0 for one in locals_):
        return MINUTE_S
    return SECOND_S
