"""Formats pages in Chinese or English: texts by key, numbers, money, Beijing times."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Final

from markupsafe import Markup, escape

from vipgate.i18n import Language, LocalizedText, accepted_language

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_BEIJING: Final = timedelta(hours=8)
_SAID_TIME: Final = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})[0-9]{2}").fullmatch
_WEEKDAYS: Final = (
    ("周一", "Mon"),
    ("周二", "Tue"),
    ("周三", "Wed"),
    ("周四", "Thu"),
    ("周五", "Fri"),
    ("周六", "Sat"),
    ("周日", "Sun"),
)
_SPANS: Final = (
    (86_400, LocalizedText("{} 天", "{} d")),
    (3_600, LocalizedText("{} 小时", "{} h")),
    (60, LocalizedText("{} 分钟", "{} min")),
    (1, LocalizedText("{} 秒", "{} s")),
)


class Translator:
    """Texts and formats of one language; templates call it `t`."""

    __slots__ = ("_texts", "language")

    def __init__(self, language: Language, texts: Mapping[str, LocalizedText]) -> None:
        self.language: Language = language
        self._texts = texts

    def __call__(self, key: str, **values: object) -> str:
        """Returns the text `key` with `values` in its `{names}`; Markup if one of them is Markup."""
        text = self._texts[key].text(self.language)
        if any(isinstance(value, Markup) for value in values.values()):
            return escape(text).format(**values)
        return text.format(**values) if values else text

    def marked(self, key: str, **values: object) -> Markup:
        """Returns the text `key` as Markup: for values such as a time element."""
        return escape(self._texts[key].text(self.language)).format(**values)

    def has(self, key: str) -> bool:
        """Whether the text exists: for keys made from data."""
        return key in self._texts

    def either(self, key: str, otherwise: str) -> str:
        """Returns the text `key`, or `otherwise` if there is none."""
        return self(key) if key in self._texts else otherwise

    def say(self, words: LocalizedText) -> str:
        """Returns a text of another module in this language."""
        return words.text(self.language)

    def number(self, count: int) -> str:
        """Formats 1234567 → 1,234,567."""
        return f"{count:,}"

    def money(self, fen: int | None) -> str:
        """Formats fen as yuan: 123456 → 1,234.56. A dash for None."""
        if fen is None:
            return "–"
        sign = "-" if fen < 0 else ""
        yuan, rest = divmod(abs(fen), 100)
        return f"{sign}{yuan:,}.{rest:02}"

    def yuan(self, fen: int) -> str:
        """Formats fen as whole yuan, for totals."""
        return f"{round(fen / 100):,}"

    def share(self, part: float) -> str:
        """Formats 0.1234 → 12.3%."""
        return f"{part * 100:.1f}%"

    def time(self, instant_us: int | None, *, seconds: bool = True) -> Markup:
        """Formats Beijing time as a `<time>` with UTC in its title; a dash for None."""
        if instant_us is None:
            return Markup("–")
        moment = _EPOCH + timedelta(microseconds=instant_us)
        beijing = moment + _BEIJING
        machine = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        shown = beijing.strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")
        return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(
            machine, machine[:-1].replace("T", " "), shown
        )

    def clock(self, instant_us: int) -> str:
        """Formats the Beijing time of day: 15:04."""
        return (_EPOCH + timedelta(microseconds=instant_us) + _BEIJING).strftime("%H:%M")

    def said_time(self, text: str) -> str:
        """Formats a park's yyyyMMddHHmmss, in the park's own time, as 2026-01-01 00:00; returns other text unchanged."""
        found = _SAID_TIME(text)
        return "{}-{}-{} {}:{}".format(*found.groups()) if found is not None else text

    def day(self, day: int) -> str:
        """Formats a day since 1970 as 2026-11-24."""
        return (date(1970, 1, 1) + timedelta(days=day)).isoformat()

    def short_day(self, day: int) -> str:
        """Formats a day of a chart: 11-24 周二."""
        when = date(1970, 1, 1) + timedelta(days=day)
        return f"{when:%m-%d} {_WEEKDAYS[when.weekday()][self.language == 'en']}"

    def bare_day(self, day: int) -> str:
        """Formats a day of a chart without the weekday."""
        return f"{date(1970, 1, 1) + timedelta(days=day):%m-%d}"

    def span(self, seconds: float | None) -> str:
        """Formats a duration in its largest unit: 3 小时. A dash for None."""
        if seconds is None:
            return "–"
        for size, words in _SPANS:
            if seconds >= size * 2 or size == 1:
                return words.text(self.language).format(int(seconds // size))
        return "–"


def choose_language(chosen: str | None, cookie: str | None, accept: str) -> Language:
    """Picks the account's language, else the cookie's, else the browser's; Chinese by default."""
    for asked in (chosen, cookie):
        if asked in ("zh", "en"):
            return "en" if asked == "en" else "zh"
    return accepted_language(accept)
