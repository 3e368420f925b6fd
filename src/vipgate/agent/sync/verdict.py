"""Decides whether a row that was read is news: (row, what is known of its record) → verdict. Pure."""

from __future__ import annotations

from enum import Enum, auto

from vipgate.agent.models import OutboxRow, Rejection, Version
from vipgate.agent.sources.base import is_newer, load_cursor


class Verdict(Enum):
    """What to do with a row, given what is known of its record."""

    SAME = auto()
    NEWS = auto()
    # Another row of the source has the order number: both are to be read again, and compared.
    SHARED = auto()
    # Another row has the order number and, by the cursor, is newer; perhaps it has gone since.
    OLDER = auto()


def judge(row: OutboxRow | Rejection, known: Version | None, *, has_key: bool) -> Verdict:
    """Judges a row. `has_key`: row ids are keys of the source; otherwise they are cursors, or empty."""
    if known is None:
        return Verdict.NEWS
    if known.hash == row.hash:
        return Verdict.SAME
    if has_key:
        # What the row is now counts, whatever its cursor is.
        is_same = known.row_id == row.row_id or not _are_alike(known.row_id, row.row_id)
        return Verdict.NEWS if is_same else Verdict.SHARED
    if known.row_id and row.row_id and known.row_id != row.row_id:
        newer = is_newer(load_cursor(row.row_id.decode()), load_cursor(known.row_id.decode()))
        return Verdict.OLDER if newer is False else Verdict.NEWS
    return Verdict.NEWS


def _are_alike(one: bytes, other: bytes) -> bool:
    """Whether both identify rows in the same way: the key may have been configured since."""
    if not one or not other:
        return False
    return list(map(type, load_cursor(one.decode()))) == list(map(type, load_cursor(other.decode())))
