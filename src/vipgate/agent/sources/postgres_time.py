"""Reads PostgreSQL times that Python cannot represent: `infinity`, years BC and after 9999.

The driver would raise in the middle of a page and make all of it unreadable; as text they are an error of their row only.
"""

from __future__ import annotations

from typing import Any, Final

_TYPES: Final = ("date", "timestamp", "timestamptz")


class InfiniteTimestamp(str):
    """Such a time, as PostgreSQL writes it."""

    __slots__ = ()


def register_text_loader(connection: Any) -> None:
    """Makes a psycopg connection return these times as InfiniteTimestamp, all others as before."""
    from psycopg.pq import Format

    for name in _TYPES:
        kind = connection.adapters.types[name]
        reader = connection.adapters.get_loader(kind.oid, Format.TEXT)
        connection.adapters.register_loader(name, _tolerant(reader))


def _tolerant(reader: Any) -> Any:
    from psycopg import DataError
    from psycopg.adapt import Loader

    class Tolerant(Loader):
        def __init__(self, oid: int, context: Any = None) -> None:
            super().__init__(oid, context)
            self._read = reader(oid, context).load

        def load(self, data: Any) -> object:
            try:
                return self._read(data)
            except DataError:
                return InfiniteTimestamp(bytes(data).decode())

    return Tolerant
