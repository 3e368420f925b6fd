"""Looking for things in a SQLite file; what is decided is decided in browse.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from vipgate.store.common.queries import Queries
from vipgate.store.sqlite.store import SqliteStore

# Where another index answers for one park (or for strangers), the statement is another one.
_FOR_ONE_PARK: Final = {
    "newest_requests": "newest_requests_of_park",
    "newest_requests_floor": "newest_requests_of_park_floor",
    "newest_refused": "newest_refused_of_park",
    "newest_refused_floor": "newest_refused_of_park_floor",
}


class SqliteQueries(Queries):
    """Browse on a SQLite file, through the store's connection."""

    def __init__(self, store: SqliteStore) -> None:
        super().__init__(store)
        self._file = store

    def _rows(self, name: str, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        if values.get("park_uuid") is not None:
            name = _FOR_ONE_PARK.get(name, name)
        return self._file.rows(name, values)

    def _list(self, texts: Sequence[str]) -> object:
        return msgspec.json.encode(texts).decode()
