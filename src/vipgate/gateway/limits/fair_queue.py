"""Whose turn it is: what waits for the commit stands in a line for each park, and lines are served by turns. No clock, no thread.

A park may have as much waiting as is still free for all: alone, half of the room; beside many, ever less. So a park that
has nothing waiting finds room however much one other sends; only many others together fill it (dynamic thresholds; Choudhury
and Hahne, 1998).
Turns are measured in rows (deficit round robin; Shreedhar and Varghese, 1995).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

import msgspec

T = TypeVar("T")

# What a request costs beside its rows, in rows.
REQUEST_COST_ROWS: Final = 16
# What a line may take in its turn: seven single rows. Longer turns would let the others wait longer.
QUANTUM_ROWS: Final = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLimits:
    """How much may wait in all lines together."""

    pushes_max: int
    rows_max: int
    bytes_max: int
    refusals_max: int


class QueueItem(msgspec.Struct, Generic[T], frozen=True):
    """One request that waits. A refusal on its way into the journal has no rows."""

    request: T
    rows: int
    body_bytes: int
    is_push: bool


@dataclass(slots=True)
class ParkQueue(Generic[T]):
    """What waits of one park, oldest first, and how many rows it may still take in this turn."""

    park_uuid: str | None
    deficit_rows: int = QUANTUM_ROWS
    waiting: deque[QueueItem[T]] = field(default_factory=deque)
    pushes: int = 0
    rows: int = 0
    body_bytes: int = 0
    refusals: int = 0

    def count(self, one: QueueItem[T], sign: int) -> None:
        """Counts one that has come (1) or gone (-1)."""
        if one.is_push:
            self.pushes += sign
            self.rows += sign * one.rows
            self.body_bytes += sign * one.body_bytes
        else:
            self.refusals += sign


class FairQueue(Generic[T]):
    """All lines. Those of strangers, who have proved to be no park, are one."""

    def __init__(self, room: QueueLimits) -> None:
        self._limits = room
        self._queues: dict[str | None, ParkQueue[T]] = {}
        # The first has its turn.
        self._order: deque[ParkQueue[T]] = deque()
        # What all lines hold together.
        self.total: ParkQueue[T] = ParkQueue(None)

    def __len__(self) -> int:
        return self.total.pushes + self.total.refusals

    @property
    def is_full(self) -> bool:
        """Whether no push of any park has room."""
        room, total = self._limits, self.total
        return total.pushes >= room.pushes_max or total.rows >= room.rows_max or total.body_bytes >= room.bytes_max

    def has_waiting(self, park_uuid: str) -> bool:
        """Whether a push of `park_uuid` waits."""
        line = self._queues.get(park_uuid)
        return line is not None and line.pushes > 0

    def can_accept(self, park_uuid: str, rows: int, body_bytes: int) -> bool:
        """Whether a push of `park_uuid` may wait. One that is too large for any room may while nothing else does."""
        room, total, line = self._limits, self.total, self._queues.get(park_uuid)
        if not total.pushes:
            return True
        pushes_free = room.pushes_max - total.pushes
        rows_free = room.rows_max - total.rows
        bytes_free = room.bytes_max - total.body_bytes
        if line is None or not line.pushes:
            return pushes_free >= 1 and rows_free >= rows and bytes_free >= body_bytes
        return (
            line.pushes < pushes_free and line.rows + rows <= rows_free and line.body_bytes + body_bytes <= bytes_free
        )

    def can_accept_rejection(self, park_uuid: str | None) -> bool:
        """The same for a refusal: they must not crowd out the pushes, nor those of one park the others'."""
        free = self._limits.refusals_max - self.total.refusals
        line = self._queues.get(park_uuid)
        return free >= 1 if line is None or not line.refusals else line.refusals < free

    def add(self, park_uuid: str | None, one: QueueItem[T]) -> None:
        """Puts it at the end of its park's line; a new line is the last to have its turn."""
        line = self._queues.get(park_uuid)
        if line is None:
            line = self._queues[park_uuid] = ParkQueue(park_uuid)
            self._order.append(line)
        line.waiting.append(one)
        line.count(one, 1)
        self.total.count(one, 1)

    def pop_group(self, requests_max: int, rows_max: int) -> list[T]:
        """The next group, by turns, within the bounds of one; at least one request where any waits."""
        group: list[T] = []
        rows = 0
        while self._order and len(group) < requests_max:
            line = self._order[0]
            one = line.waiting[0]
            if group and rows + one.rows > rows_max:
                break
            cost = one.rows + REQUEST_COST_ROWS
            if line.deficit_rows < cost:
                line.deficit_rows += QUANTUM_ROWS
                self._order.rotate(-1)
                continue
            line.deficit_rows -= cost
            rows += one.rows
            group.append(self._pop(line).request)
        return group

    def _pop(self, line: ParkQueue[T]) -> QueueItem[T]:
        """The first of a line, which is at its turn. What is left of a turn is lost with the line's end."""
        one = line.waiting.popleft()
        line.count(one, -1)
        self.total.count(one, -1)
        if not line.waiting:
            del self._queues[line.park_uuid]
            self._order.popleft()
        return one
