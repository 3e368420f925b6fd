"""Speaks to the reader in one of two languages: texts by key, numbers, money, Beijing times."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final

from markupsafe import Markup, escape

from vipgate.admin.console.translations import (
    accounts,
    charge_types,
    common,
    held_replaces,
    overview,
    park,
    parks,
    records,
    requests,
    signature_check,
    vehicles,
)
from vipgate.errors import RequestError
from vipgate.i18n import (
    Language,
    LocalizedText,
    accepted_language,
)
from vipgate.store.interfaces.ledger import BEIJING_OFFSET_US

_TABLES: Final = (
    common.TEXTS,
    overview.TEXTS,
    parks.TEXTS,
    park.TEXTS,
    held_replaces.TEXTS,
    accounts.TEXTS,
    records.TEXTS,
    vehicles.TEXTS,
    requests.TEXTS,
    signature_check.TEXTS,
    charge_types.TEXTS,
)
TEXTS: Final[dict[str, LocalizedText]] = {key: words for table in _TABLES for key, words in table.items()}
if len(TEXTS) != sum(map(len, _TABLES)):
    raise ValueError("a key of console/texts is there twice")
CODES: Final = {
    "1001": LocalizedText("操作成功", "stored"),
    **{one.code: one.message for one in RequestError.__subclasses__()},
}

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
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
    """One of the two languages; templates call it `t`."""

    __slots__ = ("language",)

    def __init__(self, language: Language) -> None:
        self.language: Language = language

    def __call__(self, key: str, **values: object) -> str:
        """The text `key`, with `values` put into its `{names}`; where one of them is markup, the whole is."""
        text = TEXTS[key].text(self.language)
        if any(isinstance(value, Markup) for value in values.values()):
            return escape(text).format(**values)
        return text.format(**values) if values else text

    def marked(self, key: str, **values: object) -> Markup:
        """The same where a value is a piece of a page, such as a time."""
        return escape(TEXTS[key].text(self.language)).format(**values)

    def has(self, key: str) -> bool:
        """Whether there is such a text: for keys that come out of data."""
        return key in TEXTS

    def either(self, key: str, otherwise: str) -> str:
        """The text `key`, or what the data said where there is none."""
        return self(key) if key in TEXTS else otherwise

    def say(self, words: LocalizedText) -> str:
        """A pair of texts that another room made."""
        return words.text(self.language)

    def code(self, code: str) -> str:
        """What the code of an answer means."""
        return CODES[code].text(self.language) if code in CODES else "–"

    def number(self, count: int) -> str:
        """1,234,567."""
        return f"{count:,}"

    def money(self, fen: int | None) -> str:
        """Yuan with two places: 123456 → 1,234.56. A dash where nothing is known."""
        if fen is None:
            return "–"
        sign = "-" if fen < 0 else ""
        yuan, rest = divmod(abs(fen), 100)
        return f"{sign}{yuan:,}.{rest:02}"

    def yuan(self, fen: int) -> str:
        """Whole yuan, for sums where the fen do not matter."""
        return f"{round(fen / 100):,}"

    def share(self, part: float) -> str:
        """0.1234 → 12.3 %."""
        return f"{part * 100:.1f}%"

    def time(self, instant_us: int | None, *, seconds: bool = True) -> Markup:
        """Beijing time, with the UTC as a title; a dash where there is none."""
        if instant_us is None:
            return Markup("–")
        moment = _EPOCH + timedelta(microseconds=instant_us)
        beijing = moment + timedelta(microseconds=BEIJING_OFFSET_US)
        machine = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        shown = beijing.strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")
        return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(
            machine, machine[:-1].replace("T", " "), shown
        )

    def clock(self, instant_us: int) -> str:
        """Beijing time of day: 15:04."""
        return (_EPOCH + timedelta(microseconds=instant_us + BEIJING_OFFSET_US)).strftime("%H:%M")

    def said_time(self, text: str) -> str:
        """A time that a park said as yyyyMMddHHmmss, in the park's own time: 2026-01-01 00:00. Else what it said."""
        found = _SAID_TIME(text)
        return "{}-{}-{} {}:{}".format(*found.groups()) if found is not None else text

    def day(self, day: int) -> str:
        """A day since 1970 as 2026-11-24."""
        return (date(1970, 1, 1) + timedelta(days=day)).isoformat()

    def short_day(self, day: int) -> str:
        """A day in a chart: 11-24 周二."""
        when = date(1970, 1, 1) + timedelta(days=day)
        return f"{when:%m-%d} {_WEEKDAYS[when.weekday()][self.language == 'en']}"

    def bare_day(self, day: int) -> str:
        """The same without the weekday."""
        return f"{date(1970, 1, 1) + timedelta(days=day):%m-%d}"

    def span(self, seconds: float | None) -> str:
        """A stretch of time in its largest unit: 3 小时. A dash where nothing is known."""
        if seconds is None:
            return "–"
        for size, words in _SPANS:
            if seconds >= size * 2 or size == 1:
                return words.text(self.language).format(int(seconds // size))
        return "–"


def choose_language(chosen: str | None, cookie: str | None, accept: str) -> Language:
    """The account's choice, else the cookie's, else what the browser asks for; Chinese where it does not matter to it."""
    for asked in (chosen, cookie):
        if asked in ("zh", "en"):
            return "en" if asked == "en" else "zh"
    return accepted_language(accept)
