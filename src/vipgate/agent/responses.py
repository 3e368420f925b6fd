"""Interprets a platform's answer to a push. No clock, no disk, no network.

Covers every platform with this interface, not only this gateway: the published page defines `1001`, its examples use `1000`
and `200`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final

import msgspec

from vipgate.i18n import tr
from vipgate.protocol.nesting import nesting_fault

SUCCESS_CODES: Final = frozenset({"1001", "1000", "200"})
ANSWER_BYTES_MAX: Final = 1024 * 1024
CONTAINERS_MAX: Final = 2_000_000  # Sums of a large park: one object per bucket.
RETRY_AFTER_S_MAX: Final = 3600.0
_SHOWN_CHARS_MAX: Final = 300
# A header error affects every request; no row causes it.
_HEADER: Final = re.compile(r"Content-Type: ").match
_ROW: Final = re.compile(r"^row\[(\d{1,5})\]").match
_NO_ACCESS: Final = frozenset({"401", "403", "404", "405"})
_LATER: Final = frozenset({"408", "425", "429", "500", "502", "503", "504"})


class Accepted(msgspec.Struct, frozen=True):
    """Every row is stored."""

    seqno: str


class Unconfirmed(msgspec.Struct, frozen=True):
    """A success code together with an error hint: the rows count as not sent."""

    reason: str
    seqno: str


class RetryLater(msgspec.Struct, frozen=True):
    """The push failed for now. `arrived`: it may have reached the platform and may still be carried out."""

    reason: str
    retry_after_s: float | None = None
    arrived: bool = True
    seqno: str = ""


class TooLarge(msgspec.Struct, frozen=True):
    """More rows or bytes than the platform accepts at once."""

    reason: str
    seqno: str


class AccessDenied(msgspec.Struct, frozen=True):
    """The platform rejects this park's signature, address, path or charset. An operator has to fix it."""

    code: str
    reason: str
    seqno: str


class Rejected(msgspec.Struct, frozen=True):
    """The request has errors. `rows` maps row indexes to errors, if the hint names rows."""

    reason: str
    rows: Mapping[int, str]
    seqno: str


Answer = Accepted | Unconfirmed | RetryLater | TooLarge | AccessDenied | Rejected


class _Envelope(msgspec.Struct):
    code: str | int | None = None
    # Raw: an unexpected type in them must not prevent reading the code.
    message: msgspec.Raw = msgspec.Raw(b"null")
    hint: msgspec.Raw = msgspec.Raw(b"null")
    seqno: msgspec.Raw = msgspec.Raw(b"null")


_Scalar = str | int | float | None
_envelope = msgspec.json.Decoder(_Envelope, strict=False).decode
_words = msgspec.json.Decoder(_Scalar | list[_Scalar]).decode


def read_answer(status: int, retry_after: str | None, body: bytes, date: str | None = None) -> Answer:
    """Interprets an answer by the envelope's code, or by the HTTP status if there is no envelope.

    `date` is the answer's own `Date`: a date in `retry_after` is measured from it, since clocks differ.
    """
    try:
        envelope = _Envelope() if nesting_fault(body, CONTAINERS_MAX) else _envelope(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        envelope = _Envelope()
    wait_s = read_retry_after(retry_after, date)
    if envelope.code is None:
        return _without_envelope(status, wait_s, body)
    code, seqno, hint = str(envelope.code), _text(envelope.seqno), _text(envelope.hint)
    reason = f"{code} {_text(envelope.message)}: {hint}" if hint else f"{code} {_text(envelope.message)}".strip()
    if code in SUCCESS_CODES:
        return Unconfirmed(reason, seqno) if hint else Accepted(seqno)
    if code == "413":
        return TooLarge(reason, seqno)
    if code in _NO_ACCESS or (code == "400" and _HEADER(hint)):
        return AccessDenied(code, reason, seqno)
    if code == "400":
        return Rejected(reason, _rows_in(hint), seqno)
    return RetryLater(reason, wait_s, seqno=seqno)


def _text(raw: msgspec.Raw) -> str:
    """A member of the envelope as text; a list, which some platforms send, as one line per item."""
    try:
        member = _words(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return bytes(raw).decode("utf-8", "replace").strip()
    given = member if isinstance(member, list) else [member]
    return "\n".join("" if one is None else str(one).strip() for one in given)


def _without_envelope(status: int, wait_s: float | None, body: bytes) -> Answer:
    """Interprets an answer of a proxy or another server: only rejections that cannot be temporary count."""
    shown = " ".join(body[:_SHOWN_CHARS_MAX].decode("utf-8", "replace").split())
    reason = tr("HTTP {status} without the interface's envelope: {text}", status=status, text=shown or tr("empty"))
    if status == 413:
        return TooLarge(reason, "")
    if str(status) in _NO_ACCESS:
        return AccessDenied(str(status), reason, "")
    return RetryLater(reason, wait_s)


def _rows_in(hint: str) -> dict[int, str]:
    """Errors by row index, from a hint with lines such as `row[3].plate_color: …`."""
    rows: dict[int, str] = {}
    for line in hint.splitlines():
        found = _ROW(line.strip())
        if found:
            index = int(found[1])
            rows[index] = f"{rows[index]}; {line.strip()}" if index in rows else line.strip()
    return rows


def read_retry_after(text: str | None, date: str | None = None) -> float | None:
    """Seconds to wait, within bounds, from a number or a date (measured from `date`); None without either."""
    plain = (text or "").strip()
    if plain.isascii() and plain.isdigit():
        return min(float(plain[:9]), RETRY_AFTER_S_MAX)
    try:
        wait_s = (parsedate_to_datetime(plain) - parsedate_to_datetime(date or "")).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(0.0, wait_s), RETRY_AFTER_S_MAX)
