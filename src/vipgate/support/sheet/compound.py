"""Reads one stream of a compound file (OLE), the container of .xls. Pure.

A stream shorter than a limit, by default 4,096 bytes, lies in the mini stream: in small sectors with a table of their own.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

HEADER_BYTES: Final = 512
_SECTORS_MAX: Final = 0xFFFFFFFA
_ENTRY_BYTES: Final = 128
# Sectors are powers of two: 512 or 4,096 bytes, small ones 64.
_SHIFTS: Final = range(4, 21)


def read_stream(raw: bytes, names: tuple[str, ...]) -> bytes:
    """The first stream with one of `names`, which are in lower case; empty if it is not to be found."""
    if len(raw) < HEADER_BYTES:
        return b""
    shift, mini_shift = struct.unpack_from("<HH", raw, 30)
    if shift not in _SHIFTS or mini_shift not in _SHIFTS:
        return b""
    size, small = 1 << shift, 1 << mini_shift
    first_folder, cutoff, first_mini = (struct.unpack_from("<I", raw, at)[0] for at in (48, 56, 60))
    # The header takes the place of a sector. A view: the file may be as large as memory allows.
    sectors = memoryview(raw)[size:]
    table = _table(raw, sectors, size)
    folder = _chain(table, first_folder, size, sectors)
    for name, start, length in _entries(folder):
        if name in names and length >= cutoff:
            return _chain(table, start, size, sectors)[:length]
        if name in names:
            # The first entry is the root; its stream holds the small ones.
            mini = _chain(table, struct.unpack_from("<I", folder, 116)[0], size, sectors)
            return _chain(_chain(table, first_mini, size, sectors), start, small, mini)[:length]
    return b""


def _table(raw: bytes, sectors: memoryview, size: int) -> bytes:
    """The table that names the sector after each sector."""
    first_list = struct.unpack_from("<I", raw, 68)[0]
    lists = list(struct.unpack_from("<109I", raw, 76))
    while first_list < _SECTORS_MAX and len(lists) * size < len(raw) + 110 * size:
        sector = sectors[first_list * size : (first_list + 1) * size]
        if len(sector) < size:
            break
        *more, first_list = struct.unpack(f"<{size // 4}I", sector)
        lists += more
    return b"".join(sectors[number * size : (number + 1) * size] for number in lists if number < _SECTORS_MAX)


def _chain(table: bytes, number: int, size: int, sectors: bytes | memoryview) -> bytes:
    """The sectors from `number` on. A chain that goes round ends once it is longer than all of them."""
    parts: list[bytes | memoryview] = []
    while number * 4 + 4 <= len(table) and len(parts) * size <= len(sectors):
        parts.append(sectors[number * size : (number + 1) * size])
        number = struct.unpack_from("<I", table, number * 4)[0]
    return b"".join(parts)


def _entries(folder: bytes) -> Iterator[tuple[str, int, int]]:
    """The names in lower case, first sectors and lengths of all streams."""
    for at in range(0, len(folder) - _ENTRY_BYTES + 1, _ENTRY_BYTES):
        name_bytes = min(struct.unpack_from("<H", folder, at + 64)[0], 64)
        name = folder[at : at + max(name_bytes - 2, 0)].decode("utf-16-le", "replace")
        yield name.lower(), *struct.unpack_from("<II", folder, at + 116)
