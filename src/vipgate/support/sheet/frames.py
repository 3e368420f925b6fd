"""The protocol between sheet reader and agent: frames of kind, length and content."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import IO, Any, Final

import msgspec

from vipgate.support.sheet.cells import BadCell
from vipgate.support.sheet.errors import SheetError

ROW_BYTES_MAX: Final = 4 * 1024 * 1024
# Kinds: row, beginning of a sheet, sheet that is not looked at, end, and errors: over a limit, no such sheet, incomplete file,
# unusual file, reader failure.
ROW, SHEET, SKIPPED, END = b"r", b"s", b"k", b"e"
TOO_LARGE, MISSING, HALF, ODD, FAULT = b"l", b"m", b"h", b"o", b"f"
_TEXT_BYTES_MAX: Final = 4_096
_HEAD_BYTES: Final = 5

_decode_error: Final = msgspec.json.Decoder(tuple[str, dict[str, str | int]]).decode
_decode: Final = msgspec.msgpack.Decoder(list[Any]).decode


class Cut(Exception):
    """The stream ended inside a frame or before the end frame."""


def write_frame(out: IO[bytes], kind: bytes, content: bytes | str) -> None:
    """Writes one frame; text is truncated to _TEXT_BYTES_MAX."""
    raw = content.encode("utf-8", "replace")[:_TEXT_BYTES_MAX] if isinstance(content, str) else content
    out.write(kind + len(raw).to_bytes(_HEAD_BYTES - 1, "big") + raw)


def write_error(out: IO[bytes], kind: bytes, error: BaseException) -> None:
    """Writes the frame of an error: its text, or template and values where these are to be translated."""
    template, values = str(error) or type(error).__name__, dict[str, str | int]()
    if isinstance(error, SheetError):
        template = error.template
        values = {name: _bounded(one) if isinstance(one, str) else one for name, one in error.values.items()}
    write_frame(out, kind, msgspec.json.encode((_bounded(template), values)))


def _bounded(text: str) -> str:
    return text.encode("utf-8", "replace")[:_TEXT_BYTES_MAX].decode("utf-8", "ignore")


def error_text(raw: bytes) -> str:
    """The text of an error frame, in the current language."""
    template, values = _decode_error(raw)
    return str(SheetError(template, **values))


def read_frame(source: IO[bytes]) -> tuple[bytes, bytes]:
    """Reads the next frame: kind and content. Raises Cut."""
    head = source.read(_HEAD_BYTES)
    length = int.from_bytes(head[1:], "big")
    if len(head) < _HEAD_BYTES or length > ROW_BYTES_MAX:
        raise Cut
    raw = source.read(length)
    if len(raw) < length:
        raise Cut
    return head[:1], raw


def row_in(raw: bytes) -> list[object]:
    """Decodes the cells of a row frame."""
    return [_KINDS[cell[0]](*cell[1:]) if type(cell) is list else cell for cell in _decode(raw)]


_KINDS: Final[dict[str, Callable[..., object]]] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "timedelta": timedelta,
    "bad": BadCell,
    "text": str,
}
