"""Shows and edits the body of a rejected request: parses, formats, masks, and merges corrections. Pure.

A masked value that comes back unchanged stands for the kept value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from vipgate.domain.hint_masking import PLAIN_MEMBERS, hide_value
from vipgate.domain.masking import HIDDEN, mask_plate
from vipgate.errors import BadRequest
from vipgate.i18n import LocalizedText
from vipgate.protocol.batch import ROWS_MAX
from vipgate.protocol.charset import Charset, to_utf8
from vipgate.protocol.nesting import nesting_fault
from vipgate.protocol.renewal import PERSONAL_MEMBERS
from vipgate.store.interfaces.ledger import Park, RequestLogEntry

_NOT_SHOWN: Final = msgspec.Raw(b'"***"')
_READABLE: Final = PLAIN_MEMBERS | PERSONAL_MEMBERS

_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_rows = msgspec.json.Decoder(list[msgspec.Raw]).decode
_string = msgspec.json.Decoder(str).decode
_encode = msgspec.json.encode

Row = Mapping[str, msgspec.Raw] | msgspec.Raw


@dataclass(frozen=True, slots=True)
class Body:
    """The members of a request except its rows, and its rows; a row that is no object stays raw."""

    head: Mapping[str, msgspec.Raw]
    rows: tuple[Row, ...]


class Unreadable(Exception):
    """The text does not have the structure of a request; `words` says why."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.words = LocalizedText(zh, en)


def as_text(body: bytes, charset: Charset) -> str:
    """Decodes a body. Never guesses: raises Unreadable if it is not in `charset`."""
    try:
        return to_utf8(body, charset).decode("utf-8")
    except BadRequest as rejection:
        raise Unreadable(rejection.hint.zh, rejection.hint.en) from None


def charset_of(entry: RequestLogEntry, park: Park | None) -> Charset:
    """Returns the charset of a kept body: the park's; UTF-8 for a replay, which the console wrote."""
    return "utf-8" if entry.origin.replay_of is not None or park is None else park.charset


def is_of_another_charset(entry: RequestLogEntry, park: Park | None) -> bool:
    """Whether a kept body may be in another charset than the park's: it came before the park's charset was changed."""
    if entry.origin.replay_of is not None or park is None:
        return False
    return entry.origin.received_us < park.charset_changed_us


def read_body(text: str) -> Body:
    """Parses a request. Raises Unreadable."""
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
    """Parses one row. Raises Unreadable."""
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
    """Removes escapes from the text of a known member; unlisted members keep their bytes, by which they are compared."""
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
    """Encodes a request as one line of JSON."""
    head = b"".join(_encode(name) + b":" + bytes(raw) + b"," for name, raw in body.head.items())
    return b"{" + head + b'"row":[' + b",".join(map(write_row, body.rows)) + b"]}"


def write_row(row: Row) -> bytes:
    """Encodes a row as one line of JSON."""
    if not isinstance(row, Mapping):
        return bytes(row)
    return b"{" + b",".join(_encode(name) + b":" + bytes(raw) for name, raw in row.items()) + b"}"


def laid_out(source: bytes) -> str:
    """Formats JSON with one line per member."""
    return msgspec.json.format(source, indent=2).decode("utf-8", "replace")


def order_of(row: Row) -> str | None:
    """Returns the order number of a row, if it has one."""
    raw = row.get("pay_partner") if isinstance(row, Mapping) else None
    text = None if raw is None or bytes(raw)[:1] != b'"' else _text(raw)
    return text.strip() if text is not None else (bytes(raw).decode("utf-8", "replace") if raw is not None else None)


def member_of(row: Row, name: str) -> str | None:
    """Returns a member of a row as text, if it is one."""
    raw = row.get(name) if isinstance(row, Mapping) else None
    return None if raw is None else _text(raw)


def hide(body: Body) -> Body:
    """Masks everything that could identify a person."""
    return Body({name: _hidden(name, raw) for name, raw in body.head.items()}, tuple(map(hide_row, body.rows)))


def hide_row(row: Row) -> Row:
    """Masks one row."""
    if not isinstance(row, Mapping):
        return _NOT_SHOWN
    return {name: _hidden(name, raw) for name, raw in row.items()}


def _hidden(name: str, raw: msgspec.Raw) -> msgspec.Raw:
    first = bytes(raw)[:1]
    if first in (b"n", b"t", b"f"):
        return raw
    if first in (b"{", b"["):
        return _NOT_SHOWN
    text = _text(raw) if first == b'"' else bytes(raw).decode()
    if text is None:
        return _NOT_SHOWN
    masked = _plain(name, text) if name in PLAIN_MEMBERS else mask_plate(text)
    # As it came where nothing is masked: a number stays one.
    return raw if masked == text else msgspec.Raw(_encode(masked))


def _plain(name: str, text: str) -> str:
    return text if name in ("pay_partner", "park_uuid") else hide_value(name, text)


def restore(edited: Body, kept: Body) -> Body:
    """Returns `edited` with every value that is still masked taken from `kept`."""
    rows = [restore_row(row, kept_row) for row, kept_row in zip(edited.rows, kept_rows(edited, kept), strict=True)]
    return replace(edited, head=_restored(edited.head, kept.head), rows=tuple(rows))


def kept_rows(edited: Body, kept: Body) -> list[Row | None]:
    """Returns the kept row of each edited one, by its order number; None for a new one."""
    by_order = {order: row for row in kept.rows if (order := order_of(row)) is not None}
    same_length = len(edited.rows) == len(kept.rows)
    # A row whose order number was corrected is matched by index, unless rows were added or removed.
    return [
        by_order.get(order_of(row) or "", kept.rows[index] if same_length else None)
        for index, row in enumerate(edited.rows)
    ]


def restore_row(edited: Row, kept: Row | None) -> Row:
    """Restores one row."""
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
    """Returns the places whose masked value was edited and cannot be restored."""
    return [
        f"row[{index}].{name}"
        for index, row in enumerate(rows)
        for name in (*PERSONAL_MEMBERS, "charge_type")
        if HIDDEN in (member_of(row, name) or "")
    ]
