"""Reads and writes the tables of each engine for `vipgate copy`. copy.py decides what is copied."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import psycopg

from vipgate.store.common.park_ids import UNKNOWN_PARK
from vipgate.store.common.transaction import to_json_rows
from vipgate.store.copy import STAFF_TABLES, ParkRow, Table
from vipgate.store.postgres.lines import as_json, plain_calls
from vipgate.store.postgres.pool import Connection, one_row
from vipgate.store.postgres.store import STREAM_ROWS, PostgresStore
from vipgate.store.sqlite.store import SqliteStore

PURGE_CHUNK_ROWS = 5_000
# Tables with texts that were not validated like the rows of a push.
FREE_TEXTS = ("park", "request", "charge_type", "staff_user", "token", "audit_entry")


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
        values = {"park_id": self._store.park_id(park_uuid), "generation": generation, "after": after}
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
        values = {"park_id": self._store.park_id(park_uuid), "generation": generation, "after": after}
        with self._link.connection() as db, db.transaction():
            db.execute(self._sql["no_timeout"], {"in_transaction": True})
            with db.cursor(name="copy") as cursor:
                cursor.itersize = STREAM_ROWS
                cursor.execute(self._sql[f"copy_{table}"], values, binary=True)
                yield from cursor

    def write(self, table: Table, park_uuid: str, lines: Sequence[ParkRow]) -> None:
        """See `Target.write`."""
        statement = self._sql[f"load_{table}"]
        park_id = None if table in STAFF_TABLES else self._own_park_id(park_uuid)
        place = () if park_id is None else (park_id,)
        written = [(*place, *map(_written, line)) for line in lines]
        if self._store.is_distributed and place:
            calls = list(plain_calls(statement, written))
        else:
            calls = [(statement, [as_json(statement, written)])]
        with self._link.connection() as db, db.transaction(), psycopg.RawCursor(db) as cursor:
            if table == "renewal" and park_id is not None:
                self._drop_cards(db, park_id, lines)
            for call in calls:
                cursor.execute(*call)

    def _drop_cards(self, db: Connection, park_id: int, lines: Sequence[ParkRow]) -> None:
        """Deletes the card entries of records that are overwritten; maintenance makes them again."""
        records = to_json_rows([{"pay_partner": line[1]} for line in lines])
        values = {"park_id": park_id, "generation": lines[0][0], "lines": records}
        db.execute(self._sql["drop_cards_of"], values)

    def _own_park_id(self, park_uuid: str) -> int:
        """The park_id that the target gave the park, or gives it now."""
        if self._store.park_id(park_uuid) == UNKNOWN_PARK:
            with self._store.transaction() as work:
                work.run("add_park_key", {"park_uuid": park_uuid})
        return self._store.park_id(park_uuid)

    def last_position(self, park_uuid: str, generation: int) -> int:
        """See `Target.last_position`."""
        place: dict[str, object] = {"park_id": self._store.park_id(park_uuid), "generation": generation}
        with self._link.connection() as db:
            return int(one_row(db, self._sql["last_position"], place)[0])

    def last_seqno(self, park_uuid: str) -> str:
        """See `Target.last_seqno`."""
        place: dict[str, object] = {"park_id": self._store.park_id(park_uuid)}
        with self._link.connection() as db:
            return str(one_row(db, self._sql["last_seqno"], place)[0])

    def drop_generation(self, park_uuid: str, generation: int) -> None:
        """See `Target.drop_generation`."""
        place: dict[str, Any] = {
            "park_id": self._store.park_id(park_uuid), "generation": generation, "chunk_rows": PURGE_CHUNK_ROWS
        }  # fmt: skip
        for name in ("purge_renewals", "purge_history", "purge_later", "purge_cards", "purge_generation"):
            while True:
                with self._link.connection() as db:
                    deleted = db.execute(self._sql[name], place).rowcount
                if not deleted or name == "purge_generation":
                    break

    def drop_charge_types(self, park_uuid: str) -> None:
        """See `Target.drop_charge_types`."""
        place = {"park_id": self._store.park_id(park_uuid)}
        with self._link.connection() as db:
            db.execute(self._sql["drop_charge_types"], place)


def _without_nul(line: ParkRow) -> ParkRow:
    """Replaces NUL characters, which PostgreSQL cannot store in text."""
    return tuple(value.replace("\0", "\ufffd") if isinstance(value, str) else value for value in line)


def _written(value: Any) -> Any:
    """Converts bytes, which JSON lacks, to PostgreSQL's hex format."""
    return "\\x" + bytes(value).hex() if isinstance(value, (bytes, memoryview)) else value
