"""Finds out soon what is new: rows behind the cursor's position, rows with a new key, and rows that are asked for again.

It decides only how soon a change is seen: what it misses, the sweep finds (docs/decisions/021-sweep.md).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from queue import Empty, SimpleQueue
from typing import Final
from zoneinfo import ZoneInfo

from vipgate.agent.config import SourceConfig
from vipgate.agent.mapping.reader import Reader
from vipgate.agent.sources.base import Key, Source, SourceRow, dump_cursor, load_cursor
from vipgate.agent.sources.cursor_kind import DAY_S, CursorKind, cursor_kind
from vipgate.agent.sync.set_aside import set_aside
from vipgate.agent.sync.source_thread import Item, PageRead, Polled, Reads, SourceOpened
from vipgate.i18n import tr

SAMPLES: Final = 200
ROWS_A_PAGE: Final = 2_000
# More rows than these are compared with the spool again at each poll.
SEEN_MAX: Final = 200_000
# A clock may be off by this much before a row counts as dated later than the present.
CLOCK_S: Final = 60.0
# How many polls pass before a grain is judged again.
GRAIN_POLLS: Final = 600
AGAIN_MAX: Final = 500


class ChangeReader:
    """Reads changes during one run, in its own thread. The position is a value of the cursor's first column.

    A poll reads all rows from the position on, and hands on those whose contents it has not read before. The position trails
    the newest row by `lag_s` and the cursor's grain, and never passes the source's present.
    """

    def __init__(
        self,
        config: SourceConfig,
        make_reader: Callable[[Source], Reader],
        clock_us: Callable[[], int],
        position: str | None,
    ) -> None:
        self._config = config
        self._make_reader = make_reader
        self._clock_us = clock_us
        self._zone = ZoneInfo(config.time_zone)
        self._name = config.cursor_name
        self._kind: CursorKind | None = None
        self._polls = 0
        self._position: object = None if position is None else load_cursor(position)[0]
        self._seen: set[int] = set()
        self._reached: deque[tuple[int, object]] = deque()
        self._tail: Key | None = None
        self._has_tail = False
        self._again: SimpleQueue[Mapping[str, Sequence[Key]]] = SimpleQueue()
        self._reader: Reader | None = None

    def ask_again(self, keys: Mapping[str, Sequence[Key]]) -> None:
        """Asks for the rows with these keys, by order number. Called by the agent's loop."""
        self._again.put(keys)

    def work(self, source: Source, thread: Reads) -> Iterator[Item]:
        """Polls until the thread is stopped."""
        with thread.read(tr("whether its settings can work")):
            reader = self._reader = self._reader or self._make_reader(source)
        reader.check(source.columns)
        yield SourceOpened(source.has_key)
        while True:
            yield from self._read_again(source, thread)
            yield from self._poll(source, thread)
            self._polls += 1
            until_s = thread.now_s() + self._config.poll_s
            while (left_s := until_s - thread.now_s()) > 0:
                thread.pause(left_s)
                if self._again.empty():
                    break
                yield from self._read_again(source, thread)

    def _poll(self, source: Source, thread: Reads) -> Iterator[Item]:
        reader = self._reader
        if reader is None:
            return
        with thread.read(tr("its clock")):
            stamp = source.stamp()
            now_s = source.now_s() or self._clock_us() / 1e6
        # What is there at the first position belongs to the snapshot, which begins after this poll.
        later, latest, begins = 0, 0.0, self._position is None and not self._polls
        if source.has_cursor and self._knows_kind(source, thread, now_s):
            kind, seen = self._kind, set[int]()
            newest: object = None
            for read_us, rows in self._changes(source, thread):
                moments = [kind.moment(row.cursor[0]) for row in rows if row.cursor] if kind is not None else []
                beyond = [moment for moment in moments if moment is not None and moment > now_s + CLOCK_S]
                later, latest = later + len(beyond), max([latest, *beyond])
                numbers = [hash(repr((row.key, row.values))) for row in rows]
                fresh = [row for row, number in zip(rows, numbers, strict=True) if number not in self._seen]
                if len(seen) < SEEN_MAX:
                    seen.update(numbers)
                if fresh and not begins:
                    yield PageRead("changes", reader.read(fresh), len(fresh), read_us)
                newest = rows[-1].cursor[0] if rows[-1].cursor else newest
                self._move(newest, now_s)
                if self._position is not None and not begins:
                    yield self._polled(reader, stamp)
            self._seen = seen
        if source.has_key:
            yield from self._read_tail(source, thread, reader)
        yield self._polled(reader, stamp, later, latest)

    def _polled(self, reader: Reader, stamp: object, later: int | None = None, latest: float = 0.0) -> Polled:
        position = None if self._position is None else dump_cursor((self._position,))
        shown = ""
        if later and self._kind is not None and self._kind.value_at is not None:
            shown = "infinity" if latest == float("inf") else str(self._kind.value_at(latest))
        return Polled(
            reader=reader, stamp=stamp, position=position, later=later, latest=shown
        )  # fmt: skip

    def _changes(self, source: Source, thread: Reads) -> Iterator[tuple[int, list[SourceRow]]]:
        """Pages from the position on, each with the time at which its read began."""
        pages = self._pages(source, thread)
        return pages if source.has_key else set_aside(pages)

    def _pages(self, source: Source, thread: Reads) -> Iterator[tuple[int, list[SourceRow]]]:
        pages = source.changes(self._position)
        begun_us = self._clock_us()
        while True:
            with thread.read(tr("rows from {cursor} {value} on", cursor=self._name, value=self._position)):
                # A stream is as old as its beginning, a page as its own.
                read_us = self._clock_us() if source.has_key else begun_us
                rows = next(pages, None)
            if rows is None:
                return
            if rows:
                yield read_us, rows

    # ---- the position ----------------------------------------------------------------------------------------------------

    def _knows_kind(self, source: Source, thread: Reads, now_s: float) -> bool:
        """Whether there are rows with a cursor. Fixes the first position: all rows before it are in the snapshot."""
        if self._kind is None or (self._kind.grain_s == DAY_S and self._polls % GRAIN_POLLS == 0):
            with thread.read(tr("samples of {cursor}", cursor=self._name)):
                self._kind = cursor_kind(source.cursor_samples(SAMPLES), self._name, self._zone)
        if self._kind is None:
            return False
        if self._position is None:
            value_at = self._kind.value_at
            with thread.read(tr("the newest {cursor}", cursor=self._name)):
                newest = source.newest(None if value_at is None else value_at(now_s))
            if newest is None and value_at is not None:
                newest = value_at(now_s)
            self._move(newest, now_s)
            if self._position is None:
                self._position = newest
        return True

    def _move(self, newest: object, now_s: float) -> None:
        """Moves the position behind `newest`, never back."""
        if newest is None or self._kind is None:
            return
        lag_s = self._config.lag_s
        if self._kind.value_at is None:
            now_us = self._clock_us()
            self._reached.append((now_us, newest))
            while self._reached and self._reached[0][0] <= now_us - lag_s * 1e6:
                self._position = self._reached.popleft()[1]
            return
        moment = self._kind.moment(newest)
        if moment is None:
            return
        to_s = min(moment, now_s) - lag_s - self._kind.grain_s
        at_s = None if self._position is None else self._kind.moment(self._position)
        if at_s is None or to_s > at_s:
            self._position = self._kind.value_at(to_s)

    # ---- other rows ------------------------------------------------------------------------------------------------------

    def _read_tail(self, source: Source, thread: Reads, reader: Reader) -> Iterator[PageRead]:
        """Reads rows whose key is greater than any before: new rows, whatever their cursor is."""
        if not self._has_tail:
            with thread.read(tr("the newest key")):
                self._tail = source.newest_key()
            self._has_tail = self._tail is not None
            return
        while True:
            with thread.read(tr("rows with a new key")):
                read_us = self._clock_us()
                rows = source.page(self._tail, ROWS_A_PAGE)
            if not rows:
                return
            yield PageRead("changes", reader.read(rows), len(rows), read_us)
            self._tail = rows[-1].key

    def _read_again(self, source: Source, thread: Reads) -> Iterator[PageRead]:
        """Reads the requested records again from the source."""
        while self._reader is not None:
            try:
                asked = self._again.get_nowait()
            except Empty:
                return
            wanted = list(dict.fromkeys(key for keys in asked.values() for key in keys))
            rows: dict[Key | None, SourceRow] = {}
            try:
                with thread.read(tr("rows with an order number in common")):
                    read_us = self._clock_us()
                    for start in range(0, len(wanted), AGAIN_MAX):
                        rows |= {row.key: row for row in source.rows(wanted[start : start + AGAIN_MAX])}
            except BaseException:
                # They are asked for once the source can be read again.
                self._again.put(asked)
                raise
            # In the order asked for: of rows that nothing tells apart, the one that was sent before stays.
            found = [rows[key] for key in wanted if key in rows]
            yield PageRead("again", self._reader.read(found), len(found), read_us, asked=asked)
