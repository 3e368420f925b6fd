"""The protocol between sheet reader and agent: frames of kind, length and content."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import IO, Any, Final

import msgspec

ROW_BYTES_MAX: Final = 4 * 1024 * 1024
# Kinds: row, end, and errors: over a limit, no such sheet, incomplete file, unusual file, reader failure.
ROW, END, TOO_LARGE, MISSING, HALF, ODD, FAULT = b"r", b"e", b"l", b"m", b"h", b"o", b"f"
_TEXT_BYTES_MAX: Final = 4_096
_HEAD_BYTES: Final = 5

_decode: Final = msgspec.msgpack.Decoder(list[Any]).decode


class Cut(Exception):
    """The stream ended inside a frame or before the end frame."""


def write_frame(out: IO[bytes], kind: bytes, content: bytes | str) -> None:
    """Writes one frame; text is truncated to _TEXT_BYTES_MAX."""
    raw = content.encode("utf-8", "replace")[:_TEXT_BYTES_MAX] if isinstance(content, str) else content
    out.write(kind + len(raw).to_bytes(_HEAD_BYTES - 1, "big") + raw)


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
    "text": str,
}
