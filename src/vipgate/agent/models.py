"""Data types shared by the agent's modules: rows to send, rejected rows, batches."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

import msgspec

HASH_BYTES = 12

Lane = Literal["live", "stock"]


class OutboxRow(msgspec.Struct, gc=False):
    """One encoded row. `number` is its position in the outbox, 0 for a row that is not from the outbox."""

    pay_partner: str
    row: bytes
    place: str
    number: int = 0

    @property
    def hash(self) -> bytes:
        """Identifies the version of the row."""
        return blake2b(self.row, digest_size=HASH_BYTES).digest()


class Rejection(msgspec.Struct, gc=False):
    """A row rejected by the mapping or the platform, with what helps to fix it. `row` and `source` are JSON."""

    identity: str
    pay_partner: str | None
    place: str
    reason: str
    seqno: str = ""
    row: bytes | None = None
    source: str | None = None


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
    """Rows of one request. `page` is their snapshot page; with `complete` they replace all that the platform holds."""

    lane: Lane
    rows: list[OutboxRow]
    page: int = 0
    complete: bool = False
