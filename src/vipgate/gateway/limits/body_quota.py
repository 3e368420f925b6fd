"""Limits the memory for request bodies: in total, and per client address to a fair share. No clock, no socket.

A body that arrives in one piece with its head, as most do, counts in the total only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vipgate.gateway.limits.fair_share import has_share
from vipgate.support.client_address import quota_key

# A share of the memory is reserved for bodies up to this size.
SMALL_BYTES_MAX: Final = 64 * 1024
_RESERVED_SHARE: Final = 8


@dataclass(slots=True)
class AddressUsage:
    """The bodies being received from one address: their number, received bytes and declared bytes."""

    bodies: int = 0
    received_bytes: int = 0
    declared_bytes: int = 0


@dataclass(slots=True)
class BodyReservation:
    """One body being received."""

    network: str
    address: AddressUsage
    declared_bytes: int
    received_bytes: int = 0


class BodyMemoryQuota:
    """All bodies of one port. `total_bytes` includes complete bodies that wait for their response.

    Declared bytes count against their own address only: a head costs the client nothing, so it must not reduce others' share.
    """

    def __init__(self, bytes_max: int, body_bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._large_bytes_max = bytes_max - max(0, min(bytes_max // _RESERVED_SHARE, bytes_max - body_bytes_max))
        self._addresses: dict[str, AddressUsage] = {}
        self.total_bytes = 0

    def has_room(self, body_bytes: int) -> bool:
        """Whether a small body fits into the total."""
        return self.total_bytes + body_bytes <= self._bytes_max

    def begin(self, caller: str, bytes_meant: int) -> BodyReservation | None:
        """Reserves room for a body of `bytes_meant` from the address `caller`; None where there is none."""
        network = quota_key(caller)
        address = self._addresses.get(network) or AddressUsage()
        if not self._has_share(address, bytes_meant, self._limit(bytes_meant), alone=not address.bodies):
            return None
        self._addresses[network] = address
        address.bodies += 1
        address.declared_bytes += bytes_meant
        return BodyReservation(network, address, bytes_meant)

    def grow(self, upload: BodyReservation, piece_bytes: int) -> bool:
        """Counts a received piece; False where it has no room."""
        received, address = upload.received_bytes + piece_bytes, upload.address
        limit = self._limit(max(received, upload.declared_bytes))
        more = max(0, received - upload.declared_bytes)
        if self.total_bytes + piece_bytes > limit:
            return False
        if more and not self._has_share(address, more, limit, alone=address.bodies == 1):
            return False
        upload.received_bytes = received
        upload.declared_bytes += more
        address.declared_bytes += more
        address.received_bytes += piece_bytes
        self.total_bytes += piece_bytes
        return True

    def end(self, upload: BodyReservation) -> None:
        """Ends a complete or aborted body. Its bytes stay in `total_bytes` until the caller subtracts them."""
        address = upload.address
        address.bodies -= 1
        address.received_bytes -= upload.received_bytes
        address.declared_bytes -= upload.declared_bytes
        if not address.bodies:
            del self._addresses[upload.network]

    def _limit(self, body_bytes: int) -> int:
        return self._bytes_max if body_bytes <= SMALL_BYTES_MAX else self._large_bytes_max

    def _has_share(self, address: AddressUsage, more: int, limit: int, *, alone: bool) -> bool:
        """Whether an address may use `more` bytes. Its only body may use all free bytes."""
        free = limit - (self.total_bytes - address.received_bytes) - address.declared_bytes
        return has_share(0 if alone else address.declared_bytes, more, free)
