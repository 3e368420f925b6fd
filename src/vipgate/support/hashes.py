"""The part of a hash object that the code uses."""

from __future__ import annotations

from typing import Protocol, Self


class Hash(Protocol):
    """A running digest, as hashlib makes them."""

    def copy(self) -> Self:
        """A second digest that goes on from here."""

    def update(self, data: bytes, /) -> None:
        """Adds `data`."""

    def hexdigest(self) -> str:
        """The digest so far, in lower-case hex."""
