"""Reads the source in a thread of its own, so that a read that hangs stops neither sending nor the end of the agent."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from queue import Empty, Full, Queue
from typing import Final, Literal, Protocol

from vipgate.agent.mapping.reader import Page, Reader
from vipgate.agent.sources.base import Key, Source, SourceUnavailable, unexpected
from vipgate.agent.sync.retry import retry_delay_s
from vipgate.errors import UsageError, VipgateError
from vipgate.i18n import tr
from vipgate.support.background import describe, is_fault, report, start_thread

ITEMS_WAITING_MAX: Final = 3
QUEUE_WAIT_S: Final = 0.2
# A read that has not returned after so long is given up, and another thread tries. Drivers have shorter deadlines.
STUCK_S: Final = 120.0
# How long a read waits for that of the other thread.
TURN_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class PageRead:
    """A page made from `rows` source rows, read at `read_us`. `end`: the key of the last one.

    `asked`: the order numbers whose rows were read again, and the keys that were asked for; `page` has what the source holds
    of them. `left`: how many rows with an order number in common were too many to be compared.
    """

    lane: Literal["changes", "round", "again"]
    page: Page
    rows: int
    read_us: int
    end: Key | None = None
    asked: Mapping[str, Sequence[Key]] = field(default_factory=dict)
    left: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled:
    """The result of a poll. `position`: the cursor up to which all rows were read; `stamp`: a file's time and size.

    `later` is how many rows are dated later than the source's present, None while the poll goes on; `latest` the greatest of
    these times.
    """

    reader: Reader
    stamp: object = None
    position: str | None = None
    later: int | None = None
    latest: str = ""


@dataclass(frozen=True, slots=True)
class SourceOpened:
    """The source can be read. Comes before its rows, which are judged by their keys if they have some."""

    has_key: bool


@dataclass(frozen=True, slots=True)
class RowTotal:
    """How many rows the source holds; None if they would have to be read."""

    rows: int | None


@dataclass(frozen=True, slots=True)
class ReadFinished:
    """The read has ended, or failed with `fault`."""

    fault: VipgateError | None = None


@dataclass(frozen=True, slots=True)
class SourceError:
    """The source is unavailable for now; the read is retried."""

    trouble: SourceUnavailable


class Reads(Protocol):
    """What work needs of the thread that it runs in."""

    def read(self, what: str, *, takes_turn: bool = True) -> AbstractContextManager[None]:
        """Wraps a read."""

    def now_s(self) -> float:
        """A time that no setting of the clock moves."""

    def pause(self, seconds: float) -> None:
        """Waits."""


Item = PageRead | Polled | SourceOpened | RowTotal | ReadFinished | SourceError
Work = Callable[[Source, "SourceThread"], Iterator[Item]]


class SourceThread:
    """Runs `work` on a source and queues its items. After an outage it opens the source and starts `work` again."""

    def __init__(
        self,
        name: str,
        open_source: Callable[[], Source],
        work: Work,
        wake: Callable[[], None],
        clock_s: Callable[[], float],
        turn: threading.Lock,
    ) -> None:
        self._open = open_source
        self._work = work
        self._wake = wake
        self._clock_s = clock_s
        # Replaced when another thread hangs while it holds it.
        self.turn = turn
        self._queue: Queue[Item] = Queue(ITEMS_WAITING_MAX)
        self._stopping = threading.Event()
        self._poked = threading.Event()
        self._reading: tuple[str, float] | None = None
        self._thread = start_thread(self._run, name, self._broke)

    # ---- for the agent's loop -------------------------------------------------------------------------------------------

    def take(self) -> Item | None:
        """The next item, or None if none is ready."""
        with suppress(Empty):
            return self._queue.get_nowait()
        return None

    def poke(self) -> None:
        """Ends the pause of `work`."""
        self._poked.set()

    def stop(self) -> None:
        """Stops the work after the present read."""
        self._stopping.set()
        self._poked.set()

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs: one that hangs does, even after `stop`."""
        return self._thread.is_alive()

    def reading(self) -> tuple[str, float] | None:
        """What is being read, and for how many seconds; None between reads."""
        now = self._reading
        return None if now is None else (now[0], self._clock_s() - now[1])

    # ---- for the work ----------------------------------------------------------------------------------------------------

    @contextmanager
    def read(self, what: str, *, takes_turn: bool = True) -> Iterator[None]:
        """Wraps a read. Reads that take turns do not overlap, so it is known which of two read the newer version."""
        self._reading = (what, self._clock_s())
        turn = self.turn
        has_turn = takes_turn and turn.acquire(timeout=TURN_S)
        try:
            yield
        finally:
            if has_turn:
                turn.release()
            self._reading = None

    def now_s(self) -> float:
        """A time that no setting of the clock moves."""
        return self._clock_s()

    def pause(self, seconds: float) -> None:
        """Waits, at most until `poke` or `stop`."""
        if seconds > 0:
            self._poked.wait(seconds)
        if not self._stopping.is_set():
            self._poked.clear()

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            try:
                with self.read(tr("opening the source"), takes_turn=False):
                    source = self._open()
                try:
                    for item in self._work(source, self):
                        failures = 0
                        self._put(item)
                        if self._stopping.is_set():
                            return
                finally:
                    with self.read(tr("closing the source"), takes_turn=False):
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
                report(tr("reading of the source"), error)
                trouble = unexpected(error)
            failures += 1
            self._put(SourceError(trouble))
            self._stopping.wait(retry_delay_s(failures, 1.0))

    def _broke(self, error: BaseException) -> None:
        """Ends the agent after an error in the thread. The service manager starts it again."""
        self._put(
            ReadFinished(
                UsageError(
                    tr("The reading of the source has ended: {reason}; start the agent again.", reason=describe(error))
                )
            )
        )

    def _put(self, item: Item) -> None:
        while not self._stopping.is_set():
            with suppress(Full):
                self._queue.put(item, timeout=QUEUE_WAIT_S)
                self._wake()
                return
