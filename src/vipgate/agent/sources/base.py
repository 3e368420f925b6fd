"""What the agent asks of a park's own records, whatever they are kept in. Read only; never all in memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final, NamedTuple, Protocol
from uuid import UUID

import msgspec

from vipgate.errors import (
    UsageError,
    VipgateError,
)
from vipgate.i18n import LocalizedText
from vipgate.support.background import describe

CursorValue = tuple[object, ...]
_PLAIN: Final = (str, int, float)


class SourceUnavailable(VipgateError):
    """The source cannot be read now; it may come back by itself."""


class SourceFault(SourceUnavailable):
    """The source, or what reads it, fails in a way that a person has to look at; it is tried again all the same."""


class SourceTooLarge(SourceFault):
    """The source holds more than is read at once."""


def unexpected(error: BaseException) -> SourceFault:
    """A fault that no reader foresaw, as trouble of the source."""
    return SourceFault(
        f"the source cannot be read: {describe(error)}; look at the file or the database, then at the traceback in the "
        "log; it is tried again"
    )


class SourceRow(NamedTuple):
    """One row. `place` names it for people; `problem` says why it cannot be read as it stands."""

    place: str
    values: Sequence[object]
    cursor: CursorValue | None = None
    problem: LocalizedText | None = None


class Source(Protocol):
    """A park's records. Raises SourceUnavailable where it may help to try again, OperatorError where it does not."""

    where: str
    columns: Sequence[str]
    has_cursor: bool

    def scan(self) -> Iterator[SourceRow]:
        """Every row."""

    def after(self, after: CursorValue | None, until: CursorValue | None, limit: int) -> list[SourceRow]:
        """Up to `limit` rows with `after` < cursor ≤ `until`, in the cursor's order. Rows without a cursor never."""

    def newest(self) -> CursorValue | None:
        """The greatest cursor there is."""

    def count(self, after: CursorValue | None = None, until: CursorValue | None = None) -> int | None:
        """How many rows that are; None where only reading them would tell."""

    def stamp(self) -> object:
        """Changes when a file was changed; None for a database."""

    def problems(self) -> list[str]:
        """What will hurt later, for `agent check`."""

    def close(self) -> None:
        """Lets go of it."""


def dump_cursor(cursor: CursorValue) -> str:
    """A cursor as text that `load_cursor` reads back exactly."""
    return msgspec.json.encode([_tagged(value) for value in cursor]).decode()


def load_cursor(text: str) -> CursorValue:
    """The cursor in a text that `dump_cursor` made."""
    return tuple(_untagged(value) for value in msgspec.json.decode(text))


def _tagged(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        raise UsageError(f"A cursor cannot hold {value}; mend the row, or leave it out by a query.")
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
