"""Runs the statements of a group commit on PostgreSQL and Citus. common/group_writer.py decides what is written.

Parks share statements, so their number adds no round trips; a group of few rows takes two (small_group.py). Citus needs statements
about one park with plain values: those of one step are sent together in a pipeline.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any, Final

import msgspec
import psycopg

from vipgate.store.common.group_writer import ExistingRecord, GroupWriter
from vipgate.store.common.park_ids import STRANGERS
from vipgate.store.common.versioning import ParkState, RecordPosition, Replacement, Row
from vipgate.store.interfaces.ledger import Push, PushResult, RejectedRequest, Retention
from vipgate.store.postgres.lines import as_json, plain_calls
from vipgate.store.postgres.pool import Connection
from vipgate.support.sql_files import combine_statements

Cursor = psycopg.RawCursor[tuple[Any, ...]]

# From this many rows of one request on, a separate statement pays: it sends seqno and position only once.
BATCH_ROWS_MIN: Final = 20
# From this many on, COPY pays for its savepoint.
COPIED_ROWS_MIN: Final = 100
# No text of a record holds a control character.
_NULL: Final = "\x01"
_PUSH_OF = attrgetter("push")
_PARK_OF = itemgetter(0)

_encode = msgspec.json.Encoder().encode


class PostgresGroup(GroupWriter):
    """Writes one group in a transaction; with `per_park`, by statements about one park each. Raises psycopg.Error."""

    def __init__(
        self,
        db: Connection,
        sql: Mapping[str, str],
        park_ids: Mapping[str, int],
        retention: Retention,
        clock_us: Callable[[], int],
        *,
        per_park: bool,
    ) -> None:
        super().__init__(retention, clock_us)
        self._db = db
        self._sql = sql
        self._park_ids = park_ids
        self._per_park = per_park
        # COPY cannot run in a pipeline, so that each step has its own.
        self._together = db.pipeline if per_park else nullcontext

    def _send(self, statement: str, values: Sequence[object]) -> Cursor:
        """Runs a statement. In a pipeline it is only sent; the cursor waits for the result when read."""
        return psycopg.RawCursor(self._db).execute(statement, values, prepare=True, binary=True)

    def _send_lines(self, name: str, lines: Sequence[tuple[Any, ...]]) -> list[Cursor]:
        """Sends a statement that takes lines; their first column is the park_id."""
        statement = self._sql[name]
        if not self._per_park:
            return [self._send(statement, [as_json(statement, lines)])]
        return [
            self._send(*call)
            for _, of_park in groupby(sorted(lines, key=_PARK_OF), _PARK_OF)
            for call in plain_calls(statement, list(of_park))
        ]

    def stored_already(self, group: Sequence[Push | RejectedRequest]) -> dict[str, PushResult]:
        """The results of `group`'s stored requests, by seqno. Locks the parks first, so that earlier transactions are finished."""
        seqnos: dict[int, list[str]] = {}
        for request in group:
            park_id = STRANGERS if request.park_uuid is None else self._park_ids.get(request.park_uuid)
            if park_id is not None:
                seqnos.setdefault(park_id, []).append(request.seqno)
        self._lock(sorted(seqnos))
        with self._together():
            found = [self._send(self._sql["already_stored"], [park_id, seqnos[park_id]]) for park_id in sorted(seqnos)]
        return {seqno: PushResult(*counts) for cursor in found for seqno, *counts in cursor.fetchall()}

    def _lock_parks(self, park_uuids: list[str]) -> dict[str, ParkState]:
        return self._lock(sorted(filter(None, map(self._park_ids.get, park_uuids))))

    def _lock(self, park_ids: list[int]) -> dict[str, ParkState]:
        if self._per_park:
            with self._together():
                found = [self._send(self._sql["lock_park"], [park_id]) for park_id in park_ids]
        else:
            found = [self._send(self._sql["lock_parks"], [park_ids])]
        return read_parks(found)

    def _run(self, name: str, values: Mapping[str, object]) -> None:
        self._db.execute(self._sql[name], values, prepare=True)

    def _ask(self, name: str, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        return self._db.execute(self._sql[name], values, prepare=True).fetchall()

    def _insert(self, places: Mapping[RecordPosition, list[Row]]) -> int:
        count = sum(map(len, places.values()))
        if count >= COPIED_ROWS_MIN and self._copied(places):
            return count
        return self._inserted(places)

    def _copied(self, places: Mapping[RecordPosition, list[Row]]) -> bool:
        """Inserts all rows by COPY; False if one exists already or does not fit the format, and nothing is inserted."""
        text = "".join([copy_line(place, row) for place, rows in places.items() for row in rows])
        if "\\" in text:
            return False
        try:
            with self._db.transaction(), self._db.cursor() as cursor, cursor.copy(self._sql["copy_renewals"]) as copy:
                copy.write(text)
        except (psycopg.errors.UniqueViolation, psycopg.errors.BadCopyFileFormat):
            return False
        except psycopg.errors.InternalError_:
            # Citus drops the code of an error in COPY, and a text may be in any language. Any other error comes again.
            if not self._per_park:
                raise
            return False
        return True

    def _inserted(self, places: Mapping[RecordPosition, list[Row]]) -> int:
        """Inserts the rows that do not exist; returns how many."""
        sent = []
        lines: list[tuple[Any, ...]] = []
        for place, rows in places.items():
            for run in _runs(rows):
                if self._per_park or len(run) < BATCH_ROWS_MIN:
                    lines += [insert_line(place, row) for row in run]
                    continue
                renewals = _encode([row.renewal for row in run]).decode()
                sent.append(self._send(self._sql["insert_batch"], [renewals, *place, run[0].seqno, run[0].position]))
        if lines:
            with self._together():
                sent += self._send_lines("insert_renewals", lines)
        return sum(cursor.rowcount for cursor in sent)

    def _existing(self, places: Mapping[RecordPosition, list[Row]]) -> ExistingRecord:
        keys = {place: [row.renewal.pay_partner for row in rows] for place, rows in places.items()}
        if self._per_park:
            with self._together():
                sent = [
                    self._send(self._sql["held_renewals_of_park"], [*place, of_park]) for place, of_park in keys.items()
                ]
        else:
            sent = self._send_lines(
                "held_renewals", [(*place, key) for place, of_park in keys.items() for key in of_park]
            )
        return read_existing(sent)

    def _replace(self, replacements: list[tuple[RecordPosition, Replacement]]) -> None:
        versions = [
            (*place, *msgspec.structs.astuple(one.old.renewal), one.old.revision, one.old.seqno, one.old.position, one.row.seqno)
            for place, one in replacements
        ]  # fmt: skip
        news = [
            (*place, *msgspec.structs.astuple(one.renewal), one.row.seqno, one.row.position)
            for place, one in replacements
        ]
        with self._together():
            self._send_lines("keep_versions", versions)
            self._send_lines("replace_renewals", news)

    def _drop_cards(self, cards: list[tuple[int, int, str | None, int]]) -> None:
        self._send_lines("drop_cards", cards)

    def _write_lines(self, written: Mapping[str, Sequence[tuple[Any, ...]]]) -> None:
        if self._per_park:
            with self._together():
                for name, lines in written.items():
                    self._send_lines(name, lines)
            return
        # As one statement: six round trips cost more than the work.
        statements = tuple(self._sql[name] for name in written)
        encoded = [as_json(*one) for one in zip(statements, written.values(), strict=True)]
        self._send(combine_statements(statements), encoded)


def _runs(rows: list[Row]) -> Iterator[list[Row]]:
    """Splits `rows` where the request changes or the positions have a gap."""
    for _, of_push in groupby(enumerate(rows), lambda placed: (placed[1].push, placed[1].position - placed[0])):
        yield [row for _, row in of_push]


def copy_line(place: RecordPosition, row: Row) -> str:
    """A record as a line of COPY's text format."""
    values = (*place, *msgspec.structs.astuple(row.renewal), 1, row.seqno, row.position)
    return "\t".join([_NULL if value is None else str(value) for value in values]) + "\n"


def insert_line(place: RecordPosition, row: Row) -> tuple[Any, ...]:
    """A record as a line of the statements that insert."""
    return (*place, *msgspec.structs.astuple(row.renewal), row.seqno, row.position)


def read_parks(found: Iterable[Cursor]) -> dict[str, ParkState]:
    """The counters of locked parks, by park_uuid."""
    return {park_uuid: ParkState(*counters) for cursor in found for park_uuid, *counters in cursor.fetchall()}


def read_existing(found: Iterable[Cursor]) -> ExistingRecord:
    """Stored records by place and order number."""
    return {(columns[0], columns[1], columns[2]): columns[2:] for cursor in found for columns in cursor.fetchall()}
