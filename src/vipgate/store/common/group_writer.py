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
from typing import Any, Final, Generic, Literal

from vipgate.errors import ReplaceOnHold, RequestError, StoreUnavailable
from vipgate.protocol.seqno import seqno_prefix
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
    Key,
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

# Stored records by park, generation and order number: the columns of Renewal, then revision, seqno, position.
ExistingRecord = dict[tuple[Any, int, str], tuple[Any, ...]]


class GroupWriter(ABC, Generic[Key]):
    """Writes one group; used once, in a transaction that the store opens and ends.

    Statement names are those of the engine's commit.sql; lines are tuples in the order of its columns.
    """

    def __init__(self, nobody: Key, retention: Retention, clock_us: Callable[[], int]) -> None:
        self._nobody = nobody
        self._retention = retention
        self._now_us = clock_us()
        self._group: Sequence[Push | RejectedRequest] = ()
        self._parks: Mapping[str, ParkState[Key]] = {}
        self._pending = InsertBatch[Key]()
        self._rollup = DailyTotalsDelta[Key]()
        self._counts: list[PushCounts] = []
        self._days: list[int] = []
        # Requests that are not written, by index: rejected because of earlier requests; already stored.
        self._withheld: dict[int, RequestError] = {}
        self._already: set[int] = set()
        # The replaces of this group that take effect, each with the generation that it starts.
        self._replaces: list[tuple[Push, int]] = []

    @abstractmethod
    def _lock_parks(self, park_uuids: list[str]) -> dict[str, ParkState[Key]]:
        """Locks the parks in the given order and reads their counters."""

    @abstractmethod
    def _ask(self, name: str, park: Key, *values: object) -> list[tuple[Any, ...]]:
        """The rows of a statement about one locked park."""

    @abstractmethod
    def _start_generation(self, park: ParkState[Key], ended: int, seqno: str) -> None:
        """Ends the generation `ended` and starts `park.generation`."""

    @abstractmethod
    def _insert(self, places: Mapping[RecordPosition[Key], list[Row]]) -> int:
        """Inserts the rows that are not stored yet; returns how many."""

    @abstractmethod
    def _existing(self, places: Mapping[RecordPosition[Key], list[Row]]) -> ExistingRecord:
        """The stored records with the order numbers of the rows."""

    @abstractmethod
    def _replace(self, replacements: list[tuple[RecordPosition[Key], Replacement]]) -> None:
        """Copies each old version to the history, then writes the new one."""

    @abstractmethod
    def _write_lines(self, written: Mapping[str, Sequence[tuple[Any, ...]]]) -> None:
        """Runs statements that take many lines, at least one each; the first column is the park's key."""

    @abstractmethod
    def _keep_refused_body(self, park: Key, seqno: str, body: bytes) -> None:
        """Stores a deflated body and deletes the park's oldest bodies beyond the bounds."""

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
            self._start_generation(park, ended, request.seqno)
            self._replaces.append((request, park.generation))
            # An approval refers to the generation that has just ended.
            park.replace_allowed = None
        park.pushed_since_replace = not request.complete
        park.written = True
        if request.origin.replay_of is None:
            park.secret_used, park.pushed_us = request.secret_used, request.origin.received_us
            park.md5_us = park.md5_us if request.webhook_id else park.pushed_us
        place = (park.key, park.generation)
        if self._pending.clashes(place, request):
            self._flush()
        position = park.take_positions(len(request.renewals), request.origin.received_us)
        self._pending.add(place, request, index, position)
        self._counts[index].unchanged = request.received - len(request.renewals)
        return park.generation

    def _may_replace(self, index: int, push: Push, park: ParkState[Key]) -> bool:
        """Whether a `complete=1` takes effect. Records it if it already took effect or is rejected."""
        found = self._replace_decision(push, park)
        if found == ALREADY:
            self._already.add(index)
            self._counts[index].unchanged = push.received
        elif isinstance(found, RequestError):
            self._withheld[index] = found
        return found is None

    def _replace_decision(self, push: Push, park: ParkState[Key]) -> RequestError | Literal["already"] | None:
        ahead = [(one, began) for one, began in self._replaces if one.park_uuid == push.park_uuid]
        if push.webhook_id is not None:
            known = [(one.seqno, one.origin.body_sha256) for one, _ in ahead if one.webhook_id == push.webhook_id]
            since = seqno_prefix(self._now_us - ID_REMEMBERED_US)
            known = known or self._ask("replace_under_id", park.key, push.webhook_id, since)
            return check_webhook_id(push, *known[0]) if known else None
        if push.origin.replay_of is not None:
            return None  # Staff approved it on a page that shows what it deletes.
        body = push.origin.body_sha256
        if not park.hold_replaces or is_approved(park, body, self._now_us):
            return None
        same = [(one.seqno, began) for one, began in reversed(ahead) if one.origin.body_sha256 == body]
        same = same or self._ask("same_replace", park.key, body)
        return hold_reason(EarlierReplace(*same[0]) if same else None, park)

    def _park(self, park_uuid: str) -> ParkState[Key]:
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

    def _sent_again(self, places: Mapping[RecordPosition[Key], list[Row]]) -> dict[RecordPosition[Key], list[Row]]:
        """The positions whose first row is already stored: the others probably are too, so inserting them would be wasted."""
        many = {place: rows for place, rows in places.items() if len(rows) >= _PROBED_ROWS_MIN}
        if not many:
            return {}
        held = self._existing({place: rows[:1] for place, rows in many.items()})
        known = {key[:2] for key in held}
        return {place: rows for place, rows in many.items() if place in known}

    def _apply_updates(self, places: Mapping[RecordPosition[Key], list[Row]]) -> dict[RecordPosition[Key], list[Row]]:
        """Compares rows with stored records and replaces those that differ; returns the new rows, just inserted or not."""
        held = self._existing(places)
        new: dict[RecordPosition[Key], list[Row]] = {}
        replacements: list[tuple[RecordPosition[Key], Replacement]] = []
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
        if replacements:
            self._replace(replacements)
        for (park, _), one in replacements:
            self._counts[one.row.push].updated += 1
            self._rollup.add_replaced(park, self._days[one.row.push], one)
        return new

    def _count_inserted(self, places: Mapping[RecordPosition[Key], list[Row]]) -> None:
        for (park, generation), rows in places.items():
            for push, of_push in groupby(rows, _PUSH_OF):
                inserts = list(of_push)
                self._counts[push].inserted += len(inserts)
                self._rollup.add_inserted(park, generation, self._days[push], inserts)

    def _log_request(
        self, group: Sequence[Push | RejectedRequest], generations: list[int | None], outcomes: list[PushResult]
    ) -> dict[str, list[tuple[Any, ...]]]:
        """Request log entries, and the number of requests by result code."""
        lines: list[tuple[object, ...]] = []
        requests: Counter[tuple[Key, int, str]] = Counter()
        received: Counter[tuple[Key, int, str]] = Counter()
        written = zip(group, generations, outcomes, self._days, strict=True)
        for index, (request, generation, outcome, day) in enumerate(written):
            if index in self._withheld:
                continue
            caller = request.origin
            duration_us = max(0, self._now_us - caller.received_us)
            tail = (caller.received_us, duration_us)
            origin = (caller.peer, caller.body_bytes, caller.body_sha256, caller.replay_of)
            if isinstance(request, Push):
                key = (self._parks[request.park_uuid].key, day, "1001")
                counts = (request.received, outcome.inserted, outcome.updated, outcome.unchanged)
                received[key] += request.received
                lines.append(
                    (key[0], request.seqno, None, "1001", None, None, request.complete and index not in self._already,
                     generation, *counts, *tail, request.secret_used, *origin, request.webhook_id)
                )  # fmt: skip
            else:
                park = self._nobody if request.park_uuid is None else self._park(request.park_uuid).key
                key = (park, day, request.code)
                lines.append(
                    (park, request.seqno, request.claimed, request.code, request.hint.zh, request.hint.en, False,
                     request.generation, 0, 0, 0, 0, *tail, None, *origin, None)
                )  # fmt: skip
            requests[key] += 1
        answers = [(*key, count, received[key]) for key, count in requests.items()]
        return {"journal": lines, "add_to_daily_answer": answers}

    def _keep_bodies(self) -> None:
        """Runs after the request log is written: it shows whether the body of a held replace is already kept."""
        for request in self._group:
            if isinstance(request, RejectedRequest) and request.body is not None and request.park_uuid is not None:
                self._keep_body(self._park(request.park_uuid).key, request, request.body)

    def _keep_body(self, park: Key, request: RejectedRequest, body: bytes) -> None:
        # Kept once: an agent retries a held replace twice a minute and would displace the park's other bodies.
        if request.code == ReplaceOnHold.code and self._ask("held_body", park, request.origin.body_sha256):
            return
        deflated = zlib.compress(body, _DEFLATE_LEVEL)
        if len(deflated) <= self._retention.refused_bytes_max:
            self._keep_refused_body(park, request.seqno, deflated)

    def _counters(self) -> dict[str, list[tuple[Any, ...]]]:
        """The new counters of parks, generations and days."""
        saved = [
            (park.key, park.generation, park.generation_last, park.position, park.secret_used, park.pushed_us,
             park.pushed_since_replace, park.replace_allowed, park.md5_us)
            for park in self._parks.values()
            if park.written
        ]  # fmt: skip
        grown = [(*place, records) for place, records in self._rollup.generations.items() if records]
        days = [(*key, *counted) for key, counted in self._rollup.days.items()]
        return {"save_parks": saved, "add_to_generations": grown, "add_to_daily": days}
