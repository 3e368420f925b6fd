"""How much of callers' bodies may be here at once: all together, of one address by what is still free, and how fast they must come.

No clock, no socket. What comes in one piece with its head, as most pushes do, is counted in the total alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from vipgate.gateway.http.messages import Request
from vipgate.support.client_address import network_of

# Bodies up to this size find room when larger ones do not any more.
SMALL_BYTES_MAX: Final = 64 * 1024
_RESERVED_SHARE: Final = 8


@dataclass(slots=True)
class Address:
    """What one address has on its way in: bodies, their bytes that are here, and those that are to come with them."""

    bodies: int = 0
    bytes_here: int = 0
    bytes_meant: int = 0


@dataclass(slots=True)
class Upload:
    """One body on its way in."""

    network: str
    address: Address
    bytes_meant: int
    bytes_here: int = 0


class Uploads:
    """All bodies of one port. `total_bytes` counts those that are whole and wait for their answer, too.

    What an address only means to send is held against itself alone: a head costs nothing, so it must take nothing from others.
    """

    def __init__(self, bytes_max: int, body_bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._large_bytes_max = bytes_max - max(0, min(bytes_max // _RESERVED_SHARE, bytes_max - body_bytes_max))
        self._addresses: dict[str, Address] = {}
        self.total_bytes = 0

    def has_room(self, body_bytes: int) -> bool:
        """Whether a small body has room as it is."""
        return self.total_bytes + body_bytes <= self._bytes_max

    def begin(self, caller: str, bytes_meant: int) -> Upload | None:
        """A body of `caller` that is to have `bytes_meant`; None where it has no room."""
        network = network_of(caller)
        address = self._addresses.get(network) or Address()
        if not self._has_share(address, bytes_meant, self._limit(bytes_meant), alone=not address.bodies):
            return None
        self._addresses[network] = address
        address.bodies += 1
        address.bytes_meant += bytes_meant
        return Upload(network, address, bytes_meant)

    def grow(self, upload: Upload, piece_bytes: int) -> bool:
        """Counts a piece that has come; False where it has no room."""
        here, address = upload.bytes_here + piece_bytes, upload.address
        limit = self._limit(max(here, upload.bytes_meant))
        more = max(0, here - upload.bytes_meant)
        if self.total_bytes + piece_bytes > limit:
            return False
        if more and not self._has_share(address, more, limit, alone=address.bodies == 1):
            return False
        upload.bytes_here = here
        upload.bytes_meant += more
        address.bytes_meant += more
        address.bytes_here += piece_bytes
        self.total_bytes += piece_bytes
        return True

    def end(self, upload: Upload) -> None:
        """It is whole or given up. Its bytes stay in the total until they are answered."""
        address = upload.address
        address.bodies -= 1
        address.bytes_here -= upload.bytes_here
        address.bytes_meant -= upload.bytes_meant
        if not address.bodies:
            del self._addresses[upload.network]

    def _limit(self, body_bytes: int) -> int:
        return self._bytes_max if body_bytes <= SMALL_BYTES_MAX else self._large_bytes_max

    def _has_share(self, address: Address, more: int, limit: int, *, alone: bool) -> bool:
        """Whether an address may have as much more: as much as stays free. Its only body may take all that is free."""
        free = limit - (self.total_bytes - address.bytes_here) - address.bytes_meant
        return more <= free if alone else address.bytes_meant + more <= free


class Body:
    """The body that is on its way in on one connection: what of it is here, and its place among others where it takes one."""

    __slots__ = ("_caller", "_meant_bytes", "_uploads", "here", "upload")

    def __init__(self, uploads: Uploads, caller: Callable[[Request], str]) -> None:
        self._uploads = uploads
        self._caller = caller
        self.here: bytes | bytearray = b""
        self._meant_bytes = 0
        self.upload: Upload | None = None

    def expect(self, request: Request, meant_bytes: int) -> bool:
        """Whether there is room for what the head of `request` tells of; 0 where it tells nothing."""
        self._meant_bytes = meant_bytes
        if meant_bytes <= SMALL_BYTES_MAX:
            return self._uploads.has_room(meant_bytes)
        self.upload = self._uploads.begin(self._caller(request), meant_bytes)
        return self.upload is not None

    def take(self, request: Request, piece: bytes) -> bool:
        """Keeps a piece; False where there is no room for it."""
        if self.upload is None and len(piece) == self._meant_bytes:
            # Most bodies are one piece: it stays no longer than its answer takes, so no address need be asked about.
            if not self._uploads.has_room(self._meant_bytes):
                return False
            self._uploads.total_bytes += self._meant_bytes
        elif not self._grow(request, len(piece)):
            return False
        if not self.here:
            self.here = piece
        elif isinstance(self.here, bytes):
            self.here = bytearray(self.here) + piece
        else:
            self.here += piece
        return True

    def _grow(self, request: Request, piece_bytes: int) -> bool:
        if self.upload is None:
            self.upload = self._uploads.begin(self._caller(request), self._meant_bytes)
        return self.upload is not None and self._uploads.grow(self.upload, piece_bytes)

    def whole(self) -> bytes:
        """The body, which is whole. Its bytes stay counted until it is answered."""
        whole, self.here = bytes(self.here), b""
        if self.upload is not None:
            self._uploads.end(self.upload)
            self.upload = None
        return whole

    def drop(self) -> None:
        """Gives up what is here."""
        self._uploads.total_bytes -= len(self.here)
        self.here = b""
        if self.upload is not None:
            self._uploads.end(self.upload)
            self.upload = None
