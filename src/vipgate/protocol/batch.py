"""Decodes the rows of a verified request into renewals. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, cast

import msgspec

from vipgate.errors import BadRequest, FieldError, PayloadTooLarge, format_field_errors
from vipgate.i18n import LocalizedText
from vipgate.protocol.authentication import VerifiedRequest, text_of
from vipgate.protocol.envelope import _string, received_text
from vipgate.protocol.nesting import check_bounds
from vipgate.protocol.order_number import distinct_orders
from vipgate.protocol.renewal import Renewal
from vipgate.protocol.row import parse_row
from vipgate.protocol.row_fast import may_hold_floats, parse_rows_fast

ROWS_MAX: Final = 10_000

_COMPLETE_CHARS_MAX = 64

_ZERO_OR_ONE = re.compile(r"[01](\.0+)?").fullmatch

_rows = msgspec.json.Decoder(list[msgspec.Raw]).decode


class Batch(msgspec.Struct, frozen=True, gc=False):
    """The records of one request, unique by `pay_partner`; `received` counts its rows including duplicates."""

    renewals: list[Renewal]
    received: int
    complete: bool


def decode_rows(verified: VerifiedRequest) -> Batch:
    """Decodes and validates the rows of a verified request.

    Raises BadRequest with all field errors, PayloadTooLarge past ROWS_MAX rows (wire contract, A row).
    """
    sent = text_of(verified)
    errors: list[FieldError] = []
    complete = _complete(verified.request.complete, errors)
    array, text = _array(verified.request.row, sent)
    rows = parse_rows(array, text)
    if not rows:
        raise BadRequest(LocalizedText("row: 至少一行, 收到 []", "row: at least one row, got []"))
    renewals: list[Renewal] = []
    for index, row in enumerate(rows):
        if isinstance(row, Renewal):
            renewals.append(row)
        else:
            errors += [FieldError(f"row[{index}]{error.place}", error.remedy, error.got) for error in row]
    if not errors and len({renewal.pay_partner for renewal in renewals}) < len(renewals):
        renewals = distinct_orders(renewals, errors)
    if errors:
        raise BadRequest(format_field_errors(errors))
    return Batch(renewals, len(rows), complete)


def parse_rows(array: msgspec.Raw | bytes, text: bytes) -> Sequence[Renewal | list[FieldError]]:
    """Parses a JSON array of rows. Returns the record of each row, or all its errors. `text` holds `array` and may be longer.

    Raises BadRequest where `array` is no JSON array, PayloadTooLarge past ROWS_MAX rows.
    """
    # Nearly no batch has escapes or the two bytes that start control characters above 0x1f.
    if b"\\" in text or b"\x7f" in text or b"\xc2" in text:
        return [parse_row(bytes(raw)) for raw in _raw_rows(array)]
    floats = may_hold_floats(text)
    # A row has a brace, and so has the request: too many rows are counted before any is parsed.
    fast = parse_rows_fast(array, floats=floats) if text.count(b"{") <= ROWS_MAX + 1 else None
    if fast is not None and len(fast) <= ROWS_MAX and all(fast):
        return cast("list[Renewal]", fast)
    raws = _raw_rows(array)
    if fast is None:
        fast = [_parse_alone(raw, floats=floats) for raw in raws]
    return [renewal or parse_row(bytes(raw)) for renewal, raw in zip(fast, raws, strict=True)]


def _parse_alone(raw: msgspec.Raw, *, floats: bool) -> Renewal | None:
    """Parses one row fast; None where the strict parser must decide."""
    fast = parse_rows_fast(b"[%b]" % raw, floats=floats)
    return fast[0] if fast else None


def _complete(raw: msgspec.Raw, errors: list[FieldError]) -> bool:
    source = bytes(raw)
    if source in (b"0", b"null"):
        return False
    try:
        text = _string(source).strip() if source[:1] == b'"' else source.decode("utf-8")
    except msgspec.DecodeError:
        text = "\ufffd"
    if not text:
        return False
    if len(text) <= _COMPLETE_CHARS_MAX and _ZERO_OR_ONE(text):
        return text[0] == "1"
    errors.append(FieldError("complete", LocalizedText("应为 0 或 1", "must be 0 or 1"), received_text(source)))
    return False


def _array(row: msgspec.Raw, sent: bytes) -> tuple[msgspec.Raw | bytes, bytes]:
    """Returns the JSON array of rows, extracted from a JSON string if needed, and the text that contains it."""
    first = bytes(memoryview(row)[:1])
    if first == b'"':
        inner = _string(row).strip(" \t\r\n").encode("utf-8")
        if inner[:1] == b"[":
            check_bounds(inner, "row: ")
            return inner, inner
    if first == b"[":
        return row, sent
    remedy = LocalizedText(
        "应为对象数组, 或内含此数组的 JSON 字符串", "must be an array of objects, or a JSON string that holds one"
    )
    raise BadRequest(format_field_errors([FieldError("row", remedy, received_text(bytes(row)))]))


def _raw_rows(array: msgspec.Raw | bytes) -> list[msgspec.Raw]:
    """Splits the array into at most ROWS_MAX raw rows."""
    try:
        raws = _rows(array)
    except msgspec.DecodeError as error:
        words = LocalizedText(f"row: 不是有效的 JSON 数组: {error}", f"row: not a valid JSON array: {error}")
        raise BadRequest(words) from None
    if len(raws) > ROWS_MAX:
        raise PayloadTooLarge(
            LocalizedText(
                f"最多 {ROWS_MAX} 行, 收到 {len(raws)} 行; 请分批发送",
                f"at most {ROWS_MAX} rows, got {len(raws)}; send them in batches",
            )
        )
    return raws
