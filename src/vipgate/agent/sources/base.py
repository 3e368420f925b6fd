"""The interface to a park's own records, in any storage. Read only; never all rows in memory."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Protocol
from uuid import UUID

import msgspec

from vipgate.errors import UsageError, VipgateError
from vipgate.i18n import Language, LocalizedText, tr
from vipgate.support.background import describe

# The values of the cursor's columns, in their order; for a coalesced column its first value that is there.
CursorValue = tuple[object, ...]
# The values of the primary key's columns.
Key = tuple[object, ...]
_PLAIN: Final = (str, int, float)


class SourceUnavailable(VipgateError):
    """The source cannot be read now; it may recover by itself."""


class SourceFault(SourceUnavailable):
    """The source or its reader fails in a way that an operator must look at; it is retried all the same."""


class SourceTooLarge(SourceFault):
    """The source exceeds a limit of its reader."""


def unexpected(error: BaseException) -> SourceFault:
    """Wraps an unforeseen error as a SourceFault."""
    return SourceFault(
        tr(
            "the source cannot be read: {reason}; look at the file or the database, then at the traceback in "
            "the log; it is tried again",
            reason=describe(error),
        )
    )


class SourceRow(msgspec.Struct, frozen=True, gc=False):
    """One row. `place` identifies it for people; `problem` says why it cannot be read.

    `cursor` is None without a cursor, and where its first column is NULL; `key` is None for a source without a key.
    """

    place: str
    values: Sequence[object]
    cursor: CursorValue | None = None
    problem: LocalizedText | None = None
    key: Key | None = None


_PLACE: Final = re.compile(r"(line|row) (\d+)", re.ASCII).fullmatch


def shown_place(place: str, language: Language | None = None) -> str:
    """A row's place for people. Stored places are in English, whatever the language: they identify rows."""
    found = _PLACE(place)
    if found is None:
        return place
    number = found[2]
    text = LocalizedText(f"第 {number} 行", place)
    return text.text(language)


class Source(Protocol):
    """A park's records. Raises SourceUnavailable if a retry may help, UsageError if not.

    With a key, each read is one short page. Without one, `scan` and `changes` are one streamed read each.
    """

    where: str
    columns: Sequence[str]
    has_cursor: bool
    has_key: bool

    def scan(self) -> Iterator[SourceRow]:
        """Yields every row, whatever its cursor is."""

    def page(self, after: Key | None, limit: int) -> list[SourceRow]:
        """Returns up to `limit` rows with a key greater than `after`, in key order. Needs a key."""

    def rows(self, keys: Sequence[Key]) -> list[SourceRow]:
        """Returns the rows with these keys that are still there. Needs a key."""

    def newest_key(self) -> Key | None:
        """Returns the greatest key if keys are integers, which grow with each new row; otherwise None."""

    def changes(self, since: object) -> Iterator[list[SourceRow]]:
        """Yields pages of the rows whose cursor begins with `since` or more, in this order. `since` None: all that have one."""

    def newest(self, until: object = None) -> object:
        """Returns the greatest value of the cursor's first column, of those up to `until`; None without rows."""

    def cursor_samples(self, limit: int) -> list[object]:
        """Returns values of the cursor's first column: the greatest, and those of the first rows."""

    def count(self) -> int | None:
        """Counts the rows; None if they would have to be read."""

    def now_s(self) -> float | None:
        """Returns the database server's clock, seconds since 1970 UTC; None for one without a server."""

    def stamp(self) -> object:
        """Returns a value that changes with the file; None for a database."""

    def check(self) -> None:
        """Raises UsageError if its settings cannot work. May read the whole source."""

    def problems(self) -> list[str]:
        """Lists likely future problems, for `agent check`."""

    def close(self) -> None:
        """Releases the source."""


def row_id(row: SourceRow) -> bytes:
    """Identifies a row of the source across reads: by its key, else by its cursor; empty without both."""
    place = row.key if row.key is not None else row.cursor
    if place is not None and len(place) == 1 and type(place[0]) is int:
        return b"[%d]" % place[0]
    return b"" if place is None else dump_cursor(place).encode()


def is_newer(one: CursorValue | None, other: CursorValue | None) -> bool | None:
    """Whether a row with cursor `one` is newer than one with `other`; None if the cursors do not tell."""
    if one is None or other is None or one == other:
        return None
    for mine, others in zip(one, other, strict=False):
        if mine == others:
            continue
        try:
            return bool(mine > others)  # type: ignore[operator]
        except TypeError:
            return None
    return None


def dump_cursor(cursor: CursorValue) -> str:
    """Encodes a cursor as text that `load_cursor` decodes exactly."""
    return msgspec.json.encode([_tagged(value) for value in cursor]).decode()


def load_cursor(text: str) -> CursorValue:
    """Decodes a text from `dump_cursor`."""
    return tuple(_untagged(value) for value in msgspec.json.decode(text))


def _tagged(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        raise UsageError(tr("A cursor cannot hold {value}; fix the row, or leave it out by a query.", value=value))
    if value is None or type(value) in _PLAIN:
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, datetime):
        return {"datetime": value.isoformat()}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    if isinstance(value, bytes | bytearray | memoryview):
        return {"bytes": bytes(value).hex()}
    if isinstance(value, UUID):
        return {"uuid": str(value)}
    raise UsageError(
        tr("A cursor cannot hold {kind}; choose columns of times, numbers or text.", kind=type(value).__name__)
    )


def _untagged(value: object) -> object:
    if not isinstance(value, dict):
        return value
    [(kind, text)] = value.items()
    return _READERS[kind](text)


_READERS: Final[Mapping[str, Callable[[str], object]]] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "decimal": Decimal,
    "uuid": UUID,
    "bytes": bytes.fromhex,
}
