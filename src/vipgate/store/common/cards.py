"""Fills the table of card entries behind the pushes, chunk by chunk."""

from __future__ import annotations

from typing import Final

from vipgate.store.common.transaction import Transaction, TransactionRunner

# Some ten milliseconds: pushes wait that long at most.
CHUNK_ROWS: Final = 2_000


def add_new_cards(worker: TransactionRunner) -> bool:
    """Makes the card entries of one chunk of records; True if there may be more."""
    found = worker.rows("park_with_new_cards", {})
    if found:
        with worker.transaction() as work:
            _add_chunk(work, found[0][0])
    return bool(found)


def _add_chunk(work: Transaction, park_id: int) -> None:
    [[generation, position, cards_to]] = work.rows("lock_cards", {"park_id": park_id})
    place = {"park_id": park_id, "generation": generation, "cards_to": cards_to}
    end = work.rows("end_of_new_cards", place | {"skip": CHUNK_ROWS - 1})
    chunk = place | {"until": end[0][0] if end else position}
    if position > cards_to:
        work.run("add_card_numbers", chunk)
        work.run("add_card_ids", chunk)
        work.run("set_cards_to", chunk)
