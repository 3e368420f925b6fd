"""Reads the source page by page in a separate thread: the snapshot, or all rows for a comparison."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count, islice
from queue import Empty, Full, Queue
from typing import Final

from vipgate.agent.mapping.reader import Page, Reader
from vipgate.agent.sources.base import CursorValue, Source, SourceUnavailable, unexpected
from vipgate.agent.sync.retry import retry_delay_s
from vipgate.errors import UsageError, VipgateError
from vipgate.support.background import describe, is_fault, report, start_thread

PAGES_WAITING_MAX: Final = 3
LOOK_S: Final = 0.2
SCAN_ROWS: Final = 2_000


@dataclass(frozen=True, slots=True)
class PageRead:
    """A page made from `rows` source rows. `end`: the cursor of the last one."""

    number: int
    page: Page
    rows: int
    end: CursorValue | None = None


@dataclass(frozen=True, slots=True)
class ReadFinished:
    """The read has ended, or failed with `fault`."""

    fault: VipgateError | None = None


@dataclass(frozen=True, slots=True)
class SourceError:
    """The source is unavailable for now; the read is retried."""

    trouble: SourceUnavailable


Item = PageRead | ReadFinished | SourceError
Open = Callable[[], Source]


class ReadAhead:
    """Reads a few pages ahead. The loop calls `take`; `wake` notifies it of a new item.

    `goes_on`: after an outage the read resumes where it stopped, so each page is progress.
    """

    def __init__(
        self,
        open_source: Open,
        pages: Callable[[Source], Iterator[PageRead]],
        wake: Callable[[], None],
        *,
        goes_on: bool = False,
    ) -> None:
        self._goes_on = goes_on
        self._open = open_source
        self._pages = pages
        self._wake = wake
        self._queue: Queue[Item] = Queue(PAGES_WAITING_MAX)
        self._stopping = threading.Event()
        self._thread = start_thread(self._run, "vipgate-feed", self._broke)

    def take(self) -> Item | None:
        """The next item, or None if none is ready."""
        with suppress(Empty):
            return self._queue.get_nowait()
        return None

    def stop(self) -> None:
        """Stops the read."""
        self._stopping.set()

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            try:
                source = self._open()
                try:
                    for fed in self._pages(source):
                        failures = 0 if self._goes_on else failures
                        self._put(fed)
                        if self._stopping.is_set():
                            return
                finally:
                    source.close()
                self._put(ReadFinished())
                return
            except SourceUnavailable as error:
                trouble = error
            except VipgateError as error:
                self._put(ReadFinished(error))
                return
            except BaseException as error:
                # A driver's, a library's or our own bug: the read must be retried.
                if not is_fault(error):
                    raise
                report("reading of the source", error)
                trouble = unexpected(error)
            failures += 1
            self._put(SourceError(trouble))
            self._stopping.wait(retry_delay_s(failures, 1.0))

    def _broke(self, error: BaseException) -> None:
        """Ends the agent, which is restarted, after an error has ended the thread."""
        self._put(
            ReadFinished(UsageError(f"The reading of the source has ended: {describe(error)}; start the agent again."))
        )

    def _put(self, item: Item) -> None:
        while not self._stopping.is_set():
            with suppress(Full):
                self._queue.put(item, timeout=LOOK_S)
                self._wake()
                return


def read_snapshot(
    open_source: Open,
    reader: Reader,
    after: CursorValue | None,
    until: CursorValue,
    page_rows: int,
    wake: Callable[[], None],
) -> ReadAhead:
    """Reads the rows after `after` up to `until`, in cursor order. Resumes where it stopped after an outage."""
    at = [after]
    numbers = count(1)

    def pages(source: Source) -> Iterator[PageRead]:
        reader.check(source.columns)
        while rows := source.after(at[0], until, page_rows):
            yield PageRead(next(numbers), reader.read(rows), len(rows), rows[-1].cursor)
            # Only after the page was taken: a page that fails is read again.
            at[0] = rows[-1].cursor

    return ReadAhead(open_source, pages, wake, goes_on=True)


def read_all(open_source: Open, reader: Reader, wake: Callable[[], None]) -> ReadAhead:
    """Reads every row of the source. Starts over after an outage: unchanged rows are only compared."""
    numbers = count(1)

    def pages(source: Source) -> Iterator[PageRead]:
        reader.check(source.columns)
        rows = iter(source.scan())
        while chunk := list(islice(rows, SCAN_ROWS)):
            yield PageRead(next(numbers), reader.read(chunk), len(chunk))

    return ReadAhead(open_source, pages, wake)
