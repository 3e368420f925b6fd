"""Finds rows that share an order number with different content, in bounded memory."""

from __future__ import annotations

from typing import Final

from vipgate.agent.models import HASH_BYTES, OutboxRow, short_hash

ORDERS_MAX: Final = 500_000


class SeenOrders:
    """Remembers, for the first `orders_max` order numbers, where each was and a hash of its row."""

    def __init__(self, orders_max: int = ORDERS_MAX) -> None:
        self._orders_max = orders_max
        # A number's hash → the row's hash and place, in one object: a tuple would take twice the memory.
        self._seen: dict[bytes, bytes] = {}

    @property
    def is_full(self) -> bool:
        """Whether further order numbers are not remembered."""
        return len(self._seen) >= self._orders_max

    def conflict(self, row: OutboxRow) -> str | None:
        """The place of an earlier row with this order number and different content; remembers the row if there is none."""
        key = short_hash(row.pay_partner.encode())
        known = self._seen.get(key)
        if known is None:
            if not self.is_full:
                self._seen[key] = short_hash(row.row) + row.place.encode()
            return None
        return None if known.startswith(short_hash(row.row)) else known[HASH_BYTES:].decode()

    def place_of(self, pay_partner: str) -> str | None:
        """The place of an earlier row with this order number."""
        known = self._seen.get(short_hash(pay_partner.encode()))
        return None if known is None else known[HASH_BYTES:].decode()
