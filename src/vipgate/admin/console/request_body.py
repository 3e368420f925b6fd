"""The body of a refused request for people: laid out, plates hidden, mended, and put together again. Pure.

A value that was hidden and comes back as it was shown stands for what was kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from vipgate.domain.hint_masking import (
    PLAIN_MEMBERS,
    hide_plates,
)
from vipgate.domain.masking import (
    HIDDEN,
    mask_plate,
)
from vipgate.errors import BadRequest
from vipgate.i18n import LocalizedText
from vipgate.protocol.batch import ROWS_MAX
from vipgate.protocol.charset import (
    Charset,
    to_utf8,
)
from vipgate.protocol.nesting import nesting_fault
from vipgate.store.interfaces.ledger import (
    Park,
    RequestLogEntry,
)

_NOT_SHOWN: Final = msgspec.Raw(b'"***"')
_ROW_MEMBERS: Final = frozenset({"plate", "card_no", "card_id", "operator"})
_READABLE: Final = PLAIN_MEMBERS | _ROW_MEMBERS

_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_rows = msgspec.json.Decoder(list[msgspec.Raw]).decode
_string = msgspec.json.Decoder(str).decode
_encode = msgspec.json.encode

Row = Mapping[str, msgspec.Raw] | msgspec.Raw


@dataclass(frozen=True, slots=True)
class Body:
    """The members of a request but its rows, and its rows: each by its members, or as it came where it is no object."""

    head: Mapping[str, msgspec.Raw]
    rows: tuple[Row, ...]


class Unreadable(Exception):
    """The text is not laid out as a request is; carries what to do about it."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.words = LocalizedText(zh, en)


def as_text(body: bytes, charset: Charset) -> str:
    """A body as text. Never guesses: raises Unreadable where it is not in `charset`."""
    try:
        return to_utf8(body, charset).decode("utf-8")
    except BadRequest as refusal:
        raise Unreadable(refusal.hint.zh, refusal.hint.en) from None


def charset_of(entry: RequestLogEntry, park: Park | None) -> Charset:
    """The charset of a kept body: the park's own; the console writes its replays in UTF-8."""
    return "utf-8" if entry.origin.replay_of is not None or park is None else park.charset


def read_body(text: str) -> Body:
    """The parts of a request. Raises Unreadable."""
    _check_nesting(text)
    try:
        head = _members(text)
        row = head.pop("row", msgspec.Raw(b"null"))
        first = bytes(row)[:1]
        if first == b'"':
            row = msgspec.Raw(_string(row).encode())
            _check_nesting(bytes(row).decode())
        rows = _rows(row)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise Unreadable(f"不是有效的请求: {error}", f"not a valid request: {error}") from None
    if len(rows) > ROWS_MAX:
        raise Unreadable(f"最多 {ROWS_MAX} 行", f"at most {ROWS_MAX} rows")
    return Body({name: _readable(name, raw) for name, raw in head.items()}, tuple(map(_row, rows)))


def read_row(text: str) -> Row:
    """One row. Raises Unreadable."""
    _check_nesting(text)
    try:
        return _row(msgspec.json.decode(text, type=msgspec.Raw))
    except (msgspec.DecodeError, UnicodeError) as error:
        raise Unreadable(f"不是有效的 JSON: {error}", f"not valid JSON: {error}") from None


def _check_nesting(text: str) -> None:
    too_deep = nesting_fault(text.encode("utf-8", "replace"))
    if too_deep is not None:
        raise Unreadable(too_deep.zh, too_deep.en)


def _row(raw: msgspec.Raw) -> Row:
    try:
        return {name: _readable(name, value) for name, value in _members(raw).items()}
    except (msgspec.DecodeError, UnicodeError):
        return raw


def _readable(name: str, raw: msgspec.Raw) -> msgspec.Raw:
    """A text of a known member without escapes; unlisted members are compared by their very bytes and stay."""
    if name not in _READABLE or bytes(raw)[:1] != b'"':
        return raw
    text = _text(raw)
    return raw if text is None else msgspec.Raw(_encode(text))


def _text(raw: msgspec.Raw) -> str | None:
    try:
        text = _string(raw)
        text.encode()
    except (msgspec.DecodeError, UnicodeError):
        return None
    return text


def write_body(body: Body) -> bytes:
    """The request as one line of JSON."""
    head = b"".join(_encode(name) + b":" + bytes(raw) + b"," for name, raw in body.head.items())
    return b"{" + head + b'"row":[' + b",".join(map(write_row, body.rows)) + b"]}"


def write_row(row: Row) -> bytes:
    """The row as one line of JSON."""
    if not isinstance(row, Mapping):
        return bytes(row)
    return b"{" + b",".join(_encode(name) + b":" + bytes(raw) for name, raw in row.items()) + b"}"


def laid_out(source: bytes) -> str:
    """JSON with a line for each member."""
    return msgspec.json.format(source, indent=2).decode("utf-8", "replace")


def order_of(row: Row) -> str | None:
    """The order number of a row, where it is one."""
    raw = row.get("pay_partner") if isinstance(row, Mapping) else None
    text = None if raw is None or bytes(raw)[:1] != b'"' else _text(raw)
    return text.strip() if text is not None else (bytes(raw).decode("utf-8", "replace") if raw is not None else None)


def member_of(row: Row, name: str) -> str | None:
    """A member of a row as text, where it has one."""
    raw = row.get(name) if isinstance(row, Mapping) else None
    return None if raw is None else _text(raw)


def hide(body: Body) -> Body:
    """The same with everything hidden that could name a person."""
    return Body({name: _hidden(name, raw) for name, raw in body.head.items()}, tuple(map(hide_row, body.rows)))


def hide_row(row: Row) -> Row:
    """The same of one row."""
    if not isinstance(row, Mapping):
        return _NOT_SHOWN
    return {name: _hidden(name, raw) for name, raw in row.items()}


def _hidden(name: str, raw: msgspec.Raw) -> msgspec.Raw:
    first = bytes(raw)[:1]
    plain = name in PLAIN_MEMBERS
    if first in (b"n", b"t", b"f"):
        return raw
    if first == b'"':
        text = _text(raw)
        if text is None:
            return _NOT_SHOWN
        return msgspec.Raw(_encode(_plain(name, text) if plain else mask_plate(text)))
    if first in (b"{", b"["):
        return _NOT_SHOWN
    return raw if plain else msgspec.Raw(_encode(mask_plate(bytes(raw).decode())))


def _plain(name: str, text: str) -> str:
    return text if name in ("pay_partner", "park_uuid") else hide_plates(text)


def restore(edited: Body, kept: Body) -> Body:
    """`edited` with every value that is still hidden as it was kept."""
    by_order = {order: row for row in kept.rows if (order := order_of(row)) is not None}
    same_length = len(edited.rows) == len(kept.rows)
    rows = []
    for index, row in enumerate(edited.rows):
        # A row whose order number was mended is known by its place, as long as none was added or taken away.
        beside = kept.rows[index] if same_length else None
        rows.append(restore_row(row, by_order.get(order_of(row) or "", beside)))
    return replace(edited, head=_restored(edited.head, kept.head), rows=tuple(rows))


def restore_row(edited: Row, kept: Row | None) -> Row:
    """The same of one row."""
    if isinstance(edited, Mapping) and isinstance(kept, Mapping):
        return _restored(edited, kept)
    if kept is not None and not isinstance(edited, Mapping) and bytes(edited) == bytes(_NOT_SHOWN):
        return kept
    return edited


def _restored(edited: Mapping[str, msgspec.Raw], kept: Mapping[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
    return {
        name: kept[name] if name in kept and bytes(raw) == bytes(_hidden(name, kept[name])) else raw
        for name, raw in edited.items()
    }


def still_hidden(rows: Sequence[Row]) -> list[str]:
    """The places whose value was hidden, was changed, and so cannot be restored."""
    return [
        f"row[{index}].{name}"
        for index, row in enumerate(rows)
        for name in _ROW_MEMBERS
        if HIDDEN in (member_of(row, name) or "")
    ]
