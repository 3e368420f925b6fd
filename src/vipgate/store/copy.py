"""Copies a whole ledger to a PostgreSQL database, park by park, and compares both.

An interrupted copy resumes, and a second copy transfers the changes since the first: records are read in the order of
their last change, the request log in the order of its seqnos. Accounts, tokens and the audit log are copied; sessions are
not, so staff must log in again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import islice
from typing import Any, Final, Literal, Protocol

import msgspec

from vipgate.errors import IncompatibleDatabase
from vipgate.protocol.seqno import seqno_prefix, seqno_time_us

Table = Literal[
    "park", "generation", "renewal", "renewal_history", "request", "rejected_body", "daily", "daily_answer", "charge_type",
    "staff_user", "token", "audit_entry",
]  # fmt: skip
ParkRow = tuple[Any, ...]

NO_PARK: Final = ""
PARKS_A_PAGE: Final = 500
LINES_A_COMMIT: Final = 1_000
BODIES_A_COMMIT: Final = 20
# An earlier request may be stored later, so the request log is read again from this far back.
REQUEST_LOG_OVERLAP_US: Final = 3_600_000_000
TABLES: Final[tuple[Table, ...]] = (
    "generation", "renewal", "renewal_history", "request", "rejected_body", "daily", "daily_answer", "charge_type",
)  # fmt: skip
STAFF_TABLES: Final[tuple[Table, ...]] = ("staff_user", "token", "audit_entry")
# Tables with rows that belong to no park.
UNOWNED_TABLES: Final[tuple[Table, ...]] = ("request", "daily_answer", *STAFF_TABLES)
_BY_GENERATION: Final = ("renewal", "renewal_history")

# Column indexes in the lines of `park` and `generation`.
_GENERATION_NUMBER: Final = 0
_GENERATION_RECORDS: Final = 1
_PARK_POSITION: Final = 5


class Source(Protocol):
    """A ledger that can be read table by table."""

    @property
    def where(self) -> str:
        """The name of the database for messages."""

    def park_uuids(self, after: str, limit: int) -> list[str]:
        """Up to `limit` park uuids after `after`, in order."""

    def read(self, table: Table, park_uuid: str, generation: int = 0, after: int | str = 0) -> Iterator[ParkRow]:
        """The lines of a park's table in key order, which is the same on every engine."""


class Target(Source, Protocol):
    """A ledger that can also be written."""

    def write(self, table: Table, park_uuid: str, lines: Sequence[ParkRow]) -> None:
        """Stores lines of one park durably; overwrites existing ones."""

    def last_position(self, park_uuid: str, generation: int) -> int:
        """The last copied position of a generation."""

    def last_seqno(self, park_uuid: str) -> str:
        """The last copied seqno of a park's request log."""

    def drop_generation(self, park_uuid: str, generation: int) -> None:
        """Deletes a generation that the source no longer has."""

    def drop_charge_types(self, park_uuid: str) -> None:
        """Deletes a park's charge types: the source may have fewer."""


@dataclass(slots=True)
class CopyCounts:
    """Number of lines copied or compared, by table, and number of parks."""

    lines: dict[str, int] = field(default_factory=dict)
    parks: int = 0

    def add(self, table: Table, count: int) -> None:
        """Adds `count` lines of a table."""
        self.lines[table] = self.lines.get(table, 0) + count


@dataclass(frozen=True, slots=True)
class Difference:
    """A table of a park that differs between the ledgers, with its line counts in source and target."""

    park_uuid: str
    table: Table
    source_lines: int
    target_lines: int


Notice = Callable[[int], None]


def count_records(source: Source) -> int:
    """The number of records in all generations, from their counters."""
    return sum(line[_GENERATION_RECORDS] for park in all_parks(source) for line in source.read("generation", park))


def all_parks(source: Source) -> Iterator[str]:
    """Yields every park uuid, in order."""
    after = ""
    while page := source.park_uuids(after, PARKS_A_PAGE):
        yield from page
        after = page[-1]


def copy(source: Source, target: Target, notice: Notice) -> CopyCounts:
    """Copies what the target lacks. Calls `notice` with the number of records of each chunk.

    Raises IncompatibleDatabase if the target holds data that cannot come from this source.
    """
    _check_target(source, target)
    counts = CopyCounts()
    for park_uuid in all_parks(source):
        _copy_park(source, target, park_uuid, counts, notice)
        counts.parks += 1
    _copy_request_log(source, target, NO_PARK, counts)
    for table in STAFF_TABLES:
        _copy_rows(source.read(table, NO_PARK), target, table, NO_PARK, counts)
    return counts


def _check_target(source: Source, target: Target) -> None:
    """Rejects a target that is already in service: an older ledger must not overwrite it."""
    ours = set(all_parks(source))
    for park_uuid in all_parks(target):
        if park_uuid not in ours:
            raise IncompatibleDatabase(
                f"{target.where} has park {park_uuid}, which {source.where} has not; choose an empty one."
            )
        there, here = next(target.read("park", park_uuid)), next(source.read("park", park_uuid))
        if there[_PARK_POSITION] > here[_PARK_POSITION]:
            raise IncompatibleDatabase(
                f"{target.where} has newer records of park {park_uuid} than {source.where}; it serves already."
            )


def _copy_park(source: Source, target: Target, park_uuid: str, counts: CopyCounts, notice: Notice) -> None:
    # Written first, because on Citus every table is joined to it, and again last, when the rest is complete.
    park = list(source.read("park", park_uuid))
    target.write("park", park_uuid, [(*line[:_PARK_POSITION], 0, *line[_PARK_POSITION + 1 :]) for line in park])
    generations = list(source.read("generation", park_uuid))
    numbers = [line[_GENERATION_NUMBER] for line in generations]
    for gone in {line[_GENERATION_NUMBER] for line in target.read("generation", park_uuid)} - set(numbers):
        target.drop_generation(park_uuid, gone)
    for number in numbers:
        after = target.last_position(park_uuid, number)
        _copy_rows(source.read("renewal", park_uuid, number, after), target, "renewal", park_uuid, counts, notice)
        _copy_rows(source.read("renewal_history", park_uuid, number), target, "renewal_history", park_uuid, counts)
    _copy_rows(iter(generations), target, "generation", park_uuid, counts)
    _copy_request_log(source, target, park_uuid, counts)
    target.drop_charge_types(park_uuid)
    _copy_rows(source.read("charge_type", park_uuid), target, "charge_type", park_uuid, counts)
    _copy_rows(iter(park), target, "park", park_uuid, counts)


def _copy_request_log(source: Source, target: Target, park_uuid: str, counts: CopyCounts) -> None:
    last_us = seqno_time_us(target.last_seqno(park_uuid))
    after = "" if last_us is None else seqno_prefix(last_us - REQUEST_LOG_OVERLAP_US)
    _copy_rows(source.read("request", park_uuid, after=after), target, "request", park_uuid, counts)
    _copy_rows(source.read("rejected_body", park_uuid, after=after), target, "rejected_body", park_uuid, counts)
    _copy_rows(source.read("daily", park_uuid), target, "daily", park_uuid, counts)
    _copy_rows(source.read("daily_answer", park_uuid), target, "daily_answer", park_uuid, counts)


def _copy_rows(
    lines: Iterator[ParkRow],
    target: Target,
    table: Table,
    park_uuid: str,
    counts: CopyCounts,
    notice: Notice | None = None,
) -> None:
    size = BODIES_A_COMMIT if table == "rejected_body" else LINES_A_COMMIT
    while chunk := list(islice(lines, size)):
        target.write(table, park_uuid, chunk)
        counts.add(table, len(chunk))
        if notice is not None:
            notice(len(chunk))


def compare(source: Source, target: Source, notice: Notice) -> tuple[CopyCounts, list[Difference]]:
    """Reads both ledgers completely and compares line count and checksum of each table."""
    counts, differences = CopyCounts(), []
    for park_uuid in [*all_parks(source), NO_PARK]:
        for table in ("park", *TABLES) if park_uuid else UNOWNED_TABLES:
            ours, theirs = (_table_digest(one, table, park_uuid) for one in (source, target))
            counts.add(table, ours.lines)
            if ours != theirs:
                differences.append(Difference(park_uuid, table, ours.lines, theirs.lines))
            if table == "renewal":
                notice(ours.lines)
        counts.parks += bool(park_uuid)
    return counts, differences


@dataclass(slots=True)
class TableDigest:
    """Line count and checksum of a park's table, independent of the order of lines."""

    lines: int = 0
    checksum: int = 0

    def add(self, line: ParkRow) -> None:
        """Adds one line."""
        plain = [int(value) if isinstance(value, bool) else value for value in line]
        digest = blake2b(msgspec.msgpack.encode(plain), digest_size=8).digest()
        self.lines += 1
        self.checksum = (self.checksum + int.from_bytes(digest)) % 2**64


def _table_digest(source: Source, table: Table, park_uuid: str) -> TableDigest:
    found = TableDigest()
    if table in _BY_GENERATION:
        for generation in list(source.read("generation", park_uuid)):
            for line in source.read(table, park_uuid, generation[_GENERATION_NUMBER]):
                found.add(line)
    else:
        for line in source.read(table, park_uuid, after="" if table in ("request", "rejected_body") else 0):
            found.add(line)
    return found
