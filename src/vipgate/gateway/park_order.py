"""Where a park's pushes wait that cannot go on at once: until it is known who the park is, or a large body is decoded."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from vipgate.errors import (
    PARK_QUEUE_FULL,
    ServiceUnavailable,
    StoreError,
)
from vipgate.gateway.park_access import ParkPolicy
from vipgate.protocol.authentication import VerifiedRequest
from vipgate.protocol.batch import Batch
from vipgate.protocol.envelope import PARK_UUID_CHARS_MAX

T = TypeVar("T")

# What may wait of one park for a large body of its own to be decoded.
PARK_REQUESTS_MAX: Final = 1024
PARK_BYTES_MAX: Final = 64 * 1024 * 1024
PARK_RETRY_S: Final = 2


# Serialisers write the park first or last, or after a member or two.
_PARK_WITHIN_BYTES: Final = 512
_park_named = re.compile(rb'"park_uuid"\s*:\s*"([^"\\\x00-\x1f\x7f]{1,256})"').search


def park_meant(body: bytes) -> str | None:
    """The park that an unread body seems to name; to be believed once it is read."""
    found = _park_named(body, 0, _PARK_WITHIN_BYTES) or _park_named(body, len(body) - _PARK_WITHIN_BYTES)
    park_uuid = "" if found is None else found[1].decode("utf-8", "ignore").strip()
    return park_uuid if 0 < len(park_uuid) <= PARK_UUID_CHARS_MAX else None


class OrderedGate(Generic[T]):
    """Lets requests through one after another, in the order they came; while one holds it, those behind wait.

    When it is let go, all that wait go on in the same turn of the loop. A lock would hand on to one a turn, and under load each
    turn brings more than one: the line would only grow.
    """

    def __init__(self) -> None:
        self._held: asyncio.Future[T | None] | None = None
        # Who waits, by the order of coming.
        self._waiting: deque[int] = deque()
        self._came = 0

    async def wait(self) -> T | None:
        """Returns when it is one's turn, with what the last one waited for has brought. Go on without a pause from there.

        Raises StoreError where that failed: the same question once more would fail as well, and take as long.
        """
        brought: T | None = None
        if self._held is None and not self._waiting:
            return brought
        self._came = ticket = self._came + 1
        self._waiting.append(ticket)
        try:
            while self._held is not None or self._waiting[0] != ticket:
                if self._held is not None:
                    brought = await self._held
                else:
                    # Those before are woken already, and have not had their turn yet.
                    await asyncio.sleep(0)
        finally:
            # The first, but for one that gives up.
            self._waiting.remove(ticket)
        return brought

    async def run_exclusive(self, work: Awaitable[T]) -> T:
        """What `work` brings; nobody goes through meanwhile."""
        held = self._held = asyncio.get_running_loop().create_future()
        brought: T | None = None
        try:
            brought = await work
        except StoreError as error:
            held.set_exception(error)
            held.exception()
            raise
        finally:
            self._held = None
            if not held.done():
                held.set_result(brought)
        return brought


@dataclass(slots=True)
class ParkSequencer:
    """Requests that name one park, in the order they came through both gates.

    Anybody can name a park. So what is not proved yet waits apart, for an answer of the store at most, and takes no room.
    """

    lookup_gate: OrderedGate[ParkPolicy] = field(default_factory=OrderedGate)
    decode_gate: OrderedGate[tuple[Batch, VerifiedRequest]] = field(default_factory=OrderedGate)
    length: int = 0
    verified: int = 0
    verified_bytes: int = 0

    @contextmanager
    def reserve(self, body_bytes: int) -> Iterator[None]:
        """A place for one that is proved; the first always finds one. Raises Unavailable."""
        is_full = self.verified >= PARK_REQUESTS_MAX or self.verified_bytes + body_bytes > PARK_BYTES_MAX
        if self.verified and is_full:
            raise ServiceUnavailable(PARK_QUEUE_FULL, retry_after_s=PARK_RETRY_S)
        self.verified += 1
        self.verified_bytes += body_bytes
        try:
            yield
        finally:
            self.verified -= 1
            self.verified_bytes -= body_bytes


class ParkSequencers:
    """The lines there are now, by park."""

    def __init__(self) -> None:
        self._sequencers: dict[str, ParkSequencer] = {}

    def __contains__(self, park_uuid: str) -> bool:
        return park_uuid in self._sequencers

    @contextmanager
    def for_park(self, park_uuid: str) -> Iterator[ParkSequencer]:
        """The line of `park_uuid`, which lasts as long as anybody is in it."""
        line = self._sequencers.setdefault(park_uuid, ParkSequencer())
        line.length += 1
        try:
            yield line
        finally:
            line.length -= 1
            if not line.length:
                del self._sequencers[park_uuid]
