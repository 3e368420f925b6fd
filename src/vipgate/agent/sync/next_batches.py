"""Chooses what is sent next on each lane. A record in flight on one lane is not sent on the other."""

from __future__ import annotations

from collections import deque

import structlog

from vipgate.agent.models import Batch, OutboxRow
from vipgate.agent.spool import Spool
from vipgate.agent.sync.in_flight import InFlightTracker
from vipgate.agent.sync.source_reader import SourceReader

log = structlog.get_logger()


class NextBatches:
    """The batches that wait. `busy`: order numbers in flight; `retry`: batches to send again, the next one first."""

    def __init__(self, spool: Spool, reader: SourceReader, tracker: InFlightTracker) -> None:
        self._spool = spool
        self._reader = reader
        self._tracker = tracker
        self.busy: set[str] = set()
        self.retry: deque[Batch] = deque()
        self._hold_logged = False

    def snapshot_waits(self) -> bool:
        """Whether rows of the snapshot wait to be sent."""
        return bool(self._reader.next) or any(batch.lane == "snapshot" for batch in self.retry)

    def change_batch(self) -> Batch | None:
        """The oldest outbox rows of records not in flight; batches to be sent again in smaller ones come first."""
        reserved = self.busy.copy()
        for batch in list(self.retry):
            if batch.lane != "changes":
                continue
            if self.busy.isdisjoint(row.pay_partner for row in batch.rows):
                self.retry.remove(batch)
                waiting = self._spool.numbers([row.number for row in batch.rows])
                batch.rows = [row for row in batch.rows if row.number in waiting]
                if batch.rows:
                    return batch
            else:
                reserved |= {row.pay_partner for row in batch.rows}
        rows = [
            row for row in self._spool.waiting(self._reader.rows_max + len(reserved)) if row.pay_partner not in reserved
        ]
        return Batch("changes", rows[: self._reader.rows_max]) if rows else None

    def snapshot_batch(self, *, is_replace: bool = False) -> Batch | None:
        """The next snapshot rows, without records that were read later as changes.

        `is_replace`: they replace all, and the caller waits for late copies of earlier requests.
        """
        if self._tracker.holds_snapshot() and not is_replace:
            self._log_hold()
            return None
        for waiting in (self.retry, self._reader.next):
            for batch in [one for one in waiting if one.lane == "snapshot"]:
                if not self.busy.isdisjoint(row.pay_partner for row in batch.rows):
                    continue
                waiting.remove(batch)
                self._shorten(batch)
                overtaken = self._reader.overtaken(batch)
                if overtaken:
                    self._reader.settle(batch, [row for row in batch.rows if row.pay_partner in overtaken])
                    batch.rows = [row for row in batch.rows if row.pay_partner not in overtaken]
                if batch.rows:
                    return batch
        return None

    def again(self, batch: Batch, lists: list[list[OutboxRow]]) -> None:
        """Queues the rows of a batch again, in several."""
        self.retry.extendleft(Batch(batch.lane, rows, batch.page, batch.read_us) for rows in reversed(lists))

    def _log_hold(self) -> None:
        if not self._hold_logged and self.snapshot_waits():
            self._hold_logged = True
            log.info("the snapshot waits until no request of the run before can arrive", wait_s=self._tracker.hold_s())

    def _shorten(self, batch: Batch) -> None:
        """Splits a batch that was read before the batch size was halved."""
        rows_max = self._reader.rows_max
        if len(batch.rows) > rows_max:
            self.retry.appendleft(Batch(batch.lane, batch.rows[rows_max:], batch.page, batch.read_us))
            batch.rows = batch.rows[:rows_max]
