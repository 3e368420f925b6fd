"""The agent's loop: reads what is new, sends what waits, settles what is answered. One thread decides; others read and send.

Two lanes send. The live lane takes records from the spool's outbox, the stock lane pages straight from the source. They
agree on each record: what is in flight on one lane is not sent on the other, and of what the live lane has read since the
stock began, the stock sends nothing.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal

import structlog

from vipgate.agent.answers import Accepted, Answer, Doubtful, Later, NoAccess, Refused, TooLarge
from vipgate.agent.client import Client
from vipgate.agent.config import Config
from vipgate.agent.feeding import Ended, Fed, Feed, Hindered, feed_all, feed_stock
from vipgate.agent.live import Live
from vipgate.agent.plan import SETTLE_TIMEOUTS, Line, halves, part_refused, retry_delay_s
from vipgate.agent.reading import Reader, hash_of
from vipgate.agent.records import Dead, Ready
from vipgate.agent.sources import Source, SourceUnavailable, dump_cursor, load_cursor
from vipgate.agent.spool import Spool
from vipgate.agent.status import Status, save_status
from vipgate.agent.stock import Pages
from vipgate.errors import Language, OperatorError, VipgateError

log = structlog.get_logger()

IDLE_S: Final = 0.5
STATUS_S: Final = 1.0
TIDY_S: Final = 60.0
FULL_WARNING: Final = 0.8
# A comparison of a database reads all of it: at most this part of the time.
COMPARE_SHARE: Final = 10.0

Lane = Literal["live", "stock"]


@dataclass(slots=True, eq=False)
class Parcel:
    """Rows of one request. `page` is the stock's page that they belong to."""

    lane: Lane
    rows: list[Ready]
    page: int = 0
    complete: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Time, chance, and how to reach the source and the platform."""

    clock_us: Callable[[], int]
    clock_s: Callable[[], float]
    chance: Callable[[], float]
    open_source: Callable[[], Source]
    client: Client
    language: Language = "zh"


@dataclass(slots=True)
class _Due:
    """When the loop does what by itself."""

    look_s: float = 0.0
    status_s: float = 0.0
    tidy_s: float = 0.0
    scan_s: float = 0.0


class Agent:
    """One run. `step` does what can be done now; `run` goes on until it is stopped or, with `once`, until all is settled."""

    def __init__(self, config: Config, spool: Spool, world: World, *, once: bool = False, reads: bool = True) -> None:
        self._config = config
        self._spool = spool
        self._world = world
        self._once = once
        # Without, only what waits in the spool is sent.
        self._reads = reads
        self._line = Line()
        self._pool = ThreadPoolExecutor(config.platform.in_flight, "vipgate-send")
        self._flying: dict[Future[Answer], Parcel] = {}
        self._busy: set[str] = set()
        self._retry: deque[Parcel] = deque()
        self._pages = Pages()
        self._next: deque[Parcel] = deque()
        self._rows_max = config.platform.batch_rows
        self._feed: Feed | None = None
        self._live: Live | None = None
        self._source: Source | None = None
        self._source_failures = 0
        self._looked_through = False
        self._due = _Due()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._stock_is_read = False
        self._stock_begun_us = 0
        self._scan_stamp, self._scan_began_s = "", 0.0
        self._settle_us = round(config.platform.timeout_s * SETTLE_TIMEOUTS * 1_000_000)
        self.status = Status(at_us=world.clock_us())

    # ---- the life of a run ---------------------------------------------------------------------------------------------

    def run(self, show: Callable[[Status], None] | None = None) -> None:
        """Goes on until `stop`, or with `once` until all that the source holds now is settled. Raises OperatorError."""
        self._begin()
        try:
            while not self._stopping.is_set() and not self._is_done():
                self.step()
                if show is not None:
                    show(self.status)
                self._wake.wait(self._pause_s())
                self._wake.clear()
        finally:
            self._end()

    def stop(self) -> None:
        """Lets the run end: what is in flight is waited for."""
        self._stopping.set()
        self._wake.set()

    def _begin(self) -> None:
        now_us = self._world.clock_us()
        # Nobody knows what an agent that was killed had under way; a copy of it may still arrive.
        self._doubt_until_us = now_us + self._settle_us if self._spool.meta("running") else 0
        self._hold_until_us = 0
        self._replace_doubt_us = self._doubt_until_us if self._spool.meta("replace") == "tried" else 0
        self._replace = self._spool.meta("replace") is not None
        self._dead = self._spool.count_dead()
        with self._spool.transaction():
            self._spool.set_meta({"running": "1"})
            self._spool.tidy()
        log.info("agent begins", config=str(self._config.path), platform=self._config.platform.url)

    def _end(self) -> None:
        if self._feed is not None:
            self._feed.stop()
        self._pool.shutdown(wait=True)
        self._collect()
        with suppress(VipgateError), self._spool.transaction():
            self._spool.set_meta({"running": None})
            save_status(self._spool, self._counted())
        if self._source is not None:
            self._source.close()
        log.info("agent ends", acknowledged=self.status.acknowledged, dead=self._dead)

    def _is_done(self) -> bool:
        if not self._once:
            return False
        if self._line.is_mending and not self._flying:
            raise OperatorError(
                f"{self._line.trouble}\nNothing more was sent; `vipgate agent check` says what to mend."
            )
        quiet = not self._flying and not self._retry and not self._next and not len(self._pages) and self._feed is None
        return quiet and self._is_read() and self._spool.backlog()[0] == 0

    def _is_read(self) -> bool:
        """Whether all that the source held at the beginning was read."""
        is_stock_done = self._config.source.cursor is None or self._spool.meta("stock_done") is not None
        return not self._reads or (self._looked_through and is_stock_done)

    def _pause_s(self) -> float:
        now_s = self._world.clock_s()
        # A look that is due and was not taken is one that waits for room in the spool, or is not wanted.
        soonest_s = self._due.look_s if now_s < self._due.look_s < now_s + IDLE_S else now_s + IDLE_S
        if self._line.failures:
            soonest_s = max(min(soonest_s, self._line.until_s), now_s + 0.01)
        return max(0.0, soonest_s - now_s)

    def step(self) -> None:
        """Everything that can be done at this moment."""
        self._collect()
        self._read()
        self._take_fed()
        while self._dispatch():
            pass
        now_s = self._world.clock_s()
        if now_s >= self._due.status_s:
            self._due.status_s = now_s + STATUS_S
            with self._spool.transaction():
                save_status(self._spool, self._counted())
        if now_s >= self._due.tidy_s:
            self._due.tidy_s = now_s + TIDY_S
            with self._spool.transaction():
                self._spool.tidy()

    # ---- reading ---------------------------------------------------------------------------------------------------------

    def _read(self) -> None:
        """Looks at the source where it is time to. A source that is away is asked again, less and less often."""
        now_s = self._world.clock_s()
        if not self._reads or now_s < self._due.look_s or self._is_full():
            return
        self._due.look_s = now_s + self._config.source.poll_s
        try:
            source = self._opened()
            if self._config.source.cursor is None:
                self._look_for_scan(source, now_s)
            else:
                self._look_for_changes(source)
            if self._source_failures:
                log.info("source is back", source=source.where)
            self._source_failures, self.status.source_trouble = 0, ""
        except SourceUnavailable as error:
            self._source_failures += 1
            self._due.look_s = now_s + retry_delay_s(self._source_failures, self._world.chance())
            self._tell_source_trouble(str(error))

    def _tell_source_trouble(self, reason: str) -> None:
        if reason != self.status.source_trouble:
            log.warning("source is away", reason=reason)
        self.status.source_trouble = reason

    def _opened(self) -> Source:
        if self._source is None:
            self._source = self._world.open_source()
            self._reader = Reader(self._config, self._source.columns, self._world.language)
        return self._source

    def _look_for_changes(self, source: Source) -> None:
        if self._spool.meta("stock_until") is None:
            self._begin_stock(source)
        if self._live is None:
            self._live = Live(source, self._reader, self._spool, self._config.source)
        now_us = self._world.clock_us()
        page = self._live.look(now_us)
        self._count_dead(page.dead)
        self._looked_through = self._looked_through or self._live.is_through
        is_read = self._spool.meta("stock_done") is not None or self._feed is not None
        if not is_read and now_us >= int(self._spool.meta("stock_from_us") or 0) and not len(self._pages):
            self._feed_stock(source)

    def _begin_stock(self, source: Source) -> None:
        """What is there now is the stock, what comes later the changes. It is read once nothing can be committed late into it."""
        newest = source.newest()
        now_us = self._world.clock_us()
        until = "" if newest is None else dump_cursor(newest)
        with self._spool.transaction():
            self._spool.set_meta({
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
        until = load_cursor(self._spool.meta("stock_until") or "")
        at = self._spool.meta("stock_at")
        after = load_cursor(at) if at else None
        self._stock_begun_us = int(self._spool.meta("stock_begun_us") or 0)
        self.status.stock_total = source.count(None, until)
        self.status.stock_done = int(self._spool.meta("stock_rows") or 0)
        self._feed = feed_stock(self._world.open_source, self._reader, after, until, self._rows_max, self._wake.set)

    def _look_for_scan(self, source: Source, now_s: float) -> None:
        stamp = repr(source.stamp())
        unchanged = source.stamp() is not None and stamp == self._spool.meta("stamp") and not self._once
        if self._feed is not None or now_s < self._due.scan_s or unchanged or (self._once and self._looked_through):
            return
        self._scan_stamp, self._scan_began_s = stamp, now_s
        self._feed = feed_all(self._world.open_source, self._reader, self._wake.set)

    def _is_full(self) -> bool:
        """Whether the spool has reached its bound: then reading waits, and the source keeps what is new."""
        share = self._spool.used_bytes() / self._config.spool.bytes_max
        if share >= FULL_WARNING and not self.status.spool_trouble:
            log.warning("spool fills up", used_share=round(share, 2), bytes_max=self._config.spool.bytes_max)
        self.status.spool_trouble = "" if share < FULL_WARNING else f"{share:.0%} of spool.bytes_max are in use"
        return share >= 1.0

    # ---- what was read ---------------------------------------------------------------------------------------------------

    def _take_fed(self) -> None:
        """Takes pages from the feed while there is room for them."""
        while self._feed is not None and len(self._next) < 2 and not self._is_full():
            item = self._feed.take()
            if item is None:
                return
            if isinstance(item, Hindered):
                self._tell_source_trouble(item.reason)
            elif isinstance(item, Ended):
                self._feed_ended(item)
            elif self._config.source.cursor is None:
                self._take_compared(item)
            else:
                self._take_stock(item)

    def _feed_ended(self, ended: Ended) -> None:
        if ended.fault is not None:
            raise ended.fault
        self._feed = None
        if self._config.source.cursor is None:
            self._looked_through = True
            now_s = self._world.clock_s()
            self._due.scan_s = now_s + COMPARE_SHARE * (now_s - self._scan_began_s)
            with self._spool.transaction():
                self._spool.set_meta({"stamp": self._scan_stamp})
            return
        self._stock_is_read = True
        self._finish_stock()

    def _take_stock(self, fed: Fed) -> None:
        rows = fed.page.ready
        # What the live lane has read since is newer, whether it could be sent or not.
        newer = self._spool.read_since([one.identity for one in fed.page.dead], self._stock_begun_us)
        wrong = [one for one in fed.page.dead if one.identity not in newer]
        with self._spool.transaction():
            self._spool.bury(wrong)
            if self._dead:
                newer = self._spool.read_since([row.pay_partner for row in rows], self._stock_begun_us)
                self._spool.resolve_read([row for row in rows if row.pay_partner not in newer])
        self._count_dead(wrong)
        self._pages.begin(fed.number, fed.end, len(rows), fed.rows)
        if rows:
            self._next.append(Parcel("stock", rows, fed.number))
        else:
            self._move_position()

    def _take_compared(self, fed: Fed) -> None:
        """Queues the rows that are other than what was sent or waits."""
        keys = [one.pay_partner for one in fed.page.ready] + [one.identity for one in fed.page.dead]
        known = self._spool.sent(keys) | self._spool.held(keys)
        changed = [one for one in fed.page.ready if known.get(one.pay_partner) != one.hash]
        wrong = {one.identity: one for one in fed.page.dead if known.get(one.identity) != hash_of(one)}
        with self._spool.transaction():
            self._spool.queue(changed)
            self._spool.resolve_read(changed)
            self._spool.bury(list(wrong.values()))
            self._spool.note_sent({identity: hash_of(one) for identity, one in wrong.items()})
        self._count_dead(list(wrong.values()))

    def _count_dead(self, dead: list[Dead]) -> None:
        for one in dead[:20]:
            log.warning("dead letter", place=one.place, pay_partner=one.pay_partner, reason=one.reason, seqno=one.seqno)
        if dead:
            self._dead = self._spool.count_dead()

    # ---- sending ---------------------------------------------------------------------------------------------------------

    def _dispatch(self) -> bool:
        """Begins one request, where there is one to begin and a slot for it."""
        now_s = self._world.clock_s()
        slots = self._config.platform.in_flight
        if self._line.free_slots(now_s, len(self._flying), slots) <= 0 or self._world.clock_us() < self._hold_until_us:
            return False
        if self._replace:
            return not self._flying and self._send_first()
        lanes = [parcel.lane for parcel in self._flying.values()]
        both = slots > 1 and self._stock_waits()
        parcel = None
        if not (both and lanes.count("live") >= slots - 1):
            parcel = self._live_parcel()
        if parcel is None and (slots == 1 or lanes.count("stock") < slots - 1):
            parcel = self._stock_parcel()
        return parcel is not None and self._send(parcel)

    def _send_first(self) -> bool:
        """The request that replaces everything goes alone, and all others wait for its answer."""
        parcel = self._stock_parcel() or self._live_parcel()
        if parcel is None:
            return False
        parcel.complete = True
        # Should the agent be killed now, a copy of this may still arrive when the next one has sent more.
        with self._spool.transaction():
            self._spool.set_meta({"replace": "tried"})
        return self._send(parcel)

    def _send(self, parcel: Parcel) -> bool:
        self._busy |= {row.pay_partner for row in parcel.rows}
        rows = [row.row for row in parcel.rows]
        future = self._pool.submit(self._world.client.send, rows, complete=parcel.complete)
        self._flying[future] = parcel
        future.add_done_callback(lambda _: self._wake.set())
        return True

    def _stock_waits(self) -> bool:
        return bool(self._next) or any(parcel.lane == "stock" for parcel in self._retry)

    def _live_parcel(self) -> Parcel | None:
        """The oldest of the outbox that nothing stands in the way of; first what is to be sent again in smaller lists."""
        reserved = self._busy.copy()
        for parcel in list(self._retry):
            if parcel.lane != "live":
                continue
            if self._busy.isdisjoint(row.pay_partner for row in parcel.rows):
                self._retry.remove(parcel)
                waiting = self._spool.numbers([row.number for row in parcel.rows])
                parcel.rows = [row for row in parcel.rows if row.number in waiting]
                if parcel.rows:
                    return parcel
            else:
                reserved |= {row.pay_partner for row in parcel.rows}
        rows = [row for row in self._spool.waiting(self._rows_max + len(reserved)) if row.pay_partner not in reserved]
        return Parcel("live", rows[: self._rows_max]) if rows else None

    def _stock_parcel(self) -> Parcel | None:
        """The next of the stock, without what the live lane has read since the stock began.

        A record that stands in an earlier page which still waits is not sent before that page: the later row is the newer one.
        """
        waiting = [parcel for parcel in [*self._retry, *self._next] if parcel.lane == "stock"]
        earlier: set[str] = set()
        for parcel in sorted(waiting, key=lambda one: one.page):
            keys = {row.pay_partner for row in parcel.rows}
            if not self._busy.isdisjoint(keys) or not earlier.isdisjoint(keys):
                earlier |= keys
                continue
            (self._retry if parcel in self._retry else self._next).remove(parcel)
            newer = self._spool.read_since(list(keys), self._stock_begun_us)
            rows = [row for row in parcel.rows if row.pay_partner not in newer]
            self._pages.settle(parcel.page, len(parcel.rows) - len(rows))
            parcel.rows = rows
            if rows:
                return parcel
            self._move_position()
        return None

    # ---- settling --------------------------------------------------------------------------------------------------------

    def _collect(self) -> None:
        """Settles every request that was answered."""
        for future in [one for one in self._flying if one.done()]:
            parcel = self._flying.pop(future)
            self._busy -= {row.pay_partner for row in parcel.rows}
            self._settle(parcel, future.result())

    def _settle(self, parcel: Parcel, answer: Answer) -> None:
        now_s, chance = self._world.clock_s(), self._world.chance()
        self.status.last_seqno = answer.seqno or self.status.last_seqno
        if isinstance(answer, Accepted):
            self._line.accepts()
            self._acknowledge(parcel)
        elif isinstance(answer, TooLarge):
            self._line.works()
            self._part(parcel, answer)
        elif isinstance(answer, Refused):
            self._line.works()
            self._refuse(parcel, answer)
        else:
            self._tell_trouble(answer.reason)
            if isinstance(answer, NoAccess):
                self._line.is_shut(now_s, chance, answer.reason)
            else:
                self._line.fails(now_s, chance, answer.reason, getattr(answer, "retry_after_s", None))
                self._doubt(parcel, answer)
            self._put_back(parcel)

    def _tell_trouble(self, reason: str) -> None:
        if reason != self._line.trouble:
            log.warning("not sent", reason=reason, failures=self._line.failures)

    def _doubt(self, parcel: Parcel, answer: Doubtful | Later) -> None:
        """The request may have arrived, or arrive yet: what follows must not be undone by a late copy of it."""
        if isinstance(answer, Later) and not answer.arrived:
            return
        until_us = self._world.clock_us() + self._settle_us
        if parcel.complete:
            self._replace_doubt_us = until_us
            return
        with self._spool.transaction():
            self._spool.doubt(parcel.rows, until_us)

    def _put_back(self, parcel: Parcel) -> None:
        """Stock is sent again as it is; live records still wait in the outbox, perhaps in a newer version."""
        parcel.complete = False
        if parcel.lane == "stock":
            self._retry.appendleft(parcel)

    def _acknowledge(self, parcel: Parcel) -> None:
        rows = parcel.rows
        if parcel.complete:
            self._replace = False
            # A late copy of the replacement must come before anything else that is sent.
            self._hold_until_us = self._replace_doubt_us
        with self._spool.transaction():
            if parcel.complete:
                self._spool.set_meta({"replace": None})
            self._spool.unqueue(rows)
            if self._config.source.cursor is None:
                self._spool.note_sent({row.pay_partner: row.hash for row in rows})
            if parcel.lane == "live":
                self._spool.send_again(rows, self._doubt_until_us)
        self.status.count(len(rows), self._world.clock_s())
        self._page_settled(parcel, len(rows))

    def _page_settled(self, parcel: Parcel, rows: int) -> None:
        if parcel.lane == "stock":
            self._pages.settle(parcel.page, rows)
            self._move_position()
        elif not self._flying:
            self._note_position()

    def _move_position(self) -> None:
        """The stock's position moves over pages that are settled to their last row."""
        end, rows = self._pages.passed()
        if end is not None:
            self.status.stock_done += rows
            with self._spool.transaction():
                self._spool.set_meta({"stock_at": dump_cursor(end), "stock_rows": str(self.status.stock_done)})
        self._finish_stock()

    def _finish_stock(self) -> None:
        if self._stock_is_read and not len(self._pages):
            with self._spool.transaction():
                self._spool.set_meta({"stock_done": "1"})
            log.info("stock is acknowledged", rows=self.status.stock_done)
            self._stock_is_read = False
            self._note_position()

    def _note_position(self) -> None:
        """What was read last is acknowledged once nothing waits any more."""
        floor = self._spool.meta("floor")
        if (
            floor
            and self._spool.meta("stock_done")
            and self._spool.meta("position") != floor
            and not self._spool.backlog()[0]
        ):
            with self._spool.transaction():
                self._spool.set_meta({"position": floor})

    def _part(self, parcel: Parcel, answer: TooLarge) -> None:
        """Too large: smaller from now on. One row alone that is too large is refused for good."""
        if len(parcel.rows) == 1:
            self._reject(parcel, parcel.rows, {0: answer.reason}, answer.seqno)
            return
        self._rows_max = max(1, min(self._rows_max, (len(parcel.rows) + 1) // 2))
        log.warning("batches halved", rows_max=self._rows_max, reason=answer.reason)
        self._again(parcel, halves(parcel.rows))

    def _refuse(self, parcel: Parcel, answer: Refused) -> None:
        rejected, rest = part_refused(parcel.rows, list(answer.rows))
        if len(parcel.rows) == 1 and not answer.rows:
            self._line.refuses_one(self._world.clock_s(), self._world.chance(), answer.reason)
        self._again(parcel, rest)
        by_row = {id(parcel.rows[index]): reason for index, reason in answer.rows.items() if index < len(parcel.rows)}
        reasons = {place: by_row.get(id(row), answer.reason) for place, row in enumerate(rejected)}
        self._reject(parcel, rejected, reasons, answer.seqno)

    def _again(self, parcel: Parcel, lists: list[list[Ready]]) -> None:
        self._retry.extendleft(Parcel(parcel.lane, rows, parcel.page) for rows in reversed(lists))

    def _reject(self, parcel: Parcel, rows: list[Ready], reasons: dict[int, str], seqno: str) -> None:
        if not rows:
            return
        newer = self._newer(parcel, rows)
        dead = [
            Dead(row.pay_partner, row.pay_partner, row.place, reasons[place], seqno, row.row)
            for place, row in enumerate(rows)
            if row.pay_partner not in newer
        ]
        with self._spool.transaction():
            self._spool.unqueue(rows)
            self._spool.bury(dead)
            if self._config.source.cursor is None:
                self._spool.note_sent({row.pay_partner: row.hash for row in rows})
        self._count_dead(dead)
        self._page_settled(parcel, len(rows))

    def _newer(self, parcel: Parcel, rows: list[Ready]) -> set[str]:
        """Those of `rows` that were read in a newer version: what was refused does not matter any more."""
        if parcel.lane == "stock":
            return self._spool.read_since([row.pay_partner for row in rows], self._stock_begun_us)
        waiting = self._spool.numbers([row.number for row in rows])
        return {row.pay_partner for row in rows if row.number not in waiting}

    def _counted(self) -> Status:
        """The status, brought up to date."""
        status, now_us = self.status, self._world.clock_us()
        status.at_us = now_us
        status.rate(self._world.clock_s())
        status.backlog, oldest_us = self._spool.backlog()
        status.lag_s = 0.0 if oldest_us is None else max(0.0, (now_us - oldest_us) / 1e6)
        status.dead = self._dead
        status.trouble = self._line.trouble
        status.is_stock_done = self._spool.meta("stock_done") is not None or self._config.source.cursor is None
        status.read_to, status.position = self._spool.meta("floor"), self._spool.meta("position")
        return status
