"""What a vehicle's records are worth at noon, case by case."""

from __future__ import annotations

import pytest

from support.api_app import row
from support.store_database import NOON_US
from vipgate.domain.entitlement import GAP_US_MAX, Entitlement, entitlement_at
from vipgate.store.interfaces.ledger import StoredRecord

DAY = 86_400_000_000
MONTH, VALUE, TIMES, DAYS, FREE = 1, 2, 3, 4, 0
# vip_type, start, end; instants in days from noon, None where the park told none.
Pass = tuple[int, float | None, float | None]


def _stands(*passes: Pass) -> Entitlement:
    def instant(days: float | None) -> int | None:
        return None if days is None else NOON_US + round(days * DAY)

    records = [
        StoredRecord(
            row(
                pay_partner=str(n),
                vip_type=kind,
                renewal_start_time_us=instant(start),
                renewal_end_time_us=instant(end),
            ),
            1,
            "s",
            100 - n,
        )
        for n, (kind, start, end) in enumerate(passes)
    ]
    return entitlement_at(records, NOON_US)


@pytest.mark.parametrize(
    ("passes", "state", "on", "until_days"),
    [
        ([], "none", None, None),
        ([(MONTH, -1, 30)], "valid", "0", 30),
        ([(MONTH, -1, 7)], "valid", "0", 7),
        ([(MONTH, -1, 6.999)], "expiring", "0", 6.999),
        ([(MONTH, 0, 30)], "valid", "0", 30),
        ([(MONTH, -30, 0)], "expired", "0", 0),
        ([(MONTH, None, 30)], "valid", "0", 30),
        ([(MONTH, -1, None)], "none", "0", None),
        ([(MONTH, None, None)], "none", "0", None),
        ([(MONTH, 1, 30)], "none", "0", None),
        ([(MONTH, 1, 30), (MONTH, -60, -30)], "expired", "1", -30),
        ([(MONTH, 1, 31), (MONTH, -29, 1)], "valid", "1", 31),
        ([(MONTH, 2, 32), (MONTH, -29, 1)], "expiring", "1", 1),
        ([(MONTH, 20, 60), (MONTH, 1, 21), (MONTH, -29, 1)], "valid", "2", 60),
        ([(MONTH, -1, 3), (MONTH, -9, 9)], "valid", "1", 9),
        ([(MONTH, -60, -30), (MONTH, -30, -1)], "expired", "1", -1),
        ([(MONTH, 1, None), (MONTH, -29, 1)], "expiring", "1", 1),
        ([(FREE, None, None)], "valid", "0", None),
        ([(VALUE, None, None)], "valid", "0", None),
        ([(TIMES, -1, None)], "valid", "0", None),
        ([(DAYS, -1, 3)], "expiring", "0", 3),
        ([(VALUE, None, None), (MONTH, -1, 3)], "valid", "0", None),
        ([(VALUE, 1, None), (MONTH, -1, 1)], "valid", "1", None),
    ],
)
def test_vehicle_stands_as_its_passes_say(
    passes: list[Pass], state: str, on: str | None, until_days: float | None
) -> None:
    stands = _stands(*passes)
    assert stands.state == state
    assert (None if stands.record is None else stands.record.renewal.pay_partner) == on
    assert stands.until_us == (None if until_days is None else NOON_US + round(until_days * DAY))


def test_second_before_midnight_is_no_gap() -> None:
    gap_days = GAP_US_MAX / DAY
    assert _stands((MONTH, 1 + gap_days, 31), (MONTH, -29, 1)).state == "valid"
    assert _stands((MONTH, 1 + 2 * gap_days, 31), (MONTH, -29, 1)).state == "expiring"


def test_of_passes_that_end_together_the_newest_counts() -> None:
    record = _stands((MONTH, -1, 30), (MONTH, -2, 30)).record
    assert record is not None
    assert record.renewal.pay_partner == "0"
