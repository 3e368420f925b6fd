"""Runs the statements of a group commit on PostgreSQL and Citus. common/group_writer.py decides what is written.

Parks share statements, so a group costs five round trips for any number of parks. Citus needs one statement per park:
those are pipelined, and their results are read when needed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any, Final

import msgspec
import psycopg

from vipgate.store.common.group_writer import ExistingRecord, GroupWriter
from vipgate.store.common.versioning import ParkState, RecordPosition, Replacement, Row
from vipgate.store.interfaces.ledger import Push, PushResult, RejectedRequest, Retention
from vipgate.store.postgres.pool import Connection
from vipgate.support.sql_files import combine_statements, line_columns, single_park_variant

NOBODY: Final = ""

# From this many rows of one request on, a separate statement pays: it sends seqno and position only once.
_BATCH_ROWS_MIN: Final = 20
# From this many on, COPY pays for its savepoint.
_COPIED_ROWS_MIN: Final = 100
# No text of a record holds a control character.
_NULL: Final = "\x01"
_PUSH_OF = attrgetter("push")
_PARK_OF = itemgetter(0)

# The JSON escape of NUL, but not the same text with an escaped backslash.
_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000").sub
_encode = msgspec.json.Encoder().encode


class PostgresGroup(GroupWriter[str]):
    """Writes one group in a transaction; with a `pipeline`, by one statement per park. Raises psycopg.Error."""

    def __init__(
        self,
        db: Connection,
        pipeline: psycopg.Pipeline | None,
        sql: Mapping[str, str],
        retention: Retention,
        clock_us: Callable[[], int],
    ) -> None:
        super().__init__(NOBODY, retention, clock_us)
        self._db = db
        self._pipeline = pipeline
        self._sql = sql
        self._per_park = pipeline is not None

    def _send(self, statement: str, values: Sequence[object]) -> psycopg.RawCursor[tuple[Any, ...]]:
        """Runs a statement. In a pipeline it is only sent; the cursor waits for the result when read."""
        return psycopg.RawCursor(self._db).execute(statement, values, prepare=True, binary=True)

    def _send_lines(self, name: str, lines: Sequence[tuple[Any, ...]]) -> list[psycopg.RawCursor[tuple[Any, ...]]]:
        """Sends a statement that takes lines; their first column is the park."""
        statement = self._sql[name]
        columns = line_columns(statement)
        if not self._per_park:
            return [self._send(statement, [_lines(columns, lines)])]
        sent = []
        for park, of_park in groupby(sorted(lines, key=_PARK_OF), _PARK_OF):
            # Requests without a park have no park row to join.
            form, values = (statement, []) if park == NOBODY else (single_park_variant(statement), [park])
            sent.append(self._send(form, [_lines(columns, list(of_park)), *values]))
        return sent

    def stored_already(self, group: Sequence[Push | RejectedRequest]) -> dict[str, PushResult]:
        """The results of `group`'s stored requests, by seqno. Locks the parks first, so that earlier transactions are finished."""
        seqnos: dict[str, list[str]] = {}
        for request in group:
            seqnos.setdefault(request.park_uuid or NOBODY, []).append(request.seqno)
        self._lock_parks(sorted(seqnos))
        found = [self._send(self._sql["already_stored"], [park, seqnos[park]]) for park in sorted(seqnos)]
        return {seqno: PushResult(*counts) for cursor in found for seqno, *counts in cursor.fetchall()}

    def _lock_parks(self, park_uuids: list[str]) -> dict[str, ParkState[str]]:
        if self._per_park:
            found = [self._send(self._sql["lock_park"], [park_uuid]) for park_uuid in park_uuids]
        else:
            found = [self._send(self._sql["lock_parks"], [park_uuids])]
        return {park_uuid: ParkState(*counters) for cursor in found for park_uuid, *counters in cursor.fetchall()}

    def _ask(self, name: str, park: str, *values: object) -> list[tuple[Any, ...]]:
        return self._send(self._sql[name], [park, *values]).fetchall()

    def _start_generation(self, park: ParkState[str], ended: int, seqno: str) -> None:
        self._send(self._sql["end_generation"], [park.key, ended, self._now_us])
        self._send(self._sql["start_generation"], [park.key, park.generation, seqno, self._now_us])

    def _insert(self, places: Mapping[RecordPosition[str], list[Row]]) -> int:
        count = sum(map(len, places.values()))
        if not self._per_park and count >= _COPIED_ROWS_MIN and self._copied(places):
            return count
        return self._inserted(places)

    def _copied(self, places: Mapping[RecordPosition[str], list[Row]]) -> bool:
        """Inserts all rows by COPY; False if one exists already or does not fit the format, and nothing is inserted."""
        text = "".join([copy_line(place, row) for place, rows in places.items() for row in rows])
        if "\\" in text:
            return False
        try:
            with self._db.transaction(), self._db.cursor() as cursor, cursor.copy(self._sql["copy_renewals"]) as copy:
                copy.write(text)
        except (psycopg.errors.UniqueViolation, psycopg.errors.BadCopyFileFormat):
            return False
        return True

    def _inserted(self, places: Mapping[RecordPosition[str], list[Row]]) -> int:
        """Inserts the rows that do not exist; returns how many."""
        sent = []
        lines: list[tuple[Any, ...]] = []
        for place, rows in places.items():
            for run in _runs(rows):
                if len(run) < _BATCH_ROWS_MIN:
                    lines += [_line(place, row) for row in run]
                    continue
                renewals = _encode([row.renewal for row in run]).decode()
                sent.append(self._send(self._sql["insert_batch"], [renewals, *place, run[0].seqno, run[0].position]))
        if lines:
            sent += self._send_lines("insert_renewals", lines)
        if self._pipeline is not None:
            # A cursor has no row count before.
            self._pipeline.sync()
        return sum(cursor.rowcount for cursor in sent)

    def _existing(self, places: Mapping[RecordPosition[str], list[Row]]) -> ExistingRecord:
        wanted = [(*place, row.renewal.pay_partner) for place, rows in places.items() for row in rows]
        return {
            (columns[0], columns[1], columns[2]): columns[2:]
            for cursor in self._send_lines("held_renewals", wanted)
            for columns in cursor.fetchall()
        }

    def _replace(self, replacements: list[tuple[RecordPosition[str], Replacement]]) -> None:
        versions = [
            (*place, *msgspec.structs.astuple(one.old.renewal), one.old.revision, one.old.seqno, one.old.position, one.row.seqno)
            for place, one in replacements
        ]  # fmt: skip
        self._send_lines("keep_versions", versions)
        news = [
            (*place, *msgspec.structs.astuple(one.renewal), one.row.seqno, one.row.position)
            for place, one in replacements
        ]
        self._send_lines("replace_renewals", news)

    def _write_lines(self, written: Mapping[str, Sequence[tuple[Any, ...]]]) -> None:
        if self._per_park:
            for name, lines in written.items():
                self._send_lines(name, lines)
            return
        # As one statement: six round trips cost more than the work.
        statements = tuple(self._sql[name] for name in written)
        columns = map(line_columns, statements)
        self._send(
            combine_statements(statements), [_lines(*one) for one in zip(columns, written.values(), strict=True)]
        )

    def _keep_refused_body(self, park: str, seqno: str, body: bytes) -> None:
        bounds = [self._retention.refused_bodies_max, self._retention.refused_bytes_max]
        self._send(self._sql["keep_refused_body"], [park, seqno, len(body), body])
        self._send(self._sql["drop_refused_bodies"], [park, *bounds])


def _runs(rows: list[Row]) -> Iterator[list[Row]]:
    """Splits `rows` where the request changes or the positions have a gap."""
    for _, of_push in groupby(enumerate(rows), lambda placed: (placed[1].push, placed[1].position - placed[0])):
        yield [row for _, row in of_push]


def copy_line(place: RecordPosition[str], row: Row) -> str:
    """A record as a line of COPY's text format."""
    values = (*place, *msgspec.structs.astuple(row.renewal), 1, row.seqno, row.position)
    return "\t".join([_NULL if value is None else str(value) for value in values]) + "\n"


def _line(place: RecordPosition[str], row: Row) -> tuple[Any, ...]:
    return (*place, *msgspec.structs.astuple(row.renewal), row.seqno, row.position)


def _lines(columns: tuple[str, ...], lines: Sequence[tuple[Any, ...]]) -> str:
    """Encodes lines as a JSON array of objects. Replaces NUL, which PostgreSQL does not store; only strangers' texts contain it."""
    text = _encode([dict(zip(columns, line, strict=True)) for line in lines]).decode()
    return _NUL(r"\1\\ufffd", text) if "\\u0000" in text else text
