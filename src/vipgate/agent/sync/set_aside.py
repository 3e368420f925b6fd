"""Reads a stream of rows to its end before the first one is used: the code that uses them may have to wait for the platform.

Meanwhile an open stream would hold a lock, or an old snapshot, in the park's database.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator
from itertools import islice
from tempfile import SpooledTemporaryFile
from typing import Final, TypeVar

from vipgate.agent.sources.base import Source, SourceRow

MEMORY_BYTES_MAX: Final = 8 * 1024 * 1024

T = TypeVar("T")


def set_aside(pages: Iterable[T]) -> Iterator[T]:
    """Yields the same pages after all were read. They wait in memory, or in a temporary file if there are many."""
    with SpooledTemporaryFile(MEMORY_BYTES_MAX) as file:
        count = 0
        for page in pages:
            pickle.dump(page, file, pickle.HIGHEST_PROTOCOL)
            count += 1
        file.seek(0)
        for _ in range(count):
            # Of this process alone: the file has no name.
            yield pickle.load(file)  # noqa: S301


def all_rows(source: Source, chunk_rows: int) -> Iterator[list[SourceRow]]:
    """Yields all rows of a source in chunks. Nothing of a database is held while a chunk is used."""
    chunks = _chunks(source, chunk_rows)
    # By key each page is a statement of its own, and a file may stay open.
    is_stream = not source.has_key and source.stamp() is None
    return set_aside(chunks) if is_stream else chunks


def _chunks(source: Source, chunk_rows: int) -> Iterator[list[SourceRow]]:
    rows = iter(source.scan())
    while chunk := list(islice(rows, chunk_rows)):
        yield chunk
