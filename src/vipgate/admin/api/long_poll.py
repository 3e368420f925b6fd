"""Waits for changes of parks on behalf of many readers: one look a park and tick, however many wait for it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from vipgate.errors import (
    ServiceUnavailable,
    VipgateError,
)
from vipgate.i18n import LocalizedText
from vipgate.store.async_pool import (
    DatabasePool,
    PoolExhausted,
)
from vipgate.store.interfaces.admin import Database
from vipgate.support.background import start_task

TICK_S: Final = 0.5
WAITERS_MAX: Final = 256
RETRY_AFTER_S: Final = 5


@dataclass(frozen=True, slots=True)
class ChangePosition:
    """How far a park's changes went at one moment."""

    generation: int
    position: int


def read_position(database: Database, park_uuid: str) -> ChangePosition | None:
    """How far the park's changes go now; None where it is not there."""
    park, more = database.store.find_park(park_uuid), database.queries.park_details(park_uuid)
    return None if park is None or more is None else ChangePosition(park.generation, more.position)


class ChangeWaiter:
    """Readers that wait, `waiters_max` at once."""

    def __init__(self, databases: DatabasePool, *, tick_s: float = TICK_S, waiters_max: int = WAITERS_MAX) -> None:
        self._desks = databases
        self._tick_s = tick_s
        self._waiters_max = waiters_max
        self._waiting = 0
        self._looks: dict[str, asyncio.Task[ChangePosition | None]] = {}

    async def changed(self, park_uuid: str, mark: ChangePosition, wait_s: float) -> bool:
        """Whether the park's changes went on beyond `mark`, as soon as they do, or False after `wait_s`.

        Raises Unavailable where too many wait already.
        """
        if self._waiting >= self._waiters_max:
            words = LocalizedText("等待变更的连接过多; 请稍后重试", "too many wait for changes; try again later")
            raise ServiceUnavailable(words, retry_after_s=RETRY_AFTER_S)
        self._waiting += 1
        try:
            return await self._changed(park_uuid, mark, asyncio.get_running_loop().time() + wait_s)
        finally:
            self._waiting -= 1

    async def _changed(self, park_uuid: str, mark: ChangePosition, end_s: float) -> bool:
        loop = asyncio.get_running_loop()
        while (left_s := end_s - loop.time()) > 0:
            task = self._next_look(park_uuid)
            # Waits beside the task, not for it: a reader that goes must not take the others' look with it.
            done, _ = await asyncio.wait({task}, timeout=left_s)
            if not done:
                break
            if (seen := task.result()) is not None and seen != mark:
                return True
        return False

    def _next_look(self, park_uuid: str) -> asyncio.Task[ChangePosition | None]:
        """The look at the next tick, which began after the caller's own and so cannot miss what came between."""
        task = self._looks.get(park_uuid)
        if task is None:
            task = start_task(self._look_at_tick(park_uuid), "look for changes", expected=(VipgateError,))
            self._looks[park_uuid] = task
        return task

    async def _look_at_tick(self, park_uuid: str) -> ChangePosition | None:
        try:
            await asyncio.sleep(self._tick_s)
        finally:
            # From here on the look may be too early for whoever comes now: that one gets the next.
            self._looks.pop(park_uuid, None)
        try:
            return await self._desks.run(lambda database: read_position(database, park_uuid))
        except PoolExhausted:
            return None
