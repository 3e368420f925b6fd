"""Sums over records by which two ledgers can be compared without sending them. Pure; gateway and agent share it.

docs/digest.md is the definition; another vendor's program has to come to the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from typing import Final

import msgspec

from vipgate.protocol.renewal import (
    Renewal,
    format_instant,
)

NO_MONTH: Final = "none"
BUCKETS: Final = (16, 256, 4096)
_DAY_MS: Final = 86_400_000
_BEIJING_MS: Final = 8 * 3_600_000
_MASK: Final = 2**64 - 1
# `flags` is the platform's own judgement and no part of what the park said.
_SAID: Final = -1

_encode = msgspec.json.Encoder().encode


class DigestSum(msgspec.Struct):
    """How many records, how much money, and the sum of their digests modulo 2⁶⁴: no order, no list."""

    count: int = 0
    pay_value: int = 0
    digest: int = 0

    def add(self, renewal: Renewal) -> None:
        """Counts one record."""
        self.count += 1
        self.pay_value += renewal.pay_value_fen or 0
        self.digest = (self.digest + record_digest(renewal)) & _MASK

    def join(self, other: DigestSum) -> None:
        """Adds the sums of other records."""
        self.count += other.count
        self.pay_value += other.pay_value
        self.digest = (self.digest + other.digest) & _MASK


def record_digest(renewal: Renewal) -> int:
    """64 bits that change with any member of the record."""
    said = _encode(msgspec.structs.astuple(renewal)[:_SAID])
    return int.from_bytes(blake2b(said, digest_size=8).digest(), "big")


def digest_text(digest: int) -> str:
    """As it goes on the wire: 16 hexadecimal digits."""
    return f"{digest:016x}"


def bucket_of(pay_partner: str, buckets: int) -> int:
    """Which of so many buckets a record is in, whatever else changes about it."""
    return int.from_bytes(blake2b(pay_partner.encode(), digest_size=4).digest(), "big") % buckets


def month_of(renewal: Renewal) -> str:
    """The Beijing month of the payment, `2026-11`; `none` where it has no time."""
    if renewal.pay_time_ms is None:
        return NO_MONTH
    return _month((renewal.pay_time_ms + _BEIJING_MS) // _DAY_MS)


@lru_cache(maxsize=65_536)
def _month(day: int) -> str:
    return format_instant(day * _DAY_MS * 1000)[:7]


def tally_months(renewals: Iterable[Renewal]) -> dict[str, DigestSum]:
    """The sums of each month, in order."""
    found: dict[str, DigestSum] = {}
    for renewal in renewals:
        found.setdefault(month_of(renewal), DigestSum()).add(renewal)
    return dict(sorted(found.items()))


def bucket_place(renewal: Renewal, buckets: int) -> tuple[str, int]:
    """The month and the bucket of a record."""
    return month_of(renewal), bucket_of(renewal.pay_partner, buckets)


def tally_buckets(renewals: Iterable[Renewal], months: Iterable[str], buckets: int) -> dict[tuple[str, int], DigestSum]:
    """The sums of each bucket of these months, in order; none for empty ones."""
    wanted = set(months)
    found: dict[tuple[str, int], DigestSum] = {}
    for renewal in renewals:
        if month_of(renewal) in wanted:
            found.setdefault(bucket_place(renewal, buckets), DigestSum()).add(renewal)
    return dict(sorted(found.items()))
