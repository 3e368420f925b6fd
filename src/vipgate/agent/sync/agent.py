"""The agent's loop: reads new records, sends waiting ones, handles the answers. One thread decides; others read and send.

Two lanes send: changes from the spool's outbox, the snapshot in pages straight from the source. A record in flight on one
lane is not sent on the other, and the snapshot omits records that were read later as changes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext, suppress
from typing import Final

import structlog

from vipgate.agent.config import Config
from vipgate.agent.models import Batch, OutboxRow, Rejection
from vipgate.agent.responses import Accepted, AccessDenied, Answer, Rejected, RetryLater, TooLarge, Unconfirmed
from vipgate.agent.spool import Spool
from vipgate.agent.status import Status, begin_status, save_status
from vipgate.agent.sync.dependencies import AgentDependencies
from vipgate.agent.sync.in_flight import InFlightTracker
from vipgate.agent.sync.next_batches import NextBatches
from vipgate.agent.sync.outage_limit import ONCE_OUTAGE_S_MAX, OutageLimit
from vipgate.agent.sync.retry import PlatformState, halves, part_refused
from vipgate.agent.sync.source_reader import SourceReader
from vipgate.errors import UsageError, VipgateError
from vipgate.i18n import tr
from vipgate.support.background import describe, is_fault, report

log = structlog.get_logger()

IDLE_S: Final = 0.5
STATUS_S: Final = 1.0
TIDY_S: Final = 60.0
CLOCK_BACK_US: Final = 1_000_000


class Agent:
    """One run. `step` does what is possible now; `run` repeats it until stopped or, with `once`, until all is settled."""

    def __init__(
        self,
        config: Config,
        spool: Spool,
        dependencies: AgentDependencies,
        *,
        once: bool = False,
        reads: bool = True,
        once_outage_s_max: float = ONCE_OUTAGE_S_MAX,
    ) -> None:
        self._config = config
        self._spool = spool
        self._dependencies = dependencies
        self._once = once
        # If false, only rows already in the spool are sent.
        self._reads = reads
        self._platform = PlatformState()
        self._outage = OutageLimit(once_outage_s_max)
        self._pool = ThreadPoolExecutor(config.platform.in_flight, "vipgate-send")
        self._in_flight: dict[Future[Answer], Batch] = {}
        self._wake = threading.Event()
        self._is_stopping = False
        self._status_s = self._tidy_s = 0.0
        self._latest_us = 0
        self._ending = False
        self.status = begin_status(spool, dependencies.clock_us())
        self._reader = SourceReader(config, spool, dependencies, self.status, self._wake.set, once=once)
        self._tracker = InFlightTracker(spool, dependencies.clock_us, config.platform.timeout_s)
        self._next = NextBatches(spool, self._reader, self._tracker)

    # ---- lifecycle -----------------------------------------------------------------------------------------------------

    def run(self, show: Callable[[Status], None] | None = None) -> None:
        """Runs until `stop`, or with `once` until everything in the source is settled. Raises UsageError."""
        self._begin()
        try:
            while not self._is_stopping and not self._is_done():
                self.step()
                if show is not None:
                    show(self.status)
                self._wake.wait(self._pause_s())
                self._wake.clear()
        except BaseException as error:
            self._record_end(error)
            raise
        finally:
            self._end()
            if show is not None:
                show(self.status)

    def stop(self) -> None:
        """Ends the run once the requests in flight are answered. Safe in a signal handler: it takes no lock."""
        self._is_stopping = True

    def _begin(self) -> None:
        with self._spool.transaction():
            self._tracker.begin()
            self._spool.set_setting({"running": "1"})
            self._spool.vacuum()
        self._replace = self._spool.get_setting("replace") is not None
        log.info("agent begins", config=str(self._config.path), platform=self._config.platform.url)

    def _record_end(self, error: BaseException) -> None:
        """Stores the reason in the status: the last output of a service may go unread."""
        if not is_fault(error):
            return
        reason = (
            str(error)
            if isinstance(error, VipgateError)
            else tr("{reason}; its traceback is in the log", reason=describe(error))
        )
        self.status.tell("agent", tr("the agent ended: {reason}", reason=reason), self._dependencies.clock_us())
        if isinstance(error, VipgateError):
            log.error("agent ends", reason=reason)

    def _end(self) -> None:
        self._ending = True
        self._reader.close()
        self._pool.shutdown(wait=True)
        self._collect()
        with suppress(VipgateError), self._spool.transaction():
            self._tracker.end()
            save_status(self._spool, self._counted())
        log.info("agent ends", acknowledged=self.status.acknowledged, dead=self._reader.intake.dead)

    def _is_done(self) -> bool:
        if not self._once:
            return False
        if self._platform.is_mending and not self._in_flight:
            raise UsageError(
                tr(
                    "{trouble}\nNothing more was sent; `vipgate agent check` says what to fix.",
                    trouble=self._platform.trouble,
                )
            )
        self._give_up_if_overdue()
        is_read = self._reader.is_done() if self._reads else self._reader.is_idle()
        if not is_read or self._in_flight or self._next.retry or self._spool.backlog()[0]:
            return False
        due_us = self._spool.next_due_us()
        if due_us is not None:
            wait_s = max(0.0, round((due_us - self._dependencies.clock_us()) / 1e6, 1))
            log.info(
                "all acknowledged; the next run sends rows again that an older copy may overtake", from_now_s=wait_s
            )
        return True

    def _give_up_if_overdue(self) -> None:
        """Raises UsageError once the platform or the source has been away for too long."""
        troubles = {"platform": self._platform.trouble} | self._reader.troubles()
        progress = self.status.acknowledged + self._reader.intake.dead
        fault = self._outage.fault(troubles, progress, self._dependencies.clock_s())
        if fault is not None:
            raise UsageError(fault)

    def _pause_s(self) -> float:
        now_s = self._dependencies.clock_s()
        soonest_s = now_s + IDLE_S
        if self._platform.failures:
            soonest_s = max(min(soonest_s, self._platform.until_s), now_s + 0.01)
        return max(0.0, soonest_s - now_s)

    def step(self) -> None:
        """Does everything that can be done now."""
        self._notice_clock()
        self._collect()
        if self._reads:
            self._reader.start_due()
        self._reader.take()
        while self._dispatch():
            pass
        now_s = self._dependencies.clock_s()
        if now_s >= self._status_s:
            self._status_s = now_s + STATUS_S
            with self._spool.transaction():
                save_status(self._spool, self._counted())
        if now_s >= self._tidy_s:
            self._tidy_s = now_s + TIDY_S
            with self._spool.transaction():
                self._spool.vacuum()

    def _notice_clock(self) -> None:
        """Adapts what is remembered to a clock that was set back."""
        now_us = self._dependencies.clock_us()
        if now_us < self._latest_us - CLOCK_BACK_US:
            log.warning("the clock was set back", seconds=round((self._latest_us - now_us) / 1e6))
            with self._spool.transaction():
                self._tracker.clock_was_set_back()
            for batch in (*self._next.retry, *self._reader.next, *self._in_flight.values()):
                batch.read_us = min(batch.read_us, now_us)
        self._latest_us = now_us

    # ---- sending ---------------------------------------------------------------------------------------------------------

    def _dispatch(self) -> bool:
        """Starts one request if there are rows and a slot for it. Returns whether it did."""
        now_s = self._dependencies.clock_s()
        slots = self._config.platform.in_flight
        if self._platform.free_slots(now_s, len(self._in_flight), slots) <= 0:
            return False
        if self._replace:
            return not self._in_flight and self._send_first()
        if self._tracker.holds_all():
            return False
        lanes = [batch.lane for batch in self._in_flight.values()]
        both = slots > 1 and self._next.snapshot_waits()
        batch = None
        if not (both and lanes.count("changes") >= slots - 1):
            batch = self._next.change_batch()
        if batch is None and (slots == 1 or lanes.count("snapshot") < slots - 1):
            batch = self._next.snapshot_batch()
        return batch is not None and self._send(batch)

    def _send_first(self) -> bool:
        """Sends the request that replaces everything; others wait for its answer and for late copies of it."""
        batch = self._next.snapshot_batch(is_replace=True) or self._next.change_batch()
        if batch is None:
            return False
        if not self._tracker.may_replace(batch.rows):
            self._put_back(batch)
            return False
        batch.complete = True
        return self._send(batch)

    def _send(self, batch: Batch) -> bool:
        with self._spool.transaction() if batch.complete else nullcontext():
            self._tracker.sending(batch.rows, snapshot=batch.lane == "snapshot", replace=batch.complete)
        self._next.busy |= {row.pay_partner for row in batch.rows}
        rows = [row.row for row in batch.rows]
        # Stored in the spool: a replace retried after a restart keeps its id.
        intent = self._spool.get_setting("replace_id") if batch.complete else None
        future = self._pool.submit(self._dependencies.client.send, rows, complete=batch.complete, intent=intent)
        self._in_flight[future] = batch
        future.add_done_callback(lambda _: self._wake.set())
        return True

    # ---- answers ---------------------------------------------------------------------------------------------------------

    def _collect(self) -> None:
        """Handles every answered request."""
        for future in [one for one in self._in_flight if one.done()]:
            batch = self._in_flight.pop(future)
            self._next.busy -= {row.pay_partner for row in batch.rows}
            self._record_outcome(batch, self._answer_of(future))

    def _answer_of(self, future: Future[Answer]) -> Answer:
        error = future.exception()
        if error is None or not is_fault(error):
            return future.result()
        report(tr("sending"), error)
        reason = tr("sending failed, {reason}; its traceback is in the log", reason=describe(error))
        if self._once and not self._ending:
            raise UsageError(reason)
        # The request may have arrived before the error.
        return Unconfirmed(reason, "")

    def _record_outcome(self, batch: Batch, answer: Answer) -> None:
        now_s, chance = self._dependencies.clock_s(), self._dependencies.chance()
        self.status.last_seqno = answer.seqno or self.status.last_seqno
        reason = "" if isinstance(answer, Accepted) else answer.reason
        self.status.note_request(self._dependencies.clock_us(), answer.seqno, len(batch.rows), reason)
        if isinstance(answer, Accepted):
            self._platform.accepts()
            self._acknowledge(batch)
        elif isinstance(answer, TooLarge):
            self._platform.record_ok()
            self._part(batch, answer)
        elif isinstance(answer, Rejected):
            (self._platform.accepts if answer.rows else self._platform.record_ok)()
            self._refuse(batch, answer)
        else:
            self._report_trouble(answer.reason)
            if isinstance(answer, AccessDenied):
                self._platform.record_access_denied(now_s, chance, answer.reason)
            else:
                self._platform.record_failure(now_s, chance, answer.reason, getattr(answer, "retry_after_s", None))
                self._mark_unconfirmed(batch, answer)
            self._put_back(batch)

    def _report_trouble(self, reason: str) -> None:
        if reason != self._platform.trouble:
            log.warning("push failed", reason=reason, failures=self._platform.failures)

    def _mark_unconfirmed(self, batch: Batch, answer: Unconfirmed | RetryLater) -> None:
        """Notes that the request may have arrived, or may still arrive."""
        if not isinstance(answer, RetryLater) or answer.arrived:
            with self._spool.transaction():
                self._tracker.unanswered(batch.rows, snapshot=batch.lane == "snapshot", replace=batch.complete)

    def _put_back(self, batch: Batch) -> None:
        """Queues snapshot rows again; changes still wait in the outbox, perhaps in a newer version."""
        batch.complete = False
        if batch.lane == "snapshot":
            self._next.retry.appendleft(batch)

    def _acknowledge(self, batch: Batch) -> None:
        rows = batch.rows
        with self._spool.transaction():
            if batch.complete:
                self._replace = False
                self._spool.set_setting({"replace": None})
                log.info("replace acknowledged; the rest waits for late copies", wait_s=self._tracker.hold_s())
            self._note_sent(batch, rows)
            self._spool.unqueue(rows)
            if batch.lane == "changes":
                self._tracker.send_again(rows)
        self.status.count(len(rows), self._dependencies.clock_s())
        self._page_settled(batch, rows)

    def _note_sent(self, batch: Batch, rows: list[OutboxRow]) -> None:
        """Stores the versions of sent or rejected rows for comparisons, except those of which a newer one was read since."""
        newer = self._newer(batch, rows)
        kept = [row for row in rows if row.pay_partner not in newer] if newer else rows
        self._spool.acknowledged.note_rows(kept)

    def _page_settled(self, batch: Batch, rows: list[OutboxRow]) -> None:
        if batch.lane == "snapshot":
            self._reader.settle(batch, rows)
        elif not self._in_flight:
            self._reader.note_position()

    def _part(self, batch: Batch, answer: TooLarge) -> None:
        """Halves the batch size from now on. A single row that is too large is rejected for good."""
        if len(batch.rows) == 1:
            self._reject(batch, batch.rows, {0: answer.reason}, answer.seqno)
            return
        self._reader.rows_max = max(1, min(self._reader.rows_max, (len(batch.rows) + 1) // 2))
        log.warning("batches halved", rows_max=self._reader.rows_max, reason=answer.reason)
        self._next.again(batch, halves(batch.rows))

    def _refuse(self, batch: Batch, answer: Rejected) -> None:
        rejected, rest = part_refused(batch.rows, list(answer.rows))
        if len(batch.rows) == 1 and not answer.rows:
            self._platform.record_bare_rejection(
                self._dependencies.clock_s(), self._dependencies.chance(), answer.reason
            )
        self._next.again(batch, rest)
        by_row = {id(batch.rows[index]): reason for index, reason in answer.rows.items() if index < len(batch.rows)}
        reasons = {place: by_row.get(id(row), answer.reason) for place, row in enumerate(rejected)}
        self._reject(batch, rejected, reasons, answer.seqno)

    def _reject(self, batch: Batch, rows: list[OutboxRow], reasons: dict[int, str], seqno: str) -> None:
        if not rows:
            return
        newer = self._newer(batch, rows)
        dead = [
            Rejection(row.pay_partner, row.pay_partner, row.place, reasons[place], seqno, row.row, row_id=row.row_id)
            for place, row in enumerate(rows)
            if row.pay_partner not in newer
        ]
        with self._spool.transaction():
            self._note_sent(batch, rows)
            self._spool.unqueue(rows)
            self._spool.add_dead_letters(dead)
        self._reader.intake.count_dead(dead)
        self._page_settled(batch, rows)

    def _newer(self, batch: Batch, rows: list[OutboxRow]) -> set[str]:
        """Order numbers of `rows` that were read in a newer version since: their rejection no longer matters."""
        if batch.lane == "snapshot":
            return self._reader.overtaken(batch)
        waiting = self._spool.numbers([row.number for row in rows])
        return {row.pay_partner for row in rows if row.number not in waiting}

    def _sending(self) -> list[str]:
        return [tr("sending {count} requests", count=len(self._in_flight))] if self._in_flight else []

    def _counted(self) -> Status:
        """Updates and returns the status."""
        status, now_us = self.status, self._dependencies.clock_us()
        status.at_us = now_us
        status.rate(self._dependencies.clock_s())
        status.backlog, oldest_us = self._spool.backlog()
        status.lag_s = 0.0 if oldest_us is None else max(0.0, (now_us - oldest_us) / 1e6)
        status.dead = self._reader.intake.dead
        status.note_interval(now_us)
        status.tell("platform", self._platform.trouble, now_us)
        status.is_snapshot_done = self._spool.get_setting("snapshot_done") is not None
        status.doing = ", ".join([*self._reader.doing(), *self._sending()]) or tr("waiting")
        status.read_to, status.position = self._spool.get_setting("floor"), self._spool.get_setting("position")
        return status
