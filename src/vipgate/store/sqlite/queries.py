"""Runs the searches of common/queries.py on a SQLite file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from vipgate.store.common.queries import Queries
from vipgate.store.sqlite.store import SqliteStore

# For one park, or for strangers, another index is used: a separate statement.
_FOR_ONE_PARK: Final = {
    "newest_requests": "newest_requests_of_park",
    "newest_requests_floor": "newest_requests_of_park_floor",
    "newest_refused": "newest_refused_of_park",
    "newest_refused_floor": "newest_refused_of_park_floor",
}


class SqliteQueries(Queries):
    """`QueryStore` on a SQLite file, on the store's connection."""

    def __init__(self, store: SqliteStore) -> None:
        super().__init__(store)
        self._file = store

    def _rows(self, name: str, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        if values.get("park_uuid") is not None:
            name = _FOR_ONE_PARK.get(name, name)
        return self._file.rows(name, values)

    def _list(self, texts: Sequence[str]) -> object:
        return msgspec.json.encode(texts).decode()
