"""Turns what is read of the source into rows to send: changes, and rounds over all rows (the snapshot, then sweeps).

The agent's loop calls it from one thread; the source is read in two others (change_reader.py, sweep.py).
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from vipgate.agent.config import Config
from vipgate.agent.mapping.reader import Reader
from vipgate.agent.models import Batch, OutboxRow
from vipgate.agent.sources.base import Key, Source, SourceFault, SourceUnavailable
from vipgate.agent.spool import Spool
from vipgate.agent.status import Status
from vipgate.agent.sync.change_reader import ChangeReader
from vipgate.agent.sync.dependencies import AgentDependencies
from vipgate.agent.sync.page_intake import PageIntake
from vipgate.agent.sync.positions import Positions
from vipgate.agent.sync.snapshot_progress import SnapshotProgress
from vipgate.agent.sync.source_thread import (
    STUCK_S,
    Item,
    PageRead,
    Polled,
    ReadFinished,
    RowTotal,
    SourceError,
    SourceOpened,
    SourceThread,
)
from vipgate.agent.sync.spool_space import SpoolSpace
from vipgate.agent.sync.sweep import SourceRound
from vipgate.errors import UsageError
from vipgate.i18n import tr

log = structlog.get_logger()

BATCHES_READ_MAX: Final = 2
SWEEP_ROWS: Final = 500
# While so many rows wait to be sent, a sweep waits: it would only add to them.
SWEEP_BACKLOG_MAX: Final = 10_000
# A file that has not changed by its time and size is read all the same after this time.
UNCHANGED_S: Final = 3_600.0
SHARED_MAX: Final = 1_000
# Threads that hang cannot be ended: so many may hang before no other is started.
HANGING_MAX: Final = 3


@dataclass(slots=True)
class _Round:
    """One round over all rows."""

    thread: SourceThread
    is_snapshot: bool
    begun_us: int
    begun_s: float
    stamp: str
    # Of a snapshot that goes on after a restart: what changed behind its position meanwhile, it does not see.
    is_rest: bool = False
    is_read: bool = False
    rows: int = 0


class SourceReader:
    """Reads the source for the agent's loop. `next` holds snapshot batches to send, `pages` tracks how far they are settled."""

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
        self.intake = PageIntake(config.source, spool, status, dependencies.clock_us, self._ask_again)
        self._turn = threading.Lock()
        self._changes: ChangeReader | None = None
        self._polling: SourceThread | None = None
        self._round: _Round | None = None
        self._hanging: list[SourceThread] = []
        self._polled: Polled | None = None
        self._has_key = False
        self._round_due_s = 0.0
        self._unchanged_until_s = 0.0
        self._is_swept = False
        self._page_number = 0
        self._mapping = config.mapping_fingerprint
        self._positions = Positions(spool, self._mapping)
        self._space = SpoolSpace(spool, config.spool.bytes_max, status)

    # ---- for the agent's loop --------------------------------------------------------------------------------------------

    def is_done(self) -> bool:
        """Whether a poll and a round over all rows are complete since the start, and all snapshot pages are settled."""
        return self.is_idle() and self._is_swept

    def is_idle(self) -> bool:
        """Whether no round is being read and no snapshot batch waits."""
        return not self.next and not len(self.pages) and self._round is None and not self.intake.shared

    def close(self) -> None:
        """Stops reading. Does not wait: a read may hang."""
        for thread in (self._polling, self._round.thread if self._round is not None else None):
            if thread is not None:
                thread.stop()

    def start_due(self) -> None:
        """Starts what is due, and gives up reads that hang."""
        self._replace_hanging()
        if self._polling is None and len(self._hanging) < HANGING_MAX:
            self._start_polling()
        if self._round is None and self._polled is not None and len(self._hanging) < HANGING_MAX:
            self._start_round(self._polled)

    def take(self) -> None:
        """Takes what was read, while there is room for it."""
        while self._polling is not None and not self._is_full():
            item = self._polling.take()
            if item is None:
                break
            self._take_item(item, "source")
        while self._may_take_round() and self._round is not None:
            item = self._round.thread.take()
            if item is None:
                break
            self._take_item(item, "reading")

    def settle(self, batch: Batch, rows: Sequence[OutboxRow]) -> None:
        """Notes that snapshot rows are acknowledged, rejected for good, or left to the lane of changes."""
        self.intake.settle(rows)
        self.pages.settle(batch.page, len(rows))
        self.move_position()

    def overtaken(self, batch: Batch) -> set[str]:
        """Order numbers of a snapshot batch that were read later as changes."""
        read = self._spool.read_times([row.pay_partner for row in batch.rows])
        return {key for key, (read_us, _) in read.items() if read_us > batch.read_us}

    def doing(self) -> list[str]:
        """Describes for people what is being read."""
        threads = (self._polling, self._round.thread if self._round is not None else None)
        reads = [thread.reading() for thread in threads if thread is not None]
        return [
            tr("reading {what} for {seconds:.0f} s", what=read[0], seconds=read[1])
            for read in reads
            if read is not None and read[1] >= 1
        ]

    def troubles(self) -> dict[str, str]:
        """Why reads fail at present, by part: `source` for changes, `reading` for rounds."""
        troubles = self._status.troubles
        return {part: troubles[part].reason for part in ("source", "reading") if self._status.is_in_trouble(part)}

    # ---- threads ---------------------------------------------------------------------------------------------------------

    def _start_polling(self) -> None:
        if self._changes is None:
            at = self._positions.read_to(self._config.source.cursor)
            self._changes = ChangeReader(self._config.source, self._make_reader, self._dependencies.clock_us, at)
            if self.intake.shared:
                self._changes.ask_again(dict(self.intake.shared))
        self._polling = self._thread("vipgate-poll", self._changes.work)

    def _make_reader(self, source: Source) -> Reader:
        source.check()
        return Reader(self._config, source.columns, self._dependencies.language)

    def _thread(self, name: str, work: Callable[..., Iterable[Item]]) -> SourceThread:
        dependencies = self._dependencies
        return SourceThread(name, dependencies.open_source, work, self._wake, dependencies.clock_s, self._turn)  # type: ignore[arg-type]

    def _replace_hanging(self) -> None:
        """Gives up threads whose read does not return, and says so until it has."""
        self._hanging = [one for one in self._hanging if one.is_alive]
        for thread in (self._polling, self._round.thread if self._round is not None else None):
            read = None if thread is None else thread.reading()
            if thread is None or read is None or read[1] < STUCK_S:
                continue
            thread.stop()
            self._hanging.append(thread)
            log.error("reading hangs", what=read[0], seconds=round(read[1]))
            self._renew_turn()
            if thread is self._polling:
                self._polling, self._changes = None, None
            else:
                self._round = None
                self.next.clear()
                self.pages = SnapshotProgress()
                self.intake.drop_snapshot()
        trouble = ""
        if self._hanging:
            trouble = tr(
                "{count} reads of the source hang and were given up: look at the database or the network share",
                count=len(self._hanging),
            )
        self._tell("hanging", trouble)
        if trouble and self._once:
            raise UsageError(tr("{trouble}\nNot all was read; fix it and run this again.", trouble=trouble))

    def _renew_turn(self) -> None:
        """Gives the other reads a new lock, so that they do not wait for the one that hangs."""
        self._turn = threading.Lock()
        for thread in (self._polling, self._round.thread if self._round is not None else None):
            if thread is not None:
                thread.turn = self._turn

    def _start_round(self, polled: Polled) -> None:
        """Starts the snapshot, or a sweep that is due."""
        now_s = self._dependencies.clock_s()
        is_snapshot = not self._positions.is_snapshot_done()
        stamp = repr(polled.stamp)
        if not is_snapshot:
            unchanged = polled.stamp is not None and stamp == self._spool.get_setting("stamp")
            waits = now_s < self._round_due_s or (unchanged and now_s < self._unchanged_until_s)
            if self._is_swept and (waits or self._once):
                return
        begun_us = self._dependencies.clock_us()
        at = None
        if is_snapshot:
            begun_us = self._positions.begin_snapshot(begun_us, is_fresh=not self._has_key)
            at, self._status.snapshot_done = self._positions.snapshot_at()
        is_fast = is_snapshot or self._once
        reading = SourceRound(
            polled.reader,
            self._dependencies.clock_us,
            self.rows_max if is_snapshot else SWEEP_ROWS,
            1.0 if is_fast else self._config.source.sweep_share,
            at,
            counts=is_snapshot or self._status.sweep.total is None,
        )
        self._status.sweep.rows = 0
        self._round = _Round(
            self._thread("vipgate-sweep", reading.work), is_snapshot, begun_us, now_s, stamp, at is not None
        )

    # ---- items -----------------------------------------------------------------------------------------------------------

    def _may_take_round(self) -> bool:
        one = self._round
        if (
            one is None
            or len(self.next) >= BATCHES_READ_MAX
            or len(self.intake.shared) >= SHARED_MAX
            or self._is_full()
        ):
            return False
        return one.is_snapshot or self._status.backlog < SWEEP_BACKLOG_MAX

    def _take_item(self, item: Item, part: str) -> None:
        if isinstance(item, SourceError):
            self._record_trouble(part, item.trouble)
        elif isinstance(item, ReadFinished):
            if item.fault is not None:
                raise item.fault
            self._tell(part, "")
            if self._round is not None and part == "reading":
                self._round.is_read = True
                self.intake.end_round()
                self.finish_round()
        elif isinstance(item, SourceOpened):
            self._has_key = item.has_key
        elif isinstance(item, RowTotal):
            self._status.snapshot_total = self._status.sweep.total = item.rows
        elif isinstance(item, Polled):
            self._tell(part, "")
            self._take_polled(item)
        else:
            self._tell(part, "")
            self._take_page(item)

    def _take_polled(self, polled: Polled) -> None:
        self._polled = polled
        if polled.position is not None:
            self._positions.note_read(polled.position)
        if polled.later is None:
            return
        warning = ""
        if polled.later:
            warning = tr(
                "{later} rows are dated later than now, up to {latest}: they are sent, and read again at each "
                "look; fix their {cursor_name}, the clock of what writes them, or source.time_zone",
                later=polled.later,
                latest=polled.latest,
                cursor_name=self._config.source.cursor_name,
            )
        if self._status.warn("dated later", warning):
            log.warning("rows dated later than now", rows=polled.later, latest=polled.latest)

    def _take_page(self, read: PageRead) -> None:
        one = self._round if read.lane == "round" else None
        is_snapshot = one is not None and one.is_snapshot
        if one is not None:
            one.rows += read.rows
            self._status.sweep.rows = one.rows
        direct = self.intake.take(read, has_key=self._has_key, is_snapshot=is_snapshot)
        if is_snapshot:
            self._begin_page(read, direct)
        elif read.asked:
            self.finish_round()

    def _ask_again(self, keys: Mapping[str, Sequence[Key]]) -> None:
        if self._changes is not None and self._polling is not None:
            self._changes.ask_again(keys)
            self._polling.poke()

    # ---- the snapshot ----------------------------------------------------------------------------------------------------

    def _begin_page(self, read: PageRead, rows: list[OutboxRow]) -> None:
        self._page_number += 1
        self.pages.begin(self._page_number, read.end, len(rows), read.rows)
        if rows:
            self.intake.unsettled |= {row.pay_partner: row for row in rows}
            self.next.append(Batch("snapshot", rows, self._page_number, read.read_us))
        else:
            self.move_position()

    def move_position(self) -> None:
        """Moves the snapshot's position over completely settled pages."""
        end, rows = self.pages.passed()
        if rows:
            self._status.snapshot_done += rows
        if end is not None:
            self._positions.move_snapshot(end, self._status.snapshot_done)
        self.finish_round()

    def finish_round(self) -> None:
        """Ends the round once all of it is read and settled, and plans the next one."""
        one = self._round
        if one is None or not one.is_read or len(self.pages) or self.next or self.intake.shared:
            return
        self._round, self._is_swept = None, not one.is_rest
        now_s, source = self._dependencies.clock_s(), self._config.source
        took_s = now_s - one.begun_s
        # Pages pause one after another, a stream as a whole.
        pause_s = 0.0 if self._has_key else took_s * (1.0 / source.sweep_share - 1.0)
        every_s = source.sweep_every_s if self._has_key or source.cursor else source.poll_s
        self._round_due_s = max(one.begun_s + every_s, now_s + pause_s)
        self._unchanged_until_s = now_s + UNCHANGED_S
        status, sweep, rows = self._status, self._status.sweep, one.rows
        settings: dict[str, str | None] = {"stamp": one.stamp}
        if one.is_snapshot:
            # What is there now, not what was counted when it began; with the rows that runs before have read.
            rows = status.snapshot_total = status.snapshot_done
            settings |= {
                "snapshot_done": self._mapping, "snapshot_begun_us": None, "snapshot_rows": str(status.snapshot_done)
            }  # fmt: skip
        sweep.total, sweep.took_s, sweep.ended_us = rows, round(took_s, 1), self._dependencies.clock_us()
        sweep.begun_us, sweep.every_s = one.begun_us, max(every_s, took_s + pause_s)
        with self._spool.transaction():
            self._spool.set_setting(settings)
        if one.is_snapshot:
            log.info("snapshot acknowledged", rows=self._status.snapshot_done)
            self.note_position()

    def note_position(self) -> None:
        """Stores the last position read as acknowledged once nothing waits any more."""
        self._positions.note_acknowledged()

    # ---- trouble ---------------------------------------------------------------------------------------------------------

    def _is_full(self) -> bool:
        return self._space.is_full(self._dependencies.clock_s(), self._dependencies.clock_us())

    def _record_trouble(self, part: str, trouble: SourceUnavailable) -> None:
        """Records trouble in the status. Raises UsageError if a run with `once` would wait for an operator."""
        if self._status.tell(part, str(trouble), self._dependencies.clock_us()):
            log.warning("source unavailable", part=part, reason=str(trouble))
        if self._once and isinstance(trouble, SourceFault):
            raise UsageError(tr("{trouble}\nNot all was read; fix it and run this again.", trouble=trouble))

    def _tell(self, part: str, trouble: str) -> None:
        if self._status.tell(part, trouble, self._dependencies.clock_us()) and not trouble:
            log.info("source available again", part=part)
