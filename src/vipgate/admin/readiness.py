"""Readiness: this server can take pushes if its store answers, a worker is alive, and no worker's commits fail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from vipgate.errors import VipgateError
from vipgate.store.async_pool import DatabasePool
from vipgate.support.metrics import SharedMetrics

PING_S: Final = 3.0


class Readiness:
    """Checks the shared metrics and the store."""

    def __init__(self, shared_metrics: SharedMetrics, databases: DatabasePool, clock_us: Callable[[], int]) -> None:
        self._metrics = shared_metrics
        self._databases = databases
        self._clock_us = clock_us

    async def failure(self) -> str | None:
        """Returns why no push can be taken, or None."""
        now_s = self._clock_us() / 1e6
        if not self._metrics.alive_workers(now_s):
            return "no worker of this server shows a sign of life; see its log"
        troubles = (self._metrics.store_error(slot, now_s) for slot in range(self._metrics.workers))
        return next((trouble for trouble in troubles if trouble is not None), None) or await self._store_failure()

    async def _store_failure(self) -> str | None:
        try:
            await asyncio.wait_for(self._databases.run(lambda database: database.store.ping()), PING_S)
        except TimeoutError:
            return f"the store has not answered within {PING_S:g} s"
        except VipgateError as error:
            return str(error)
        return None
