"""Schedules requests fairly between parks when one tick of the event loop brings more than fit into it.

The loop reads ready sockets in any order. Without a limit per tick, a park with thousands of connections would delay all
others twice: before their request is read, and before it is processed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from vipgate.gateway.limits.fair_queue import REQUEST_COST_ROWS, FairQueue, QueueItem, QueueLimits
from vipgate.support.background import attempt

# Rows started per tick, plus REQUEST_COST_ROWS per request: 128 single-row requests, about 10 ms.
TICK_ROWS_MAX: Final = 128 * (REQUEST_COST_ROWS + 1)
_ROW_BYTES: Final = 256
_REQUESTS_MAX: Final = TICK_ROWS_MAX // REQUEST_COST_ROWS
# Bounded elsewhere: by the connections, each with one request at a time, and by the body quota.
_LIMITS: Final = QueueLimits(pushes_max=2**31, rows_max=2**63, bytes_max=2**63, refusals_max=0)


class Loop(Protocol):
    """The part of an event loop that the scheduler uses."""

    def call_soon(self, callback: Callable[[], None], /) -> object:
        """Calls `callback` in the next tick."""


class RequestScheduler:
    """The complete requests of one port that are not started yet."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._queue: FairQueue[Callable[[], None]] = FairQueue(_LIMITS)
        self._rows_left = TICK_ROWS_MAX
        self._tick_is_due = False

    def __len__(self) -> int:
        return len(self._queue)

    def schedule(self, flow_key: str | None, body_bytes: int, begin: Callable[[], None]) -> None:
        """Calls `begin` now if this tick has room and nothing is queued, else in fair order by the `flow_key`.

        `flow_key` is None for a new connection, which never waits: opening it cost more than its request, and one shared queue
        for all new connections would be slow.
        """
        rows = max(1, body_bytes // _ROW_BYTES)
        if flow_key is None or (self._rows_left > 0 and not self._queue):
            self._rows_left -= rows + REQUEST_COST_ROWS
            begin()
        else:
            self._queue.add(flow_key, QueueItem(begin, rows, body_bytes, is_push=True))
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
            # One failure must not affect the others of the tick.
            attempt("request", begin)
