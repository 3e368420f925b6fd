"""Writes one group of requests in an open transaction: records, history, request log, rollups.

The decisions are made here for all engines; each engine supplies its statements.
"""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any, Final, Literal

from vipgate.errors import ReplaceOnHold, RequestError, StoreUnavailable
from vipgate.protocol.seqno import seqno_prefix
from vipgate.store.common.park_ids import STRANGERS
from vipgate.store.common.replace_policy import (
    ALREADY,
    ID_REMEMBERED_US,
    EarlierReplace,
    check_webhook_id,
    hold_reason,
    is_approved,
)
from vipgate.store.common.row_mapping import RENEWAL_COLUMNS, read_stored
from vipgate.store.common.versioning import (
    DailyTotalsDelta,
    InsertBatch,
    ParkState,
    PushCounts,
    RecordPosition,
    Replacement,
    Row,
    merge_versions,
    same_content,
)
from vipgate.store.interfaces.ledger import Push, PushResult, RejectedRequest, Retention, business_day

_SEQNO_COLUMN: Final = RENEWAL_COLUMNS + 1
_PROBED_ROWS_MIN: Final = 50
_DEFLATE_LEVEL: Final = 1
_PUSH_OF = attrgetter("push")
_KEY_OF = itemgetter(0, 1, 2)

# Stored records by park_id, generation and order number: the columns of Renewal, then revision, seqno, position.
ExistingRecord = dict[tuple[int, int, str], tuple[Any, ...]]


class GroupWriter(ABC):
    """Writes one group; used once, in a transaction that the store opens and ends.

    Statement names are those of the engine's commit.sql; lines are tuples in the order of its columns.
    """

    def __init__(self, retention: Retention, clock_us: Callable[[], int]) -> None:
        self._retention = retention
        self._now_us = clock_us()
        self._group: Sequence[Push | RejectedRequest] = ()
        self._parks: Mapping[str, ParkState] = {}
        self._pending = InsertBatch()
        self._rollup = DailyTotalsDelta()
        self._counts: list[PushCounts] = []
        self._days: list[int] = []
        # Requests that are not written, by index: rejected because of earlier requests; already stored.
        self._withheld: dict[int, RequestError] = {}
        self._already: set[int] = set()
        # The replaces of this group that take effect, each with the generation that it starts.
        self._replaces: list[tuple[Push, int]] = []

    @abstractmethod
    def _lock_parks(self, park_uuids: list[str]) -> dict[str, ParkState]:
        """Locks the parks in the given order and reads their counters."""

    @abstractmethod
    def _run(self, name: str, values: Mapping[str, object]) -> None:
        """Runs a statement about one locked park."""

    @abstractmethod
    def _ask(self, name: str, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """The rows of a statement about one locked park."""

    @abstractmethod
    def _insert(self, places: Mapping[RecordPosition, list[Row]]) -> int:
        """Inserts the rows that are not stored yet; returns how many."""

    @abstractmethod
    def _existing(self, places: Mapping[RecordPosition, list[Row]]) -> ExistingRecord:
        """The stored records with the order numbers of the rows."""

    @abstractmethod
    def _replace(self, replacements: list[tuple[RecordPosition, Replacement]]) -> None:
        """Copies each old version to the history, then writes the new one."""

    @abstractmethod
    def _drop_cards(self, cards: list[tuple[int, int, str | None, int]]) -> None:
        """Deletes card entries: park_id, generation, card and position."""

    @abstractmethod
    def _write_lines(self, written: Mapping[str, Sequence[tuple[Any, ...]]]) -> None:
        """Runs statements that take many lines, at least one each; the first column is the park_id."""

    def write(self, group: Sequence[Push | RejectedRequest]) -> list[PushResult | RequestError]:
        """Writes the group; returns each request's result, all zeros for rejected ones, or why it must not take effect."""
        self._group = group
        named = {request.park_uuid for request in group if request.park_uuid is not None}
        self._parks = self._lock_parks(sorted(named)) if named else {}
        generations = [self._place(index, request) for index, request in enumerate(group)]
        self._flush()
        outcomes = [PushResult(counts.inserted, counts.updated, counts.unchanged) for counts in self._counts]
        written = {**self._log_request(group, generations, outcomes), **self._counters()}
        # Sorted by key: concurrent writers then lock the same rows in the same order.
        ordered = {name: sorted(lines, key=_KEY_OF) for name, lines in written.items() if lines}
        if ordered:
            self._write_lines(ordered)
        self._keep_bodies()
        return [self._withheld.get(index, outcome) for index, outcome in enumerate(outcomes)]

    def _place(self, index: int, request: Push | RejectedRequest) -> int | None:
        """Queues the rows of a push for insertion; returns the generation they go to."""
        self._counts.append(PushCounts())
        # The day of receipt is also the seqno's: a recount from the records gives the same sums.
        self._days.append(business_day(request.origin.received_us))
        if isinstance(request, RejectedRequest):
            return None
        park = self._park(request.park_uuid)
        if request.complete and not self._may_replace(index, request, park):
            return park.generation
        if request.complete:
            ended, park.generation_last = park.generation, park.generation_last + 1
            park.generation = park.generation_last
            here = {"park_id": park.park_id, "now_us": self._now_us}
            self._run("end_generation", here | {"generation": ended, "records": park.records})
            self._run("start_generation", here | {"generation": park.generation, "seqno": request.seqno})
            self._replaces.append((request, park.generation))
            # There is nothing in the new generation yet.
            park.cards_to, park.records = park.position, 0
            # An approval refers to the generation that has just ended.
            park.replace_allowed = None
        park.pushed_since_replace = not request.complete
        park.written = True
        if request.origin.replay_of is None:
            park.secret_used, park.pushed_us = request.secret_used, request.origin.received_us
            park.md5_us = park.md5_us if request.webhook_id else park.pushed_us
        place = (park.park_id, park.generation)
        if self._pending.clashes(place, request):
            self._flush()
        position = park.take_push_positions(request.renewals, request.origin.received_us)
        self._pending.add(place, request, index, position)
        self._counts[index].unchanged = request.received - len(request.renewals)
        return park.generation

    def _may_replace(self, index: int, push: Push, park: ParkState) -> bool:
        """Whether a `complete=1` takes effect. Records it if it already took effect or is rejected."""
        found = self._replace_decision(push, park)
        if found == ALREADY:
            self._already.add(index)
            self._counts[index].unchanged = push.received
        elif isinstance(found, RequestError):
            self._withheld[index] = found
        return found is None

    def _replace_decision(self, push: Push, park: ParkState) -> RequestError | Literal["already"] | None:
        ahead = [(one, began) for one, began in self._replaces if one.park_uuid == push.park_uuid]
        if push.webhook_id is not None:
            known = [(one.seqno, one.origin.body_sha256) for one, _ in ahead if one.webhook_id == push.webhook_id]
            since = seqno_prefix(self._now_us - ID_REMEMBERED_US)
            known = known or self._ask(
                "replace_under_id", {"park_id": park.park_id, "webhook_id": push.webhook_id, "since": since}
            )
            return check_webhook_id(push, *known[0]) if known else None
        if push.origin.replay_of is not None:
            return None  # Staff approved it on a page that shows what it deletes.
        body = push.origin.body_sha256
        if not park.hold_replaces or is_approved(park, body, self._now_us):
            return None
        same = [(one.seqno, began) for one, began in reversed(ahead) if one.origin.body_sha256 == body]
        same = same or self._ask("same_replace", {"park_id": park.park_id, "body_sha256": body})
        return hold_reason(EarlierReplace(*same[0]) if same else None, park)

    def _park(self, park_uuid: str) -> ParkState:
        try:
            return self._parks[park_uuid]
        except KeyError:
            raise StoreUnavailable(f"Park {park_uuid} is not in this database any more.") from None

    def _flush(self) -> None:
        """Writes the pending rows: inserts, then updates existing records; the other way round for rows that look resent."""
        places = self._pending.rows
        again = self._sent_again(places)
        first = {place: rows for place, rows in places.items() if place not in again}
        if first:
            some_held = self._insert(first) < sum(map(len, first.values()))
            new = self._apply_updates(first) if some_held else first
            self._count_inserted(new)
        if again:
            new = self._apply_updates(again)
            if new:
                self._insert(new)
                self._count_inserted(new)
        self._pending.clear()

    def _sent_again(self, places: Mapping[RecordPosition, list[Row]]) -> dict[RecordPosition, list[Row]]:
        """The positions whose first row is already stored: the others probably are too, so inserting them would be wasted."""
        many = {place: rows for place, rows in places.items() if len(rows) >= _PROBED_ROWS_MIN}
        if not many:
            return {}
        held = self._existing({place: rows[:1] for place, rows in many.items()})
        known = {key[:2] for key in held}
        return {place: rows for place, rows in many.items() if place in known}

    def _apply_updates(self, places: Mapping[RecordPosition, list[Row]]) -> dict[RecordPosition, list[Row]]:
        """Compares rows with stored records and replaces those that differ; returns the new rows, just inserted or not."""
        held = self._existing(places)
        new: dict[RecordPosition, list[Row]] = {}
        replacements: list[tuple[RecordPosition, Replacement]] = []
        for place, rows in places.items():
            for row in rows:
                columns = held.get((*place, row.renewal.pay_partner))
                if columns is None or columns[_SEQNO_COLUMN] == row.seqno:
                    new.setdefault(place, []).append(row)
                elif same_content(columns, row.renewal):
                    self._counts[row.push].unchanged += 1
                else:
                    old = read_stored(columns)
                    replacements.append((place, Replacement(row, old, merge_versions(old.renewal, row.renewal))))
        cards = [
            (*place, card, one.old.position)
            for place, one in replacements
            for card in {one.old.renewal.card_no, one.old.renewal.card_id} - {None}
        ]
        if cards:
            self._drop_cards(cards)
        if replacements:
            self._replace(replacements)
        for (park_id, _), one in replacements:
            self._counts[one.row.push].updated += 1
            self._rollup.add_replaced(park_id, self._days[one.row.push], one)
        return new

    def _count_inserted(self, places: Mapping[RecordPosition, list[Row]]) -> None:
        for (park_id, generation), rows in places.items():
            for push, of_push in groupby(rows, _PUSH_OF):
                inserts = list(of_push)
                self._counts[push].inserted += len(inserts)
                self._rollup.add_inserted(park_id, generation, self._days[push], inserts)

    def _log_request(
        self, group: Sequence[Push | RejectedRequest], generations: list[int | None], outcomes: list[PushResult]
    ) -> dict[str, list[tuple[Any, ...]]]:
        """Request log entries, and the number of requests by result code."""
        lines: list[tuple[object, ...]] = []
        requests: Counter[tuple[int, int, str]] = Counter()
        received: Counter[tuple[int, int, str]] = Counter()
        written = zip(group, generations, outcomes, self._days, strict=True)
        for index, (request, generation, outcome, day) in enumerate(written):
            if index in self._withheld:
                continue
            caller = request.origin
            duration_us = max(0, self._now_us - caller.received_us)
            tail = (caller.received_us, duration_us)
            origin = (caller.peer, caller.body_bytes, caller.body_sha256, caller.replay_of)
            if isinstance(request, Push):
                key = (self._parks[request.park_uuid].park_id, day, "1001")
                counts = (request.received, outcome.inserted, outcome.updated, outcome.unchanged)
                received[key] += request.received
                lines.append(
                    (key[0], request.seqno, None, "1001", None, None, request.complete and index not in self._already,
                     generation, *counts, *tail, request.secret_used, *origin, request.webhook_id)
                )  # fmt: skip
            else:
                park_id = STRANGERS if request.park_uuid is None else self._park(request.park_uuid).park_id
                key = (park_id, day, request.code)
                lines.append(
                    (park_id, request.seqno, request.claimed, request.code, request.hint.zh, request.hint.en, False,
                     request.generation, 0, 0, 0, 0, *tail, None, *origin, None)
                )  # fmt: skip
            requests[key] += 1
        answers = [(*key, count, received[key]) for key, count in requests.items()]
        return {"log_requests": lines, "add_to_daily_answer": answers}

    def _keep_bodies(self) -> None:
        """Runs after the request log is written: it shows whether the body of a held replace is already kept."""
        for request in self._group:
            if isinstance(request, RejectedRequest) and request.body is not None and request.park_uuid is not None:
                self._keep_body(self._park(request.park_uuid).park_id, request, request.body)

    def _keep_body(self, park_id: int, request: RejectedRequest, body: bytes) -> None:
        """Stores a body and deletes the park's oldest bodies beyond the bounds."""
        place: dict[str, object] = {"park_id": park_id}
        # Kept once: an agent retries a held replace twice a minute and would displace the park's other bodies.
        held = {"body_sha256": request.origin.body_sha256}
        if request.code == ReplaceOnHold.code and self._ask("held_body", place | held):
            return
        deflated, retention = zlib.compress(body, _DEFLATE_LEVEL), self._retention
        if len(deflated) > retention.rejected_bytes_max:
            return
        self._run("keep_rejected_body", place | {"seqno": request.seqno, "bytes": len(deflated), "body": deflated})
        bounds = {"bodies_max": retention.rejected_bodies_max, "bytes_max": retention.rejected_bytes_max}
        self._run("drop_rejected_bodies", place | bounds)

    def _counters(self) -> dict[str, list[tuple[Any, ...]]]:
        """The new counters of parks, ended generations and days."""
        ended = self._count_current()
        saved = [
            (park.park_id, park.generation, park.generation_last, park.position, park.secret_used, park.pushed_us,
             park.pushed_since_replace, park.replace_allowed, park.md5_us, park.cards_to, park.records)
            for park in self._parks.values()
            if park.written
        ]  # fmt: skip
        days = [(*key, *counted) for key, counted in self._rollup.days.items()]
        return {"save_parks": saved, "add_to_generations": ended, "add_to_daily": days}

    def _count_current(self) -> list[tuple[Any, ...]]:
        """Adds the new records to the counts of their parks; returns those of generations that ended in this group."""
        by_id = {park.park_id: park for park in self._parks.values()}
        ended: list[tuple[Any, ...]] = []
        for (park_id, generation), records in self._rollup.generations.items():
            if generation == by_id[park_id].generation:
                by_id[park_id].records += records
            elif records:
                ended.append((park_id, generation, records))
        return ended
