"""Reads the first rows of an open source: no more of them than are asked for, and not more bytes than a page may hold."""

from __future__ import annotations

from typing import Final

from vipgate.agent.sources.base import Key, Source, SourceRow

# A column may hold pictures: then fewer rows are read, and their number is said.
BYTES_MAX: Final = 8 * 2**20
# As many tell how large a row is.
FIRST_PAGE_ROWS: Final = 20


def first_rows(source: Source, rows_max: int) -> list[SourceRow]:
    """Reads up to `rows_max` rows, fewer if they have more than BYTES_MAX. Raises UsageError, SourceUnavailable."""
    found: list[SourceRow] = []
    size = 0
    if not source.has_key:
        for row in source.scan():
            found.append(row)
            size += _size(row)
            if len(found) >= rows_max or size >= BYTES_MAX:
                break
        return found
    # By key: `scan` reads pages of thousands.
    after: Key | None = None
    limit = min(rows_max, FIRST_PAGE_ROWS)
    while limit > 0 and (page := source.page(after, limit)):
        found += page
        size += sum(map(_size, page))
        if len(page) < limit:
            break
        after = page[-1].key
        room = (BYTES_MAX - size) * len(found) // max(1, size)
        limit = min(rows_max - len(found), room)
    return found


def _size(row: SourceRow) -> int:
    """The bytes or characters of the row's longer values."""
    return sum(len(value) for value in row.values if isinstance(value, str | bytes | bytearray | memoryview))
