"""Where a park's pushes wait that cannot go on at once: until it is known who the park is, or a large body is decoded."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from vipgate.commit import CROWDED
from vipgate.errors import Unavailable

# What may wait of one park for a large body of its own to be decoded.
LINE_REQUESTS_MAX: Final = 1024
LINE_BYTES_MAX: Final = 64 * 1024 * 1024
LINE_RETRY_S: Final = 2


@dataclass(slots=True)
class Line:
    """Requests that name one park, in the order they came: both locks are fair, and who leaves the one is next at the other.

    Anybody can name a park. So what is not proved yet waits apart, for an answer of the store at most, and takes no room.
    """

    naming: asyncio.Lock = field(default_factory=asyncio.Lock)
    decoding: asyncio.Lock = field(default_factory=asyncio.Lock)
    length: int = 0
    proved: int = 0
    proved_bytes: int = 0

    @contextmanager
    def place(self, body_bytes: int) -> Iterator[None]:
        """A place for one that is proved; the first always finds one. Raises Unavailable."""
        is_full = self.proved >= LINE_REQUESTS_MAX or self.proved_bytes + body_bytes > LINE_BYTES_MAX
        if self.proved and is_full:
            raise Unavailable(CROWDED, retry_after_s=LINE_RETRY_S)
        self.proved += 1
        self.proved_bytes += body_bytes
        try:
            yield
        finally:
            self.proved -= 1
            self.proved_bytes -= body_bytes


class Lines:
    """The lines there are now, by park."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}

    def __contains__(self, park_uuid: str) -> bool:
        return park_uuid in self._lines

    @contextmanager
    def of(self, park_uuid: str) -> Iterator[Line]:
        """The line of `park_uuid`, which lasts as long as anybody is in it."""
        line = self._lines.setdefault(park_uuid, Line())
        line.length += 1
        try:
            yield line
        finally:
            line.length -= 1
            if not line.length:
                del self._lines[park_uuid]
