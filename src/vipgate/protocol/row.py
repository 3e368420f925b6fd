"""Parses one row of a request (`ParkingVIP`) into a Renewal or a list of errors, and encodes it back. Pure.

The strict parser accepts every form that the contract allows and reports errors; most rows need only `row_fast` (batch.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Context, Decimal
from typing import Final, TypeVar
from unicodedata import category

import msgspec

from vipgate.errors import FieldError
from vipgate.i18n import LocalizedText
from vipgate.protocol.order_number import is_rounded, order_flags
from vipgate.protocol.renewal import (
    FLAG_DECIMAL_MONEY,
    PAY_TIME_MS_MAX,
    PAY_TIME_MS_MIN,
    PAY_VALUE_FEN_MAX,
    PLATE_CHARS_MAX,
    PLATE_RAW_CHARS_MAX,
    QUANTITY_MAX,
    TEXT_CHARS_MAX,
    VALUE_E4_MAX,
    VALUE_SCALE,
    NaiveTimestamp,
    Renewal,
    format_instant,
    format_value,
    normalize_plate,
    parse_instant,
    plate_flags,
)

EXTRA_BYTES_MAX: Final = 4096
PLATE_COLORS: Final = (1, 2, 3, 4, 5, -1)
VIP_TYPES: Final = (1, 2, 3, 4, 5, 6, 7, 0)
PAY_TYPES: Final = (1, 2)

_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,127})(?:\.\d{1,127})?(?:[eE][+-]?0*\d{1,4})?", re.ASCII).fullmatch
_ZERO = re.compile(r"-?0(?:\.0+)?(?:[eE][+-]?\d+)?", re.ASCII).fullmatch
_DIGITS_MAX = 64
# More digits than any number that _NUMBER accepts: no rounding.
_EXACT = Context(prec=300)

T = TypeVar("T")


class _Token(msgspec.Struct, frozen=True):
    """One member as received: `text` is the string, or the digits of a number."""

    source: str
    text: str | None
    is_string: bool


class _InvalidValue(Exception):
    """A value breaks the rule of its member; carries the remedy."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.remedy = LocalizedText(zh, en)


_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_string = msgspec.json.Decoder(str).decode
_escape = msgspec.json.encode
_compact = msgspec.json.format


def parse_row(source: bytes) -> Renewal | list[FieldError]:
    """Parses `source`, one JSON value nested within NESTED_MAX, member by member. Returns the record or all errors."""
    try:
        members = _members(source)
    except (msgspec.DecodeError, UnicodeDecodeError):
        got = source[:256].decode("utf-8", "replace")
        return [FieldError("", LocalizedText("应为 JSON 对象", "must be a JSON object"), got)]
    if "$ref" in members and REQUIRED.isdisjoint(members):
        return [FieldError("", _REFERENCE, source[:256].decode("utf-8", "replace"))]
    faults: list[FieldError] = []

    def read(name: str, rule: Callable[[_Token], T]) -> T | None:
        """Parses the member `name` by `rule`; None where it is absent or invalid."""
        raw = members.pop(name, None)
        try:
            token = _token(bytes(raw)) if raw is not None else None
            if token is None:
                if name in REQUIRED:
                    came = None if raw is None else bytes(raw).decode("utf-8", "replace")
                    faults.append(FieldError(f".{name}", LocalizedText("必填", "required"), came))
                return None
            return rule(token)
        except _InvalidValue as wrong:
            faults.append(FieldError(f".{name}", wrong.remedy, bytes(raw or b"").decode("utf-8", "replace")))
            return None

    plate = read("plate", _plate)
    plate_color = read("plate_color", _one_of(PLATE_COLORS))
    card_no, card_id = read("card_no", _text), read("card_id", _text)
    charge_type = read("charge_type", _text)
    vip_type = read("vip_type", _one_of(VIP_TYPES))
    quantity = read("quantity", _int_within(0, QUANTITY_MAX))
    pay_partner = read("pay_partner", _order)
    pay_type = read("pay_type", _one_of(PAY_TYPES))
    value_e4, pay_time_ms = read("value", _value), read("pay_time", _pay_time)
    start, end = read("renewal_start_time", _instant), read("renewal_end_time", _instant)
    pay_value_fen, money_flags = read("pay_value", _pay_value) or (None, 0)
    operator = read("operator", _text)
    if start is not None and end is not None and end < start:
        remedy = LocalizedText(
            f"不得早于开始时间 {format_instant(start)}", f"must not be before the start {format_instant(start)}"
        )
        faults.append(FieldError(".renewal_end_time", remedy, format_instant(end)))
    extra = _extra(members, faults)
    if (
        faults
        or plate is None
        or plate_color is None
        or charge_type is None
        or vip_type is None
        or quantity is None
        or pay_partner is None
        or pay_type is None
    ):
        return faults
    return Renewal(
        pay_partner, plate, plate_color, card_no, card_id, charge_type, vip_type, quantity, pay_type, value_e4,
        pay_time_ms, start, end, pay_value_fen, operator, extra, plate_flags(plate) | order_flags(pay_partner) | money_flags,
    )  # fmt: skip


REQUIRED: Final = frozenset({"plate", "plate_color", "charge_type", "vip_type", "quantity", "pay_partner", "pay_type"})
_REFERENCE: Final = LocalizedText(
    "这是 fastjson 的引用, 不是续费记录 (同一个对象在列表中出现了两次); "
    "请每行新建一个对象, 或序列化时加 SerializerFeature.DisableCircularReferenceDetect",
    "this is a reference of fastjson, no record (one object is in the list twice); "
    "make a new object for each row, or serialise with SerializerFeature.DisableCircularReferenceDetect",
)


def _token(source: bytes) -> _Token | None:
    """Parses a scalar; None where it is absent (`null`, blank string)."""
    if source == b"null":
        return None
    shown = source.decode("utf-8", "replace")
    if source[:1] == b'"':
        try:
            text = _string(source).strip()
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise _InvalidValue(
                "含有无效的转义或半个代理对", "holds a broken escape or half a surrogate pair"
            ) from None
        if not text:
            return None
        if any(category(character) == "Cc" for character in text):
            raise _InvalidValue("不得含有控制字符", "must not hold control characters")
        return _Token(shown, text, True)
    if source[:1] in b"-0123456789":
        return _Token(shown, shown, False)
    raise _InvalidValue("应为字符串或数字", "must be a string or a number")


def _text(token: _Token) -> str:
    """Parses a text of at most TEXT_CHARS_MAX characters; an integer keeps every digit."""
    text = token.text or ""
    if not token.is_string:
        number = _decimal(text)
        if number is not None and number == number.to_integral_value() and number.adjusted() < _DIGITS_MAX:
            text = str(int(number))
    if len(text) > TEXT_CHARS_MAX:
        raise _InvalidValue(f"最多 {TEXT_CHARS_MAX} 个字符", f"at most {TEXT_CHARS_MAX} characters")
    return text


def _order(token: _Token) -> str:
    """Parses the order number. Scientific notation has lost digits: it stays as written and gets FLAG_NO_ORDER."""
    written = token.text or ""
    is_cut = not token.is_string and "e" in written.lower() and is_rounded(written)
    return written if is_cut and len(written) <= TEXT_CHARS_MAX else _text(token)


def _plate(token: _Token) -> str:
    text = token.text or ""
    plate = normalize_plate(text[:PLATE_RAW_CHARS_MAX])
    if not plate:
        raise _InvalidValue("必填", "required")
    if len(plate) > PLATE_CHARS_MAX or len(text) > PLATE_RAW_CHARS_MAX:
        raise _InvalidValue(f"最多 {PLATE_CHARS_MAX} 个字符", f"at most {PLATE_CHARS_MAX} characters")
    return plate


def _decimal(text: str) -> Decimal | None:
    """Parses a JSON number exactly, within limits that keep arithmetic cheap."""
    if _ZERO(text):
        return Decimal(0)
    return Decimal(text) if _NUMBER(text) else None


def _int(token: _Token) -> int | None:
    """Parses an integer (`1`, `"1"`, `1.0`); None where it is not one."""
    number = _decimal(token.text or "")
    if number is None or (number and number.adjusted() > 30) or number != number.to_integral_value():
        return None
    return int(number)


def _one_of(allowed: tuple[int, ...]) -> Callable[[_Token], int]:
    listed = ",".join(map(str, allowed))

    def rule(token: _Token) -> int:
        number = _int(token)
        if number not in allowed or number is None:
            raise _InvalidValue(f"应为 {listed} 之一", f"must be one of {listed}")
        return number

    return rule


def _int_within(low: int, high: int) -> Callable[[_Token], int]:
    def rule(token: _Token) -> int:
        number = _int(token)
        if number is None or not low <= number <= high:
            raise _InvalidValue(f"应为 {low} 到 {high} 的整数", f"must be an integer from {low} to {high}")
        return number

    return rule


def _pay_value(token: _Token) -> tuple[int, int]:
    """Parses fen; adds FLAG_DECIMAL_MONEY for a string with decimals: `"100.00"` may mean yuan."""
    fen = _int_within(0, PAY_VALUE_FEN_MAX)(token)
    return fen, FLAG_DECIMAL_MONEY if token.is_string and "." in (token.text or "") else 0


def _value(token: _Token) -> int:
    """Parses a decimal, at most 12 digits before and 4 after the point, into ten-thousandths."""
    number = _decimal(token.text or "")
    if number is not None and -_DIGITS_MAX < number.adjusted() < _DIGITS_MAX:
        scaled = _EXACT.multiply(number, VALUE_SCALE)
        if scaled == scaled.to_integral_value() and abs(scaled) <= VALUE_E4_MAX:
            return int(scaled)
    raise _InvalidValue(
        "应为小数, 整数部分最多 12 位, 小数部分最多 4 位",
        "must be a decimal, at most 12 digits before and 4 after the point",
    )


def _pay_time(token: _Token) -> int:
    number = _int(token)
    if number is None or not PAY_TIME_MS_MIN <= number <= PAY_TIME_MS_MAX:
        if number is not None and (PAY_TIME_MS_MIN <= number * 1000 <= PAY_TIME_MS_MAX or 10**9 <= number < 10**10):
            raise _InvalidValue(
                f"收到的是秒, 应为毫秒, 即 {number * 1000}", f"these are seconds, milliseconds wanted: {number * 1000}"
            )
        raise _InvalidValue(
            f"应为 1970 年以来的毫秒数, {PAY_TIME_MS_MIN} 到 {PAY_TIME_MS_MAX} (2000 到 2100 年)",
            f"must be milliseconds since 1970, {PAY_TIME_MS_MIN} to {PAY_TIME_MS_MAX} (years 2000 to 2100)",
        )
    return number


def _instant(token: _Token) -> int:
    instant = parse_instant(token.text or "") if token.is_string else None
    if isinstance(instant, NaiveTimestamp):
        raise _InvalidValue(
            f"缺少时区; 若为北京时间, 应写成 {instant.utc_if_beijing}",
            f"has no time zone; if Beijing time is meant, write {instant.utc_if_beijing}",
        )
    if instant is None:
        raise _InvalidValue(
            "应为带时区的 ISO 8601 时间, 例如 2022-09-30T16:00:00Z",
            "must be an ISO 8601 time with a zone, such as 2022-09-30T16:00:00Z",
        )
    return instant


def _extra(members: dict[str, msgspec.Raw], faults: list[FieldError]) -> str | None:
    """Returns the members that the contract does not list as one JSON object, sorted by name."""
    if not members:
        return None
    parts = [_escape(name) + b":" + _compact(bytes(members[name]), indent=-1) for name in sorted(members)]
    text = b"{" + b",".join(parts) + b"}"
    if len(text) > EXTRA_BYTES_MAX:
        remedy = LocalizedText(
            f"未列出的成员合计最多 {EXTRA_BYTES_MAX} 字节", f"unlisted members: at most {EXTRA_BYTES_MAX} bytes in all"
        )
        faults.append(FieldError("", remedy, f"{len(text)}"))
        return None
    return text.decode("utf-8")


def encode_row(renewal: Renewal) -> bytes:
    """Encodes a row that parses back to `renewal`; scalars are strings, as in the interface's example."""
    members: dict[str, str | None] = {
        "plate": renewal.plate,
        "plate_color": str(renewal.plate_color),
        "card_no": renewal.card_no,
        "card_id": renewal.card_id,
        "charge_type": renewal.charge_type,
        "vip_type": str(renewal.vip_type),
        "quantity": str(renewal.quantity),
        "pay_partner": renewal.pay_partner,
        "pay_type": str(renewal.pay_type),
        "value": None if renewal.value_e4 is None else format_value(renewal.value_e4),
        "pay_time": None if renewal.pay_time_ms is None else str(renewal.pay_time_ms),
        "renewal_start_time": _written(renewal.renewal_start_time_us),
        "renewal_end_time": _written(renewal.renewal_end_time_us),
        "pay_value": None if renewal.pay_value_fen is None else str(renewal.pay_value_fen),
        "operator": renewal.operator,
    }
    listed = _escape({name: text for name, text in members.items() if text is not None})
    return listed if renewal.extra is None else listed[:-1] + b"," + renewal.extra.encode()[1:]


def _written(instant_us: int | None) -> str | None:
    return None if instant_us is None else format_instant(instant_us)
