"""Runs database work of async code in a bounded number of threads, each with a `Database` of its own.

An export has a separate `Database`, so that it does not delay pages.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Final, Generic, Literal, TypeVar

from vipgate.errors import RateLimited, ServiceUnavailable, StoreError
from vipgate.i18n import LocalizedText
from vipgate.store.interfaces.admin import Database
from vipgate.store.interfaces.ledger import Unreachable
from vipgate.support.background import submit

T = TypeVar("T")
OpenDatabase = Callable[[], Database]

WAITING_MAX: Final = 64
STREAMS_MAX: Final = 2
# An export holds a snapshot open and blocks clean-up in the database, so a reader slower than this is cut off.
STREAM_BEHIND_S_MAX: Final = 60.0
STREAM_BYTES_A_SECOND_MIN: Final = 16 * 1024
STREAM_S_MAX: Final = 1_800.0
RETRY_AFTER_S: Final = 2
RETRY_STREAM_AFTER_S: Final = 30

_BUSY = LocalizedText("正在处理的查询过多; 请稍后重试", "too many queries at once; try again later")
_STREAMS_BUSY = LocalizedText(
    "正在进行的导出已达上限; 请在其中一个结束后重试",
    "the limit on exports is reached; try again when one has ended",
)
_STREAM_TWICE = LocalizedText(
    "您的上一个导出仍在进行; 请在其结束后重试, 或先取消它",
    "your previous export is still running; try again when it has ended, or cancel it first",
)
_STREAM_LATE = LocalizedText(
    "导出读取过慢或过久, 已中止; 请在更快的网络上重试",
    "the export was read too slowly or for too long and was cancelled; try again on a faster network",
)
_STOPPING = LocalizedText("服务正在停止; 请稍后重试", "the service is stopping; try again later")


class PoolExhausted(ServiceUnavailable):
    """All databases are in use and the queue is full."""


class DatabasePool:
    """Runs functions on a `Database` in threads: `size` at once, `waiting_max` queued, plus `streams_max` exports.

    Each owner, an account or a token, has one export at a time, so that no one blocks the others.
    """

    def __init__(
        self,
        open_database: OpenDatabase,
        size: int,
        *,
        waiting_max: int = WAITING_MAX,
        streams_max: int = STREAMS_MAX,
        behind_s_max: float = STREAM_BEHIND_S_MAX,
        stream_s_max: float = STREAM_S_MAX,
    ) -> None:
        self._open_database = open_database
        self._threads = ThreadPoolExecutor(size, "vipgate-db")
        self._places = threading.BoundedSemaphore(size + waiting_max)
        self._stream_places = threading.BoundedSemaphore(streams_max)
        self._stream_owners: set[str] = set()
        self._behind_s_max = behind_s_max
        self._stream_s_max = stream_s_max
        # Last in, first out: a quiet service opens no more databases than it needs.
        self._free: list[Database] = []
        self._closed = threading.Event()
        # What a cluster could not answer for after the last work; pages and responses say so.
        self.unreachable: Unreachable | None = None

    async def run(self, fn: Callable[[Database], T]) -> T:
        """Runs `fn` on a database in a thread. Raises PoolExhausted and the errors of `fn`."""
        if self._closed.is_set():
            raise PoolExhausted(_STOPPING, retry_after_s=RETRY_AFTER_S)
        if not self._places.acquire(blocking=False):
            raise PoolExhausted(_BUSY, retry_after_s=RETRY_AFTER_S)
        work = self._threads.submit(self._work, fn)
        # Not in a finally: the work of a cancelled caller still occupies its slot.
        work.add_done_callback(lambda _: self._places.release())
        return await asyncio.wrap_future(work)

    def _work(self, fn: Callable[[Database], T]) -> T:
        try:
            database = self._free.pop()
        except IndexError:
            database = self._open_database()
        try:
            return fn(database)
        finally:
            # While not even the coordinator answers, `fn` says so.
            with suppress(StoreError):
                self.unreachable = database.store.unreachable()
            self._free.append(database)

    async def stream(self, owner: str, fn: Callable[[Database], Iterator[T]]) -> ExportStream[T]:
        """Streams the items of the generator `fn` on demand; the first item is already read.

        A caller that stops early must close the stream. Raises RateLimited if `owner` already has one, PoolExhausted, and the
        errors of `fn` before its first item.
        """
        if self._closed.is_set():
            raise PoolExhausted(_STOPPING, retry_after_s=RETRY_AFTER_S)
        if owner in self._stream_owners:
            raise RateLimited(_STREAM_TWICE, retry_after_s=RETRY_STREAM_AFTER_S)
        if not self._stream_places.acquire(blocking=False):
            raise PoolExhausted(_STREAMS_BUSY, retry_after_s=RETRY_STREAM_AFTER_S)
        self._stream_owners.add(owner)
        reading = _StreamReader(self._open_database, fn, self._stream_places.release, self._closed)
        stream = ExportStream(
            reading, self._behind_s_max, self._stream_s_max, partial(self._stream_owners.discard, owner)
        )
        try:
            await stream.begin()
        except BaseException:
            stream.close()
            raise
        return stream

    def close(self) -> None:
        """Accepts no more work, waits for running work, then closes the databases."""
        self._closed.set()
        self._threads.shutdown(wait=True, cancel_futures=True)
        while self._free:
            self._free.pop().close()


class _StreamReader(Generic[T]):
    """Runs a generator in its own thread on its own database."""

    def __init__(
        self,
        open_database: OpenDatabase,
        fn: Callable[[Database], Iterator[T]],
        release: Callable[[], None],
        stopping: threading.Event,
    ) -> None:
        self._open_database = open_database
        self._fn = fn
        self._release = release
        self._stopping = stopping
        self._thread = ThreadPoolExecutor(1, "vipgate-export")
        self._database: Database | None = None
        self._items: Iterator[T] | None = None

    def next(self) -> Future[list[T]]:
        """The next item in a list, an empty one at the end."""
        return self._thread.submit(self._next)

    def _next(self) -> list[T]:
        if self._stopping.is_set():
            raise PoolExhausted(_STOPPING, retry_after_s=RETRY_AFTER_S)
        if self._items is None:
            self._database = self._open_database()
            self._items = iter(self._fn(self._database))
        for item in self._items:
            return [item]
        return []

    def end(self) -> None:
        """Ends the generator after its current step, without waiting."""
        submit(self._thread, self._end, what="end of an export").add_done_callback(lambda _: self._release())
        self._thread.shutdown(wait=False)

    def _end(self) -> None:
        try:
            close: Callable[[], None] | None = getattr(self._items, "close", None)
            if close is not None:
                close()
        finally:
            if self._database is not None:
                self._database.close()


class ExportStream(Generic[T]):
    """The items of an export, for `async for`. Closes after the last item, after an error, or if its reader is too slow.

    Only the time between receiving an item and requesting the next counts against the reader. Each item credits the time
    that it takes at STREAM_BYTES_A_SECOND_MIN.
    """

    def __init__(
        self, reading: _StreamReader[T], behind_s_max: float, stream_s_max: float, ended: Callable[[], None]
    ) -> None:
        """`ended` is called when the stream ends, for any reason."""
        self._reading = reading
        self._ended = ended
        self._behind_s_max = behind_s_max
        self._loop = asyncio.get_running_loop()
        self._end_s = self._loop.time() + stream_s_max
        self._behind_s = 0.0
        self._given_s: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._ahead: list[T] | None = None
        self._state: Literal["open", "closed", "late"] = "open"

    async def begin(self) -> None:
        """Reads the first item, so that an immediate error occurs before the response starts."""
        self._ahead = await self._step()

    def __aiter__(self) -> ExportStream[T]:
        return self

    async def __anext__(self) -> T:
        try:
            found, self._ahead = (await self._step() if self._ahead is None else self._ahead), None
        except BaseException:
            self.close()
            raise
        if not found:
            self.close()
            raise StopAsyncIteration
        return found[0]

    async def _step(self) -> list[T]:
        if self._state == "late":
            raise ServiceUnavailable(_STREAM_LATE)
        if self._state == "closed":
            return []
        if self._timer is not None:
            self._timer.cancel()
        if self._given_s is not None:
            self._behind_s += self._loop.time() - self._given_s
        found = await asyncio.wrap_future(self._reading.next())
        earned_s = sum(len(item) for item in found if isinstance(item, bytes)) / STREAM_BYTES_A_SECOND_MIN
        self._behind_s = max(0.0, self._behind_s - earned_s)
        self._given_s = self._loop.time()
        left_s = min(self._behind_s_max - self._behind_s, self._end_s - self._given_s)
        self._timer = self._loop.call_later(max(0.0, left_s), self._expire)
        return found

    def _expire(self) -> None:
        if self._state == "open":
            self.close()
            self._state = "late"

    def close(self) -> None:
        """Ends the export at any point. Safe to call again."""
        if self._timer is not None:
            self._timer.cancel()
        if self._state == "open":
            self._state = "closed"
            self._ended()
            self._reading.end()
