"""Whose request is begun next, once a turn of the event loop brings more of them than fit in one: by turns between lines.

Sockets that are ready are read in no order of merit. Were all they bring worked on at once, a park with thousands of connections
would make a turn last for as long as they take, and everybody else wait for that, twice: to be read, and to be answered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from vipgate.gateway.limits.fair_queue import (
    REQUEST_COST_ROWS,
    FairQueue,
    QueueItem,
    QueueLimits,
)
from vipgate.support.background import attempt

# What is begun in one turn of the loop, in rows, a request counting for REQUEST_ROWS beside its own: 128 single rows, about 10 ms.
TICK_ROWS_MAX: Final = 128 * (REQUEST_COST_ROWS + 1)
_ROW_BYTES: Final = 256
_REQUESTS_MAX: Final = TICK_ROWS_MAX // REQUEST_COST_ROWS
# It is bounded by the connections, each of which waits for its answer, and by the memory for bodies.
_LIMITS: Final = QueueLimits(pushes_max=2**31, rows_max=2**63, bytes_max=2**63, refusals_max=0)


class Loop(Protocol):
    """What is wanted of an event loop."""

    def call_soon(self, callback: Callable[[], None], /) -> object:
        """Calls it in the next turn."""


class RequestScheduler:
    """All requests of one port that have come whole and are not begun."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._queue: FairQueue[Callable[[], None]] = FairQueue(_LIMITS)
        self._rows_left = TICK_ROWS_MAX
        self._tick_is_due = False

    def __len__(self) -> int:
        return len(self._queue)

    def schedule(self, line: str | None, body_bytes: int, begin: Callable[[], None]) -> None:
        """Calls `begin` now, where there is time for it in this turn and nobody waits, else when it is the turn of `line`.

        None stands for a connection of which nothing is known yet. It does not wait: to open it has cost more than its request,
        and with all others of its kind it would wait for as long as all of them take.
        """
        rows = max(1, body_bytes // _ROW_BYTES)
        if line is None or (self._rows_left > 0 and not self._queue):
            self._rows_left -= rows + REQUEST_COST_ROWS
            begin()
        else:
            self._queue.add(line, QueueItem(begin, rows, body_bytes, is_push=True))
        if not self._tick_is_due:
            self._tick_is_due = True
            self._loop.call_soon(self._run_tick)

    def _run_tick(self) -> None:
        self._tick_is_due = False
        self._rows_left = TICK_ROWS_MAX
        if not self._queue:
            return
        group = self._queue.pop_group(_REQUESTS_MAX, TICK_ROWS_MAX)
        if self._queue:
            self._tick_is_due = True
            self._loop.call_soon(self._run_tick)
        for begin in group:
            # One that fails must not take the others of its turn along.
            attempt("request", begin)
