"""Runs the searches of common/queries.py on PostgreSQL or Citus."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from vipgate.store.common.queries import Queries
from vipgate.store.postgres.store import PostgresStore

_NOT_ON_CITUS: Final = re.compile(r"OFFSET 0 /\* not on Citus \*/")


class PostgresQueries(Queries):
    """`QueryStore` on PostgreSQL, on the store's connections."""

    def __init__(self, store: PostgresStore) -> None:
        super().__init__(store, store.pool.sql, store.park_id)
        self._server = store

    def _read(self, statement: str, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        return self._server.read(self._form(statement), values)

    def _read_all_parks(self, statement: str, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """While a node of a cluster does not answer: over the parks on the other nodes."""
        return self._server.read_reachable(self._form(statement), values)

    def _form(self, statement: str) -> str:
        return for_citus(statement) if self._server.is_distributed else statement

    def _list(self, texts: Sequence[str]) -> object:
        return list(texts)


@cache
def for_citus(statement: str) -> str:
    """`statement` without the parts that Citus rejects."""
    return _NOT_ON_CITUS.sub("", statement)
