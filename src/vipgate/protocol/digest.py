"""Digests and sums over records, to compare two ledgers without sending records. Pure; used by gateway and agent.

docs/digest.md is the definition: another vendor's implementation must compute the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from typing import Final

import msgspec

from vipgate.protocol.renewal import Renewal, format_instant

NO_MONTH: Final = "none"
BUCKETS: Final = (16, 256, 4096)
_DAY_MS: Final = 86_400_000
_BEIJING_MS: Final = 8 * 3_600_000
_MASK: Final = 2**64 - 1
# The platform computes `flags`; they are not part of the park's data.
_SAID: Final = -1

_encode = msgspec.json.Encoder().encode


class DigestSum(msgspec.Struct):
    """Number of records, sum of `pay_value` in fen, and order-independent sum of digests modulo 2⁶⁴."""

    count: int = 0
    pay_value: int = 0
    digest: int = 0

    def add(self, renewal: Renewal) -> None:
        """Adds one record."""
        self.count += 1
        self.pay_value += renewal.pay_value_fen or 0
        self.digest = (self.digest + record_digest(renewal)) & _MASK

    def join(self, other: DigestSum) -> None:
        """Adds the sums of other records."""
        self.count += other.count
        self.pay_value += other.pay_value
        self.digest = (self.digest + other.digest) & _MASK


def record_digest(renewal: Renewal) -> int:
    """Returns a 64-bit digest over all members of the record except `flags`."""
    said = _encode(msgspec.structs.astuple(renewal)[:_SAID])
    return int.from_bytes(blake2b(said, digest_size=8).digest(), "big")


def digest_text(digest: int) -> str:
    """Formats a digest for the wire: 16 hexadecimal digits."""
    return f"{digest:016x}"


def bucket_of(pay_partner: str, buckets: int) -> int:
    """Returns a record's bucket, which depends on its `pay_partner` only."""
    return int.from_bytes(blake2b(pay_partner.encode(), digest_size=4).digest(), "big") % buckets


def month_of(renewal: Renewal) -> str:
    """Returns the month of the payment in Beijing time, as `2026-11`; `none` without `pay_time`."""
    if renewal.pay_time_ms is None:
        return NO_MONTH
    return _month((renewal.pay_time_ms + _BEIJING_MS) // _DAY_MS)


@lru_cache(maxsize=65_536)
def _month(day: int) -> str:
    return format_instant(day * _DAY_MS * 1000)[:7]


def tally_months(renewals: Iterable[Renewal]) -> dict[str, DigestSum]:
    """Returns the sums of each month, sorted."""
    found: dict[str, DigestSum] = {}
    for renewal in renewals:
        found.setdefault(month_of(renewal), DigestSum()).add(renewal)
    return dict(sorted(found.items()))


def bucket_place(renewal: Renewal, buckets: int) -> tuple[str, int]:
    """Returns month and bucket of a record."""
    return month_of(renewal), bucket_of(renewal.pay_partner, buckets)


def tally_buckets(renewals: Iterable[Renewal], months: Iterable[str], buckets: int) -> dict[tuple[str, int], DigestSum]:
    """Returns the sums of each non-empty bucket of `months`, sorted."""
    wanted = set(months)
    found: dict[tuple[str, int], DigestSum] = {}
    for renewal in renewals:
        if month_of(renewal) in wanted:
            found.setdefault(bucket_place(renewal, buckets), DigestSum()).add(renewal)
    return dict(sorted(found.items()))
