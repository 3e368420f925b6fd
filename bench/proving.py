"""Compares the answers that callers got with what the database holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.engines import opened
from bench.traffic import Ledger
from vipgate.store.interfaces.ledger import Filter


@dataclass(frozen=True, slots=True)
class Proof:
    """How the database compares with the answers that callers got."""

    acknowledged: int
    # Acknowledged, and not all of its rows are there.
    missing: int
    # Some rows of a request and not the others, acknowledged or not.
    half: int
    # Stored whole, although no caller got 1001.
    stored_anyway: int


def prove(database: str, ledgers: Iterable[Ledger]) -> Proof:
    """Compares all records of these parks with the ledgers."""
    proofs = [_prove_park(database, one) for one in ledgers]
    return Proof(*[sum(column) for column in zip(*[_figures(one) for one in proofs], strict=True)])


def _figures(proof: Proof) -> Sequence[int]:
    return proof.acknowledged, proof.missing, proof.half, proof.stored_anyway


def _prove_park(database: str, ledger: Ledger) -> Proof:
    found = [0] * len(ledger.stored)
    mark = ledger.series + "-"
    with opened(database) as store:
        for record in store.iter_records(ledger.park_uuid, Filter()):
            order = record.renewal.pay_partner
            if order.startswith(mark):
                found[int(order[len(mark) :].partition("-")[0])] += 1
    pairs = list(zip(ledger.stored, found, strict=True))
    return Proof(
        sum(ledger.stored),
        sum(told and rows != ledger.rows for told, rows in pairs),
        sum(0 < rows < ledger.rows for _, rows in pairs),
        sum(not told and rows == ledger.rows for told, rows in pairs),
    )
