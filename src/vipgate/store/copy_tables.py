"""Reads and writes the tables of each engine for `vipgate copy`. copy.py decides what is copied."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import psycopg

from vipgate.store.copy import ParkRow, Table
from vipgate.store.postgres.pool import one_row
from vipgate.store.postgres.store import STREAM_ROWS, PostgresStore
from vipgate.store.sqlite.store import SqliteStore
from vipgate.support.sql_files import line_columns, single_park_variant

PURGE_CHUNK_ROWS = 5_000
# Tables with texts that were not validated like the rows of a push.
FREE_TEXTS = ("park", "request", "charge_type", "staff_user", "token", "deed")


class SqliteTables:
    """The tables of a SQLite file."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store

    @property
    def where(self) -> str:
        """See `Source.where`."""
        return self._store.where

    def park_uuids(self, after: str, limit: int) -> list[str]:
        """See `Source.park_uuids`."""
        return [park.park_uuid for park in self._store.list_parks(after, limit)]

    def read(self, table: Table, park_uuid: str, generation: int = 0, after: int | str = 0) -> Iterator[ParkRow]:
        """See `Source.read`."""
        values = {"park_uuid": park_uuid, "generation": generation, "after": after}
        lines = self._store.each(f"copy_{table}", values)
        return map(_without_nul, lines) if table in FREE_TEXTS else lines


class PostgresTables:
    """The tables of a PostgreSQL database, plain or distributed over a Citus cluster."""

    def __init__(self, store: PostgresStore) -> None:
        self._store = store
        self._link = store.pool
        self._sql = store.pool.sql

    @property
    def where(self) -> str:
        """See `Source.where`."""
        return self._store.where

    def park_uuids(self, after: str, limit: int) -> list[str]:
        """See `Source.park_uuids`."""
        return [park.park_uuid for park in self._store.list_parks(after, limit)]

    def read(self, table: Table, park_uuid: str, generation: int = 0, after: int | str = 0) -> Iterator[ParkRow]:
        """See `Source.read`."""
        values = {"park_uuid": park_uuid, "generation": generation, "after": after}
        with self._link.connection() as db, db.transaction():
            db.execute(self._sql["patient"], {"in_transaction": True})
            with db.cursor(name="copy") as cursor:
                cursor.itersize = STREAM_ROWS
                cursor.execute(self._sql[f"copy_{table}"], values, binary=True)
                yield from cursor

    def write(self, table: Table, park_uuid: str, lines: Sequence[ParkRow]) -> None:
        """See `Target.write`."""
        statement = self._sql[f"load_{table}"]
        columns = line_columns(statement)
        values: list[object] = [
            msgspec.json.encode(
                [{name: _written(value) for name, value in zip(columns, line, strict=True)} for line in lines]
            ).decode()
        ]
        if self._store.is_distributed and park_uuid and table != "park":
            statement, values = single_park_variant(statement), [*values, park_uuid]
        with self._link.connection() as db, psycopg.RawCursor(db) as cursor:
            cursor.execute(statement, values)

    def last_position(self, park_uuid: str, generation: int) -> int:
        """See `Target.last_position`."""
        with self._link.connection() as db:
            return int(one_row(db, self._sql["last_position"], {"park_uuid": park_uuid, "generation": generation})[0])

    def last_seqno(self, park_uuid: str) -> str:
        """See `Target.last_seqno`."""
        with self._link.connection() as db:
            return str(one_row(db, self._sql["last_seqno"], {"park_uuid": park_uuid})[0])

    def drop_generation(self, park_uuid: str, generation: int) -> None:
        """See `Target.drop_generation`."""
        place: dict[str, Any] = {"park_uuid": park_uuid, "generation": generation, "chunk_rows": PURGE_CHUNK_ROWS}
        for name in ("purge_renewals", "purge_history", "purge_later", "purge_generation"):
            while True:
                with self._link.connection() as db:
                    deleted = db.execute(self._sql[name], place).rowcount
                if not deleted or name == "purge_generation":
                    break

    def drop_charge_types(self, park_uuid: str) -> None:
        """See `Target.drop_charge_types`."""
        with self._link.connection() as db:
            db.execute(self._sql["drop_charge_types"], {"park_uuid": park_uuid})


def _without_nul(line: ParkRow) -> ParkRow:
    """Replaces NUL characters, which PostgreSQL cannot store in text."""
    return tuple(value.replace("\0", "\ufffd") if isinstance(value, str) else value for value in line)


def _written(value: Any) -> Any:
    """Converts bytes, which JSON lacks, to PostgreSQL's hex format."""
    return "\\x" + bytes(value).hex() if isinstance(value, (bytes, memoryview)) else value
