"""Reads the whole source, page by page in the order of its key, at a bounded share of the time: the snapshot, then sweeps.

A source without a key is read by one stream; then the pause comes after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from vipgate.agent.mapping.reader import Reader
from vipgate.agent.sources.base import Key, Source, SourceRow
from vipgate.agent.sync.in_flight import BloomFilter
from vipgate.agent.sync.set_aside import set_aside
from vipgate.agent.sync.source_thread import Item, PageRead, Reads, RowTotal
from vipgate.i18n import tr

STREAMED_ROWS: Final = 2_000
# Order numbers that several rows have, and their rows: what is beyond is judged in a later round.
SEVERAL_MAX: Final = 10_000
SEVERAL_ROWS_MAX: Final = 20_000


@dataclass(slots=True)
class SourceRound:
    """Reads all rows from the key `after` on, for `share` of the time (1: without pauses). `counts`: counts the rows first."""

    reader: Reader
    clock_us: Callable[[], int]
    page_rows: int
    share: float
    after: Key | None = None
    counts: bool = False

    def work(self, source: Source, thread: Reads) -> Iterator[Item]:
        """Yields all pages. With a key it goes on after an outage where it stopped, otherwise it starts again."""
        self.reader.check(source.columns)
        if self.counts:
            with thread.read(tr("how many rows there are")):
                total = source.count()
            yield RowTotal(total)
        yield from self._by_key(source, thread) if source.has_key else self._streamed(source, thread)

    def _by_key(self, source: Source, thread: Reads) -> Iterator[PageRead]:
        while True:
            begun_s = thread.now_s()
            with thread.read(tr("all rows, page by page")):
                read_us = self.clock_us()
                rows = source.page(self.after, self.page_rows)
            if not rows:
                return
            page = self.reader.read(rows)
            spent_s = thread.now_s() - begun_s
            yield PageRead("round", page, len(rows), read_us, rows[-1].key)
            # Only after the page was taken: a page that fails is read again.
            self.after = rows[-1].key
            if self.share < 1.0:
                thread.pause(spent_s * (1.0 / self.share - 1.0))

    def _streamed(self, source: Source, thread: Reads) -> Iterator[PageRead]:
        """Rows whose order number was met before are left to a second stream, which reads all rows of that number together."""
        met, several, left = BloomFilter(), set[str](), 0
        self.reader.start_scan()
        for read_us, chunk in self._chunks(source, thread):
            page = self.reader.read(chunk)
            again = {key for key in page.identities() if met.add(key)}
            several.update(islice(again - several, max(0, SEVERAL_MAX - len(several))))
            left += len(again - several)
            yield PageRead("round", page.without(again), len(chunk), read_us)
        if not several:
            return
        rows: list[SourceRow] = []
        read_us = self.clock_us()
        for _, chunk in self._chunks(source, thread):
            wanted = self.reader.rows_of(chunk, several)
            kept = wanted[: SEVERAL_ROWS_MAX - len(rows)]
            left += len(wanted) - len(kept)
            rows += kept
        yield PageRead("again", self.reader.read(rows), 0, read_us, asked=dict.fromkeys(several, ()), left=left)

    def _chunks(self, source: Source, thread: Reads) -> Iterator[tuple[int, list[SourceRow]]]:
        """The rows, each chunk with the time at which the stream began: it shows the source as it was then."""
        read_us = self.clock_us()
        chunks = self._stream(source, thread)
        # A file may stay open, a database's cursor may not.
        for chunk in set_aside(chunks) if source.stamp() is None else chunks:
            yield read_us, chunk

    def _stream(self, source: Source, thread: Reads) -> Iterator[list[SourceRow]]:
        rows = iter(source.scan())
        while True:
            with thread.read(tr("all rows, in one stream"), takes_turn=False):
                chunk = list(islice(rows, STREAMED_ROWS))
            if not chunk:
                return
            yield chunk
