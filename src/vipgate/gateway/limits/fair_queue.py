"""A fair queue: one queue per park, served by deficit round robin over rows. No clock, no thread.

A park may queue a fair share. Deficit round robin: Shreedhar and Varghese, 1995.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

import msgspec

from vipgate.gateway.limits.fair_share import has_share

T = TypeVar("T")

# The cost of a request in addition to its rows, in rows.
REQUEST_COST_ROWS: Final = 16
# What a park may take in one round: seven single-row requests. A larger quantum would delay the others.
QUANTUM_ROWS: Final = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLimits:
    """Limits on all queued requests together."""

    pushes_max: int
    rows_max: int
    bytes_max: int
    refusals_max: int


class QueueItem(msgspec.Struct, Generic[T], frozen=True):
    """One queued request. A rejection to be logged has no rows."""

    request: T
    rows: int
    body_bytes: int
    is_push: bool


@dataclass(slots=True)
class ParkQueue(Generic[T]):
    """The queued requests of one park, oldest first, and its deficit: the rows that it may still take in this round."""

    park_uuid: str | None
    deficit_rows: int = QUANTUM_ROWS
    waiting: deque[QueueItem[T]] = field(default_factory=deque)
    pushes: int = 0
    rows: int = 0
    body_bytes: int = 0
    refusals: int = 0

    def count(self, one: QueueItem[T], sign: int) -> None:
        """Counts an added (1) or removed (-1) request."""
        if one.is_push:
            self.pushes += sign
            self.rows += sign * one.rows
            self.body_bytes += sign * one.body_bytes
        else:
            self.refusals += sign


_EMPTY: Final[ParkQueue[Any]] = ParkQueue(None)


class FairQueue(Generic[T]):
    """The queues of all parks. Unauthenticated requests share one, with park_uuid None."""

    def __init__(self, limits: QueueLimits) -> None:
        self._limits = limits
        self._queues: dict[str | None, ParkQueue[T]] = {}
        # Round robin order: the first queue is served now.
        self._order: deque[ParkQueue[T]] = deque()
        # Sums over all queues.
        self.total: ParkQueue[T] = ParkQueue(None)

    def __len__(self) -> int:
        return self.total.pushes + self.total.refusals

    @property
    def is_full(self) -> bool:
        """Whether no push of any park is accepted."""
        limits, total = self._limits, self.total
        return (
            total.pushes >= limits.pushes_max or total.rows >= limits.rows_max or total.body_bytes >= limits.bytes_max
        )

    def has_waiting(self, park_uuid: str) -> bool:
        """Whether a push of `park_uuid` is queued."""
        queue = self._queues.get(park_uuid)
        return queue is not None and queue.pushes > 0

    def can_accept(self, park_uuid: str, rows: int, body_bytes: int) -> bool:
        """Whether a push of `park_uuid` may be queued. Into an empty queue every push may, whatever its size."""
        limits, total, queue = self._limits, self.total, self._queues.get(park_uuid, _EMPTY)
        return not total.pushes or (
            has_share(queue.pushes, 1, limits.pushes_max - total.pushes)
            and has_share(queue.rows, rows, limits.rows_max - total.rows)
            and has_share(queue.body_bytes, body_bytes, limits.bytes_max - total.body_bytes)
        )

    def can_accept_rejection(self, park_uuid: str | None) -> bool:
        """Whether a rejection may be queued: they must not displace pushes, nor one park's those of others."""
        queued = self._queues.get(park_uuid, _EMPTY).refusals
        return has_share(queued, 1, self._limits.refusals_max - self.total.refusals)

    def add(self, park_uuid: str | None, one: QueueItem[T]) -> None:
        """Appends a request to its park's queue; a new queue is served last."""
        queue = self._queues.get(park_uuid)
        if queue is None:
            queue = self._queues[park_uuid] = ParkQueue(park_uuid)
            self._order.append(queue)
        queue.waiting.append(one)
        queue.count(one, 1)
        self.total.count(one, 1)

    def pop_group(self, requests_max: int, rows_max: int) -> list[T]:
        """Removes the next group in fair order, within the limits; at least one request unless the queue is empty."""
        group: list[T] = []
        rows = 0
        while self._order and len(group) < requests_max:
            queue = self._order[0]
            one = queue.waiting[0]
            if group and rows + one.rows > rows_max:
                break
            cost = one.rows + REQUEST_COST_ROWS
            if queue.deficit_rows < cost:
                queue.deficit_rows += QUANTUM_ROWS
                self._order.rotate(-1)
                continue
            queue.deficit_rows -= cost
            rows += one.rows
            group.append(self._pop(queue).request)
        return group

    def _pop(self, queue: ParkQueue[T]) -> QueueItem[T]:
        """Removes the first request of the queue being served. An emptied queue loses its remaining deficit."""
        one = queue.waiting.popleft()
        queue.count(one, -1)
        self.total.count(one, -1)
        if not queue.waiting:
            del self._queues[queue.park_uuid]
            self._order.popleft()
        return one
