"""Turns one value of a park's own record into what the wire wants: instants, money, codes, text. Pure.

A converter takes a value as its source gave it and returns the member's value, None where it is absent, or a Wrong.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from vipgate.errors import Words
from vipgate.renewal import format_instant

Value = str | int
Convert = Callable[[object], "Value | Wrong | None"]


class Wrong:
    """A value that cannot be converted, and what is wanted instead."""

    __slots__ = ("remedy",)

    def __init__(self, zh: str, en: str) -> None:
        self.remedy = Words(zh, en)


_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - naive on purpose: local times are counted from it before their offset is taken off
_MICROSECOND: Final = timedelta(microseconds=1)
_DAY_US: Final = 86_400_000_000
_FLOAT_NOISE_FEN: Final = 1e-6
_DECIMAL: Final = re.compile(r"-?\d{1,18}(?:\.\d{1,18})?").fullmatch
# Formats that need no strptime, which takes ten times longer: their shape, and how they become ISO.
_QUICK: Final[Mapping[str, tuple[re.Pattern[str], str | None]]] = {
    "%Y-%m-%d %H:%M:%S": (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII), None),
    "%Y/%m/%d %H:%M:%S": (re.compile(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d", re.ASCII), "/"),
    "%Y-%m-%d": (re.compile(r"\d{4}-\d\d-\d\d", re.ASCII), None),
    "%Y%m%d%H%M%S": (re.compile(r"\d{14}", re.ASCII), ""),
}


def is_absent(value: object) -> bool:
    """Whether a cell holds nothing."""
    return (
        value is None or (type(value) is float and math.isnan(value)) or (isinstance(value, str) and not value.strip())
    )


def as_text(value: object) -> Value | Wrong | None:
    """Text, trimmed; numbers that a spreadsheet made floats of without their `.0`."""
    if type(value) is str:
        return value.strip() or None
    if value is None:
        return None
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    if isinstance(value, Decimal):
        return format(value.normalize(), "f") if value.is_finite() else None
    if isinstance(value, bytes):
        return _text_in(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return str(value).strip() or None


def _text_in(value: bytes) -> str | Wrong | None:
    for encoding in ("utf-8", "gb18030"):
        try:
            return value.decode(encoding).strip("\0 \t\r\n") or None
        except UnicodeDecodeError:
            continue
    return Wrong("不是 UTF-8 或 GBK 文本", "is text neither in UTF-8 nor in GBK")


def as_number(value: object) -> Value | Wrong | None:
    """A number or the text of one, for the contract's reader to check."""
    return value if type(value) is int else as_text(value)


def coded(codes: Mapping[str, Value]) -> Convert:
    """By a table of codes."""
    known = ", ".join(list(codes)[:20])

    def convert(value: object) -> Value | Wrong | None:
        text = as_text(value)
        if text is None or isinstance(text, Wrong):
            return text
        found = codes.get(text) if isinstance(text, str) else None
        if found is None:
            return Wrong(f"编码表中没有此值, 已有: {known}", f"the table of codes does not have it, only: {known}")
        return found

    return convert


def money(value: object) -> Value | Wrong | None:
    """Yuan to fen, exactly."""
    if type(value) is float and math.isfinite(value) and abs(value) < 1e9:
        fen = round(value * 100)
        # 388.65999999999997 is what a database's sum makes of 388.66; nobody means a part of a fen as small as that.
        return fen if abs(value * 100 - fen) < _FLOAT_NOISE_FEN else _NO_FEN
    if type(value) is int:
        return value * 100
    number = _exact(value)
    if number is None or isinstance(number, Wrong):
        return number
    fen_exactly = number * 100
    return int(fen_exactly) if fen_exactly == fen_exactly.to_integral_value() else _NO_FEN


def amount(value: object) -> Value | Wrong | None:
    """A face value as its plain decimal."""
    number = _exact(value)
    return number if number is None or isinstance(number, Wrong) else format(number, "f")


def _exact(value: object) -> Decimal | Wrong | None:
    text = as_text(value)
    if text is None or isinstance(text, Wrong):
        return text
    plain = str(text).replace(",", "").removeprefix("¥").removeprefix("￥").removesuffix("元").strip()
    if not _DECIMAL(plain):
        return _NO_MONEY
    try:
        return Decimal(plain)
    except InvalidOperation:
        return _NO_MONEY


_NO_FEN = Wrong("应为元, 最多两位小数 (整分)", "must be yuan with at most two decimals, whole fen")
_NO_MONEY = Wrong("应为金额", "must be an amount of money")


def instant_us(form: str | None, zone: ZoneInfo) -> Callable[[object], int | Wrong | None]:
    """Microseconds since 1970 UTC, of what `form` says; times without a zone are in `zone`."""
    offset_us = _offsets(zone)
    parse = _parser(form)

    def convert(value: object) -> int | Wrong | None:
        if type(value) is str:
            value = value.strip()
            if not value:
                return None
            value = parse(value)
        if isinstance(value, datetime):
            if value.tzinfo is not None:
                return (value.astimezone(UTC).replace(tzinfo=None) - _EPOCH) // _MICROSECOND
            local_us = (value - _EPOCH) // _MICROSECOND
            return local_us - offset_us(value, local_us // _DAY_US)
        if isinstance(value, date):
            midnight = datetime(value.year, value.month, value.day)  # noqa: DTZ001 - its zone's offset is taken off below
            local_us = (midnight - _EPOCH) // _MICROSECOND
            return local_us - offset_us(midnight, local_us // _DAY_US)
        if isinstance(value, Wrong) or is_absent(value):
            return None if value is None or not isinstance(value, Wrong) else value
        return _counted(value, form)

    return convert


def _counted(value: object, form: str | None) -> int | Wrong:
    """Seconds or milliseconds since 1970."""
    unit_us = {"s": 1_000_000, "ms": 1_000}.get(form or "")
    text = as_text(value)
    if unit_us is None or not isinstance(text, str | int):
        return _no_time(form)
    try:
        return int(Decimal(str(text)) * unit_us)
    except (InvalidOperation, OverflowError, ValueError):
        return _no_time(form)


def _no_time(form: str | None) -> Wrong:
    wanted = form or "%Y-%m-%d %H:%M:%S"
    return Wrong(f"应为时间, 格式 {wanted}", f"must be a time of the form {wanted}")


def _parser(form: str | None) -> Callable[[str], object]:
    """From text to a datetime, or to a Wrong."""
    wrong = _no_time(form)
    if form in ("s", "ms"):
        return lambda text: Decimal(text) if _DECIMAL(text) else wrong
    if form is None or form in _QUICK:
        shapes = [_QUICK[form]] if form else list(_QUICK.values())

        def quick(text: str) -> object:
            for shape, mark in shapes:
                if shape.fullmatch(text):
                    return _from_iso(text, mark) or wrong
            return wrong

        return quick

    def slow(text: str) -> object:
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007 - the zone is added later
        except ValueError:
            return wrong

    return slow


def _from_iso(text: str, mark: str | None) -> datetime | None:
    if mark == "":
        text = f"{text[:4]}-{text[4:6]}-{text[6:8]}T{text[8:10]}:{text[10:12]}:{text[12:]}"
    elif mark:
        text = text.replace(mark, "-")
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _offsets(zone: ZoneInfo) -> Callable[[datetime, int], int]:
    """The offset of a local time: remembered for days that have only one."""

    @lru_cache(maxsize=4096)
    def of_day(day: int) -> int | None:
        starts = _EPOCH + timedelta(days=day)
        offsets = {(starts + timedelta(hours=hours)).replace(tzinfo=zone).utcoffset() for hours in (-3, 0, 24, 27)}
        only = offsets.pop()
        return None if offsets or only is None else only // _MICROSECOND

    def offset_us(local: datetime, day: int) -> int:
        known = of_day(day)
        if known is not None:
            return known
        exact = local.replace(tzinfo=zone).utcoffset()
        return 0 if exact is None else exact // _MICROSECOND

    return offset_us


def pay_time(form: str | None, zone: ZoneInfo) -> Convert:
    """Milliseconds since 1970 UTC."""
    read = instant_us(form, zone)

    def convert(value: object) -> Value | Wrong | None:
        found = read(value)
        return found // 1000 if type(found) is int else found

    return convert


def period_time(form: str | None, zone: ZoneInfo) -> Convert:
    """ISO 8601 in UTC."""
    read = instant_us(form, zone)
    shown = lru_cache(maxsize=65_536)(format_instant)

    def convert(value: object) -> Value | Wrong | None:
        found = read(value)
        return shown(found) if type(found) is int else found

    return convert
