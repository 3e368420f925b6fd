"""Totals and charts for the overview and a park's page: money, records, requests, rejections by code. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from vipgate.admin.console.date_range import DAYS_USUAL, Period
from vipgate.admin.console.i18n import Translator
from vipgate.store.interfaces.queries import DailyAnswers, DailyMoney
from vipgate.support.web.charts import Chart, Series, bars

STORED: Final = "1001"
CASH, ONLINE = 1, 2


@dataclass(frozen=True, slots=True)
class Refusals:
    """Rejections with one code: number, share of all requests, and URL of their list."""

    code: str
    requests: int
    share: float
    path: str


@dataclass(frozen=True, slots=True)
class Totals:
    """The totals of a period."""

    money_fen: int
    inserted: int
    updated: int
    rows: int
    requests: int
    refused: int

    @property
    def rejected_share(self) -> float:
        """Share of rejected requests."""
        return self.refused / self.requests if self.requests else 0.0


def add_up(money: Sequence[DailyMoney], answers: Sequence[DailyAnswers]) -> Totals:
    """Adds up the days of a period."""
    return Totals(
        money_fen=sum(one.pay_value_fen for one in money),
        inserted=sum(one.inserted for one in money),
        updated=sum(one.updated for one in money),
        rows=sum(one.received for one in answers if one.code == STORED),
        requests=sum(one.requests for one in answers),
        refused=sum(one.requests for one in answers if one.code != STORED),
    )


def refusals(answers: Sequence[DailyAnswers], path: Callable[[str], str]) -> list[Refusals]:
    """Returns rejections by code, most frequent first; `path(code)` is the URL of their list."""
    total = sum(one.requests for one in answers)
    by_code: dict[str, int] = {}
    for one in answers:
        if one.code != STORED:
            by_code[one.code] = by_code.get(one.code, 0) + one.requests
    ordered = sorted(by_code.items(), key=lambda pair: (-pair[1], pair[0]))
    return [Refusals(code, count, count / total, path(code)) for code, count in ordered if count]


def money_chart(translator: Translator, period: Period, money: Sequence[DailyMoney]) -> Chart:
    """Charts money per day, by pay type."""
    series = [
        Series(
            translator("pay.cash"),
            "two",
            _by_day((one.day, one.pay_value_fen) for one in money if one.pay_type == CASH),
        ),
        Series(
            translator("pay.online"),
            "one",
            _by_day((one.day, one.pay_value_fen) for one in money if one.pay_type != CASH),
        ),
    ]
    return bars(period.since_day, period.until_day, series, _day_text(translator, period), translator.yuan)


def records_chart(translator: Translator, period: Period, money: Sequence[DailyMoney]) -> Chart:
    """Charts new and changed records per day."""
    series = [
        Series(translator("records.new"), "one", _by_day((one.day, one.inserted) for one in money)),
        Series(translator("records.changed"), "two", _by_day((one.day, one.updated) for one in money)),
    ]
    return bars(period.since_day, period.until_day, series, _day_text(translator, period), translator.number)


def refusals_chart(translator: Translator, period: Period, answers: Sequence[DailyAnswers]) -> Chart:
    """Charts rejected requests per day."""
    refused = _by_day((one.day, one.requests) for one in answers if one.code != STORED)
    series = [Series(translator("requests.rejected"), "red", refused)]
    return bars(period.since_day, period.until_day, series, _day_text(translator, period), translator.number)


def _by_day(pairs: Iterable[tuple[int, int]]) -> dict[int, int]:
    found: dict[int, int] = {}
    for day, value in pairs:
        found[day] = found.get(day, 0) + value
    return found


def _day_text(translator: Translator, period: Period) -> Callable[[int], str]:
    """Returns the day format: with weekday if there is room."""
    return translator.short_day if period.days <= DAYS_USUAL + 1 else translator.bare_day
