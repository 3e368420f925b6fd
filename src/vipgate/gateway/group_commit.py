"""Group commit: requests that are ready at the same time share one transaction and one fsync.

One thread owns the writing store. Each group is taken from the queue fairly between parks.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from vipgate.errors import (
    INTERNAL_ERROR,
    OVERLOADED,
    PARK_QUEUE_FULL,
    InternalError,
    ServiceUnavailable,
    StoreError,
    VipgateError,
)
from vipgate.gateway.limits.fair_queue import FairQueue, QueueItem, QueueLimits
from vipgate.gateway.limits.retry_after import RetryAfterScheduler
from vipgate.i18n import LocalizedText
from vipgate.store.interfaces.ledger import OpenStore, Push, PushResult, RejectedRequest, Retention, Store
from vipgate.support.background import Ended, describe, only_logged, start_thread
from vipgate.support.metrics import MetricsRecorder

log = structlog.get_logger()

STOPPING = LocalizedText(
    "平台正在停止; 请稍后原样重发, 只会保存一次",
    "the platform is stopping; send the same again later, it is stored once",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitLimits:
    """Limits of the queue and of one group."""

    queue_requests_max: int = 4096
    queue_rows_max: int = 100_000
    queue_bytes_max: int = 128 * 1024 * 1024
    queue_rejected_max: int = 512
    group_requests_max: int = 512
    group_rows_max: int = 1_000
    housekeeping_s: float = 60.0
    purge_pause_s: float = 0.2

    @property
    def queue_limits(self) -> QueueLimits:
        """The limits of the queue."""
        return QueueLimits(
            pushes_max=self.queue_requests_max,
            rows_max=self.queue_rows_max,
            bytes_max=self.queue_bytes_max,
            refusals_max=self.queue_rejected_max,
        )


Request = tuple[Push | RejectedRequest, "asyncio.Future[PushResult]"]


class GroupCommitter:
    """Queues requests and commits them in a thread. Call `submit` and `log_rejection` from the event loop."""

    def __init__(
        self,
        open_store: OpenStore,
        limits: CommitLimits,
        retention: Retention,
        recorder: MetricsRecorder,
        clock_us: Callable[[], int],
        clock_s: Callable[[], float],
        ended: Ended = only_logged,
    ) -> None:
        """`ended` is called in the thread with the error after which nothing is stored any more."""
        self._ended = ended
        self._open_store = open_store
        self._recorder = recorder
        self._limits = limits
        self._retention = retention
        self._clock_us = clock_us
        self._clock_s = clock_s
        self._queue: FairQueue[Request] = FairQueue(limits.queue_limits)
        self._retry_after = RetryAfterScheduler(clock_s)
        self._stopping = False
        # Futures of the group that is being committed.
        self._in_hand: list[asyncio.Future[PushResult]] = []
        self._ready = threading.Condition()
        self._loop = asyncio.get_running_loop()
        self._next_housekeeping_s = clock_s()

    async def start(self) -> None:
        """Starts the thread, which opens the store. Raises StoreError."""
        self._opened: asyncio.Future[None] = self._loop.create_future()
        self._thread = start_thread(self._run, "vipgate-commit", self._broke)
        await self._opened

    async def stop(self) -> None:
        """Rejects new requests, commits the queued ones, and closes the store."""
        with self._ready:
            self._stopping = True
            self._ready.notify()
        await self._loop.run_in_executor(None, self._thread.join)

    @property
    def waiting(self) -> tuple[int, int]:
        """The numbers of queued requests and rows."""
        return len(self._queue), self._queue.total.rows

    def overload_error(self) -> ServiceUnavailable | None:
        """Returns why no push of any park is accepted now, or None."""
        if self._stopping or self._queue.is_full:
            return self._unavailable(STOPPING if self._stopping else OVERLOADED)
        return None

    def ensure_capacity(self, park_uuid: str, rows: int, body_bytes: int) -> None:
        """Raises ServiceUnavailable where the queue has no room for a push of `park_uuid`."""
        if self._stopping:
            raise self._unavailable(STOPPING)
        if not self._queue.can_accept(park_uuid, rows, body_bytes):
            park_is_full = not self._queue.is_full and self._queue.has_waiting(park_uuid)
            raise self._unavailable(PARK_QUEUE_FULL if park_is_full else OVERLOADED)

    def submit(self, push: Push) -> asyncio.Future[PushResult]:
        """Queues `push`; the future resolves once it is durable. Raises ServiceUnavailable where the queue is full."""
        rows, body_bytes = len(push.renewals), push.origin.body_bytes
        self.ensure_capacity(push.park_uuid, rows, body_bytes)
        return self._append(push, rows, body_bytes, is_push=True)

    def log_rejection(self, refused: RejectedRequest) -> asyncio.Future[PushResult] | None:
        """Queues a rejection for the request log; None where too many are queued already."""
        if self._stopping or not self._queue.can_accept_rejection(refused.park_uuid):
            return None
        return self._append(refused, 0, refused.origin.body_bytes, is_push=False)

    def _unavailable(self, hint: LocalizedText) -> ServiceUnavailable:
        return ServiceUnavailable(hint, retry_after_s=self._retry_after.next_retry_after_s())

    def _append(
        self, request: Push | RejectedRequest, rows: int, body_bytes: int, *, is_push: bool
    ) -> asyncio.Future[PushResult]:
        future: asyncio.Future[PushResult] = self._loop.create_future()
        with self._ready:
            self._queue.add(request.park_uuid, QueueItem((request, future), rows, body_bytes, is_push))
            self._ready.notify()
        return future

    def _run(self) -> None:
        try:
            store = self._open_store()
        except BaseException as error:  # noqa: BLE001 - `start` raises it
            self._loop.call_soon_threadsafe(self._opened.set_exception, error)
            return
        self._loop.call_soon_threadsafe(self._opened.set_result, None)
        try:
            while self._step(store):
                pass
        finally:
            store.close()

    def _broke(self, error: BaseException) -> None:
        """The thread failed: rejects new requests and fails all waiting futures."""
        self._stopping = True
        self._recorder.store_error(
            f"the thread that commits ended by a fault, {describe(error)}; see the log", self._clock_us()
        )
        self._loop.call_soon_threadsafe(self._give_up)
        self._ended(error)

    def _give_up(self) -> None:
        """Fails the futures of all requests. Runs on the event loop."""
        with self._ready:
            left = self._queue.pop_group(len(self._queue), self._queue.total.rows)
        for future in (*self._in_hand, *(future for _, future in left)):
            if not future.done():
                future.set_exception(InternalError(INTERNAL_ERROR))

    def _step(self, store: Store) -> bool:
        """Commits one group, or runs maintenance while idle. False once stopping and the queue is empty."""
        with self._ready:
            if not self._queue and not self._stopping:
                self._ready.wait(max(0.0, self._next_housekeeping_s - self._clock_s()))
            group = self._queue.pop_group(self._limits.group_requests_max, self._limits.group_rows_max)
            stopping = self._stopping
        if group:
            self._in_hand = [future for _, future in group]
            since_s = self._clock_s()
            results = self._commit(store, [request for request, _ in group])
            took_s = self._clock_s() - since_s
            self._loop.call_soon_threadsafe(self._deliver, self._in_hand, results, took_s)
        if not stopping and self._clock_s() >= self._next_housekeeping_s:
            self._run_maintenance(store)
        return bool(group) or not stopping

    def _deliver(
        self, futures: list[asyncio.Future[PushResult]], results: list[PushResult | VipgateError], took_s: float
    ) -> None:
        """Resolves the futures of a committed group. Runs on the event loop."""
        self._retry_after.record_served(len(futures), took_s)
        for future, result in zip(futures, results, strict=True):
            if future.done():
                continue
            if isinstance(result, PushResult):
                future.set_result(result)
            else:
                future.set_exception(result)

    def _commit(self, store: Store, group: Sequence[Push | RejectedRequest]) -> list[PushResult | VipgateError]:
        since_s = self._clock_s()
        try:
            results = store.commit(group)
        except Exception:  # A bug must not end the only thread that can store anything.
            log.exception("commit failed", seqnos=[request.seqno for request in group][:20])
            return [InternalError(INTERNAL_ERROR) for _ in group]
        reason = results[-1] if all(isinstance(result, StoreError) for result in results) else None
        self._recorder.store_error(None if reason is None else str(reason), self._clock_us())
        self._count([result for result in results if isinstance(result, PushResult)], self._clock_s() - since_s)
        return [*results]

    def _count(self, outcomes: list[PushResult], seconds: float) -> None:
        if outcomes:
            rows = [(one.inserted, one.updated, one.unchanged) for one in outcomes]
            inserted, updated, unchanged = map(sum, zip(*rows, strict=True))
            self._recorder.committed(len(outcomes), (inserted, updated, unchanged), seconds)

    def _run_maintenance(self, store: Store) -> None:
        more = False
        try:
            more = store.run_maintenance(self._clock_us(), self._retention)
        except StoreError as error:
            log.warning("maintenance postponed", reason=str(error))
        except Exception:  # Maintenance can wait; pushes cannot.
            log.exception("maintenance failed", again_in_s=self._limits.housekeeping_s)
        pause_s = self._limits.purge_pause_s if more else self._limits.housekeeping_s
        self._next_housekeeping_s = self._clock_s() + pause_s
