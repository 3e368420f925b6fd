"""Reads the source as the agent does, for a bounded time, and counts what becomes of its rows. Sends nothing."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from vipgate.agent.config import Config
from vipgate.agent.mapping.guess_evidence import QuantityDoubt
from vipgate.agent.mapping.purchases import add_purchases, quantity_check
from vipgate.agent.mapping.reader import Page, Reader, conflict_reason
from vipgate.agent.mapping.replaced import remember_replaced
from vipgate.agent.mapping.seen_orders import SeenOrders
from vipgate.agent.mapping.unjudged import count_unjudged
from vipgate.agent.models import Rejection
from vipgate.agent.setup.refused import RefusedRows, group_refused
from vipgate.agent.sources.base import Key, Source, SourceRow
from vipgate.agent.sync.change_reader import ChangeReader
from vipgate.agent.sync.set_aside import set_aside
from vipgate.agent.sync.source_thread import Polled
from vipgate.clock import clock_us

SECONDS_MAX: Final = 15.0
POLL_SECONDS_MAX: Final = 5.0
PAGE_ROWS: Final = 1_000
# Reasons of refused rows that are told apart; rows with further ones are only counted.
REASONS_MAX: Final = 200


@dataclass(slots=True)
class RowCounts:
    """What became of the rows that were read. `is_all`: they are all that the source holds.

    `refused`: the refused rows by their reason; `more_refused`: how many have a reason beyond these. `doubtful`: how many order
    numbers may be rounded, with place and number of the first. `unjudged`: how many rows are left out by each value that no
    filter names. `replaced`: see `replaced_text`; `quantity`: a question about the quantities. `is_compared`: false if there
    were too many order numbers to find all rows that share one.
    """

    rows: int = 0
    ready: int = 0
    left_out: int = 0
    merged: int = 0
    is_all: bool = False
    refused: dict[str, RefusedRows] = field(default_factory=dict)
    more_refused: int = 0
    doubtful: int = 0
    first_doubtful: tuple[str, str] = ("", "")
    unjudged: Counter[tuple[str, str]] = field(default_factory=Counter)
    replaced: dict[str, tuple[str, str]] = field(default_factory=dict)
    quantity: QuantityDoubt | None = None
    is_compared: bool = True

    @property
    def dead(self) -> int:
        """How many rows would be refused."""
        return sum(group.count for group in self.refused.values()) + self.more_refused

    def add(self, page: Page, rows: int, conflicts: Iterable[Rejection] = ()) -> None:
        """Counts a page made from `rows` rows; `conflicts` are those of its ready rows that must be refused all the same."""
        conflicts = list(conflicts)
        self.rows += rows
        self.ready += len(page.ready) - len(conflicts)
        self.left_out += page.left_out
        self.merged += page.merged
        count_unjudged(self.unjudged, page.unjudged)
        remember_replaced(self.replaced, page.replaced)
        if page.doubtful and not self.doubtful:
            self.first_doubtful = page.doubtful[0]
        self.doubtful += len(page.doubtful)
        for group in group_refused([*page.dead, *conflicts]):
            before = self.refused.get(group.reason)
            if before is not None:
                self.refused[group.reason] = RefusedRows(before.first, before.count + group.count)
            elif len(self.refused) < REASONS_MAX:
                self.refused[group.reason] = group
            else:
                self.more_refused += group.count


class _TimeIsOver(Exception):
    """A poll has read for as long as it may."""


@dataclass(frozen=True, slots=True)
class _NoThread:
    """What a poll needs of the thread that it runs in: here nothing waits, nobody looks, and no read begins after `until_s`."""

    clock_s: Callable[[], float]
    until_s: float

    def read(self, what: str, *, takes_turn: bool = True) -> AbstractContextManager[None]:  # noqa: ARG002 - as the thread's
        if self.clock_s() >= self.until_s:
            raise _TimeIsOver
        return nullcontext()

    def now_s(self) -> float:
        return self.clock_s()

    def pause(self, seconds: float) -> None:
        """Does not wait."""


def poll_once(
    config: Config,
    source: Source,
    clock_s: Callable[[], float] = time.monotonic,
    seconds_max: float = POLL_SECONDS_MAX,
) -> bool:
    """Makes every read of a poll: clock, newest key, newest rows by the cursor. Raises UsageError, SourceUnavailable.

    Returns whether all of them were made: no read begins after `seconds_max` seconds. By a cursor that all rows share, a poll reads
    all rows.
    """
    reader = ChangeReader(config.source, lambda opened: Reader(config, opened.columns), clock_us, None)
    until_s = clock_s() + seconds_max
    with suppress(_TimeIsOver):
        for item in reader.work(source, _NoThread(clock_s, until_s)):
            if isinstance(item, Polled) and item.later is not None:
                return True
    return False


def count_rows(
    config: Config,
    source: Source,
    clock_s: Callable[[], float] = time.monotonic,
    seconds_max: float | None = None,
) -> RowCounts:
    """Reads and maps all rows, or those of the first `seconds_max` (SECONDS_MAX) seconds. Raises UsageError, SourceUnavailable."""
    reader, seen, counts = Reader(config, source.columns), SeenOrders(), RowCounts()
    check = quantity_check(config.members["quantity"].column)
    reader.start_scan()
    seconds = SECONDS_MAX if seconds_max is None else seconds_max
    begun_s = clock_s()
    stream = _Stream(source, clock_s, begun_s + seconds / 2)
    until_s = begun_s + seconds
    for rows in _pages_by_key(source) if source.has_key else stream.pages():
        page = reader.read(rows)
        add_purchases(check, page.renewals)
        counts.add(page, len(rows), () if config.source.cursor else _conflicts(page, seen))
        if clock_s() >= until_s:
            break
    else:
        counts.is_all = not stream.was_cut
    counts.quantity, counts.is_compared = check.doubt(), not seen.is_full
    return counts


@dataclass(slots=True)
class _Stream:
    """The rows of a source without a key. A database's are read first, for half of the time at most, and mapped then.

    While its stream is open, the park's program may not be able to write. `was_cut`: there are more rows.
    """

    source: Source
    clock_s: Callable[[], float]
    until_s: float
    was_cut: bool = False

    def pages(self) -> Iterator[list[SourceRow]]:
        is_file = self.source.stamp() is not None
        return self._read(is_bounded=False) if is_file else set_aside(self._read(is_bounded=True))

    def _read(self, *, is_bounded: bool) -> Iterator[list[SourceRow]]:
        rows = iter(self.source.scan())
        while page := list(islice(rows, PAGE_ROWS)):
            yield page
            if is_bounded and self.clock_s() >= self.until_s:
                self.was_cut = True
                return


def _pages_by_key(source: Source) -> Iterator[list[SourceRow]]:
    after: Key | None = None
    while page := source.page(after, PAGE_ROWS):
        yield page
        after = page[-1].key


def _conflicts(page: Page, seen: SeenOrders) -> list[Rejection]:
    """Rows whose order number an earlier page has with different content: without a cursor nothing tells which counts."""
    found = []
    for row in page.ready:
        other = seen.conflict(row)
        if other is not None:
            reason = conflict_reason(row.pay_partner, other).text()
            found.append(Rejection(row.place, row.pay_partner, row.place, reason))
    return found
