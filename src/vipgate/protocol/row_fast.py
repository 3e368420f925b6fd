"""Parses the rows of a batch at once, in a tenth of the strict parser's time; leaves all other rows to it (row.py).

It accepts two forms: numbers or numeric strings for numbers and strings for text; and the same with `null` for absent members
and numbers for codes, as typed clients write. In any doubt it returns None, so its result never differs from the strict one.
"""

from __future__ import annotations

import re
from typing import Annotated, Final
from unicodedata import normalize

import msgspec
from msgspec.structs import astuple

from vipgate.protocol.order_number import is_no_order
from vipgate.protocol.renewal import (
    FLAG_NO_ORDER,
    PAY_TIME_MS_MAX,
    PAY_TIME_MS_MIN,
    PAY_VALUE_FEN_MAX,
    PLATE_CHARS_MAX,
    PLATE_RAW_CHARS_MAX,
    QUANTITY_MAX,
    TEXT_CHARS_MAX,
    VALUE_SCALE,
    NaiveTimestamp,
    Renewal,
    parse_instant,
    plate_flags,
)

_VALUE_DIGITS_MAX: Final = 12
_CODE_MAX: Final = 2**63 - 1

_Text = Annotated[str, msgspec.Meta(max_length=TEXT_CHARS_MAX)]
_Code = Annotated[int, msgspec.Meta(ge=0, le=_CODE_MAX)]


class _StringRow(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The string form. Defaults mean absent; they are outside the limits, so no received value equals one."""

    plate: Annotated[str, msgspec.Meta(max_length=PLATE_RAW_CHARS_MAX)]
    plate_color: Annotated[int, msgspec.Meta(ge=-1, le=5)]
    charge_type: _Text
    vip_type: Annotated[int, msgspec.Meta(ge=0, le=7)]
    quantity: Annotated[int, msgspec.Meta(ge=0, le=QUANTITY_MAX)]
    pay_partner: _Text
    pay_type: Annotated[int, msgspec.Meta(ge=1, le=2)]
    card_no: _Text = ""
    card_id: _Text = ""
    value: Annotated[str, msgspec.Meta(max_length=_VALUE_DIGITS_MAX)] = ""
    pay_time: Annotated[int, msgspec.Meta(ge=PAY_TIME_MS_MIN, le=PAY_TIME_MS_MAX)] = -1
    renewal_start_time: str = ""
    renewal_end_time: str = ""
    pay_value: Annotated[int, msgspec.Meta(ge=0, le=PAY_VALUE_FEN_MAX)] = -1
    operator: _Text = ""


class _TypedRow(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The typed form: `null` for absent members, numbers for text codes."""

    plate: Annotated[str, msgspec.Meta(max_length=PLATE_RAW_CHARS_MAX)]
    plate_color: Annotated[int, msgspec.Meta(ge=-1, le=5)]
    charge_type: _Text | _Code
    vip_type: Annotated[int, msgspec.Meta(ge=0, le=7)]
    quantity: Annotated[int, msgspec.Meta(ge=0, le=QUANTITY_MAX)]
    pay_partner: _Text | _Code
    pay_type: Annotated[int, msgspec.Meta(ge=1, le=2)]
    card_no: _Text | _Code | None = None
    card_id: _Text | _Code | None = None
    value: Annotated[str, msgspec.Meta(max_length=_VALUE_DIGITS_MAX)] | _Code | None = None
    pay_time: Annotated[int, msgspec.Meta(ge=PAY_TIME_MS_MIN, le=PAY_TIME_MS_MAX)] | None = None
    renewal_start_time: str | None = None
    renewal_end_time: str | None = None
    pay_value: Annotated[int, msgspec.Meta(ge=0, le=PAY_VALUE_FEN_MAX)] | None = None
    operator: _Text | _Code | None = None


# Lax decoding parses a number with a point or an exponent as a float first, which rounds it.
_FLOAT = re.compile(rb'"\s*:\s*"?-?\d+[.eE]').search
# The end of a number such as `1e-3`, and what comes before its exponent. A UUID may hold `3e-4`, which is no number.
_NEGATIVE_EXPONENT = re.compile(rb"-(?<=\d[eE]-)").finditer
_MANTISSA = re.compile(rb'(?:\A|["\s:]-?)\d+[eE]\Z').search
_MANTISSA_BYTES: Final = 32
_NULL_TEXT = re.compile(rb'"null"', re.IGNORECASE).search

_string_rows = msgspec.json.Decoder(list[_StringRow], strict=False).decode
_typed_rows = msgspec.json.Decoder(list[_TypedRow], strict=False).decode


def parse_rows_fast(array: msgspec.Raw | bytes, *, floats: bool) -> list[Renewal | None] | None:
    """Parses a JSON array of rows in one call. None for a row: the strict parser must decide; None in all: row by row.

    `array` must have no escapes and no control characters: strings are not checked here. `floats`: it may have a number
    that a float would round, see `may_hold_floats`.
    """
    if floats and _FLOAT(bytes(array)):
        return None
    try:
        return [_to_renewal(row) for row in _string_rows(array)]
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    # Lax decoding treats the string "null" as null; the contract does not. Codes have more digits than a float.
    text = bytes(array)
    if _NULL_TEXT(text) or _FLOAT(text):
        return None
    try:
        return [_to_renewal(_to_string_row(row)) for row in _typed_rows(text)]
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def may_hold_floats(text: bytes) -> bool:
    """Whether `text` may have a number that a float would round: one with a point or a negative exponent.

    Called once per request.
    """
    return b"." in text or any(
        _MANTISSA(text[max(0, end.start() - _MANTISSA_BYTES) : end.start()]) for end in _NEGATIVE_EXPONENT(text)
    )


def _to_string_row(row: _TypedRow) -> _StringRow:
    return _StringRow(
        row.plate,
        row.plate_color,
        str(row.charge_type),
        row.vip_type,
        row.quantity,
        str(row.pay_partner),
        row.pay_type,
        "" if row.card_no is None else str(row.card_no),
        "" if row.card_id is None else str(row.card_id),
        "" if row.value is None else str(row.value),
        -1 if row.pay_time is None else row.pay_time,
        row.renewal_start_time or "",
        row.renewal_end_time or "",
        -1 if row.pay_value is None else row.pay_value,
        "" if row.operator is None else str(row.operator),
    )


def _to_renewal(row: _StringRow) -> Renewal | None:
    """Converts a row to a record; None in doubt. The hottest function of the push pipeline."""
    (
        plate, plate_color, charge_type, vip_type, quantity, pay_partner, pay_type, card_no, card_id, value,
        pay_time_ms, start_text, end_text, pay_value_fen, operator,
    ) = astuple(row)  # fmt: skip
    plate = normalize("NFKC", plate).upper()
    if " " in plate or "·" in plate or "." in plate:
        plate = plate.replace(" ", "").replace("·", "").replace(".", "")
    charge_type, pay_partner = charge_type.strip(), pay_partner.strip()
    flags = plate_flags(plate)
    if (
        not charge_type
        or not pay_partner
        or plate_color == 0
        or (flags and not (plate.isascii() and 0 < len(plate) <= PLATE_CHARS_MAX))
    ):
        return None
    value_e4: int | None = None
    if value:
        if not (value.isdigit() and value.isascii() and len(value) <= _VALUE_DIGITS_MAX) or (value[0] == "0" != value):
            return None
        value_e4 = int(value) * VALUE_SCALE
    start = parse_instant(start_text) if start_text else None
    end = parse_instant(end_text) if end_text else None
    if isinstance(start, NaiveTimestamp) or isinstance(end, NaiveTimestamp):
        return None
    if (start_text and start is None) or (end_text and end is None):
        return None
    if start is not None and end is not None and end < start:
        return None
    return Renewal(
        pay_partner,
        plate,
        plate_color,
        card_no.strip() or None if card_no else None,
        card_id.strip() or None if card_id else None,
        charge_type,
        vip_type,
        quantity,
        pay_type,
        value_e4,
        pay_time_ms if pay_time_ms >= 0 else None,
        start,
        end,
        pay_value_fen if pay_value_fen >= 0 else None,
        operator.strip() or None if operator else None,
        None,
        flags | FLAG_NO_ORDER if is_no_order(pay_partner) else flags,
    )
