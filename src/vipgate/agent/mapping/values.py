"""Converts a value of a park's own record to a wire value: text, codes, money. Pure. Times are in timestamps.py.

A converter takes a value as the source gave it and returns the wire value, None if absent, or a ConversionError.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Context, Decimal
from typing import Final

from vipgate.i18n import LocalizedText
from vipgate.protocol.order_number import is_no_order, is_rounded
from vipgate.support.sheet.cells import BadCell

Value = str | int
Convert = Callable[[object], "Value | ConversionError | None"]


class ConversionError:
    """Says that a value cannot be converted, and what is expected instead."""

    __slots__ = ("remedy",)

    def __init__(self, zh: str, en: str) -> None:
        self.remedy = LocalizedText(zh, en)


CODES_SHOWN_MAX: Final = 20
DIGITS_MAX: Final = 64
JSON_INT_MAX: Final = 2**63 - 1
BYTES_SHOWN_MAX: Final = 1024
FLOAT_EXACT_MAX: Final = 2**53
SINGLE_EXACT_MAX: Final = 1_000_000
_FLOAT_NOISE_FEN: Final = 1e-6
_EXACT: Final = Context(prec=300)
_NUMBER: Final = re.compile(r"-?(?:(?:\d{1,18}|\d{1,3}(?:,\d{3}){1,5})(?:\.\d{1,18})?|\.\d{1,18})").fullmatch
_CONTROLS: Final = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0)], " ")
_NO_UTF: Final = ConversionError("含有半个代理对", "holds half a surrogate pair")
_NO_TEXT: Final = ConversionError("不是 UTF-8 或 GBK 文本", "must be text in UTF-8 or GBK")
_NO_VALUE: Final = ConversionError("应为文本或数字", "must be a text or a number")
_ROUNDED: Final = ConversionError(
    "数字过长，已被四舍五入；请把该列设为文本", "a number too long to be exact has been rounded; make the column a text"
)
_SINGLE: Final = ConversionError(
    "单精度 FLOAT 列已丢失末位数字；请在查询中用 CAST(该列 AS DECIMAL(12,2))",
    "a single-precision FLOAT column has lost its last digits; write a query with CAST(column AS DECIMAL(12,2))",
)
_SCIENTIFIC: Final = ConversionError(
    "订单号被表格软件写成了科学计数法，已丢失位数；请把该列设为文本后重新导出",
    "an order number in scientific notation is rounded; make the column a text and export it again",
)
_NO_ORDER: Final = ConversionError(
    "占位内容，不是订单号；每行应有自己的订单号", "a placeholder, no order number; each row needs one of its own"
)
_REFUND: Final = ConversionError(
    "金额为负数：退款或冲正不是续费；请用过滤条件或查询排除这样的行",
    "is negative: a refund is no renewal; leave such rows out by a filter or a query",
)
_NO_FEN: Final = ConversionError("应为元，最多两位小数 (整分)", "must be yuan with at most two decimals, whole fen")
_NO_MONEY: Final = ConversionError("应为金额", "must be an amount of money")
_NO_NUMBER: Final = ConversionError(
    "应为数字，不是真假值；请用 codes 说明", "must be a number, neither true nor false; say by codes what they mean"
)


class SinglePrecision(float):
    """A number whose last digits its column, a single-precision FLOAT, may have lost."""

    __slots__ = ()


# What programs write for "no value" in a text.
_NO_VALUES: Final = frozenset({
    "null", "(null)", "[null]", "<null>", "\\n", "nil", "none", "nan", "n/a", "#n/a", "undefined", "dbnull",
    "-", "--", "---", "—", "——", "－", "/", "\\", "无", "無", "空", "暂无", "暫無",
})  # fmt: skip
_NO_VALUE_CHARS_MAX: Final = max(map(len, _NO_VALUES))
# Nearly every text begins otherwise: it is not folded.
_NO_VALUE_STARTS: Final = frozenset(start for word in _NO_VALUES for start in (word[0], word[0].upper()))


def is_no_value(value: object) -> bool:
    """Whether a cell holds a word that stands for an empty one, such as NULL or a dash."""
    return isinstance(value, str) and _stands_for_none(value.strip())


def _stands_for_none(text: str) -> bool:
    return text[:1] in _NO_VALUE_STARTS and len(text) <= _NO_VALUE_CHARS_MAX and text.casefold() in _NO_VALUES


def is_absent(value: object) -> bool:
    """Whether a cell is empty."""
    return (
        value is None or (type(value) is float and math.isnan(value)) or (isinstance(value, str) and not value.strip())
    )


def as_text(value: object) -> str | ConversionError | None:
    """Trimmed text without control characters; numbers without the `.0` that spreadsheets add."""
    if type(value) is str:
        text = value.strip()
        return (text or None) if text.isprintable() else _cleaned(text)
    if value is None:
        return None
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return _float_text(value)
    if isinstance(value, Decimal):
        return _decimal_text(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return _bytes_text(bytes(value))
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, BadCell):
        return ConversionError(value.remedy.zh, value.remedy.en)
    return _NO_VALUE if isinstance(value, dict | list | tuple | set) else _cleaned(str(value))


def text_or_none(value: object) -> str | ConversionError | None:
    """Text as `as_text`; None for words that stand for an empty cell."""
    if type(value) is str:
        text: str | ConversionError | None = value.strip()
        # Nearly every cell: most texts begin otherwise than a word for an empty cell.
        if text and text.isprintable() and text[0] not in _NO_VALUE_STARTS:  # type: ignore[union-attr, index]
            return text
    text = as_text(value)
    return None if type(text) is str and _stands_for_none(text) else text


def order_number(value: object) -> str | ConversionError | None:
    """The order number: never a placeholder, nor a number that a spreadsheet rounded."""
    text = as_text(value)
    if type(text) is not str:
        return text
    if not is_no_order(text):
        return text
    return _SCIENTIFIC if is_rounded(text) else _NO_ORDER


def _cleaned(text: str) -> str | ConversionError | None:
    """Replaces control characters, which old programs use as padding and separators."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        return _NO_UTF
    return text.translate(_CONTROLS).strip() or None


def _float_text(value: float) -> str | ConversionError | None:
    if math.isnan(value):
        return None
    if isinstance(value, SinglePrecision) and abs(value) >= SINGLE_EXACT_MAX:
        return _SINGLE
    if not value.is_integer():
        return format(Decimal(repr(value)), "f") if math.isfinite(value) else _NO_VALUE
    return str(int(value)) if abs(value) < FLOAT_EXACT_MAX else _ROUNDED


def _decimal_text(value: Decimal) -> str | ConversionError | None:
    if value.is_nan():
        return None
    if not value.is_finite() or not -DIGITS_MAX < value.adjusted() < DIGITS_MAX:
        return _NO_VALUE
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _bytes_text(value: bytes) -> str | ConversionError | None:
    for encoding in ("utf-8", "gb18030"):
        try:
            return _cleaned(value.decode(encoding))
        except UnicodeDecodeError:
            continue
    return _NO_TEXT


def display(value: object) -> str:
    """A value for people: bytes as text if possible, otherwise as hex, cut if long."""
    if not isinstance(value, bytes | bytearray | memoryview):
        return str(value)
    raw = bytes(value)
    if len(raw) > BYTES_SHOWN_MAX:
        return f"{raw[:BYTES_SHOWN_MAX].hex()}… ({len(raw)} bytes)"
    text = _bytes_text(raw)
    return text if isinstance(text, str) else raw.hex()


def as_number(value: object) -> Value | ConversionError | None:
    """A number or its text, checked later against the contract. True is not 1: its meaning is unknown."""
    if type(value) is int:
        return value
    return _NO_NUMBER if isinstance(value, bool) else text_or_none(value)


def coded(codes: Mapping[str, Value]) -> Convert:
    """Returns a converter by a table of codes; booleans match `true` and `false`, or 1 and 0."""
    known = ", ".join(list(codes)[:CODES_SHOWN_MAX])
    unknown = ConversionError(f"编码表中没有此值，已有: {known}", f"the table of codes does not have it, only: {known}")
    plain = dict(codes)

    def convert(value: object) -> Value | ConversionError | None:
        if type(value) is str and value in plain:
            return plain[value]
        if isinstance(value, bool) and (word := str(value).lower()) in plain:
            return plain[word]
        text = as_text(value)
        return plain.get(text, unknown) if isinstance(text, str) else text

    return convert


def money(value: object) -> Value | ConversionError | None:
    """Converts yuan to fen, exactly. A refund is none."""
    fen = _fen(value)
    return _REFUND if isinstance(fen, int) and fen < 0 else fen


def _fen(value: object) -> Value | ConversionError | None:
    if type(value) is float and math.isfinite(value) and abs(value) < 1e9:
        fen = round(value * 100)
        # 388.65999999999997 is a database's float sum for 388.66; so small a part of a fen is noise.
        return fen if fen / 100 == value or abs(value * 100 - fen) < _FLOAT_NOISE_FEN else _NO_FEN
    number = _exact(value)
    if number is None or isinstance(number, ConversionError):
        return number
    exact = _EXACT.multiply(number, 100)
    if exact != exact.to_integral_value():
        return _NO_FEN
    return int(exact) if abs(exact) <= JSON_INT_MAX else str(int(exact))


def amount(value: object) -> Value | ConversionError | None:
    """Converts a face value to a plain decimal."""
    number = _exact(value)
    return number if number is None or isinstance(number, ConversionError) else _decimal_text(number)


def _exact(value: object) -> Decimal | ConversionError | None:
    if isinstance(value, SinglePrecision):
        return _SINGLE
    if type(value) is Decimal and value.is_finite() and abs(value.adjusted()) < DIGITS_MAX:
        return value
    text = _NO_MONEY if isinstance(value, bool) else as_text(value)
    if text is None or isinstance(text, ConversionError):
        return text
    plain = text.removeprefix("¥").removeprefix("￥").removesuffix("元").strip()
    return Decimal(plain.replace(",", "")) if _NUMBER(plain) else _NO_MONEY
