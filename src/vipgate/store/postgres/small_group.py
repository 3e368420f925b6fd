"""Writes a group of few rows on PostgreSQL in two round trips: one locks and reads, the other writes and commits.

The first also looks up the records that the group brings, so that nothing that is written has an answer to wait for. Larger
requests have cheaper ways to insert, and COPY cannot run in a pipeline.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

import psycopg

from vipgate.store.common.group_writer import ExistingRecord
from vipgate.store.common.versioning import ParkState, RecordPosition, Row
from vipgate.store.interfaces.ledger import Push, RejectedRequest
from vipgate.store.postgres.group_writer import (
    BATCH_ROWS_MIN,
    COPIED_ROWS_MIN,
    PostgresGroup,
    insert_line,
    read_existing,
    read_parks,
)
from vipgate.store.postgres.pool import Connection, RetryableConflict

_KEY: Final = "renewal_pkey"


def is_small(group: Sequence[Push | RejectedRequest]) -> bool:
    """Whether no row of the group could go by COPY or as part of a batch: both cost less for each row than a look-up saves."""
    sizes = [len(request.renewals) for request in group if isinstance(request, Push)]
    return sum(sizes) < COPIED_ROWS_MIN and max(sizes, default=0) < BATCH_ROWS_MIN


@contextmanager
def pipelined_transaction(db: Connection) -> Iterator[None]:
    """A transaction whose BEGIN and COMMIT travel with other statements.

    Raises psycopg.Error, at its end at the latest, and RetryableConflict where a record exists that was looked up as missing.

    Not `Connection.transaction()`: in a pipeline that waits for BEGIN, for the last statement and for COMMIT, one after the other.
    """
    try:
        with db.pipeline() as pipeline, psycopg.Transaction(db):
            try:
                yield
            except psycopg.Error:
                # After an error the server skips everything up to a Sync, ROLLBACK as well.
                with suppress(psycopg.Error):
                    pipeline.sync()
                raise
    except psycopg.Error as error:
        # The error may have come with the end of the pipeline, when nothing could be rolled back in it any more.
        with suppress(psycopg.Error):
            db.rollback()
        cause = _cause(error)
        if isinstance(cause, psycopg.errors.UniqueViolation) and cause.diag.constraint_name == _KEY:
            raise RetryableConflict("A record was written without its park's lock after it was looked up.") from cause
        raise cause from None


def _cause(error: psycopg.Error) -> psycopg.Error:
    """The first error of a pipeline. Where the rest is collected later, psycopg raises PipelineAborted in its place."""
    while isinstance(error, psycopg.errors.PipelineAborted) and isinstance(error.__context__, psycopg.Error):
        error = error.__context__
    return error


class SmallGroup(PostgresGroup):
    """Writes one group in a pipelined transaction."""

    # The stored records with the order numbers of the pending rows; None: not looked up.
    _stored: ExistingRecord | None = None

    # Rows to insert. They wait for the next statements, because their number is known already.
    _new: Sequence[tuple[Any, ...]] = ()

    def _lock_parks(self, park_uuids: list[str]) -> dict[str, ParkState]:
        park_ids = sorted(filter(None, map(self._park_ids.get, park_uuids)))
        keys = [
            (self._park_ids[request.park_uuid], renewal.pay_partner)
            for request in self._group
            if isinstance(request, Push) and request.park_uuid in self._park_ids
            for renewal in request.renewals
        ]
        locked = self._send(self._sql["lock_parks"], [park_ids])
        # A statement of its own: it also sees what was committed while the first waited for the locks.
        found = self._send_lines("held_in_current_generation", keys) if keys else []
        parks = read_parks([locked])
        self._stored = read_existing(found)
        return parks

    def _flush(self) -> None:
        if self._stored is None:
            # Not the first time: rows of this group are written, and a generation may be new.
            self._send_new()
            self._stored = super()._existing(self._pending.rows) if self._pending.rows else {}
        super()._flush()
        self._stored = None

    def _existing(self, places: Mapping[RecordPosition, list[Row]]) -> ExistingRecord:
        stored = self._stored or {}
        keys = [(*place, row.renewal.pay_partner) for place, rows in places.items() for row in rows]
        return {key: stored[key] for key in keys if key in stored}

    def _insert(self, places: Mapping[RecordPosition, list[Row]]) -> int:
        stored = self._existing(places)
        new = [
            insert_line(place, row)
            for place, rows in places.items()
            for row in rows
            if (*place, row.renewal.pay_partner) not in stored
        ]
        self._new = [*self._new, *new]
        return len(new)

    def _send_new(self) -> None:
        if self._new:
            self._send_lines("add_renewals", self._new)
            self._new = ()

    def _write_lines(self, written: Mapping[str, Sequence[tuple[Any, ...]]]) -> None:
        new, self._new = self._new, ()
        super()._write_lines({"add_renewals": new, **written} if new else written)
