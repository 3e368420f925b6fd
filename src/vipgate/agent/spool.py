"""The agent's persistent state in a SQLite file: waiting rows, rows in flight, dead letters, source position.

One agent process runs on a spool; commands may read it and queue rows meanwhile.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import msgspec
from filelock import FileLock, Timeout

from vipgate.agent.models import DeadLetter, OutboxRow, Rejection
from vipgate.errors import UsageError, VipgateError
from vipgate.support.private_files import FILE_MODE, make_folder, reserve_file, write_file
from vipgate.support.sql_files import load_migrations, load_statements

SQL_PACKAGE: Final = "vipgate.agent.sql"
APPLICATION_ID: Final = 0x76697061  # "vipa"
BUSY_WAIT_S: Final = 15.0
DEAD_LETTERS_PER_PAGE: Final = 500
# After a day no older version can still be in flight.
LATELY_KEPT_US: Final = 86_400_000_000


class SpoolError(VipgateError):
    """The spool cannot be read or written."""


class SpoolLock:
    """The lock of the one agent that runs on a spool."""

    def __init__(self, path: Path) -> None:
        self._note = path.with_name(path.name + ".agent")
        self._lock = FileLock(path.with_name(path.name + ".lock"), mode=FILE_MODE)
        try:
            make_folder(path.parent)
            self._lock.acquire(timeout=0)
        except Timeout:
            raise UsageError(f"Spool {path} is locked by{self._holder()}; stop it or choose another --spool.") from None
        except OSError as error:
            raise UsageError(f"Cannot lock {path}: {error.strerror}; fix the folder's owner and mode.") from None
        write_file(self._note, f"{os.getpid()}\n".encode())

    def _holder(self) -> str:
        try:
            return f" process {int(self._note.read_text(encoding='ascii')[:20])}"
        except (OSError, ValueError):
            return " another agent"

    def release(self) -> None:
        """Releases the lock."""
        self._note.unlink(missing_ok=True)
        self._lock.release()


def is_running(path: Path) -> bool:
    """Whether an agent runs on this spool."""
    lock = FileLock(path.with_name(path.name + ".lock"), mode=FILE_MODE)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False


class Spool:
    """The spool file. Not thread-safe; errors are raised as SpoolError."""

    def __init__(self, path: Path, clock_us: Callable[[], int]) -> None:
        self.path = path
        self._clock_us = clock_us
        self._sql = load_statements(SQL_PACKAGE)
        with self._translated():
            make_folder(path.parent)
            reserve_file(path)
            self._db = sqlite3.connect(path, timeout=BUSY_WAIT_S, isolation_level=None, cached_statements=128)
            try:
                self._prepare()
                self._db.execute(self._sql["make_exposed"])
            except BaseException:
                self._db.close()
                raise

    def _prepare(self) -> None:
        migrations = load_migrations(SQL_PACKAGE)
        found = self._number("PRAGMA application_id")
        if found != APPLICATION_ID and self._number("SELECT count(*) FROM sqlite_master"):
            raise UsageError(f"{self.path} is a SQLite file of another program; choose another --spool.")
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        version = self._number("PRAGMA user_version")
        if version > migrations[-1].number:
            raise UsageError(f"{self.path} is of a newer vipgate (schema {version}); install that again.")
        if version == migrations[-1].number:
            return
        with self.transaction():
            version = self._number("PRAGMA user_version")
            for step in migrations:
                if step.number > version:
                    for statement in step.script.split(";\n"):
                        self._db.execute(statement)
                    self._db.execute(f"PRAGMA user_version = {step.number}")
            self._db.execute(f"PRAGMA application_id = {APPLICATION_ID}")

    def _number(self, statement: str) -> int:
        return int(self._db.execute(statement).fetchone()[0])

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise SpoolError(
                f"Spool {self.path}: {error}; look at the disk's room and the file's owner and mode."
            ) from error
        except OSError as error:
            raise SpoolError(f"Spool {self.path}: {error.strerror}; fix the folder's owner and mode.") from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commits everything written inside, or nothing."""
        with self._translated():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def _rows(self, name: str, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        with self._translated():
            return self._db.execute(self._sql[name], values).fetchall()

    def _many(self, name: str, lines: Sequence[Mapping[str, object]]) -> None:
        with self._translated():
            self._db.executemany(self._sql[name], lines)

    # ---- single values ---------------------------------------------------------------------------------------------------

    def get_setting(self, name: str) -> str | None:
        """Returns the value stored under `name`, or None."""
        rows = self._rows("read_meta", {"name": name})
        return str(rows[0][0]) if rows else None

    def set_setting(self, values: Mapping[str, str | None]) -> None:
        """Stores values; None deletes one."""
        for name, value in values.items():
            statement = "forget_meta" if value is None else "write_meta"
            self._rows(statement, {"name": name, "value": value})

    def used_bytes(self) -> int:
        """Bytes in use in the file, plus the size of its write-ahead log."""
        with self._translated():
            pages = self._number("PRAGMA page_count") - self._number("PRAGMA freelist_count")
            return pages * self._number("PRAGMA page_size") + self._log_bytes()

    def _log_bytes(self) -> int:
        log = self.path.with_name(self.path.name + "-wal")
        return log.stat().st_size if log.exists() else 0

    def truncate_wal(self) -> None:
        """Moves the write-ahead log into the file and empties it: it would keep its greatest size otherwise."""
        with self._translated():
            if self._log_bytes():
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    # ---- outbox ----------------------------------------------------------------------------------------------------------

    def queue(self, rows: Sequence[OutboxRow], *, not_before_us: int = 0, read_us: int | None = None) -> None:
        """Appends the newest versions of records to the outbox. The caller provides the transaction."""
        self._queue("queue", rows, not_before_us)
        self.note_read([row.pay_partner for row in rows], read_us)

    def queue_again(self, rows: Sequence[OutboxRow], not_before_us: int) -> None:
        """Queues sent rows again, unless a newer version waits."""
        self._queue("queue_again", rows, not_before_us)

    def note_read(self, keys: Sequence[str], read_us: int | None = None) -> None:
        """Stores when the newest versions of records were read (default: now), sendable or not."""
        when_us = self._clock_us() if read_us is None else read_us
        self._many("note_read", [{"pay_partner": key, "read_us": when_us} for key in keys])

    def queue_unless_read(self, rows: Sequence[OutboxRow], since_us: int) -> int:
        """Queues rows, except records that were read since `since_us`. Returns how many were queued."""
        newer = self.read_since([row.pay_partner for row in rows], since_us)
        kept = [row for row in rows if row.pay_partner not in newer]
        self._queue("queue", kept, 0)
        return len(kept)

    def _queue(self, statement: str, rows: Sequence[OutboxRow], not_before_us: int) -> None:
        if not rows:
            return
        last = int(self._rows("take_numbers", {"count": str(len(rows))})[0][0])
        now_us = self._clock_us()
        lines = [
            {
                "pay_partner": row.pay_partner, "number": last - len(rows) + place, "row": row.row, "hash": row.hash,
                "place": row.place, "now_us": now_us, "not_before_us": not_before_us,
            }
            for place, row in enumerate(rows, 1)
        ]  # fmt: skip
        self._many(statement, lines)

    def waiting(self, limit: int) -> list[OutboxRow]:
        """Rows that may be sent now, oldest first."""
        found = self._rows("waiting", {"now_us": self._clock_us(), "limit": limit})
        return [OutboxRow(pay_partner, row, place, number) for pay_partner, number, row, _, place in found]

    def next_due_us(self) -> int | None:
        """When the first waiting row may be sent; None if none waits."""
        due = self._rows("next_due", {})[0][0]
        return None if due is None else int(due)

    def backlog(self) -> tuple[int, int | None]:
        """How many records wait to be sent, and since when (microseconds) the oldest does."""
        count, oldest_us = self._rows("backlog", {"now_us": self._clock_us()})[0]
        return int(count), oldest_us

    def unqueue(self, rows: Sequence[OutboxRow]) -> None:
        """Removes settled rows; versions queued meanwhile stay."""
        self._many("unqueue", [{"number": row.number} for row in rows if row.number])

    def unqueue_keys(self, keys: Sequence[str]) -> None:
        """Removes all waiting rows of these records."""
        self._many("unqueue_key", [{"pay_partner": key} for key in keys])

    def numbers(self, numbers: Sequence[int]) -> set[int]:
        """The subset of `numbers` that still waits."""
        return {number for (number,) in self._rows("numbers", {"numbers": msgspec.json.encode(numbers).decode()})}

    def held(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Hashes of waiting rows, by order number."""
        return dict(self._rows("in_outbox", {"keys": _json(keys)}))

    # ---- sent rows and read times ---------------------------------------------------------------------------------------

    def sent(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Hashes of sent rows, by order number."""
        return dict(self._rows("in_sent", {"keys": _json(keys)}))

    def note_sent(self, hashes: Mapping[str, bytes]) -> None:
        """Stores the hashes of what the platform has."""
        self._many("note_sent", [{"pay_partner": key, "hash": value} for key, value in hashes.items()])

    def forget_sent(self, keys: Sequence[str]) -> None:
        """Deletes hashes, so that these rows count as new at the next comparison."""
        self._many("forget_sent", [{"pay_partner": key} for key in keys])

    def read_since(self, keys: Sequence[str], since_us: int) -> set[str]:
        """The subset of `keys` that was read at `since_us` or later."""
        return {key for (key,) in self._rows("read_since", {"keys": _json(keys), "since_us": since_us})}

    def read_times(self, keys: Sequence[str]) -> dict[str, int]:
        """When the newest versions of records were read, as far as known."""
        return dict(self._rows("read_times", {"keys": _json(keys)}))

    def vacuum(self) -> None:
        """Deletes entries that no longer matter."""
        now_us = self._clock_us()
        # The snapshot needs the read times since its start.
        begun_us = (
            int(self.get_setting("stock_begun_us") or now_us) if self.get_setting("stock_done") is None else now_us
        )
        self._rows("drop_lately", {"before_us": min(begun_us, now_us - LATELY_KEPT_US)})
        self._rows("drop_exposed", {"now_us": now_us})

    # ---- the window of late commits -------------------------------------------------------------------------------------

    def window(self) -> dict[str, int]:
        """Cursors after the position that were already read, and when."""
        return dict(self._rows("read_window", {}))

    def move_window(self, seen: Mapping[str, int], passed: Sequence[str]) -> None:
        """Adds newly read cursors and drops those that the position has passed."""
        self._many("note_window", [{"cursor": cursor, "seen_us": seen_us} for cursor, seen_us in seen.items()])
        self._many("drop_window", [{"cursor": cursor} for cursor in passed])

    # ---- rows in flight -------------------------------------------------------------------------------------------------

    def mark_in_flight(self, rows: Sequence[OutboxRow], until_us: int) -> None:
        """Notes sent versions, copies of which may arrive until `until_us`."""
        now_us = self._clock_us()
        lines = [
            {"pay_partner": row.pay_partner, "hash": row.hash, "until_us": until_us, "now_us": now_us} for row in rows
        ]
        self._many("expose", lines)

    def in_flight(self, keys: Sequence[str]) -> dict[str, tuple[bytes | None, int]]:
        """Records with a version that may still arrive: its hash (None: any version), and until when."""
        found = self._rows("exposed", {"keys": _json(keys), "now_us": self._clock_us()})
        return {key: (version, until_us) for key, version, until_us in found}

    def in_flight_until_us(self) -> int:
        """Until when any version may still arrive; 0 if none."""
        return int(self._rows("exposed_until", {})[0][0] or 0)

    def load_in_flight(self) -> None:
        """Loads what `save_in_flight` stored."""
        self._rows("load_exposed", {})
        self._rows("drop_saved", {})

    def save_in_flight(self) -> None:
        """Stores the versions in flight for the next run."""
        self._rows("drop_saved", {})
        self._rows("save_exposed", {"now_us": self._clock_us()})

    # ---- dead letters ---------------------------------------------------------------------------------------------------

    def add_dead_letters(self, dead: Sequence[Rejection]) -> None:
        """Stores rejected rows and the reasons."""
        now_us = self._clock_us()
        self._many("bury", [{**msgspec.structs.asdict(one), "now_us": now_us} for one in dead])

    def count_dead_letters(self) -> int:
        """The number of dead letters."""
        return int(self._rows("count_dead", {})[0][0])

    def resolve_read(self, rows: Sequence[OutboxRow]) -> None:
        """Deletes the dead letters of records that were read again and can be sent now."""
        self._rows("resolve", {"keys": _json([*(row.pay_partner for row in rows), *(row.place for row in rows)])})

    def dead_letters(self) -> Iterator[DeadLetter]:
        """Yields all dead letters by number."""
        after = 0
        while page := self._rows("list_dead", {"after": after, "limit": DEAD_LETTERS_PER_PAGE}):
            yield from (DeadLetter(*line) for line in page)
            after = page[-1][0]

    def dead_letter(self, number: int) -> DeadLetter | None:
        """Returns the dead letter, or None."""
        rows = self._rows("find_dead", {"number": number})
        return DeadLetter(*rows[0]) if rows else None

    def discard(self, numbers: Sequence[int]) -> None:
        """Deletes dead letters."""
        self._many("discard", [{"number": number} for number in numbers])

    def reset(self) -> None:
        """Makes the next run start with a snapshot whose first request replaces all that the platform holds."""
        with self.transaction():
            # The new snapshot contains all of it in its newest version.
            self._rows("drop_outbox", {})
            self._rows("drop_sent", {})
            self._rows("drop_whole_window", {})
            self.set_setting(
                {"replace": "wanted", "replace_id": uuid4().hex, "stock_until": None, "stock_done": None, "stamp": None}
            )

    def close(self) -> None:
        """Closes the file."""
        self._db.close()


def _json(keys: Sequence[str]) -> str:
    return msgspec.json.encode(keys).decode()
