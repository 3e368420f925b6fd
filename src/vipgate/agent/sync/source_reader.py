"""Reads the source into the spool and into batches: the snapshot, changes by cursor, or full comparisons.

The loop (agent.py) calls it from one thread; snapshot and comparisons are read in a separate thread (read_ahead.py).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from vipgate.agent.client import Client
from vipgate.agent.config import Config
from vipgate.agent.mapping.reader import Reader, hash_of
from vipgate.agent.models import Batch, Rejection
from vipgate.agent.sources.base import Source, SourceFault, SourceUnavailable, dump_cursor, load_cursor, unexpected
from vipgate.agent.spool import Spool
from vipgate.agent.status import Status
from vipgate.agent.sync.change_reader import ChangeReader
from vipgate.agent.sync.in_flight import BloomFilter
from vipgate.agent.sync.read_ahead import PageRead, ReadAhead, ReadFinished, SourceError, read_all, read_snapshot
from vipgate.agent.sync.retry import retry_delay_s
from vipgate.agent.sync.snapshot_progress import SnapshotProgress
from vipgate.errors import UsageError, VipgateError
from vipgate.i18n import Language
from vipgate.support.background import attempt, is_fault, report

log = structlog.get_logger()

FULL_WARNING: Final = 0.8
# A comparison reads the whole database: it pauses for this many times its duration.
COMPARE_SHARE: Final = 10.0
BATCHES_READ_MAX: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentDependencies:
    """Clocks, randomness, and access to source and platform."""

    clock_us: Callable[[], int]
    clock_s: Callable[[], float]
    chance: Callable[[], float]
    open_source: Callable[[], Source]
    client: Client
    language: Language = "zh"


class SourceReader:
    """The reading half of an agent. `next` holds snapshot batches to send, `pages` tracks how far they are settled."""

    def __init__(
        self,
        config: Config,
        spool: Spool,
        dependencies: AgentDependencies,
        status: Status,
        wake: Callable[[], None],
        *,
        once: bool,
    ) -> None:
        self._config = config
        self._spool = spool
        self._dependencies = dependencies
        self._status = status
        self._wake = wake
        self._once = once
        self.rows_max = config.platform.batch_rows
        self.next: deque[Batch] = deque()
        self.pages = SnapshotProgress()
        self.dead = spool.count_dead_letters()
        self.stock_begun_us = 0
        self.look_s = 0.0
        # How long a record with several snapshot rows waits for copies of the earlier ones.
        self.window_us = 0
        self._feed: ReadAhead | None = None
        self._live: ChangeReader | None = None
        self._source: Source | None = None
        self._source_failures = 0
        self._looked_through = False
        self._snapshot_is_read = False
        self._seen = BloomFilter()
        self._scan_s = 0.0
        self._scan_stamp, self._scan_began_s = "", 0.0

    def is_done(self) -> bool:
        """Whether everything in the source was read, and all snapshot pages are settled."""
        is_snapshot_done = self._config.source.cursor is None or self._spool.get_setting("stock_done") is not None
        return self.is_idle() and self._looked_through and is_snapshot_done

    def is_idle(self) -> bool:
        """Whether nothing is being read and no snapshot batch waits."""
        return not self.next and not len(self.pages) and self._feed is None

    def close(self) -> None:
        """Stops reading and closes the source."""
        if self._feed is not None:
            self._feed.stop()
        self._close_source()

    def look(self) -> None:
        """Polls the source if that is due. While it is unavailable, the interval grows."""
        now_s = self._dependencies.clock_s()
        if now_s < self.look_s or self._is_full():
            return
        self.look_s = now_s + self._config.source.poll_s
        try:
            source = self._opened()
            if self._config.source.cursor is None:
                self._poll_for_scan(source, now_s)
            else:
                self._poll_for_changes(source)
            self._source_failures = 0
            self._clear_trouble("source")
        except SourceUnavailable as error:
            self._poll_failed(error, now_s)
        except VipgateError:
            raise
        except BaseException as error:
            if not is_fault(error):
                raise
            report("look at the source", error)
            self._close_source()
            self._poll_failed(unexpected(error), now_s)

    def _poll_failed(self, trouble: SourceUnavailable, now_s: float) -> None:
        self._source_failures += 1
        self.look_s = now_s + retry_delay_s(self._source_failures, self._dependencies.chance())
        self._record_trouble("source", trouble)

    def _close_source(self) -> None:
        """Closes the source after an error, which leaves it in an unknown state; the next poll opens it again."""
        source, self._source, self._live = self._source, None, None
        if source is not None:
            attempt("closing of the source", source.close)

    def _record_trouble(self, part: str, trouble: SourceUnavailable) -> None:
        """Records trouble in the status. Raises UsageError if a run with `once` would wait for an operator."""
        if self._status.tell(part, str(trouble), self._dependencies.clock_us()):
            log.warning("source unavailable", part=part, reason=str(trouble))
        if self._once and isinstance(trouble, SourceFault):
            raise UsageError(f"{trouble}\nNot all was read; fix it and run this again.")

    def _clear_trouble(self, part: str) -> None:
        if self._status.tell(part, "", self._dependencies.clock_us()):
            log.info("source available again", part=part)

    def _opened(self) -> Source:
        if self._source is None:
            self._source = self._dependencies.open_source()
            self._reader = Reader(self._config, self._source.columns, self._dependencies.language)
        return self._source

    def _poll_for_changes(self, source: Source) -> None:
        if self._spool.get_setting("stock_until") is None:
            self._begin_snapshot(source)
        if self._live is None:
            self._live = ChangeReader(source, self._reader, self._spool, self._config.source)
        now_us = self._dependencies.clock_us()
        page = self._live.poll(now_us)
        self.count_dead(page.dead)
        self._looked_through = self._looked_through or self._live.is_through
        is_read = self._spool.get_setting("stock_done") is not None or self._feed is not None
        if not is_read and now_us >= int(self._spool.get_setting("stock_from_us") or 0) and not len(self.pages):
            self._read_snapshot(source)

    def _begin_snapshot(self, source: Source) -> None:
        """Fixes the end of the snapshot; later rows are changes. Reading starts when no late commit can fall into it."""
        newest = source.newest()
        now_us = self._dependencies.clock_us()
        until = "" if newest is None else dump_cursor(newest)
        with self._spool.transaction():
            self._spool.set_setting({
                "stock_until": until,
                "floor": until,
                "stock_at": None,
                "stock_done": None if until else "1",
                "stock_rows": "0",
                "stock_begun_us": str(now_us),
                "stock_from_us": str(now_us + round(self._config.source.lag_s * 1_000_000)),
            })  # fmt: skip
        self._live = None

    def _read_snapshot(self, source: Source) -> None:
        until = load_cursor(self._spool.get_setting("stock_until") or "")
        at = self._spool.get_setting("stock_at")
        after = load_cursor(at) if at else None
        self.stock_begun_us = int(self._spool.get_setting("stock_begun_us") or 0)
        self._status.stock_total = source.count(None, until)
        self._status.stock_done = int(self._spool.get_setting("stock_rows") or 0)
        open_source = self._dependencies.open_source
        self._feed = read_snapshot(open_source, self._reader, after, until, self.rows_max, self._wake)

    def _poll_for_scan(self, source: Source, now_s: float) -> None:
        stamp = repr(source.stamp())
        unchanged = source.stamp() is not None and stamp == self._spool.get_setting("stamp") and not self._once
        if self._feed is not None or now_s < self._scan_s or unchanged or (self._once and self._looked_through):
            return
        self._scan_stamp, self._scan_began_s = stamp, now_s
        self._feed = read_all(self._dependencies.open_source, self._reader, self._wake)

    def _is_full(self) -> bool:
        """Whether the spool has reached its limit: reading then pauses, and new rows stay in the source."""
        bytes_max = self._config.spool.bytes_max
        if self._spool.used_bytes() >= FULL_WARNING * bytes_max:
            self._spool.truncate_wal()
        share = self._spool.used_bytes() / bytes_max
        trouble = "" if share < FULL_WARNING else f"{share:.0%} of spool.bytes_max are in use"
        was_full = self._status.is_in_trouble("spool")
        self._status.tell("spool", trouble, self._dependencies.clock_us())
        if trouble and not was_full:
            log.warning("spool fills up", used_share=round(share, 2), bytes_max=bytes_max)
        return share >= 1.0

    # ---- pages -----------------------------------------------------------------------------------------------------------

    def take(self) -> None:
        """Takes pages that were read ahead, while there is room for them."""
        while self._feed is not None and len(self.next) < BATCHES_READ_MAX and not self._is_full():
            item = self._feed.take()
            if item is None:
                return
            if isinstance(item, SourceError):
                self._record_trouble("reading", item.trouble)
                continue
            if isinstance(item, ReadFinished):
                self._feed_ended(item)
            elif self._config.source.cursor is None:
                self._take_compared(item)
            else:
                # The snapshot resumes after this page whatever happens; a comparison would start over.
                self._clear_trouble("reading")
                self._take_snapshot(item)

    def _feed_ended(self, ended: ReadFinished) -> None:
        if ended.fault is not None:
            raise ended.fault
        self._clear_trouble("reading")
        self._feed = None
        if self._config.source.cursor is None:
            self._looked_through = True
            now_s = self._dependencies.clock_s()
            self._scan_s = now_s + COMPARE_SHARE * (now_s - self._scan_began_s)
            with self._spool.transaction():
                self._spool.set_setting({"stamp": self._scan_stamp})
            return
        self._snapshot_is_read = True
        self.finish_stock()

    def _take_snapshot(self, fed: PageRead) -> None:
        """Takes a snapshot page, without records that were read as changes since: those are newer, sendable or not.

        A record that was in an earlier page goes to the outbox and waits there until no copy of that page can arrive. Its read
        time in the spool is the start of the snapshot; changes have a later one.
        """
        begun_us = self.stock_begun_us
        identities = [one.identity for one in fed.page.dead] + [row.pay_partner for row in fed.page.ready]
        read = self._spool.read_times(identities)
        newer = {identity for identity, read_us in read.items() if read_us > begun_us}
        met = {one for one in identities if self._seen.add(one) or read.get(one) == begun_us} - newer
        wrong = [one for one in fed.page.dead if one.identity not in newer]
        rows = [row for row in fed.page.ready if row.pay_partner not in met and row.pay_partner not in newer]
        again = [row for row in fed.page.ready if row.pay_partner in met]
        with self._spool.transaction():
            self._spool.add_dead_letters(wrong)
            self._spool.unqueue_keys([one.identity for one in wrong if one.identity in met])
            self._spool.note_read([one.identity for one in wrong if one.identity in met], begun_us)
            not_before_us = self._dependencies.clock_us() + self.window_us
            self._spool.queue(again, not_before_us=not_before_us, read_us=begun_us)
            if self.dead or wrong:
                self._spool.resolve_read([*rows, *again])
        self.count_dead(wrong)
        self.pages.begin(fed.number, fed.end, len(rows), fed.rows)
        if rows:
            self.next.append(Batch("stock", rows, fed.number))
        else:
            self.move_position()

    def _take_compared(self, fed: PageRead) -> None:
        """Queues the rows that differ from what was sent or waits."""
        keys = [one.pay_partner for one in fed.page.ready] + [one.identity for one in fed.page.dead]
        known = self._spool.sent(keys) | self._spool.held(keys)
        changed = [one for one in fed.page.ready if known.get(one.pay_partner) != one.hash]
        wrong = {one.identity: one for one in fed.page.dead if known.get(one.identity) != hash_of(one)}
        with self._spool.transaction():
            self._spool.queue(changed)
            self._spool.resolve_read(changed)
            self._spool.add_dead_letters(list(wrong.values()))
            # Their waiting versions are no longer what the source holds.
            self._spool.unqueue_keys(list(wrong))
            self._spool.note_sent({identity: hash_of(one) for identity, one in wrong.items()})
        self.count_dead(list(wrong.values()))

    def count_dead(self, dead: list[Rejection]) -> None:
        """Logs new dead letters and updates their number."""
        for one in dead[:20]:
            log.warning("dead letter", place=one.place, pay_partner=one.pay_partner, reason=one.reason, seqno=one.seqno)
        if dead:
            self.dead = self._spool.count_dead_letters()

    # ---- positions ------------------------------------------------------------------------------------------------------

    def move_position(self) -> None:
        """Moves the snapshot's position over completely settled pages."""
        end, rows = self.pages.passed()
        if end is not None:
            self._status.stock_done += rows
            with self._spool.transaction():
                self._spool.set_setting({"stock_at": dump_cursor(end), "stock_rows": str(self._status.stock_done)})
        self.finish_stock()

    def finish_stock(self) -> None:
        """Marks the snapshot as done once all of it is read and settled."""
        if self._snapshot_is_read and not len(self.pages):
            with self._spool.transaction():
                self._spool.set_setting({"stock_done": "1"})
            log.info("snapshot acknowledged", rows=self._status.stock_done)
            self._snapshot_is_read = False
            self.note_position()

    def note_position(self) -> None:
        """Stores the last position read as acknowledged once nothing waits any more."""
        floor = self._spool.get_setting("floor")
        if (
            floor
            and self._spool.get_setting("stock_done")
            and self._spool.get_setting("position") != floor
            and self._spool.next_due_us() is None
        ):
            with self._spool.transaction():
                self._spool.set_setting({"position": floor})
