"""Reads changes from a source with a cursor, including rows that were committed late.

The position trails the newest row by `lag_s`. The rows between them are the window: every poll reads it again, and rows not
seen before are new, wherever they stand in the order.
"""

from __future__ import annotations

from typing import Final

from vipgate.agent.config import SourceConfig
from vipgate.agent.mapping.reader import Page, Reader
from vipgate.agent.sources.base import CursorValue, Source, SourceRow, dump_cursor, load_cursor
from vipgate.agent.spool import Spool

ROWS_PER_POLL: Final = 2_000
WINDOW_ROWS_MAX: Final = 200_000


class ChangeReader:
    """Reads for the lane of changes. Its state is in the spool; every poll is one transaction."""

    def __init__(self, source: Source, reader: Reader, spool: Spool, config: SourceConfig) -> None:
        self._source = source
        self._reader = reader
        self._spool = spool
        self._lag_us = round(config.lag_s * 1_000_000)
        self._seen = spool.window()
        self.floor = _loaded(spool.get_setting("floor"))
        # Whether the last poll reached the newest row.
        self.is_through = False

    def poll(self, now_us: int) -> Page:
        """Reads new rows into the spool and returns them. Raises SourceUnavailable, SpoolError."""
        rows, cursors = self._read()
        first_new = next((place for place, cursor in enumerate(cursors) if cursor not in self._seen), None)
        page = Page([], [], [])
        if first_new is not None:
            page = self._new_of(rows[first_new:], cursors[first_new:])
        fresh = {cursor: now_us for cursor in cursors if cursor not in self._seen}
        self._keep(page, fresh, self._passed(cursors, fresh, now_us))
        return page

    def _read(self) -> tuple[list[SourceRow], list[str]]:
        """All rows after the position and their cursors, in order; about WINDOW_ROWS_MAX at most."""
        rows: list[SourceRow] = []
        after = self.floor
        self.is_through = False
        while len(rows) < WINDOW_ROWS_MAX and not self.is_through:
            found = self._source.after(after, None, ROWS_PER_POLL)
            rows += found
            self.is_through = len(found) < ROWS_PER_POLL
            after = found[-1].cursor if found else after
        return rows, [dump_cursor(row.cursor or ()) for row in rows]

    def _new_of(self, rows: list[SourceRow], cursors: list[str]) -> Page:
        """The rows not seen before, and seen rows of the same records."""
        if all(cursor not in self._seen for cursor in cursors):
            return self._reader.read(rows)
        new = [row for row, cursor in zip(rows, cursors, strict=True) if cursor not in self._seen]
        late = _identities(self._reader.read(new))
        again = [
            row
            for row, cursor in zip(rows, cursors, strict=True)
            if cursor not in self._seen or _identities(self._reader.read([row])) & late
        ]
        return self._reader.read(again)

    def _passed(self, cursors: list[str], fresh: dict[str, int], now_us: int) -> list[str]:
        """The cursors that no late commit can precede any more, provided that commits take at most `lag_s`."""
        before_us = now_us - self._lag_us
        seen_us = (fresh[cursor] if cursor in fresh else self._seen[cursor] for cursor in cursors)
        old = [place for place, when_us in enumerate(seen_us) if when_us <= before_us]
        return cursors[: old[-1] + 1] if old else []

    def _keep(self, page: Page, fresh: dict[str, int], passed: list[str]) -> None:
        if not fresh and not passed:
            return
        gone = set(passed)
        kept = {cursor: seen_us for cursor, seen_us in fresh.items() if cursor not in gone}
        known = [cursor for cursor in passed if cursor in self._seen]
        with self._spool.transaction():
            self._spool.queue(page.ready)
            self._spool.resolve_read(page.ready)
            self._spool.add_dead_letters(page.dead)
            self._spool.note_read([one.identity for one in page.dead])
            self._spool.move_window(kept, known)
            if passed:
                self._spool.set_setting({"floor": passed[-1]})
        for cursor in known:
            del self._seen[cursor]
        self._seen |= kept
        if passed:
            self.floor = load_cursor(passed[-1])


def _identities(page: Page) -> set[str]:
    return {one.pay_partner for one in page.ready} | {one.identity for one in page.dead}


def _loaded(text: str | None) -> CursorValue | None:
    return load_cursor(text) if text else None
