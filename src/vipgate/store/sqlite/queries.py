"""Runs the searches of common/queries.py on a SQLite file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from vipgate.store.common.queries import Queries
from vipgate.store.sqlite.store import SqliteStore


class SqliteQueries(Queries):
    """`QueryStore` on a SQLite file, on the store's connection."""

    def __init__(self, store: SqliteStore) -> None:
        super().__init__(store, store.sql, store.park_id)
        self._file = store

    def _read(self, statement: str, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        return self._file.read(statement, values)

    def _list(self, texts: Sequence[str]) -> object:
        return msgspec.json.encode(texts).decode()
