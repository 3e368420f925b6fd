"""The ledger in one SQLite file, in WAL mode. Every commit is on disk before it is answered."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from vipgate.errors import IncompatibleDatabase, RequestError, StoreError, StoreLocked, StoreUnavailable
from vipgate.protocol.seqno import seqno_prefix
from vipgate.store.common.cards import add_new_cards
from vipgate.store.common.erasure import erase_expired
from vipgate.store.common.park_ids import ParkIds
from vipgate.store.common.parks import ParkStoreMixin
from vipgate.store.common.reads import ReadStoreMixin, stream_statement
from vipgate.store.common.row_mapping import read_access, read_stored
from vipgate.store.common.statements import load_engine_statements
from vipgate.store.interfaces.ledger import (
    DAY_US,
    Filter,
    ParkAccess,
    Push,
    PushResult,
    RejectedRequest,
    Retention,
    StoredRecord,
)
from vipgate.store.sqlite.group_writer import SqliteGroup
from vipgate.support.sqlite_file import BUSY_WAIT_S, FileKind, SqliteFile

CACHE_KIB: Final = 64 * 1024
PAGE_BYTES: Final = 8192
WAL_PAGES: Final = 4000
# Emptying the WAL blocks writers: at most this long, and hourly in the background.
LOG_WAIT_S: Final = 0.2
LOG_EVERY_US: Final = 3_600_000_000
LOG_LATE_US: Final = 6 * LOG_EVERY_US
LEDGER: Final = FileKind(
    name="Ledger",
    option="--database",
    sql_folder="vipgate.store.sqlite.sql",
    application_id=0x76697067,  # "vipg"
    unavailable=StoreUnavailable,
    incompatible=IncompatibleDatabase,
    locked=StoreLocked,
)


class SqliteTransaction:
    """See `Transaction`."""

    def __init__(self, db: sqlite3.Connection, sql: Mapping[str, str]) -> None:
        self._db = db
        self._sql = sql

    def run(self, name: str, values: Mapping[str, object]) -> int:
        """See `Transaction.run`."""
        return self._db.execute(self._sql[name], values).rowcount

    def rows(self, name: str, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """See `Transaction.rows`."""
        return self._db.execute(self._sql[name], values).fetchall()


class SqliteStore(ParkStoreMixin, ReadStoreMixin):
    """See `Store`. One thread at a time."""

    def __init__(
        self,
        path: Path,
        clock_us: Callable[[], int],
        retention: Retention | None = None,
        *,
        cache_kib: int = CACHE_KIB,
    ) -> None:
        self._path = path
        self.clock_us = clock_us
        self._retention = retention or Retention()
        self.park_ids = ParkIds()
        self._log_cleared_us = 0
        self._log_told_us = clock_us()
        self.sql = load_engine_statements("sqlite")
        self._file = SqliteFile(path, LEDGER, one_thread=False, page_bytes=PAGE_BYTES)
        self._db = self._file.db
        self._db.execute(f"PRAGMA cache_size = -{cache_kib}")
        self._db.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
        self._db.execute("PRAGMA temp_store = MEMORY")
        # Erased data must not stay in free pages; some builds of SQLite disable this.
        self._db.execute("PRAGMA secure_delete = ON")

    @property
    def where(self) -> str:
        """See `Store.where`."""
        return str(self._path)

    @property
    def schema(self) -> int:
        """The number of the last migration."""
        return self._file.schema

    def commit(self, group: Sequence[Push | RejectedRequest]) -> list[PushResult | RequestError | StoreError]:
        """See `Store.commit`."""
        try:
            with self._file.transaction():
                return list(SqliteGroup(self._db, self.sql, self._retention, self.clock_us).write(group))
        except StoreError as error:
            if len(group) == 1:
                return [error]
        return [outcome for request in group for outcome in self.commit([request])]

    def run_maintenance(self, now_us: int, retention: Retention) -> bool:
        """See `Store.run_maintenance`."""
        chunk = {"chunk_rows": retention.chunk_rows}
        requests = chunk | {"before_seqno": seqno_prefix(now_us - retention.request_log_days * DAY_US)}
        bodies = chunk | {"before_seqno": seqno_prefix(now_us - retention.rejected_days * DAY_US)}
        strangers = chunk | {"strangers_max": retention.strangers_max}
        with self._file.transaction():
            deleted = self._purge_generation(now_us - retention.generation_days * DAY_US, retention.chunk_rows)
            if not deleted:
                deleted = self._run("purge_request_log", requests) + self._run("purge_rejected_bodies", bodies)
                deleted += self._run("purge_strangers", strangers)
        # Neither waits for the other: while parks push cards, there are always new ones.
        cards_left = add_new_cards(self)
        more = deleted > 0 or erase_expired(self, now_us)
        if not more and not 0 <= now_us - self._log_cleared_us < LOG_EVERY_US:
            self._clear_log_in_time(now_us)
        return more or cards_left

    def _clear_log_in_time(self, now_us: int) -> None:
        """Empties the WAL, so that deleted data does not stay in it. Raises StoreUnavailable if that has failed for hours."""
        if self.clear_log():
            self._log_cleared_us = now_us
        elif now_us - max(self._log_cleared_us, self._log_told_us) >= LOG_LATE_US:
            self._log_told_us = now_us
            raise StoreUnavailable(
                f"{self._path}-wal could not be emptied for {LOG_LATE_US // LOG_EVERY_US} hours, so what was erased may still be "
                "in it: something reads the ledger all that time (an export, a back-up, another program); end it."
            )

    def clear_log(self, tries: int = 1) -> bool:
        """See `ParkLister.clear_log`. Checkpoints and truncates the write-ahead log."""
        with self._file.translated():
            for left in reversed(range(tries)):
                if self._cut_log():
                    return True
                if left:
                    time.sleep(LOG_WAIT_S)
        return False

    def _cut_log(self) -> bool:
        # PASSIVE blocks no one. While a reader needs the WAL, blocking writers would not help.
        _, pages, moved = self._db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        if moved < pages:
            return False
        self._db.execute(f"PRAGMA busy_timeout = {round(LOG_WAIT_S * 1000)}")
        try:
            busy, *_ = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            self._db.execute(f"PRAGMA busy_timeout = {round(BUSY_WAIT_S * 1000)}")
        return not busy

    def _purge_generation(self, before_us: int, chunk_rows: int) -> int:
        found = self._db.execute(self.sql["expired_generation"], {"before_us": before_us}).fetchone()
        if found is None:
            return 0
        place = {"park_id": found[0], "generation": found[1]}
        self._run("start_purge", place)
        chunk = place | {"chunk_rows": chunk_rows}
        return (
            self._run("purge_renewals", chunk)
            or self._run("purge_history", chunk)
            or self._run("purge_later", chunk)
            or self._run("purge_cards", chunk)
            or self._run("purge_generation", place)
        )

    def _run(self, name: str, values: Mapping[str, object]) -> int:
        """Runs a named statement; returns the number of changed rows."""
        return self._db.execute(self.sql[name], values).rowcount

    @contextmanager
    def transaction(self) -> Iterator[SqliteTransaction]:
        """See `TransactionRunner.transaction`. BEGIN IMMEDIATE locks the whole file."""
        with self._file.transaction():
            yield SqliteTransaction(self._db, self.sql)

    def rows(self, name: str, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """See `TransactionRunner.rows`."""
        return self.read(self.sql[name], values)

    def read(self, statement: str, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """The rows of a read-only statement."""
        with self._file.translated():
            return self._db.execute(statement, values).fetchall()

    def park_accesses(self, park_uuids: Sequence[str]) -> dict[str, ParkAccess]:
        """See `Store.park_accesses`."""
        ((found,),) = self.rows("park_accesses", {"park_uuids": msgspec.json.encode(park_uuids).decode()})
        accesses = [
            read_access((park_uuid, enabled, bytes.fromhex(secret), bytes.fromhex(previous) or None, *more))
            for park_uuid, enabled, secret, previous, *more in msgspec.json.decode(found)
        ]
        return {access.park_uuid: access for access in accesses}

    def each(self, name: str, values: Mapping[str, object]) -> Iterator[tuple[Any, ...]]:
        """Streams the rows of a named statement."""
        with self._file.translated():
            yield from self._db.execute(self.sql[name], values)

    def iter_records(self, park_uuid: str, wanted: Filter) -> Iterator[StoredRecord]:
        """See `Store.iter_records`."""
        name, values = stream_statement(self.park_id(park_uuid), wanted)
        with self._file.translated():
            # A running statement reads from one snapshot.
            yield from map(read_stored, self._db.execute(self.sql[name], values))

    def ping(self) -> None:
        """See `Store.ping`."""
        self.rows("ping", {})

    def close(self) -> None:
        """See `Store.close`."""
        with self._file.translated():
            self._db.close()
