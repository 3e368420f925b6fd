"""Judges the quantities of records as they would be sent. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from vipgate.agent.mapping.guess_columns import is_months
from vipgate.agent.mapping.guess_evidence import Purchase, QuantityCheck
from vipgate.protocol.renewal import Renewal


def quantity_check(column: str | None) -> QuantityCheck:
    """A check for the quantities of a column; None for a constant."""
    return QuantityCheck(counts_months=column is not None and is_months(column))


def add_purchases(check: QuantityCheck, renewals: Iterable[Renewal]) -> None:
    """Takes records into account."""
    for one in renewals:
        check.add(Purchase(one.vip_type, one.quantity, one.renewal_start_time_us, one.renewal_end_time_us))
