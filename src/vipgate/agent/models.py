"""What the agent's rooms hand each other: a row that is ready to be sent, and one that cannot be."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

import msgspec

HASH_BYTES = 12

Lane = Literal["live", "stock"]


class OutboxRow(msgspec.Struct, gc=False):
    """One row as it goes on the wire. `number` is its place in the outbox; 0 where it does not come from there."""

    pay_partner: str
    row: bytes
    place: str
    number: int = 0

    @property
    def hash(self) -> bytes:
        """Tells two versions apart."""
        return blake2b(self.row, digest_size=HASH_BYTES).digest()


class Rejection(msgspec.Struct, gc=False):
    """One row that the mapping or the platform refuses, and all that helps to mend it. `row` and `source` are JSON."""

    identity: str
    pay_partner: str | None
    place: str
    reason: str
    seqno: str = ""
    row: bytes | None = None
    source: str | None = None


class DeadLetter(msgspec.Struct, frozen=True):
    """A dead letter as the spool keeps it."""

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
    """Rows of one request. `page` is the stock's page that they belong to; `complete` replaces all that the platform holds."""

    lane: Lane
    rows: list[OutboxRow]
    page: int = 0
    complete: bool = False
