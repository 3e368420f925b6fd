"""Data types shared by the agent's modules: rows to send, rejected rows, batches."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, Literal, NamedTuple

import msgspec

HASH_BYTES: Final = 8
_NOTHING: Final = blake2b(digest_size=HASH_BYTES)

Lane = Literal["changes", "snapshot"]


def short_hash(content: bytes) -> bytes:
    """Hashes to HASH_BYTES bytes, as the spool stores them."""
    # A copy takes half the time of a new object with its options, which is most of the time for so few bytes.
    state = _NOTHING.copy()
    state.update(content)
    return state.digest()


class OutboxRow(msgspec.Struct, gc=False):
    """One encoded row. `number` is its position in the outbox, 0 for a row that is not from the outbox.

    `row_id` identifies the row of the source that it was made of (`sources.base.row_id`).
    """

    pay_partner: str
    row: bytes
    place: str
    number: int = 0
    row_id: bytes = b""

    @property
    def hash(self) -> bytes:
        """Identifies the version of the row."""
        return short_hash(self.row)


class Rejection(msgspec.Struct, gc=False):
    """A row rejected by the mapping or the platform, with what helps to fix it. `row` and `source` are JSON."""

    identity: str
    pay_partner: str | None
    place: str
    reason: str
    seqno: str = ""
    row: bytes | None = None
    source: str | None = None
    row_id: bytes = b""

    @property
    def hash(self) -> bytes:
        """Identifies the version of the row and the reason of its rejection."""
        return short_hash(f"{self.reason}\n{self.source}".encode())


class Version(NamedTuple):
    """What is known of a record: the version that was acknowledged or waits, and the row of the source that it is of."""

    hash: bytes
    row_id: bytes


class DeadLetter(msgspec.Struct, frozen=True):
    """A rejected row as stored in the spool."""

    number: int
    identity: str
    pay_partner: str | None
    place: str
    reason: str
    seqno: str
    row: bytes | None
    source: str | None
    at_us: int


@dataclass(slots=True, eq=False)
class Batch:
    """Rows of one request; with `complete` they replace all that the platform holds.

    `page` is their snapshot page, read at `read_us`.
    """

    lane: Lane
    rows: list[OutboxRow]
    page: int = 0
    read_us: int = 0
    complete: bool = False
