"""What a vehicle's passes are worth at an instant: valid, about to end, over, or never valid. Pure.

The ledger knows what was sold, not what was used up: of a stored-value, times or days card it tells what was bought.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from vipgate.protocol.renewal import Renewal
from vipgate.store.interfaces.ledger import (
    DAY_US,
    INSTANT_US_MAX,
    StoredRecord,
)

State = Literal["valid", "expiring", "expired", "none"]

EXPIRING_DAYS: Final = 7
# One renewal ends at 23:59:59 and the next begins at midnight: that is no gap.
GAP_US_MAX: Final = 1_000_000
# Stored value, times, days, and the white list are good without a period; the others are what their period is.
_WITHOUT_PERIOD: Final = frozenset({0, 2, 3, 4})


@dataclass(frozen=True, slots=True)
class Entitlement:
    """How a vehicle stands. `record` is what it stands on: the pass that is valid, the one that ended last, or the newest.

    `until_us` is the end of the unbroken time that its records cover together; None where that has no end or is not known.
    """

    state: State
    record: StoredRecord | None
    until_us: int | None


def entitlement_at(records: Sequence[StoredRecord], now_us: int) -> Entitlement:
    """How the vehicle with these `records`, newest change first, stands at `now_us`."""
    covering = [one for one in records if _covers(one.renewal, now_us)]
    if covering:
        # Of several that are valid the one that lasts longest; of those the newest.
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
    """`end_us`, moved on by every renewal that begins before the time covered so far is over."""
    bounded = (renewal for renewal in renewals if renewal.renewal_end_time_us or renewal.vip_type in _WITHOUT_PERIOD)
    for renewal in sorted(bounded, key=_start_us):
        if _start_us(renewal) <= end_us + GAP_US_MAX:
            end_us = max(end_us, _end_us(renewal))
    return end_us


def _start_us(renewal: Renewal) -> int:
    return -INSTANT_US_MAX if renewal.renewal_start_time_us is None else renewal.renewal_start_time_us


def _end_us(renewal: Renewal) -> int:
    return INSTANT_US_MAX if renewal.renewal_end_time_us is None else renewal.renewal_end_time_us
