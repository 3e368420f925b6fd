"""Writes one group of requests inside an open SQLite transaction: records, history, journal, rollups."""

from __future__ import annotations

import sqlite3
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import chain, groupby
from operator import attrgetter
from typing import Any, Final

import msgspec

from vipgate.errors import StoreUnavailable
from vipgate.renewal import Renewal
from vipgate.store.interface import Outcome, Push, Refused, Retention, Stored, business_day
from vipgate.store.ledger import Counts, ParkState, Pending, Replacement, Rollup, Row, alike, newest
from vipgate.store.sqlfile import with_rows

# Rows a statement: a whole batch at once where it can be, so that the interpreter's lock has to be won back only once.
_ROWS_A_STATEMENT: Final = (1000, 100, 10, 1)
_RENEWAL_COLUMNS: Final = len(Renewal.__struct_fields__)
_SEQNO_COLUMN: Final = _RENEWAL_COLUMNS + 1
_PROBED_ROWS_MIN: Final = 50
_DEFLATE_LEVEL: Final = 1
_PUSH_OF = attrgetter("push")


def read_stored(row: tuple[Any, ...]) -> Stored:
    """A record from its columns: those of Renewal in order, then revision, seqno, position."""
    return Stored(Renewal(*row[:_RENEWAL_COLUMNS]), *row[_RENEWAL_COLUMNS:])


class GroupWriter:
    """One group on its way into the database; used once, inside BEGIN IMMEDIATE … COMMIT."""

    def __init__(
        self, db: sqlite3.Connection, sql: Mapping[str, str], retention: Retention, clock_us: Callable[[], int]
    ) -> None:
        self._db = db
        self._sql = sql
        self._retention = retention
        self._now_us = clock_us()
        self._parks: dict[str, ParkState] = {}
        self._pending = Pending()
        self._rollup = Rollup()
        self._counts: list[Counts] = []
        self._days: list[int] = []

    def write(self, group: Sequence[Push | Refused]) -> list[Outcome]:
        """The outcome of each request; for a refused one, nothing done. Raises sqlite3.Error."""
        self._lock_parks({request.park_uuid for request in group if request.park_uuid is not None})
        generations = [self._place(index, request) for index, request in enumerate(group)]
        self._flush()
        outcomes = [Outcome(counts.inserted, counts.updated, counts.unchanged) for counts in self._counts]
        self._journal(group, generations, outcomes)
        self._save_parks()
        return outcomes

    def _place(self, index: int, request: Push | Refused) -> int | None:
        """Queues the rows of a push behind those before it; the generation they go to."""
        self._counts.append(Counts())
        # The day of receipt, which is also the seqno's: a recount from the records comes to the same sums.
        self._days.append(business_day(request.caller.received_us))
        if isinstance(request, Refused):
            return None
        park = self._park(request.park_uuid)
        if request.complete:
            self._start_generation(park, request.seqno)
        park.secret_used, park.secret_used_us = request.secret_used, request.caller.received_us
        place = (park.key, park.generation)
        if self._pending.clashes(place, request):
            self._flush()
        position = park.take_positions(len(request.renewals), request.caller.received_us)
        self._pending.add(place, request, index, position)
        self._counts[index].unchanged = request.received - len(request.renewals)
        return park.generation

    def _lock_parks(self, park_uuids: set[str]) -> None:
        wanted = {"park_uuids": msgspec.json.encode(sorted(park_uuids)).decode()}
        for park_uuid, *counters in self._db.execute(self._sql["lock_parks"], wanted):
            self._parks[park_uuid] = ParkState(*counters)

    def _park(self, park_uuid: str) -> ParkState:
        try:
            return self._parks[park_uuid]
        except KeyError:
            raise StoreUnavailable(f"Park {park_uuid} is not in this database any more.") from None

    def _start_generation(self, park: ParkState, seqno: str) -> None:
        here = {"park_id": park.key, "generation": park.generation, "now_us": self._now_us}
        self._db.execute(self._sql["end_generation"], here)
        park.generation = park.generation_last = park.generation_last + 1
        self._db.execute(self._sql["start_generation"], here | {"generation": park.generation, "seqno": seqno})

    def _flush(self) -> None:
        """Writes what is pending: inserts first and settles what was held, or the other way round for what looks sent again."""
        places = self._pending.rows
        again = {place for place, rows in places.items() if self._looks_sent_again(*place, rows)}
        first = {place: rows for place, rows in places.items() if place not in again}
        some_held = self._insert(first) < sum(map(len, first.values()))
        for (park, generation), rows in places.items():
            new = rows
            if (park, generation) in again:
                new = self._settle_held(park, generation, rows)
                self._insert({(park, generation): new})
            elif some_held:
                new = self._settle_held(park, generation, rows)
            for push, of_push in groupby(new, _PUSH_OF):
                inserts = list(of_push)
                self._counts[push].inserted += len(inserts)
                self._rollup.add_inserted(park, generation, self._days[push], inserts)
        self._pending.clear()

    def _looks_sent_again(self, park: int, generation: int, rows: list[Row]) -> bool:
        """Whether the first of many rows is held: then the others may be too, and to try and insert them would be a waste."""
        return len(rows) >= _PROBED_ROWS_MIN and bool(self._held(park, generation, rows[:1]))

    def _insert(self, places: Mapping[tuple[int, int], list[Row]]) -> int:
        """Inserts what is not held; how many that were."""
        return self._write_rows(
            "insert_renewals",
            [
                (park, generation, *msgspec.structs.astuple(row.renewal), row.seqno, row.position)
                for (park, generation), rows in places.items()
                for row in rows
            ],
        )

    def _write_rows(self, name: str, rows: Sequence[tuple[object, ...]]) -> int:
        """Runs a statement that takes many rows; how many it changed."""
        changed = start = 0
        for size in _ROWS_A_STATEMENT:
            while len(rows) - start >= size:
                values = list(chain.from_iterable(rows[start : start + size]))
                changed += self._db.execute(with_rows(self._sql[name], size), values).rowcount
                start += size
        return changed

    def _held(self, park: int, generation: int, rows: list[Row]) -> dict[str, tuple[Any, ...]]:
        """The columns of what is held under the order numbers of `rows`."""
        keys = msgspec.json.encode([row.renewal.pay_partner for row in rows]).decode()
        wanted = {"pay_partners": keys, "park_id": park, "generation": generation}
        return {columns[0]: columns for columns in self._db.execute(self._sql["held_renewals"], wanted)}

    def _settle_held(self, park: int, generation: int, rows: list[Row]) -> list[Row]:
        """Compares rows with what is held and replaces what differs; the rows that are new, inserted already or not."""
        held = self._held(park, generation, rows)
        new: list[Row] = []
        replacements: list[Replacement] = []
        for row in rows:
            columns = held.get(row.renewal.pay_partner)
            if columns is None or columns[_SEQNO_COLUMN] == row.seqno:
                new.append(row)
            elif alike(columns, row.renewal):
                self._counts[row.push].unchanged += 1
            else:
                old = read_stored(columns)
                replacements.append(Replacement(row, old, newest(old.renewal, row.renewal)))
        self._replace(park, generation, replacements)
        return new

    def _replace(self, park: int, generation: int, replacements: list[Replacement]) -> None:
        keys = [(park, generation, one.renewal.pay_partner) for one in replacements]
        self._db.executemany(
            self._sql["keep_version"], [(one.row.seqno, *key) for one, key in zip(replacements, keys, strict=True)]
        )
        self._db.executemany(
            self._sql["replace_renewal"],
            [
                (*msgspec.structs.astuple(one.renewal), one.row.seqno, one.row.position, *key)
                for one, key in zip(replacements, keys, strict=True)
            ],
        )
        for one in replacements:
            self._counts[one.row.push].updated += 1
            self._rollup.add_replaced(park, self._days[one.row.push], one)

    def _journal(self, group: Sequence[Push | Refused], generations: list[int | None], outcomes: list[Outcome]) -> None:
        lines: list[tuple[object, ...]] = []
        requests: Counter[tuple[int, int, str]] = Counter()
        received: Counter[tuple[int, int, str]] = Counter()
        for request, generation, outcome, day in zip(group, generations, outcomes, self._days, strict=True):
            caller = request.caller
            duration_us = max(0, self._now_us - caller.received_us)
            tail = (caller.received_us, duration_us)
            origin = (caller.peer, caller.body_bytes, caller.body_sha256)
            if isinstance(request, Push):
                key = (self._parks[request.park_uuid].key, day, "1001")
                counts = (request.received, outcome.inserted, outcome.updated, outcome.unchanged)
                received[key] += request.received
                lines.append(
                    (key[0], request.seqno, None, "1001", None, None, request.complete, generation, *counts, *tail,
                     request.secret_used, *origin)
                )  # fmt: skip
            else:
                park = 0 if request.park_uuid is None else self._park(request.park_uuid).key
                key = (park, day, request.code)
                lines.append(
                    (park, request.seqno, request.claimed, request.code, request.hint.zh, request.hint.en, False, None,
                     0, 0, 0, 0, *tail, None, *origin)
                )  # fmt: skip
                self._keep_body(park, request)
            requests[key] += 1
        self._write_rows("journal", lines)
        self._write_rows("add_to_daily_answer", [(*key, count, received[key]) for key, count in requests.items()])

    def _keep_body(self, park: int, request: Refused) -> None:
        if request.body is None or park == 0:
            return
        body = zlib.compress(request.body, _DEFLATE_LEVEL)
        if len(body) > self._retention.refused_bytes_max:
            return
        kept = {"park_id": park, "seqno": request.seqno, "bytes": len(body), "body": body}
        self._db.execute(self._sql["keep_refused_body"], kept)
        bounds = {
            "park_id": park,
            "bodies_max": self._retention.refused_bodies_max,
            "bytes_max": self._retention.refused_bytes_max,
        }
        self._db.execute(self._sql["drop_refused_bodies"], bounds)

    def _save_parks(self) -> None:
        pushing = [park for park in self._parks.values() if park.secret_used_us]
        self._write_rows(
            "save_parks",
            [
                (park.key, park.generation, park.generation_last, park.position, park.secret_used, park.secret_used_us)
                for park in pushing
            ],
        )
        self._write_rows(
            "add_to_generations", [(*place, records) for place, records in self._rollup.generations.items() if records]
        )
        self._write_rows("add_to_daily", [(*key, *counted) for key, counted in self._rollup.days.items()])
