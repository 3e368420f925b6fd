"""Copies a SQLite ledger while others write to it, and verifies the copy.

A copy is one snapshot of the ledger: everything committed before it began, nothing later. Verification digests every row of
every table in that snapshot, then reads the copy back: it must pass `PRAGMA integrity_check`, which also compares each index
with its table, and have the same digests. The ledger may grow meanwhile.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from vipgate.errors import IncompatibleDatabase, StoreUnavailable
from vipgate.store.sqlite.store import LEDGER
from vipgate.support.private_files import reserve_file
from vipgate.support.sql_files import load_statements
from vipgate.support.sqlite_file import BUSY_WAIT_S

PROBLEMS_SHOWN_MAX: Final = 5
_DIGEST_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class TableSum:
    """Row count of a table, and a digest of all values in order."""

    rows: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Contents:
    """Content of a ledger in one snapshot: tables by name, and the record count of each park's current generation."""

    tables: Mapping[str, TableSum]
    parks: Mapping[str, int]

    @property
    def rows(self) -> int:
        """The number of rows in all tables."""
        return sum(table.rows for table in self.tables.values())


def copy_ledger(ledger: Path, copy: Path, *, verify: bool) -> Contents | None:
    """Copies `ledger` to the new file `copy` and syncs it to disk; with `verify`, returns the verified contents.

    Raises StoreUnavailable if the ledger cannot be read or the copy cannot be written, IncompatibleDatabase if the ledger is no
    ledger or damaged, or the copy differs. After an error the caller deletes `copy`.
    """
    with _snapshot(ledger) as source:
        held = read_contents(source) if verify else None
        _write(source, copy)
    _sync(copy)
    if held is not None:
        problems = list(islice(_problems(held, copy), PROBLEMS_SHOWN_MAX))
        if problems:
            raise IncompatibleDatabase(
                f"The copy of {ledger} is not the same as the ledger: {'; '.join(problems)}. It was thrown away, and no "
                "older copy was deleted. Run this again. Where it says the same again the ledger itself is damaged: "
                "check the disk, then restore the newest copy (docs/operating.md)."
            )
    return held


@contextmanager
def _snapshot(ledger: Path) -> Iterator[sqlite3.Connection]:
    """A connection to one snapshot of the ledger for as long as it is open; writes nothing."""
    if not ledger.exists():
        raise StoreUnavailable(f"There is no database {ledger}; fix --database, --config or VIPGATE_HOME.")
    with LEDGER.translated(ledger):
        db = sqlite3.connect(
            f"{ledger.resolve().as_uri()}?mode=rw", uri=True, timeout=BUSY_WAIT_S, isolation_level=None
        )
        try:
            if db.execute("PRAGMA application_id").fetchone()[0] != LEDGER.application_id:
                raise IncompatibleDatabase(f"{ledger} is no ledger of vipgate; choose another --database.")
            db.execute("BEGIN")
            yield db
        finally:
            db.close()


def _write(source: sqlite3.Connection, copy: Path) -> None:
    """Copies all pages in one step from the snapshot of `source`: a stepwise copy restarts on every write."""
    try:
        reserve_file(copy)
    except OSError as error:
        raise StoreUnavailable(f"Cannot make {copy}: {error.strerror}; fix the folder's owner and mode.") from None
    with LEDGER.translated(copy):
        target = sqlite3.connect(copy)
        try:
            source.backup(target)
        finally:
            target.close()


def _sync(copy: Path) -> None:
    """Syncs the copy to disk and drops it from the page cache, so that verification reads the disk."""
    with copy.open("rb+") as file:
        os.fsync(file.fileno())
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def read_contents(db: sqlite3.Connection) -> Contents:
    """Digests a ledger row by row; one snapshot if `db` is in a transaction."""
    sql = load_statements("vipgate.store.sqlite.sql")
    # Texts as bytes: a damaged text may not be UTF-8.
    db.text_factory = bytes
    names = [str(name, "utf-8", "replace") for (name,) in db.execute(sql["backup_tables"]).fetchall()]
    tables = {name: _sum_up(db, name) for name in names}
    parks = {str(park_uuid, "utf-8", "replace"): records for park_uuid, records in db.execute(sql["backup_parks"])}
    return Contents(tables, parks)


def _sum_up(db: sqlite3.Connection, table: str) -> TableSum:
    digest, rows = blake2b(digest_size=_DIGEST_BYTES), 0
    encode = msgspec.msgpack.Encoder().encode
    # A table name cannot be a parameter; this one comes from the schema.
    for row in db.execute(f'SELECT * FROM "{table}"'):  # noqa: S608
        digest.update(encode(row))
        rows += 1
    return TableSum(rows, digest.digest())


def _problems(held: Contents, copy: Path) -> Iterator[str]:
    """Yields what is wrong with the copy of a ledger with the contents `held`; nothing if it is correct."""
    # No one else uses the file: no locks and no write-ahead log are needed.
    db = sqlite3.connect(f"{copy.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
    try:
        for (line,) in db.execute("PRAGMA integrity_check"):
            if line != "ok":
                yield " ".join(str(line).split())
        yield from _differences(held, read_contents(db))
    except sqlite3.Error as error:
        yield str(error)
    finally:
        db.close()


def _differences(held: Contents, copied: Contents) -> Iterator[str]:
    for park_uuid in sorted({*held.parks, *copied.parks}):
        records = held.parks.get(park_uuid, 0), copied.parks.get(park_uuid, 0)
        if records[0] != records[1] or (park_uuid in held.parks) != (park_uuid in copied.parks):
            yield f"park {park_uuid}: {records[0]} records in the ledger, {records[1]} in the copy"
    for name in sorted({*held.tables, *copied.tables}):
        ours, theirs = held.tables.get(name), copied.tables.get(name)
        if ours != theirs:
            rows = (one.rows if one is not None else "no" for one in (ours, theirs))
            yield "table {}: {} rows in the ledger, {} in the copy, with other values".format(name, *rows)
