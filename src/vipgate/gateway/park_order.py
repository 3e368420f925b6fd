"""Keeps the pushes of one park in order while they wait for a park lookup or for a large body to be decoded."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from vipgate.errors import PARK_QUEUE_FULL, ServiceUnavailable, StoreError
from vipgate.gateway.park_access import ParkPolicy
from vipgate.protocol.authentication import VerifiedRequest
from vipgate.protocol.batch import Batch
from vipgate.protocol.envelope import PARK_UUID_CHARS_MAX

T = TypeVar("T")

# Limits on the pushes of one park that wait for a large body of its own to be decoded.
PARK_REQUESTS_MAX: Final = 1024
PARK_BYTES_MAX: Final = 64 * 1024 * 1024
PARK_RETRY_S: Final = 2


# Serialisers write `park_uuid` near the start or the end.
_PARK_WITHIN_BYTES: Final = 512
_park_named = re.compile(rb'"park_uuid"\s*:\s*"([^"\\\x00-\x1f\x7f]{1,256})"').search


def park_meant(body: bytes) -> str | None:
    """Guesses the park from an unparsed body; check it after parsing. None where there is no guess."""
    found = _park_named(body, 0, _PARK_WITHIN_BYTES) or _park_named(body, len(body) - _PARK_WITHIN_BYTES)
    park_uuid = "" if found is None else found[1].decode("utf-8", "ignore").strip()
    return park_uuid if 0 < len(park_uuid) <= PARK_UUID_CHARS_MAX else None


class OrderedGate(Generic[T]):
    """Lets requests through in order of arrival; while one holds the gate, later ones wait.

    On release, all waiting requests go on in the same tick of the event loop. A lock would release one per tick, and under
    load more than one arrives per tick: the queue would only grow.
    """

    def __init__(self) -> None:
        self._held: asyncio.Future[T | None] | None = None
        # Tickets of the waiting requests, in order of arrival.
        self._waiting: deque[int] = deque()
        self._came = 0

    async def wait(self) -> T | None:
        """Waits for its turn; returns the result of the last holder it waited for, else None. Do not await before you go on.

        Raises the holder's StoreError: the same query again would fail as well, and take as long.
        """
        result: T | None = None
        if self._held is None and not self._waiting:
            return result
        self._came = ticket = self._came + 1
        self._waiting.append(ticket)
        try:
            while self._held is not None or self._waiting[0] != ticket:
                if self._held is not None:
                    result = await self._held
                else:
                    # The requests before are woken, but have not run yet.
                    await asyncio.sleep(0)
        finally:
            # Usually the first; a cancelled request may be anywhere.
            self._waiting.remove(ticket)
        return result

    async def run_exclusive(self, work: Awaitable[T]) -> T:
        """Awaits `work` while holding the gate, and returns its result."""
        held = self._held = asyncio.get_running_loop().create_future()
        result: T | None = None
        try:
            result = await work
        except StoreError as error:
            held.set_exception(error)
            held.exception()
            raise
        finally:
            self._held = None
            if not held.done():
                held.set_result(result)
        return result


@dataclass(slots=True)
class ParkSequencer:
    """The waiting requests that name one park, in order of arrival at both gates.

    Anyone can name a park. So unauthenticated requests wait at `lookup_gate` only, for one store query, and use no quota.
    """

    lookup_gate: OrderedGate[ParkPolicy] = field(default_factory=OrderedGate)
    decode_gate: OrderedGate[tuple[Batch, VerifiedRequest]] = field(default_factory=OrderedGate)
    length: int = 0
    verified: int = 0
    verified_bytes: int = 0

    @contextmanager
    def reserve(self, body_bytes: int) -> Iterator[None]:
        """Reserves quota for an authenticated request; the first always gets it. Raises ServiceUnavailable."""
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
    """The sequencers of all parks with waiting requests."""

    def __init__(self) -> None:
        self._sequencers: dict[str, ParkSequencer] = {}

    def __contains__(self, park_uuid: str) -> bool:
        return park_uuid in self._sequencers

    @contextmanager
    def for_park(self, park_uuid: str) -> Iterator[ParkSequencer]:
        """Enters the sequencer of `park_uuid`; it exists as long as it has requests."""
        sequencer = self._sequencers.setdefault(park_uuid, ParkSequencer())
        sequencer.length += 1
        try:
            yield sequencer
        finally:
            sequencer.length -= 1
            if not sequencer.length:
                del self._sequencers[park_uuid]
