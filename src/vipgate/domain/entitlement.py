"""Computes whether a vehicle's passes are valid, expiring, expired or none at an instant. Pure.

The ledger records sales, not use: for a stored-value, times or days card it shows what was bought, not what is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from vipgate.protocol.renewal import Renewal
from vipgate.store.interfaces.ledger import DAY_US, INSTANT_US_MAX, StoredRecord

State = Literal["valid", "expiring", "expired", "none"]

EXPIRING_DAYS: Final = 7
# A renewal that ends at 23:59:59 and one that starts at midnight leave no gap.
GAP_US_MAX: Final = 1_000_000
# Stored value, times, days and the white list are valid without a period; other types need one.
_WITHOUT_PERIOD: Final = frozenset({0, 2, 3, 4})


@dataclass(frozen=True, slots=True)
class Entitlement:
    """State of a vehicle. `record`: the valid pass, else the one that ended last, else the newest.

    `until_us`: end of the continuous time that its records cover; None if unlimited or unknown.
    """

    state: State
    record: StoredRecord | None
    until_us: int | None


def entitlement_at(records: Sequence[StoredRecord], now_us: int) -> Entitlement:
    """The state at `now_us` of a vehicle with these `records`, newest change first."""
    covering = [one for one in records if _covers(one.renewal, now_us)]
    if covering:
        # Of several valid passes the one that lasts longest; of those the newest.
        record = max(covering, key=lambda one: _end_us(one.renewal))
        end_us = _covered_until_us((one.renewal for one in records), _end_us(record.renewal))
        if end_us >= INSTANT_US_MAX:
            return Entitlement("valid", record, None)
        return Entitlement("expiring" if end_us - now_us < EXPIRING_DAYS * DAY_US else "valid", record, end_us)
    ended = [one for one in records if _end_us(one.renewal) <= now_us]
    if ended:
        record = max(ended, key=lambda one: _end_us(one.renewal))
        return Entitlement("expired", record, _end_us(record.renewal))
    return Entitlement("none", records[0] if records else None, None)


def _covers(renewal: Renewal, now_us: int) -> bool:
    if renewal.renewal_end_time_us is None and renewal.vip_type not in _WITHOUT_PERIOD:
        return False
    return _start_us(renewal) <= now_us < _end_us(renewal)


def _covered_until_us(renewals: Iterable[Renewal], end_us: int) -> int:
    """Extends `end_us` by each renewal that starts before the time covered so far ends."""
    bounded = (renewal for renewal in renewals if renewal.renewal_end_time_us or renewal.vip_type in _WITHOUT_PERIOD)
    for renewal in sorted(bounded, key=_start_us):
        if _start_us(renewal) <= end_us + GAP_US_MAX:
            end_us = max(end_us, _end_us(renewal))
    return end_us


def _start_us(renewal: Renewal) -> int:
    return -INSTANT_US_MAX if renewal.renewal_start_time_us is None else renewal.renewal_start_time_us


def _end_us(renewal: Renewal) -> int:
    return INSTANT_US_MAX if renewal.renewal_end_time_us is None else renewal.renewal_end_time_us
