"""Runs the searches of common/queries.py on PostgreSQL or Citus."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from vipgate.store.common.queries import Queries
from vipgate.store.postgres.store import PostgresStore
from vipgate.support.sql_files import single_park_variant

_PARK_CONDITION: Final = re.compile(r"/\* and .*? \*/")
_NOT_ON_CITUS: Final = re.compile(r"OFFSET 0 /\* not on Citus \*/")


class PostgresQueries(Queries):
    """`QueryStore` on PostgreSQL, on the store's connections."""

    def __init__(self, store: PostgresStore) -> None:
        super().__init__(store)
        self._server = store

    def _rows(self, name: str, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        link = self._server.pool
        form = for_all_parks if values.get("park_uuid") is None else single_park_variant
        statement = form(link.sql[name])
        with link.connection() as db:
            return db.execute(for_citus(statement) if self._server.is_distributed else statement, values).fetchall()

    def _list(self, texts: Sequence[str]) -> object:
        return list(texts)


@cache
def for_all_parks(statement: str) -> str:
    """`statement` without its single-park conditions: the driver finds parameters even in comments."""
    return _PARK_CONDITION.sub("", statement)


@cache
def for_citus(statement: str) -> str:
    """`statement` without the parts that Citus rejects."""
    return _NOT_ON_CITUS.sub("", statement)
