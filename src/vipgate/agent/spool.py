"""The agent's persistent state in a SQLite file: waiting rows, rows in flight, dead letters, source position.

One agent process runs on a spool; commands may read it and queue rows meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import chain
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import msgspec

from vipgate.agent.acknowledged import AcknowledgedVersions
from vipgate.agent.models import DeadLetter, OutboxRow, Rejection, Version
from vipgate.errors import UsageError, VipgateError
from vipgate.i18n import translatable
from vipgate.support.sql_files import expand_rows, load_statements
from vipgate.support.sqlite_file import FileKind, OwnerLock, SqliteFile

DEAD_LETTERS_PER_PAGE: Final = 500
LINES_A_STATEMENT: Final = 500
# After a day no older version can still be in flight.
LATELY_KEPT_US: Final = 86_400_000_000


class SpoolError(VipgateError):
    """The spool cannot be read or written."""


SPOOL: Final = FileKind(
    name=translatable("Spool"),
    option="--spool",
    sql_folder="vipgate.agent.sql",
    application_id=0x76697061,  # "vipa"
    unavailable=SpoolError,
    incompatible=UsageError,
    locked=UsageError,
)


def is_running(path: Path) -> bool:
    """Whether an agent runs on this spool."""
    try:
        OwnerLock(path, SPOOL).release()
    except UsageError:
        return True
    return False


class Spool:
    """The spool file. Not thread-safe; errors are raised as SpoolError."""

    def __init__(self, path: Path, clock_us: Callable[[], int]) -> None:
        self.path = path
        self._clock_us = clock_us
        self._sql = load_statements(SPOOL.sql_folder)
        self._file = SqliteFile(path, SPOOL, one_thread=True)
        self._db = self._file.db
        self._rows("make_exposed", {})
        self.acknowledged = AcknowledgedVersions(self._rows, self._table)

    def transaction(self) -> AbstractContextManager[None]:
        """Commits everything written inside, or nothing."""
        return self._file.transaction()

    def _rows(self, name: str, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        with self._file.translated():
            return self._db.execute(self._sql[name], values).fetchall()

    def _many(self, name: str, lines: Sequence[Mapping[str, object]]) -> None:
        with self._file.translated():
            self._db.executemany(self._sql[name], lines)

    def _table(self, name: str, lines: Sequence[tuple[object, ...]]) -> None:
        """Runs a statement that takes many lines."""
        with self._file.translated():
            for start in range(0, len(lines), LINES_A_STATEMENT):
                some = lines[start : start + LINES_A_STATEMENT]
                self._db.execute(expand_rows(self._sql[name], len(some)), list(chain.from_iterable(some)))

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
        with self._file.translated():
            pages = self._file.number("PRAGMA page_count") - self._file.number("PRAGMA freelist_count")
            return pages * self._file.number("PRAGMA page_size") + self._log_bytes()

    def _log_bytes(self) -> int:
        try:
            return self.path.with_name(self.path.name + "-wal").stat().st_size
        except FileNotFoundError:
            return 0

    def truncate_wal(self) -> None:
        """Moves the write-ahead log into the file and empties it: it would keep its greatest size otherwise."""
        with self._file.translated():
            if self._log_bytes():
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    # ---- outbox ----------------------------------------------------------------------------------------------------------

    def queue(self, rows: Sequence[OutboxRow], *, read_us: int | None = None) -> None:
        """Appends the newest versions of records to the outbox. The caller provides the transaction."""
        self._queue("queue", rows, 0)
        self.note_read([row.pay_partner for row in rows], read_us)

    def queue_again(self, rows: Sequence[OutboxRow], not_before_us: int) -> None:
        """Queues sent rows again, unless a newer version waits."""
        self._queue("queue_again", rows, not_before_us)

    def note_read(self, keys: Sequence[str], read_us: int | None = None) -> None:
        """Stores when the newest versions of records were read (default: now), sendable or not."""
        now_us = self._clock_us()
        when_us = now_us if read_us is None else read_us
        self._many("note_read", [{"pay_partner": key, "read_us": when_us, "now_us": now_us} for key in keys])

    def queue_unless_read(self, rows: Sequence[OutboxRow], since_us: int) -> int:
        """Queues rows, except records that the agent took over since `since_us`. Returns how many were queued."""
        keys = _json([row.pay_partner for row in rows])
        newer = {key for (key,) in self._rows("noted_since", {"keys": keys, "since_us": since_us})}
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
                "place": row.place, "row_id": row.row_id, "now_us": now_us, "not_before_us": not_before_us,
            }
            for place, row in enumerate(rows, 1)
        ]  # fmt: skip
        self._many(statement, lines)

    def waiting(self, limit: int) -> list[OutboxRow]:
        """Rows that may be sent now, oldest first."""
        found = self._rows("waiting", {"now_us": self._clock_us(), "limit": limit})
        return [OutboxRow(key, row, place, number, row_id) for key, number, row, place, row_id in found]

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

    def held(self, keys: Sequence[str]) -> dict[str, Version]:
        """Versions of waiting rows, by order number."""
        if not self._rows("has_outbox", {}):
            return {}
        return {key: Version(*version) for key, *version in self._rows("in_outbox", {"keys": _json(keys)})}

    # ---- read times -----------------------------------------------------------------------------------------------------

    def read_times(self, keys: Sequence[str]) -> dict[str, tuple[int, int]]:
        """When the newest versions of records were read, and when the agent took them over; as far as known."""
        if not self._rows("has_lately", {}):
            return {}
        return {key: (read_us, noted_us) for key, read_us, noted_us in self._rows("read_times", {"keys": _json(keys)})}

    def vacuum(self) -> None:
        """Deletes entries that no longer matter."""
        now_us = self._clock_us()
        self._rows("drop_lately", {"before_us": now_us - LATELY_KEPT_US})
        self._rows("drop_exposed", {"now_us": now_us})

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

    def limit_times(self, now_us: int, until_us: int) -> None:
        """Lets no row have been read later than `now_us`, and none wait or be in flight for longer than `until_us`."""
        for name in ("limit_waiting", "limit_exposed"):
            self._rows(name, {"until_us": until_us})
        self._rows("limit_read", {"now_us": now_us})

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
        lines = [{**msgspec.structs.asdict(one), "now_us": now_us} for one in dead]
        self._many("add_dead_letter", lines)

    def count_dead_letters(self) -> int:
        """The number of dead letters."""
        return int(self._rows("count_dead", {})[0][0])

    def resolve_read(self, rows: Sequence[OutboxRow], passed: Sequence[str] = ()) -> None:
        """Deletes the dead letters of records that can be sent now, and of the rows at places `passed`, which need none."""
        orders = {row.pay_partner for row in rows}
        gone = self._rows("resolve", {"keys": _json([*orders, *(row.place for row in rows), *passed])})
        # If the row at that place turns invalid again in the same way, that is news.
        self.acknowledged.note({one: Version(b"", b"") for (one,) in gone if one not in orders})

    def resolve_other_orders(self, rows: Sequence[OutboxRow | Rejection]) -> None:
        """Deletes the dead letters that rows of a source with a key had under another order number, or under none."""
        for row in rows:
            identity = row.identity if isinstance(row, Rejection) else row.pay_partner
            gone = self._rows("resolve_other_orders", {"place": row.place, "identity": identity})
            self.acknowledged.note({one: Version(b"", b"") for (one,) in gone})

    def dead_among(self, identities: Sequence[str]) -> set[str]:
        """Those of `identities` that have a dead letter."""
        return {one for (one,) in self._rows("dead_among", {"keys": _json(identities)})}

    def dead_letters(self, after: int = 0) -> Iterator[DeadLetter]:
        """Yields all dead letters by number, those up to number `after` left out."""
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
            self.acknowledged.drop()
            self.set_setting({
                "replace": "wanted", "replace_id": uuid4().hex, "snapshot_at": None, "snapshot_rows": None,
                "snapshot_done": None, "stamp": None,
            })  # fmt: skip

    def close(self) -> None:
        """Closes the file."""
        self._db.close()


def _json(keys: Sequence[str]) -> str:
    return msgspec.json.encode(keys).decode()
