"""Compares the rows of a page with the known versions of their records, and stores new versions in the spool."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import structlog

from vipgate.agent.config import SourceConfig
from vipgate.agent.mapping.reader import Page
from vipgate.agent.models import OutboxRow, Rejection, Version
from vipgate.agent.sources.base import Key, load_cursor, shown_place
from vipgate.agent.spool import Spool
from vipgate.agent.status import CHANGED, IS_NULL, MISSED, SET_BACK, Status
from vipgate.agent.sync.round_warnings import RoundWarnings
from vipgate.agent.sync.source_thread import PageRead
from vipgate.agent.sync.verdict import Verdict, judge

log = structlog.get_logger()

LOGGED_MAX: Final = 20
OLDER_MAX: Final = 10_000

AskAgain = Callable[[Mapping[str, Sequence[Key]]], None]


class PageIntake:
    """Takes the pages of changes and rounds. `ask_again` requests that rows are read again, by order number."""

    def __init__(
        self, source: SourceConfig, spool: Spool, status: Status, clock_us: Callable[[], int], ask_again: AskAgain
    ) -> None:
        self._source = source
        self._spool = spool
        self._status = status
        self._clock_us = clock_us
        self._ask_again = ask_again
        self._warnings = RoundWarnings(status, source.cursor_name, clock_us)
        self.dead = spool.count_dead_letters()
        # Rows of the snapshot that are read but not settled, by order number.
        self.unsettled: dict[str, OutboxRow] = {}
        # Order numbers of several rows, and the keys of those that are asked for: until the last of them was answered.
        self.shared: dict[str, Sequence[Key]] = {}
        # Rows that seem older than what was sent, and that, by order number, until the round ends.
        self._older: dict[str, tuple[OutboxRow | Rejection, Version]] = {}

    def take(self, read: PageRead, *, has_key: bool, is_snapshot: bool) -> list[OutboxRow]:
        """Queues new versions in the outbox. Returns the rows of a snapshot that are sent directly instead."""
        # If the clock was set back since, later reads seem earlier.
        read = replace(read, read_us=min(read.read_us, self._clock_us()))
        page = read.page
        keys = page.identities()
        held = self._spool.held(keys)
        pending: dict[str, Version] = {}
        if not self.unsettled.keys().isdisjoint(keys):
            pending = {key: Version(one.hash, one.row_id) for key in keys if (one := self.unsettled.get(key))}
        known = self._spool.acknowledged.find(keys) | pending | held
        overtaken = {key for key, (read_us, _) in self._spool.read_times(keys).items() if read_us > read.read_us}
        # Most pages of a snapshot hold only news.
        is_news = not known and not overtaken
        found = (
            _Found(page.ready, page.dead) if is_news else self._judged(read, keys, known, overtaken, has_key=has_key)
        )
        self.shared = {key: keys for key, keys in self.shared.items() if read.asked.get(key) != keys}
        self._note_older(found, read, known)
        if read.lane == "round":
            self._warnings.note_doubtful(page.doubtful)
            self._warnings.note_unjudged(page.unjudged)
            self._warnings.note_left_out(self._sent_before(page.left_orders) if has_key else [])
        self._warnings.note_replaced(page.replaced)
        waiting = held.keys() | pending.keys()
        direct: list[OutboxRow] = []
        if is_snapshot:
            direct = [row for row in found.ready if row.pay_partner not in waiting] if waiting else found.ready
        self._queue(found, read.read_us, direct, page.passed if self.dead else [], has_key=has_key)
        self._read_again(found.shared, known)
        if read.lane == "round" and not is_snapshot:
            self._count_found(found, page)
        return direct

    def _sent_before(self, rows: Sequence[tuple[str, bytes]]) -> list[str]:
        """The order numbers of these rows, by number and `row_id`, that the platform has from these very rows."""
        orders = [order for order, _ in rows]
        known = self._spool.acknowledged.find(orders) if orders else {}
        sent = [order for order, row_id in rows if order in known and known[order].row_id == row_id]
        dead = self._spool.dead_among(sent) if sent and self.dead else set()
        return [order for order in sent if order not in dead]

    def _judged(
        self, read: PageRead, keys: Sequence[str], known: Mapping[str, Version], overtaken: set[str], *, has_key: bool
    ) -> _Found:
        """Judges the rows of a page, of which `keys` are the identities. Notes the places of those that need no dead letter."""
        found, page = _Found(), read.page
        rows: list[OutboxRow | Rejection] = [*page.ready, *page.dead]
        conflicting = self._conflicting(read, known, has_key=has_key)
        for key, row in zip(keys, rows, strict=True):
            # A conflict is one with the row on this page that has the order number.
            if key in overtaken or row.pay_partner in overtaken:
                continue
            if key in read.asked:
                verdict = Verdict.SAME if key in known and known[key].hash == row.hash else Verdict.NEWS
            else:
                verdict = judge(row, known.get(key), has_key=has_key)
            if verdict is Verdict.NEWS and key in conflicting:
                verdict = Verdict.OLDER
            found.add(verdict, row, key)
            if verdict is Verdict.SAME and has_key and self.dead and isinstance(row, OutboxRow):
                page.passed.append(row.place)
        found.postpone_conflicts(has_key=has_key)
        return found

    def end_round(self) -> None:
        """Sends rows that seemed older than what was sent: the round has met no other row of these records."""
        found, keys = _Found(), list(self._older)
        known = self._spool.acknowledged.find(keys) | self._spool.held(keys)
        for key, (row, before) in self._older.items():
            # Not if a newer row was read meanwhile.
            if known.get(key) == before:
                found.add(Verdict.NEWS, row, key)
        self._older = {}
        self._status.sweep.count(SET_BACK, len(found.ready) + len(found.dead))
        self._queue(found, self._clock_us(), [], [], has_key=False)
        self._warnings.end_round()

    def drop_snapshot(self) -> None:
        """Forgets rows of a round that was given up: they are read again."""
        self.unsettled, self._older = {}, {}
        self._warnings.drop_round()

    def settle(self, rows: Sequence[OutboxRow]) -> None:
        """Notes that snapshot rows are settled."""
        for row in rows:
            if self.unsettled.get(row.pay_partner) is row:
                del self.unsettled[row.pay_partner]

    def count_dead(self, dead: Sequence[Rejection]) -> None:
        """Logs new dead letters and updates their number."""
        for one in dead[:LOGGED_MAX]:
            log.warning(
                "dead letter",
                place=shown_place(one.place),
                pay_partner=one.pay_partner,
                reason=one.reason,
                seqno=one.seqno,
            )
        if dead:
            self.dead = self._spool.count_dead_letters()

    def _conflicting(self, read: PageRead, known: Mapping[str, Version], *, has_key: bool) -> set[str]:
        """Known records of which a changed row, in a source without a key, was in conflict with another one.

        A round decides, which sees both. Those that changed are not all of them.
        """
        if has_key or read.lane != "changes" or not self.dead:
            return set()
        rows: list[OutboxRow | Rejection] = [*read.page.ready, *read.page.dead]
        places = {key: row.place for key, row in zip(read.page.identities(), rows, strict=True) if key in known}
        # Several rows may have one place here.
        named = self._spool.dead_among(sorted(set(places.values())))
        return {key for key, place in places.items() if place in named}

    def _queue(
        self, found: _Found, read_us: int, direct: Sequence[OutboxRow], passed: Sequence[str], *, has_key: bool
    ) -> None:
        """Stores what is news, but for the rows that go `direct` into the snapshot's batches.

        `passed`: places of rows that are as they were sent. `has_key`: a place is that of one row for ever.
        """
        queued: list[OutboxRow] = []
        if found.ready is not direct:
            without = {id(row) for row in direct}
            queued = [row for row in found.ready if id(row) not in without]
        wrong = found.dead
        if not (queued or wrong or passed or (direct and self.dead)):
            return
        identities = [dead.identity for dead in wrong]
        with self._spool.transaction():
            self._spool.queue(queued, read_us=read_us)
            self._spool.resolve_read(found.ready, passed)
            if has_key and self.dead:
                self._spool.resolve_other_orders([*found.ready, *wrong])
            self._spool.add_dead_letters(wrong)
            # Their waiting versions are no longer what the source holds.
            self._spool.unqueue_keys(identities)
            self._spool.note_read(identities, read_us)
            self._spool.acknowledged.note({dead.identity: Version(dead.hash, dead.row_id) for dead in wrong})
        self.count_dead(wrong)
        if self.dead:
            self.dead = self._spool.count_dead_letters()

    def _read_again(self, shared: list[tuple[OutboxRow | Rejection, str]], known: Mapping[str, Version]) -> None:
        """Requests that rows with the same order number are read again: the one that was sent, and the new one."""
        asked: dict[str, Sequence[Key]] = {}
        for row, key in shared:
            # With those that are asked for already: of all of them the newest is wanted.
            keys = [load_cursor(row_id.decode()) for row_id in (known[key].row_id, row.row_id)]
            self.shared[key] = asked[key] = list(dict.fromkeys([*self.shared.get(key, ()), *keys]))
        if asked:
            self._ask_again(asked)

    def _note_older(self, found: _Found, read: PageRead, known: Mapping[str, Version]) -> None:
        """Keeps rows that seem older until the round has shown whether the newer one is still there."""
        if read.lane == "round":
            self._older.update((key, (row, known[key])) for key, row in found.older)
        for key in read.asked:
            self._older.pop(key, None)
        self._warnings.note_left(read.left + max(0, len(self._older) - OLDER_MAX))
        for key in list(self._older)[OLDER_MAX:]:
            del self._older[key]

    def _count_found(self, found: _Found, page: Page) -> None:
        """Counts why the sweep had to find these rows."""
        cursors = {id(row): cursor for row, cursor in zip(page.ready, page.cursors, strict=True)}
        missed_before = self._status.sweep.missed
        for row in found.ready:
            cursor = cursors[id(row)]
            if not self._source.cursor:
                self._status.sweep.count(CHANGED, 1)
            elif cursor is None:
                self._status.sweep.count(" or ".join(self._source.cursor[0]) + IS_NULL, 1)
            elif self._is_behind(cursor):
                self._status.sweep.count(MISSED, 1)
        self._warnings.note_missed(self._status.sweep.missed - missed_before)

    def _is_behind(self, cursor: Sequence[object]) -> bool:
        """Whether the position has passed this cursor: only the sweep could find the row."""
        floor = self._spool.get_setting("floor")
        if floor is None:
            return False
        try:
            return bool(cursor[0] < load_cursor(floor)[0])  # type: ignore[operator]
        except TypeError:
            return True


class _Found:
    """The rows of a page by verdict, without those that are already known."""

    def __init__(self, ready: Sequence[OutboxRow] = (), dead: Sequence[Rejection] = ()) -> None:
        self.ready: list[OutboxRow] = list(ready)
        self.dead: list[Rejection] = list(dead)
        self.shared: list[tuple[OutboxRow | Rejection, str]] = []
        self.older: list[tuple[str, OutboxRow | Rejection]] = []

    def postpone_conflicts(self, *, has_key: bool) -> None:
        """Removes dead letters whose conflict is with a row that is not decided yet."""
        undecided = {key for _, key in self.shared} | {key for key, _ in self.older}
        postponed = [one for one in self.dead if one.identity != one.pay_partner and one.pay_partner in undecided]
        if postponed:
            self.dead = [one for one in self.dead if one not in postponed]
            if has_key:
                self.shared += [(one, one.pay_partner or "") for one in postponed]

    def add(self, verdict: Verdict, row: OutboxRow | Rejection, key: str) -> None:
        if verdict is Verdict.SHARED:
            self.shared.append((row, key))
        elif verdict is Verdict.OLDER:
            self.older.append((key, row))
        elif verdict is Verdict.NEWS and isinstance(row, OutboxRow):
            self.ready.append(row)
        elif verdict is Verdict.NEWS and isinstance(row, Rejection):
            self.dead.append(row)
