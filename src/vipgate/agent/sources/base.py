"""The interface to a park's own records, in any storage. Read only; never all rows in memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final, NamedTuple, Protocol
from uuid import UUID

import msgspec

from vipgate.errors import UsageError, VipgateError
from vipgate.i18n import LocalizedText
from vipgate.support.background import describe

CursorValue = tuple[object, ...]
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
        f"the source cannot be read: {describe(error)}; look at the file or the database, then at the traceback in the "
        "log; it is tried again"
    )


class SourceRow(NamedTuple):
    """One row. `place` identifies it for people; `problem` says why it cannot be read."""

    place: str
    values: Sequence[object]
    cursor: CursorValue | None = None
    problem: LocalizedText | None = None


class Source(Protocol):
    """A park's records. Raises SourceUnavailable if a retry may help, UsageError if not."""

    where: str
    columns: Sequence[str]
    has_cursor: bool

    def scan(self) -> Iterator[SourceRow]:
        """Yields every row."""

    def after(self, after: CursorValue | None, until: CursorValue | None, limit: int) -> list[SourceRow]:
        """Returns up to `limit` rows with `after` < cursor ≤ `until`, in cursor order; none without a cursor."""

    def newest(self) -> CursorValue | None:
        """Returns the greatest cursor, or None."""

    def count(self, after: CursorValue | None = None, until: CursorValue | None = None) -> int | None:
        """Counts the rows in that range; None if they would have to be read."""

    def stamp(self) -> object:
        """Returns a value that changes with the file; None for a database."""

    def problems(self) -> list[str]:
        """Lists likely future problems, for `agent check`."""

    def close(self) -> None:
        """Releases the source."""


def dump_cursor(cursor: CursorValue) -> str:
    """Encodes a cursor as text that `load_cursor` decodes exactly."""
    return msgspec.json.encode([_tagged(value) for value in cursor]).decode()


def load_cursor(text: str) -> CursorValue:
    """Decodes a text from `dump_cursor`."""
    return tuple(_untagged(value) for value in msgspec.json.decode(text))


def _tagged(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        raise UsageError(f"A cursor cannot hold {value}; fix the row, or leave it out by a query.")
    if value is None or type(value) in _PLAIN:
        return value
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
    raise UsageError(f"A cursor cannot hold {type(value).__name__}; choose columns of times, numbers or text.")


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
