"""Waits for changes of parks for many readers: one query per park and tick, however many wait."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from vipgate.errors import ServiceUnavailable, VipgateError
from vipgate.i18n import LocalizedText
from vipgate.store.async_pool import DatabasePool, PoolExhausted
from vipgate.store.interfaces.admin import Database
from vipgate.support.background import start_task

TICK_S: Final = 0.5
WAITERS_MAX: Final = 256
RETRY_AFTER_S: Final = 5


@dataclass(frozen=True, slots=True)
class ChangePosition:
    """A park's change position at one moment."""

    generation: int
    position: int


def read_position(database: Database, park_uuid: str) -> ChangePosition | None:
    """Reads the park's change position; None if there is no such park."""
    park, more = database.store.find_park(park_uuid), database.queries.park_details(park_uuid)
    return None if park is None or more is None else ChangePosition(park.generation, more.position)


class ChangeWaiter:
    """Lets up to `waiters_max` readers wait for changes."""

    def __init__(self, databases: DatabasePool, *, tick_s: float = TICK_S, waiters_max: int = WAITERS_MAX) -> None:
        self._databases = databases
        self._tick_s = tick_s
        self._waiters_max = waiters_max
        self._waiting = 0
        self._polls: dict[str, asyncio.Task[ChangePosition | None]] = {}

    async def changed(self, park_uuid: str, mark: ChangePosition, wait_s: float) -> bool:
        """Returns True as soon as the park has changes after `mark`, False after `wait_s`.

        Raises ServiceUnavailable if too many readers wait.
        """
        if self._waiting >= self._waiters_max:
            words = LocalizedText(
                "等待变更的连接过多; 请稍后重试", "too many connections wait for changes; try again later"
            )
            raise ServiceUnavailable(words, retry_after_s=RETRY_AFTER_S)
        self._waiting += 1
        try:
            return await self._changed(park_uuid, mark, asyncio.get_running_loop().time() + wait_s)
        finally:
            self._waiting -= 1

    async def _changed(self, park_uuid: str, mark: ChangePosition, end_s: float) -> bool:
        loop = asyncio.get_running_loop()
        while (left_s := end_s - loop.time()) > 0:
            task = self._next_poll(park_uuid)
            # asyncio.wait does not cancel the task with this reader: others need its result.
            done, _ = await asyncio.wait({task}, timeout=left_s)
            if not done:
                break
            if (seen := task.result()) is not None and seen != mark:
                return True
        return False

    def _next_poll(self, park_uuid: str) -> asyncio.Task[ChangePosition | None]:
        """Returns the shared query of the next tick. It starts after this call, so it misses no change."""
        task = self._polls.get(park_uuid)
        if task is None:
            task = start_task(self._poll_at_tick(park_uuid), "change poll", expected=(VipgateError,))
            self._polls[park_uuid] = task
        return task

    async def _poll_at_tick(self, park_uuid: str) -> ChangePosition | None:
        try:
            await asyncio.sleep(self._tick_s)
        finally:
            # The query starts now and may miss changes for a reader that comes later: that one gets the next.
            self._polls.pop(park_uuid, None)
        try:
            return await self._databases.run(lambda database: read_position(database, park_uuid))
        except PoolExhausted:
            return None
