"""A SQLite file of our own: private, in WAL mode, on disk at each commit, migrated, and with one process that runs on it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from vipgate.errors import VipgateError
from vipgate.i18n import tr
from vipgate.support.os_errors import error_reason
from vipgate.support.private_files import FILE_MODE, make_folder, reserve_file, write_file
from vipgate.support.sql_files import load_migrations

BUSY_WAIT_S: Final = 15.0
COMPANIONS: Final = ("-wal", "-shm", ".lock", ".pid")


@dataclass(frozen=True, slots=True)
class FileKind:
    """What a file is for. `option` chooses another file; the error classes are raised with place and remedy."""

    name: str
    option: str
    sql_folder: str
    application_id: int
    unavailable: type[VipgateError]
    incompatible: type[VipgateError]
    locked: type[VipgateError]

    @contextmanager
    def translated(self, path: Path) -> Iterator[None]:
        """Translates the driver's errors."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            code = getattr(error, "sqlite_errorname", "") or type(error).__name__
            if code.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
                raise self.incompatible(
                    tr(
                        "{path} is damaged or no SQLite file ({code}); restore a backup or choose another {option}.",
                        path=path,
                        code=code,
                        option=self.option,
                    )
                ) from error
            raise self.unavailable(
                tr(
                    "{path}: {reason} ({code}); check the disk, and who else has the file open.",
                    path=path,
                    reason=error,
                    code=code,
                )
            ) from error
        except sqlite3.Error as error:
            raise self.unavailable(f"{path}: {error}") from error


class OwnerLock:
    """Lock of the one process that runs on a file; the operating system releases it when the process ends."""

    def __init__(self, path: Path, kind: FileKind) -> None:
        real = path.resolve()
        self._note = real.with_name(real.name + ".pid")
        self._lock = FileLock(real.with_name(real.name + ".lock"), mode=FILE_MODE)
        try:
            make_folder(real.parent)
            self._lock.acquire(timeout=0)
        except Timeout:
            raise kind.locked(
                tr(
                    "{name} {real} is locked by {holder}; stop it or choose another {option}.",
                    name=tr(kind.name),
                    real=real,
                    holder=self._holder(),
                    option=kind.option,
                )
            ) from None
        except OSError as error:
            raise kind.unavailable(
                tr(
                    "Cannot lock {real}: {reason}; fix the folder's owner and mode.",
                    real=real,
                    reason=error_reason(error),
                )
            ) from None
        write_file(self._note, f"{os.getpid()}\n".encode())

    def _holder(self) -> str:
        try:
            return tr("process {number}", number=int(self._note.read_text(encoding="ascii")[:20]))
        except (OSError, ValueError):
            return tr("another process")

    def release(self) -> None:
        """Releases the lock for the next process."""
        self._note.unlink(missing_ok=True)
        self._lock.release()


class SqliteFile:
    """An open file of the schema that this program knows. Raises the errors of its kind."""

    def __init__(self, path: Path, kind: FileKind, *, one_thread: bool, page_bytes: int | None = None) -> None:
        self.path = path
        self._kind = kind
        try:
            make_folder(path.parent)
            # Before SQLite does: `-wal` and `-shm` get the mode of the file.
            reserve_file(path)
        except OSError as error:
            raise kind.unavailable(
                tr(
                    "Cannot make {path}: {reason}; fix the folder's owner and mode or choose another {option}.",
                    path=path,
                    reason=error_reason(error),
                    option=kind.option,
                )
            ) from None
        with self.translated():
            self.db = sqlite3.connect(
                path, timeout=BUSY_WAIT_S, isolation_level=None, check_same_thread=one_thread, cached_statements=256
            )
            try:
                self._prepare(page_bytes)
            except BaseException:
                self.db.close()
                raise

    def _prepare(self, page_bytes: int | None) -> None:
        """Configures the connection and migrates the schema."""
        newest = load_migrations(self._kind.sql_folder)[-1].number
        tables = self.number("SELECT count(*) FROM sqlite_master")
        if tables and self.number("PRAGMA application_id") != self._kind.application_id:
            raise self._kind.incompatible(
                tr(
                    "{path} is a SQLite file of another program; choose another {option}.",
                    path=self.path,
                    option=self._kind.option,
                )
            )
        version = self.schema
        if version > newest:
            raise self._kind.incompatible(
                tr(
                    "{path} has schema {version}, this vipgate knows {newest}; install the newer vipgate again.",
                    path=self.path,
                    version=version,
                    newest=newest,
                )
            )
        if not tables and page_bytes:
            self.db.execute(f"PRAGMA page_size = {page_bytes}")
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = FULL")
        if version < newest:
            self._migrate()

    def _migrate(self) -> None:
        with self.transaction():
            # Read again under the lock: another process may have migrated meanwhile.
            version = self.schema
            for migration in load_migrations(self._kind.sql_folder):
                if migration.number > version:
                    for statement in _statements_of(migration.script):
                        self.db.execute(statement)
                    self.db.execute(f"PRAGMA user_version = {migration.number}")
            self.db.execute(f"PRAGMA application_id = {self._kind.application_id}")

    @property
    def schema(self) -> int:
        """The number of the last migration."""
        return self.number("PRAGMA user_version")

    def number(self, query: str) -> int:
        """The answer to a query for one number."""
        with self.translated():
            return int(self.db.execute(query).fetchone()[0])

    def translated(self) -> AbstractContextManager[None]:
        """Translates the driver's errors."""
        return self._kind.translated(self.path)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One durable transaction, which locks the whole file; rolled back on any exception."""
        with self.translated():
            self.db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.db.execute("COMMIT")
            except BaseException:
                if self.db.in_transaction:
                    self.db.execute("ROLLBACK")
                raise


def _statements_of(script: str) -> Iterator[str]:
    """Splits a migration into statements, so that they run in one transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
