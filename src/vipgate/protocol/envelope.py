"""Parses request envelopes and encodes responses. Pure.

Types enforce the order of the steps: `parse_request` makes an UnverifiedRequest, only `verify` and `verify_hmac` turn it into
a VerifiedRequest, and `decode_rows` accepts nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import msgspec

from vipgate.errors import BadRequest, FieldError, RequestError, format_field_errors
from vipgate.i18n import Language, LocalizedText
from vipgate.protocol.body_text import cut_fault, is_cut_in_a_character, json_fault, wide_fault
from vipgate.protocol.charset import CODECS, Charset, declared_charset, to_utf8
from vipgate.protocol.nesting import check_bounds
from vipgate.protocol.renewal import Renewal
from vipgate.protocol.row import encode_row

PUSH_PATH: Final = "/gate/1.0/parking/internal/vip/recharge"
DIGEST_PATH: Final = f"{PUSH_PATH}/digest"
BODY_BYTES_MAX: Final = 16 * 1024 * 1024
PARK_UUID_CHARS_MAX: Final = 64
SUCCESS_CODE: Final = "1001"

_SUCCESS_MESSAGE = LocalizedText("操作成功", "success")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]").search


class _Top(msgspec.Struct):
    """The members of a request as raw JSON; other members at this level are ignored."""

    park_uuid: msgspec.Raw = msgspec.Raw(b"null")
    complete: msgspec.Raw = msgspec.Raw(b"null")
    row: msgspec.Raw = msgspec.Raw(b"null")


_top = msgspec.json.Decoder(_Top).decode
_string = msgspec.json.Decoder(str).decode


class UnverifiedRequest(msgspec.Struct, frozen=True, gc=False):
    """A well-formed request before its signature check: `park_uuid` is a claim.

    `text` is the body in UTF-8, decoded by the `charset` of the header, which may not be the park's.
    """

    text: bytes
    charset: Charset
    park_uuid: str
    complete: msgspec.Raw
    row: msgspec.Raw


def parse_request(body: bytes, content_type: str | None) -> UnverifiedRequest:
    """Parses the envelope of a request body; rows stay raw JSON.

    Raises BadRequest where the body is not JSON in a known encoding or names no valid park (wire contract, Request), and
    PayloadTooLarge where it has too many members.
    """
    charset = declared_charset(content_type)
    text = _text(body, charset)
    check_bounds(text)
    try:
        top = _top(text)
    except msgspec.ValidationError:
        raise BadRequest(LocalizedText("正文应为 JSON 对象", "the body must be a JSON object")) from None
    except msgspec.DecodeError as error:
        raise BadRequest(json_fault(str(error), body)) from None
    return UnverifiedRequest(text, charset, _park_uuid(top.park_uuid), top.complete, top.row)


def _text(body: bytes, charset: Charset) -> bytes:
    """Converts `body` to UTF-8. Raises BadRequest that names a known client mistake: UTF-16, truncation."""
    if (fault := wide_fault(body)) is not None:
        raise BadRequest(fault)
    try:
        return to_utf8(body, charset)
    except BadRequest:
        if is_cut_in_a_character(body, CODECS[charset]):
            raise BadRequest(cut_fault(body)) from None
        raise


def _park_uuid(raw: msgspec.Raw) -> str:
    source = bytes(raw)
    try:
        park_uuid = _string(source).strip()
    except msgspec.DecodeError:
        park_uuid = ""
    if not 0 < len(park_uuid) <= PARK_UUID_CHARS_MAX or (not park_uuid.isprintable() and _CONTROL(park_uuid)):
        remedy = LocalizedText(
            f"应为 1 到 {PARK_UUID_CHARS_MAX} 个字符的字符串",
            f"must be a string of 1 to {PARK_UUID_CHARS_MAX} characters",
        )
        raise BadRequest(format_field_errors([FieldError("park_uuid", remedy, received_text(source))]))
    return park_uuid


def received_text(source: bytes) -> str | None:
    """Returns the received JSON for an error message: the first 256 bytes as text; None for `null`."""
    return None if source == b"null" else source[:256].decode("utf-8", "replace")


class Payload(msgspec.Struct, frozen=True):
    """The result of a push: rows received, and records inserted, updated and unchanged."""

    received: int
    inserted: int
    updated: int
    unchanged: int


def encode_success(seqno: str, payload: object, language: Language) -> bytes:
    """Encodes the success envelope, code `1001`; it has no hint."""
    return msgspec.json.encode(_Success(SUCCESS_CODE, _SUCCESS_MESSAGE.text(language), seqno, payload))


def encode_error(seqno: str, refusal: RequestError, language: Language) -> bytes:
    """Encodes an error envelope; it always has a hint."""
    hint = refusal.hint.text(language)
    return msgspec.json.encode(_Error(refusal.code, refusal.message.text(language), hint, seqno))


class _Success(msgspec.Struct, frozen=True):
    code: str
    message: str
    seqno: str
    payload: object


class _Error(msgspec.Struct, frozen=True):
    code: str
    message: str
    hint: str
    seqno: str


def encode_request(park_uuid: str, rows: Iterable[bytes], *, complete: bool = False) -> bytes:
    """Encodes the body of a push; `rows` come from `row.encode_row`."""
    head = msgspec.json.encode(park_uuid)
    return b'{"park_uuid":' + head + b',"complete":%d,"row":[' % complete + b",".join(rows) + b"]}"


def encode_renewals(park_uuid: str, renewals: Iterable[Renewal], *, complete: bool = False) -> bytes:
    """Encodes the body of a push of `renewals`."""
    return encode_request(park_uuid, map(encode_row, renewals), complete=complete)
