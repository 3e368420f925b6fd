"""The ledger in one SQLite file, in WAL mode. Every commit is on disk before it is answered."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
from filelock import FileLock, Timeout

from vipgate.errors import IncompatibleDatabase, RequestError, StoreError, StoreLocked, StoreUnavailable
from vipgate.protocol.seqno import seqno_prefix
from vipgate.store.common.erasure import erase_expired
from vipgate.store.common.parks import ParkStoreMixin
from vipgate.store.common.reads import ReadStoreMixin, stream_statement
from vipgate.store.common.row_mapping import read_access, read_stored
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
from vipgate.support.private_files import FILE_MODE, make_folder, reserve_file, write_file
from vipgate.support.sql_files import load_migrations, load_statements

APPLICATION_ID: Final = 0x76697067  # "vipg"
BUSY_WAIT_S: Final = 15.0
CACHE_KIB: Final = 64 * 1024
PAGE_BYTES: Final = 8192
WAL_PAGES: Final = 4000
# Emptying the WAL blocks writers: at most this long, and hourly in the background.
LOG_WAIT_S: Final = 0.2
LOG_EVERY_US: Final = 3_600_000_000
LOG_LATE_US: Final = 6 * LOG_EVERY_US


class ServerLock:
    """Lock of the one server of a database file; the operating system releases it when the process ends."""

    def __init__(self, path: Path) -> None:
        _make_folder(path.parent)
        real = path.resolve()
        self._note = real.with_name(real.name + ".server")
        self._lock = FileLock(real.with_name(real.name + ".lock"), mode=FILE_MODE)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise StoreLocked(
                f"Another vipgate server{self._holder()} already serves {real}; stop it or choose another --database."
            ) from None
        except OSError as error:
            raise StoreUnavailable(f"Cannot lock {real}: {error.strerror}; fix the folder's owner and mode.") from None
        write_file(self._note, f"{os.getpid()}\n".encode())

    def _holder(self) -> str:
        try:
            return f" (process {int(self._note.read_text(encoding='ascii')[:20])})"
        except (OSError, ValueError):
            return ""

    def release(self) -> None:
        """Releases the lock for the next server."""
        self._note.unlink(missing_ok=True)
        self._lock.release()


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
        self._cache_kib = cache_kib
        self._retention = retention or Retention()
        self._log_cleared_us = 0
        self._log_told_us = clock_us()
        self._sql = load_statements("vipgate.store.sqlite.sql")
        _make_folder(path.parent)
        _make_file(path)
        with translated(path):
            self._db = sqlite3.connect(
                path, timeout=BUSY_WAIT_S, isolation_level=None, check_same_thread=False, cached_statements=256
            )
            try:
                self._prepare()
            except BaseException:
                self._db.close()
                raise

    def _prepare(self) -> None:
        """Configures the connection and migrates the schema."""
        newest = load_migrations("vipgate.store.sqlite.sql")[-1].number
        found = self._number("PRAGMA application_id")
        tables = self._number("SELECT count(*) FROM sqlite_master")
        if found != APPLICATION_ID and tables:
            raise IncompatibleDatabase(f"{self._path} is a SQLite file of another program; choose another --database.")
        version = self._number("PRAGMA user_version")
        if version > newest:
            raise IncompatibleDatabase(
                f"{self._path} has schema {version}, this vipgate knows {newest}; install the newer vipgate again."
            )
        if not tables:
            self._db.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute(f"PRAGMA cache_size = -{self._cache_kib}")
        self._db.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
        self._db.execute("PRAGMA temp_store = MEMORY")
        # Erased data must not stay in free pages; some builds of SQLite disable this.
        self._db.execute("PRAGMA secure_delete = ON")
        if version < newest:
            self._migrate()

    def _migrate(self) -> None:
        with self._transaction():
            # Read again under the lock: another process may have migrated meanwhile.
            version = self._number("PRAGMA user_version")
            for migration in load_migrations("vipgate.store.sqlite.sql"):
                if migration.number > version:
                    for statement in _statements_of(migration.script):
                        self._db.execute(statement)
                    self._db.execute(f"PRAGMA user_version = {migration.number}")
            self._db.execute(f"PRAGMA application_id = {APPLICATION_ID}")

    @property
    def where(self) -> str:
        """See `Store.where`."""
        return str(self._path)

    @property
    def schema(self) -> int:
        """The number of the last migration."""
        with translated(self._path):
            return self._number("PRAGMA user_version")

    def _number(self, query: str) -> int:
        return int(self._db.execute(query).fetchone()[0])

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """One durable transaction; rolled back on any exception."""
        with translated(self._path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def commit(self, group: Sequence[Push | RejectedRequest]) -> list[PushResult | RequestError | StoreError]:
        """See `Store.commit`."""
        try:
            with self._transaction():
                return list(SqliteGroup(self._db, self._sql, self._retention, self.clock_us).write(group))
        except StoreError as error:
            if len(group) == 1:
                return [error]
        return [outcome for request in group for outcome in self.commit([request])]

    def run_maintenance(self, now_us: int, retention: Retention) -> bool:
        """See `Store.run_maintenance`."""
        chunk = {"chunk_rows": retention.chunk_rows}
        requests = chunk | {"before_seqno": seqno_prefix(now_us - retention.request_log_days * DAY_US)}
        bodies = chunk | {"before_seqno": seqno_prefix(now_us - retention.refused_days * DAY_US)}
        strangers = chunk | {"strangers_max": retention.strangers_max}
        with self._transaction():
            deleted = self._purge_generation(now_us - retention.generation_days * DAY_US, retention.chunk_rows)
            if not deleted:
                deleted = self._run("purge_journal", requests) + self._run("purge_refused_bodies", bodies)
                deleted += self._run("purge_strangers", strangers)
        more = deleted > 0 or erase_expired(self, now_us)
        if not more and not 0 <= now_us - self._log_cleared_us < LOG_EVERY_US:
            self._clear_log_in_time(now_us)
        return more

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
        with translated(self._path):
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
        found = self._db.execute(self._sql["expired_generation"], {"before_us": before_us}).fetchone()
        if found is None:
            return 0
        place = {"park_id": found[0], "generation": found[1]}
        self._run("start_purge", place)
        chunk = place | {"chunk_rows": chunk_rows}
        return (
            self._run("purge_renewals", chunk)
            or self._run("purge_history", chunk)
            or self._run("purge_later", chunk)
            or self._run("purge_generation", place)
        )

    def _run(self, name: str, values: Mapping[str, object]) -> int:
        """Runs a named statement; returns the number of changed rows."""
        return self._db.execute(self._sql[name], values).rowcount

    @contextmanager
    def transaction(self) -> Iterator[SqliteTransaction]:
        """See `TransactionRunner.transaction`. BEGIN IMMEDIATE locks the whole file."""
        with self._transaction():
            yield SqliteTransaction(self._db, self._sql)

    def rows(self, name: str, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """See `TransactionRunner.rows`."""
        with translated(self._path):
            return self._db.execute(self._sql[name], values).fetchall()

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
        with translated(self._path):
            yield from self._db.execute(self._sql[name], values)

    def iter_records(self, park_uuid: str, wanted: Filter) -> Iterator[StoredRecord]:
        """See `Store.iter_records`."""
        name, values = stream_statement(park_uuid, wanted)
        with translated(self._path):
            # A running statement reads from one snapshot.
            yield from map(read_stored, self._db.execute(self._sql[name], values))

    def ping(self) -> None:
        """See `Store.ping`."""
        self.rows("ping", {})

    def close(self) -> None:
        """See `Store.close`."""
        with translated(self._path):
            self._db.close()


def _make_folder(folder: Path) -> None:
    try:
        make_folder(folder)
    except OSError as error:
        raise StoreUnavailable(
            f"Cannot make the folder {folder}: {error.strerror}; choose another --database."
        ) from None


def _make_file(path: Path) -> None:
    """Creates the file with private mode before SQLite does; `-wal` and `-shm` inherit its mode."""
    try:
        reserve_file(path)
    except OSError as error:
        raise StoreUnavailable(f"Cannot make {path}: {error.strerror}; fix the folder's owner and mode.") from None


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Translates the driver's errors to StoreError, with a remedy."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        name = getattr(error, "sqlite_errorname", "") or type(error).__name__
        if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
            raise IncompatibleDatabase(f"{path} is damaged or no SQLite file ({name}); restore a backup.") from error
        raise StoreUnavailable(f"{path}: {error} ({name}); check the disk, and who else has the file open.") from error
    except sqlite3.Error as error:
        raise StoreUnavailable(f"{path}: {error}") from error


def _statements_of(script: str) -> Iterator[str]:
    """Splits a migration into statements, so that they run in one transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
