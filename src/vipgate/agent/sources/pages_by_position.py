"""Reads a table without a key page by page, by the position of its rows, where a statement keeps writers out (MyISAM).

Each page is a scan up to its position. A single statement for all rows would hold up the park's program until its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from sqlalchemy import Connection, text

from vipgate.agent.sources.base import SourceRow, SourceUnavailable
from vipgate.i18n import tr

# So many rows are read twice: by them a page finds the end of the one before, if rows were deleted meanwhile.
OVERLAP_ROWS: Final = 50
DIALECTS: Final = ("mysql", "mariadb")
# Readers and writers of their tables do not wait for each other.
_CONCURRENT: Final = ("innodb", "rocksdb", "tokudb")
_ENGINE: Final = """
SELECT t.engine FROM information_schema.tables AS t
WHERE t.table_schema = coalesce(:schema, DATABASE()) AND t.table_name = :name AND t.table_type = 'BASE TABLE'
"""

ReadAt = Callable[[int, int], list[SourceRow]]


def keeps_writers_out(db: Connection, name: str, schema: str | None) -> bool:
    """Whether a statement that reads this table of MariaDB or MySQL locks it against writers until it ends."""
    engine = db.execute(text(_ENGINE), {"name": name, "schema": schema}).scalar()
    return engine is not None and str(engine).lower() not in _CONCURRENT


def read_by_position(read_at: ReadAt, page_rows: int) -> Iterator[SourceRow]:
    """Yields all rows; those that are moved or changed meanwhile perhaps twice. `read_at`: reads rows by offset and count."""
    before: list[SourceRow] = []
    position = 0
    while True:
        start = max(0, position - OVERLAP_ROWS)
        rows = read_at(start, page_rows + position - start)
        fresh = _behind(before, rows) if before else rows
        if not fresh:
            return
        yield from fresh
        # The overlap begins there, wherever the rows were a page ago.
        position = start + len(rows)
        before = rows[-OVERLAP_ROWS:]


def _behind(before: Sequence[SourceRow], rows: list[SourceRow]) -> list[SourceRow]:
    """The rows behind the last one that both pages hold. Raises SourceUnavailable if there is none."""
    for known in reversed(before):
        for place, row in enumerate(rows):
            if row.values == known.values:
                return rows[place + 1 :]
    raise SourceUnavailable(
        tr("the rows have moved while they were read; name the columns that identify a row in source.key")
    )
