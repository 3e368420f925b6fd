"""The part of the hashlib interface that vipgate uses."""

from __future__ import annotations

from typing import Protocol, Self


class Hash(Protocol):
    """A hash object of hashlib."""

    def copy(self) -> Self:
        """Returns an independent copy of the current state."""

    def update(self, data: bytes, /) -> None:
        """Adds `data`."""

    def hexdigest(self) -> str:
        """Returns the digest so far in lower-case hex."""
