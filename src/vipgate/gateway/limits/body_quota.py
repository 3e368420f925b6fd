"""How much of callers' bodies may be here at once: all together, of one address by what is still free, and how fast they must come.

No clock, no socket. What comes in one piece with its head, as most pushes do, is counted in the total alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vipgate.support.client_address import quota_key

# Bodies up to this size find room when larger ones do not any more.
SMALL_BYTES_MAX: Final = 64 * 1024
_RESERVED_SHARE: Final = 8


@dataclass(slots=True)
class AddressUsage:
    """What one address has on its way in: bodies, their bytes that are here, and those that are to come with them."""

    bodies: int = 0
    received_bytes: int = 0
    declared_bytes: int = 0


@dataclass(slots=True)
class BodyReservation:
    """One body on its way in."""

    network: str
    address: AddressUsage
    declared_bytes: int
    received_bytes: int = 0


class BodyMemoryQuota:
    """All bodies of one port. `total_bytes` counts those that are whole and wait for their answer, too.

    What an address only means to send is held against itself alone: a head costs nothing, so it must take nothing from others.
    """

    def __init__(self, bytes_max: int, body_bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._large_bytes_max = bytes_max - max(0, min(bytes_max // _RESERVED_SHARE, bytes_max - body_bytes_max))
        self._addresses: dict[str, AddressUsage] = {}
        self.total_bytes = 0

    def has_room(self, body_bytes: int) -> bool:
        """Whether a small body has room as it is."""
        return self.total_bytes + body_bytes <= self._bytes_max

    def begin(self, caller: str, bytes_meant: int) -> BodyReservation | None:
        """A body of `caller` that is to have `bytes_meant`; None where it has no room."""
        network = quota_key(caller)
        address = self._addresses.get(network) or AddressUsage()
        if not self._has_share(address, bytes_meant, self._limit(bytes_meant), alone=not address.bodies):
            return None
        self._addresses[network] = address
        address.bodies += 1
        address.declared_bytes += bytes_meant
        return BodyReservation(network, address, bytes_meant)

    def grow(self, upload: BodyReservation, piece_bytes: int) -> bool:
        """Counts a piece that has come; False where it has no room."""
        here, address = upload.received_bytes + piece_bytes, upload.address
        limit = self._limit(max(here, upload.declared_bytes))
        more = max(0, here - upload.declared_bytes)
        if self.total_bytes + piece_bytes > limit:
            return False
        if more and not self._has_share(address, more, limit, alone=address.bodies == 1):
            return False
        upload.received_bytes = here
        upload.declared_bytes += more
        address.declared_bytes += more
        address.received_bytes += piece_bytes
        self.total_bytes += piece_bytes
        return True

    def end(self, upload: BodyReservation) -> None:
        """It is whole or given up. Its bytes stay in the total until they are answered."""
        address = upload.address
        address.bodies -= 1
        address.received_bytes -= upload.received_bytes
        address.declared_bytes -= upload.declared_bytes
        if not address.bodies:
            del self._addresses[upload.network]

    def _limit(self, body_bytes: int) -> int:
        return self._bytes_max if body_bytes <= SMALL_BYTES_MAX else self._large_bytes_max

    def _has_share(self, address: AddressUsage, more: int, limit: int, *, alone: bool) -> bool:
        """Whether an address may have as much more: as much as stays free. Its only body may take all that is free."""
        free = limit - (self.total_bytes - address.received_bytes) - address.declared_bytes
        return more <= free if alone else address.declared_bytes + more <= free
