"""What the agent reads: the stock, the changes behind a cursor, or whole comparisons, into the spool and into parcels.

The loop (run.py) calls it, in one thread; the stock and the comparisons are read in a thread of their own (feeding.py).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from vipgate.agent.client import Client
from vipgate.agent.config import Config
from vipgate.agent.mapping.reader import (
    Reader,
    hash_of,
)
from vipgate.agent.models import (
    Batch,
    Rejection,
)
from vipgate.agent.sources.base import (
    Source,
    SourceFault,
    SourceUnavailable,
    dump_cursor,
    load_cursor,
    unexpected,
)
from vipgate.agent.spool import Spool
from vipgate.agent.status import Status
from vipgate.agent.sync.change_reader import ChangeReader
from vipgate.agent.sync.in_flight import BloomFilter
from vipgate.agent.sync.read_ahead import (
    PageRead,
    ReadAhead,
    ReadFinished,
    SourceError,
    read_all,
    read_snapshot,
)
from vipgate.agent.sync.retry import retry_delay_s
from vipgate.agent.sync.snapshot_progress import SnapshotProgress
from vipgate.errors import (
    UsageError,
    VipgateError,
)
from vipgate.i18n import Language
from vipgate.support.background import (
    attempt,
    is_fault,
    report,
)

log = structlog.get_logger()

FULL_WARNING: Final = 0.8
# A comparison of a database reads all of it: at most this part of the time.
COMPARE_SHARE: Final = 10.0
PARCELS_READ_MAX: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentDependencies:
    """Time, chance, and how to reach the source and the platform."""

    clock_us: Callable[[], int]
    clock_s: Callable[[], float]
    chance: Callable[[], float]
    open_source: Callable[[], Source]
    client: Client
    language: Language = "zh"


class SourceReader:
    """The reading half of an agent. `next` holds the stock's parcels that were read, `pages` how far they are settled."""

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
        self._world = dependencies
        self._status = status
        self._wake = wake
        self._once = once
        self.rows_max = config.platform.batch_rows
        self.next: deque[Batch] = deque()
        self.pages = SnapshotProgress()
        self.dead = spool.count_dead_letters()
        self.stock_begun_us = 0
        self.look_s = 0.0
        # How long a record that stands in several rows of the stock waits for copies of the earlier ones.
        self.window_us = 0
        self._feed: ReadAhead | None = None
        self._live: ChangeReader | None = None
        self._source: Source | None = None
        self._source_failures = 0
        self._looked_through = False
        self._stock_is_read = False
        self._seen = BloomFilter()
        self._scan_s = 0.0
        self._scan_stamp, self._scan_began_s = "", 0.0

    def is_done(self) -> bool:
        """Whether all that the source held at the beginning was read, and the stock's pages are settled."""
        is_stock_done = self._config.source.cursor is None or self._spool.get_setting("stock_done") is not None
        return self.is_idle() and self._looked_through and is_stock_done

    def is_idle(self) -> bool:
        """Whether nothing is being read, and nothing of the stock waits."""
        return not self.next and not len(self.pages) and self._feed is None

    def close(self) -> None:
        """Ends the reading."""
        if self._feed is not None:
            self._feed.stop()
        self._close_source()

    def look(self) -> None:
        """Looks at the source where it is time to. A source that is away is asked again, less and less often."""
        now_s = self._world.clock_s()
        if now_s < self.look_s or self._is_full():
            return
        self.look_s = now_s + self._config.source.poll_s
        try:
            source = self._opened()
            if self._config.source.cursor is None:
                self._look_for_scan(source, now_s)
            else:
                self._look_for_changes(source)
            self._source_failures = 0
            self._tell_well("source")
        except SourceUnavailable as error:
            self._look_failed(error, now_s)
        except VipgateError:
            raise
        except BaseException as error:
            if not is_fault(error):
                raise
            report("look at the source", error)
            self._close_source()
            self._look_failed(unexpected(error), now_s)

    def _look_failed(self, trouble: SourceUnavailable, now_s: float) -> None:
        self._source_failures += 1
        self.look_s = now_s + retry_delay_s(self._source_failures, self._world.chance())
        self._tell_trouble("source", trouble)

    def _close_source(self) -> None:
        """The next look opens it anew: after a fault nobody knows what state it is in."""
        source, self._source, self._live = self._source, None, None
        if source is not None:
            attempt("closing of the source", source.close)

    def _tell_trouble(self, part: str, trouble: SourceUnavailable) -> None:
        """Shows it. Raises OperatorError where a run that has to end would wait for a person."""
        if self._status.tell(part, str(trouble), self._world.clock_us()):
            log.warning("source is away", part=part, reason=str(trouble))
        if self._once and isinstance(trouble, SourceFault):
            raise UsageError(f"{trouble}\nNot all was read; mend it and run this again.")

    def _tell_well(self, part: str) -> None:
        if self._status.tell(part, "", self._world.clock_us()):
            log.info("source is back", part=part)

    def _opened(self) -> Source:
        if self._source is None:
            self._source = self._world.open_source()
            self._reader = Reader(self._config, self._source.columns, self._world.language)
        return self._source

    def _look_for_changes(self, source: Source) -> None:
        if self._spool.get_setting("stock_until") is None:
            self._begin_stock(source)
        if self._live is None:
            self._live = ChangeReader(source, self._reader, self._spool, self._config.source)
        now_us = self._world.clock_us()
        page = self._live.poll(now_us)
        self.count_dead(page.dead)
        self._looked_through = self._looked_through or self._live.is_through
        is_read = self._spool.get_setting("stock_done") is not None or self._feed is not None
        if not is_read and now_us >= int(self._spool.get_setting("stock_from_us") or 0) and not len(self.pages):
            self._feed_stock(source)

    def _begin_stock(self, source: Source) -> None:
        """What is there now is the stock, what comes later the changes. It is read once nothing can be committed late into it."""
        newest = source.newest()
        now_us = self._world.clock_us()
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

    def _feed_stock(self, source: Source) -> None:
        until = load_cursor(self._spool.get_setting("stock_until") or "")
        at = self._spool.get_setting("stock_at")
        after = load_cursor(at) if at else None
        self.stock_begun_us = int(self._spool.get_setting("stock_begun_us") or 0)
        self._status.stock_total = source.count(None, until)
        self._status.stock_done = int(self._spool.get_setting("stock_rows") or 0)
        self._feed = read_snapshot(self._world.open_source, self._reader, after, until, self.rows_max, self._wake)

    def _look_for_scan(self, source: Source, now_s: float) -> None:
        stamp = repr(source.stamp())
        unchanged = source.stamp() is not None and stamp == self._spool.get_setting("stamp") and not self._once
        if self._feed is not None or now_s < self._scan_s or unchanged or (self._once and self._looked_through):
            return
        self._scan_stamp, self._scan_began_s = stamp, now_s
        self._feed = read_all(self._world.open_source, self._reader, self._wake)

    def _is_full(self) -> bool:
        """Whether the spool has reached its bound: then reading waits, and the source keeps what is new."""
        bytes_max = self._config.spool.bytes_max
        if self._spool.used_bytes() >= FULL_WARNING * bytes_max:
            self._spool.truncate_wal()
        share = self._spool.used_bytes() / bytes_max
        trouble = "" if share < FULL_WARNING else f"{share:.0%} of spool.bytes_max are in use"
        was_full = self._status.is_in_trouble("spool")
        self._status.tell("spool", trouble, self._world.clock_us())
        if trouble and not was_full:
            log.warning("spool fills up", used_share=round(share, 2), bytes_max=bytes_max)
        return share >= 1.0

    # ---- what was read ---------------------------------------------------------------------------------------------------

    def take(self) -> None:
        """Takes pages from the feed while there is room for them."""
        while self._feed is not None and len(self.next) < PARCELS_READ_MAX and not self._is_full():
            item = self._feed.take()
            if item is None:
                return
            if isinstance(item, SourceError):
                self._tell_trouble("reading", item.trouble)
                continue
            if isinstance(item, ReadFinished):
                self._feed_ended(item)
            elif self._config.source.cursor is None:
                self._take_compared(item)
            else:
                # It goes on behind this page whatever comes: a comparison would begin anew.
                self._tell_well("reading")
                self._take_stock(item)

    def _feed_ended(self, ended: ReadFinished) -> None:
        if ended.fault is not None:
            raise ended.fault
        self._tell_well("reading")
        self._feed = None
        if self._config.source.cursor is None:
            self._looked_through = True
            now_s = self._world.clock_s()
            self._scan_s = now_s + COMPARE_SHARE * (now_s - self._scan_began_s)
            with self._spool.transaction():
                self._spool.set_setting({"stamp": self._scan_stamp})
            return
        self._stock_is_read = True
        self.finish_stock()

    def _take_stock(self, fed: PageRead) -> None:
        """A page of the stock, without what the live lane has read since: that is newer, whether it could be sent or not.

        A record that stood in an earlier page goes to the outbox, and waits there until no copy of that page can arrive. In
        the spool such a one was read when the stock began, what the live lane has read later.
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
            not_before_us = self._world.clock_us() + self.window_us
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
        """Queues the rows that are other than what was sent or waits."""
        keys = [one.pay_partner for one in fed.page.ready] + [one.identity for one in fed.page.dead]
        known = self._spool.sent(keys) | self._spool.held(keys)
        changed = [one for one in fed.page.ready if known.get(one.pay_partner) != one.hash]
        wrong = {one.identity: one for one in fed.page.dead if known.get(one.identity) != hash_of(one)}
        with self._spool.transaction():
            self._spool.queue(changed)
            self._spool.resolve_read(changed)
            self._spool.add_dead_letters(list(wrong.values()))
            # What waits of them is no more what the source says.
            self._spool.unqueue_keys(list(wrong))
            self._spool.note_sent({identity: hash_of(one) for identity, one in wrong.items()})
        self.count_dead(list(wrong.values()))

    def count_dead(self, dead: list[Rejection]) -> None:
        """Tells of new dead letters."""
        for one in dead[:20]:
            log.warning("dead letter", place=one.place, pay_partner=one.pay_partner, reason=one.reason, seqno=one.seqno)
        if dead:
            self.dead = self._spool.count_dead_letters()

    # ---- positions ------------------------------------------------------------------------------------------------------

    def move_position(self) -> None:
        """The stock's position moves over pages that are settled to their last row."""
        end, rows = self.pages.passed()
        if end is not None:
            self._status.stock_done += rows
            with self._spool.transaction():
                self._spool.set_setting({"stock_at": dump_cursor(end), "stock_rows": str(self._status.stock_done)})
        self.finish_stock()

    def finish_stock(self) -> None:
        """Notes that the stock is read and settled, once it is."""
        if self._stock_is_read and not len(self.pages):
            with self._spool.transaction():
                self._spool.set_setting({"stock_done": "1"})
            log.info("stock is acknowledged", rows=self._status.stock_done)
            self._stock_is_read = False
            self.note_position()

    def note_position(self) -> None:
        """What was read last is acknowledged once nothing waits any more."""
        floor = self._spool.get_setting("floor")
        if (
            floor
            and self._spool.get_setting("stock_done")
            and self._spool.get_setting("position") != floor
            and self._spool.next_due_us() is None
        ):
            with self._spool.transaction():
                self._spool.set_setting({"position": floor})
