"""Guesses how the times of a column are written, and which day an end means. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from vipgate.agent.mapping.timestamps import DayEnd, instant_us
from vipgate.agent.mapping.values import as_text
from vipgate.i18n import tr

# Numbers that tell their unit by their size: the years 2000 to 2060 as days of Unix, days of a spreadsheet, seconds, milliseconds.
_COUNTS: Final = (("d", 10_957, 32_872), ("excel", 36_526, 58_440), ("s", 946_684_800, 2_840_140_800))
_DIGITS: Final = (("%Y%m%d%H%M%S", re.compile(r"(?:19|20)\d{12}")), ("%Y%m%d", re.compile(r"(?:19|20)\d{6}")))
_UTC: Final = ZoneInfo("UTC")
_DAY_US: Final = 86_400_000_000
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - local times are compared as they are
_PASS_US_MIN: Final = 6 * _DAY_US


class TimeForm(NamedTuple):
    """`format` is that of the configuration; `doubt` is a question about values of another form, open if most are."""

    format: str | None
    doubt: str = ""
    is_open: bool = False


def time_form(values: Sequence[object]) -> TimeForm:
    """Finds the format of `values`. Dates, and texts that begin with the year, need none."""
    texts = [text for value in values if not isinstance(value, date) and isinstance(text := as_text(value), str)]
    if not values:
        return TimeForm(None, tr("no value seen"))
    for form, shape in _DIGITS:
        if texts and all(shape.fullmatch(text) for text in texts):
            return TimeForm(form)
    numbers = [_number(text) for text in texts]
    if texts and all(number is not None for number in numbers):
        counted, question = _counted([number for number in numbers if number is not None])
        return TimeForm(counted, question, bool(question))
    read = instant_us(None, _UTC)
    wrong = [text for text in texts if not isinstance(read(text), int | None)]
    if not wrong:
        return TimeForm(None)
    question = tr("the form of these times is not known ({example}): say it by format", example=wrong[0][:30])
    return TimeForm(None, question, len(wrong) * 2 > len(values))


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"-?\d{1,18}(?:\.\d{1,9})?", text) else None


def _counted(numbers: Sequence[float]) -> tuple[str | None, str]:
    for form, low, high in (*_COUNTS, ("ms", 946_684_800_000, 2_840_140_800_000)):
        if all(number == 0 or low <= number < high for number in numbers) and any(numbers):
            return form, ""
    return None, tr("the values are numbers of no known form")


def instants(values: Sequence[object], form: str | None, day_end: DayEnd = DayEnd()) -> list[int | None]:  # noqa: B008 - immutable
    """The values as microseconds, local times taken as UTC; None where absent or unreadable."""
    read = instant_us(form, _UTC, day_end)
    found = [read(value) for value in values]
    return [one if isinstance(one, int) else None for one in found]


def is_time(values: Sequence[object]) -> bool:
    """Whether most of `values` are times."""
    form = time_form(values)
    found = instants(values, form.format)
    return bool(values) and sum(one is not None for one in found) * 2 > len(found)


class EndGuess(NamedTuple):
    """`end_of_day` is that of the configuration; `is_open` if a person must decide."""

    end_of_day: bool | None
    doubt: str
    is_open: bool


def end_guess(ends: Sequence[object], form: str | None, starts: Sequence[int | None]) -> EndGuess | None:
    """Guesses what a midnight in an end column means; None if all values have a time of day, or none has.

    `starts` has the start of each row.
    """
    found = instants(ends, form)
    is_dated = have_no_time(ends, form)
    midnights = [
        (end, start)
        for end, start, dated in zip(found, starts, is_dated, strict=True)
        if end is not None and not dated and end % _DAY_US == 0
    ]
    if not midnights or _keep_the_clock(found, starts):
        return None
    known = [_is_last_day(end, start) for end, start in midnights if start is not None]
    question = tr(
        "{count} of {total} ends are midnights: does the pass end with that day (end_of_day = true) or before it (false)",
        count=len(midnights),
        total=sum(end is not None for end in found),
    )
    if known and all(one is True for one in known):
        return EndGuess(True, tr("{question}; true fits the starts", question=question), is_open=False)
    if known and all(one is False for one in known):
        return EndGuess(False, tr("{question}; false fits the starts", question=question), is_open=False)
    return EndGuess(None, question, is_open=True)


def _keep_the_clock(ends: Sequence[int | None], starts: Sequence[int | None]) -> bool:
    """Whether each pass ends at the time of day at which it began, so that midnight is one such time among others."""
    both = [
        (start % _DAY_US, end % _DAY_US)
        for start, end in zip(starts, ends, strict=True)
        if start is not None and end is not None
    ]
    return any(end for _, end in both) and all(start == end for start, end in both)


def have_no_time(values: Sequence[object], form: str | None) -> list[bool]:
    """Of each value, whether it is a date without a time of day."""
    as_ends, as_starts = (instants(values, form, day_end) for day_end in (DayEnd(dates=True), DayEnd()))
    return [
        not isinstance(value, datetime) if isinstance(value, date) else end != start
        for value, end, start in zip(values, as_ends, as_starts, strict=True)
    ]


def _is_last_day(end_us: int, start_us: int) -> bool | None:
    """Whether a period of whole months includes the day of `end_us`; None if it is no whole number of months either way."""
    start, end = (_EPOCH + timedelta(microseconds=one) for one in (start_us, end_us))
    if start.time() != time():
        return None
    if start.day == end.day:
        return False
    return True if (end + timedelta(days=1)).day == start.day else None


def is_short(starts: Sequence[int | None], ends: Sequence[int | None]) -> bool:
    """Whether most periods are too short for a pass: they are single stays, or payments that expire."""
    lengths = sorted(
        end - start for start, end in zip(starts, ends, strict=True) if start is not None and end is not None
    )
    return bool(lengths) and lengths[len(lengths) // 2] < _PASS_US_MIN
