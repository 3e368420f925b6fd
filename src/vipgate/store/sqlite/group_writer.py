"""Runs the statements of a group commit on SQLite. common/group_writer.py decides what is written and in which order."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any, Final

import msgspec

from vipgate.store.common.group_writer import ExistingRecord, GroupWriter
from vipgate.store.common.versioning import ParkState, RecordPosition, Replacement, Row
from vipgate.store.interfaces.ledger import Retention
from vipgate.support.sql_files import expand_rows

# Rows per statement, largest first: few statements for any number of rows, because each releases the GIL and must win it
# back from a busy event loop.
_ROWS_A_STATEMENT: Final = (1000, 512, 256, 128, 64, 32, 16, 8, 4, 2, 1)


class SqliteGroup(GroupWriter):
    """Writes one group inside BEGIN IMMEDIATE … COMMIT, which locks the whole file. Raises sqlite3.Error."""

    def __init__(
        self, db: sqlite3.Connection, sql: Mapping[str, str], retention: Retention, clock_us: Callable[[], int]
    ) -> None:
        super().__init__(retention, clock_us)
        self._db = db
        self._sql = sql

    def _lock_parks(self, park_uuids: list[str]) -> dict[str, ParkState]:
        wanted = {"park_uuids": msgspec.json.encode(park_uuids).decode()}
        (found,) = self._db.execute(self._sql["lock_parks"], wanted).fetchone()
        return {park_uuid: ParkState(*counters) for park_uuid, *counters in msgspec.json.decode(found)}

    def _run(self, name: str, values: Mapping[str, object]) -> None:
        self._db.execute(self._sql[name], values)

    def _ask(self, name: str, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        return self._db.execute(self._sql[name], values).fetchall()

    def _insert(self, places: Mapping[RecordPosition, list[Row]]) -> int:
        return self._write_rows(
            "insert_renewals",
            [
                (park, generation, *msgspec.structs.astuple(row.renewal), row.seqno, row.position)
                for (park, generation), rows in places.items()
                for row in rows
            ],
        )

    def _write_rows(self, name: str, rows: Sequence[tuple[Any, ...]]) -> int:
        """Runs a statement that takes many rows; returns the number of changed rows."""
        changed = start = 0
        for size in _ROWS_A_STATEMENT:
            while len(rows) - start >= size:
                values = list(chain.from_iterable(rows[start : start + size]))
                changed += self._db.execute(expand_rows(self._sql[name], size), values).rowcount
                start += size
        return changed

    def _write_lines(self, written: Mapping[str, Sequence[tuple[Any, ...]]]) -> None:
        for name, lines in written.items():
            self._write_rows(name, lines)

    def _existing(self, places: Mapping[RecordPosition, list[Row]]) -> ExistingRecord:
        held: ExistingRecord = {}
        for (park_id, generation), rows in places.items():
            keys = msgspec.json.encode([row.renewal.pay_partner for row in rows]).decode()
            wanted = {"pay_partners": keys, "park_id": park_id, "generation": generation}
            for columns in self._db.execute(self._sql["held_renewals"], wanted):
                held[park_id, generation, columns[0]] = columns
        return held

    def _replace(self, replacements: list[tuple[RecordPosition, Replacement]]) -> None:
        keys = [(*place, one.renewal.pay_partner) for place, one in replacements]
        self._db.executemany(
            self._sql["keep_version"], [(one.row.seqno, *key) for (_, one), key in zip(replacements, keys, strict=True)]
        )
        self._db.executemany(
            self._sql["replace_renewal"],
            [
                (*msgspec.structs.astuple(one.renewal), one.row.seqno, one.row.position, *key)
                for (_, one), key in zip(replacements, keys, strict=True)
            ],
        )

    def _drop_cards(self, cards: list[tuple[int, int, str | None, int]]) -> None:
        self._db.executemany(self._sql["drop_card"], cards)
