"""Erases plates, cards and operators from the ledger, chunk by chunk: for one plate, or past a park's retention.

Each chunk is a consistent transaction: after a crash the erasure starts over and finds less to do.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Final

from vipgate.i18n import LocalizedText
from vipgate.store.common.plate_search import body_mentions_plate, mentions_plate
from vipgate.store.common.transaction import Row, Transaction, TransactionRunner, Values, to_json_rows
from vipgate.store.common.versioning import ParkState
from vipgate.store.interfaces.admin import ERASE_CHUNK_ROWS, ErasureResult
from vipgate.store.interfaces.ledger import DAY_US

PAGE_ROWS: Final = 5_000
BODY_INFLATED_BYTES_MAX: Final = 64 * 1024 * 1024
# Interval between two retention runs over a park.
LOOK_AGAIN_US: Final = 3_600_000_000
# Parks checked per chunk while none has anything to erase.
PARKS_A_CHUNK: Final = 20
ERASED_HINT: Final = LocalizedText(
    "(提示曾含已删除的车牌, 已清除)", "(the hint named a plate that was erased, and was erased with it)"
)


@dataclass(frozen=True, slots=True)
class LockedPark:
    """A park locked by this transaction, which alone assigns its positions."""

    work: Transaction
    counters: ParkState
    retention_days: int | None

    def values(self, **more: object) -> Values:
        """Statement parameters: the park's key and `more`."""
        return {"park_id": self.counters.park_id} | more

    def take_positions(self, count: int, now_us: int) -> int:
        """Reserves `count` new positions, stores the counter and returns the first."""
        first = self.counters.take_positions(count, now_us)
        self.work.run("set_position", self.values(position=self.counters.position))
        return first

    def empty(self, generation: int, pay_partners: Sequence[str], now_us: int) -> int:
        """Clears the personal data of records; returns how many changed."""
        first = self.take_positions(len(pay_partners), now_us)
        lines = [{"pay_partner": one, "position": first + offset} for offset, one in enumerate(pay_partners)]
        values = self.values(generation=generation, lines=to_json_rows(lines))
        self.work.run("drop_cards_of", values)
        return self.work.run("empty_records", values)


def lock_park(work: Transaction, park_id: int) -> LockedPark | None:
    """Locks a park; None if it does not exist."""
    rows = work.rows("lock_park_counters", {"park_id": park_id})
    if not rows:
        return None
    generation, position, days = rows[0]
    return LockedPark(work, ParkState(park_id, generation, generation, position, None), days)


class PlateEraser:
    """Erases one normalized plate in one park."""

    def __init__(self, worker: TransactionRunner, park_id: int, plate: str) -> None:
        self._worker = worker
        self._park_id = park_id
        self._plate = plate

    def erase(self, now_us: int) -> ErasureResult:
        """Erases all occurrences. Records first: a concurrent push can then add only cleared versions to the history."""
        with self._worker.transaction() as work:
            park = lock_park(work, self._park_id)
            if park is None:
                return ErasureResult()
            place, until = park.values(), park.counters.position
            generations = [generation for generation, _ in work.rows("generations_held", place)]
        return ErasureResult(
            records=sum(self._erase_records(generation, until, now_us) for generation in generations),
            versions=sum(self._erase_versions(place, generation) for generation in generations),
            requests=len({*self._erase_hints(place), *self._erase_bodies(place)}),
        )

    def _erase_records(self, generation: int, until: int, now_us: int) -> int:
        erased = 0
        while True:
            with self._worker.transaction() as work:
                park = lock_park(work, self._park_id)
                if park is None:
                    return erased
                wanted = park.values(generation=generation, plate=self._plate, until=until, chunk_rows=ERASE_CHUNK_ROWS)
                found = [pay_partner for (pay_partner,) in work.rows("records_to_empty", wanted)]
                if found:
                    erased += park.empty(generation, found, now_us)
            if len(found) < ERASE_CHUNK_ROWS:
                return erased

    def _erase_versions(self, place: Values, generation: int) -> int:
        erased = 0
        values = {**place, "generation": generation, "plate": self._plate, "page_rows": PAGE_ROWS}
        for page in _pages(self._worker, "versions_page", values, ("after", "after_revision"), ("", 0)):
            lines = [{"pay_partner": one, "revision": revision} for one, revision, has_it in page if has_it]
            for start in range(0, len(lines), ERASE_CHUNK_ROWS):
                chunk = to_json_rows(lines[start : start + ERASE_CHUNK_ROWS])
                with self._worker.transaction() as work:
                    erased += work.run("empty_versions", {**values, "lines": chunk})
        return erased

    def _erase_hints(self, place: Values) -> Iterator[str]:
        """Replaces hints that name the plate; yields their seqnos."""
        erased = {"hint_zh": ERASED_HINT.zh, "hint_en": ERASED_HINT.en}
        for page in _pages(self._worker, "hints_page", {**place, "page_rows": PAGE_ROWS}, ("after",), ("",)):
            named = [
                seqno for seqno, *hints in page if any(hint and mentions_plate(hint, self._plate) for hint in hints)
            ]
            for start in range(0, len(named), ERASE_CHUNK_ROWS):
                with self._worker.transaction() as work:
                    for seqno in named[start : start + ERASE_CHUNK_ROWS]:
                        work.run("replace_hint", {**place, **erased, "seqno": seqno})
            yield from named

    def _erase_bodies(self, place: Values) -> Iterator[str]:
        """Deletes bodies that name the plate; yields their seqnos."""
        for [(seqno, deflated)] in _pages(self._worker, "next_body", place, ("after",), ("",)):
            body = zlib.decompressobj().decompress(deflated, BODY_INFLATED_BYTES_MAX)
            if body_mentions_plate(body, self._plate):
                with self._worker.transaction() as work:
                    work.run("drop_body", {**place, "seqno": seqno})
                yield seqno


def _pages(
    worker: TransactionRunner, name: str, values: Values, keys: tuple[str, ...], start: tuple[object, ...]
) -> Iterator[Sequence[Row]]:
    """Pages through a statement whose rows begin with the page key, named `keys`."""
    after: Sequence[object] = start
    while page := worker.rows(name, {**values, **dict(zip(keys, after, strict=True))}):
        yield page
        after = page[-1][: len(keys)]


def erase_expired(worker: TransactionRunner, now_us: int) -> bool:
    """Erases one chunk of data past its park's retention; True if there may be more."""
    for _ in range(PARKS_A_CHUNK):
        found = worker.rows("park_to_erase", {"now_us": now_us})
        if not found:
            return False
        with worker.transaction() as work:
            park = lock_park(work, found[0][0])
            if park is None or park.retention_days is None:
                continue
            if _erase_by_age(park, now_us) or _erase_ended(park, now_us):
                return True
            work.run("put_off_erasing", park.values(due_us=now_us + LOOK_AGAIN_US))
    return True


def _erase_by_age(park: LockedPark, now_us: int) -> bool:
    """Checks the oldest unchecked records and erases the expired ones; False if there were none.

    A record whose renewal ended too recently, or has not ended, is queued for later, so that no record is scanned twice.
    """
    before_us = _before_us(park, now_us)
    for generation, erased_to in park.work.rows("generations_held", park.values()):
        place = park.values(
            generation=generation, erased_to=erased_to, before_us=before_us, chunk_rows=ERASE_CHUNK_ROWS
        )
        found = park.work.rows("records_by_age", place)
        if not found:
            continue
        later = [{"pay_partner": one, "end_us": end_us} for one, _, end_us, _ in found if (end_us or 0) >= before_us]
        if later:
            park.work.run("note_later", {**place, "lines": to_json_rows(later)})
        over = [(pay_partner, holds) for pay_partner, _, end_us, holds in found if (end_us or 0) < before_us]
        _empty(park, generation, over, now_us)
        park.work.run("advance_erased", {**place, "erased_to": found[-1][1]})
        return True
    return False


def _erase_ended(park: LockedPark, now_us: int) -> bool:
    """Erases queued records whose renewal has now ended long enough; False if there were none."""
    before_us = _before_us(park, now_us)
    ended = park.work.rows("ended_since", park.values(before_us=before_us, chunk_rows=ERASE_CHUNK_ROWS))
    for generation, of_generation in groupby(sorted(ended), itemgetter(0)):
        lines = to_json_rows([{"pay_partner": pay_partner} for _, pay_partner in of_generation])
        place = park.values(generation=generation, before_us=before_us, lines=lines)
        # A record changed in the meantime is checked again, at its new position.
        _empty(park, generation, park.work.rows("expired_of", place), now_us)
        park.work.run("drop_later", place)
    return bool(ended)


def _before_us(park: LockedPark, now_us: int) -> int:
    return now_us - (park.retention_days or 0) * DAY_US


def _empty(park: LockedPark, generation: int, over: Sequence[Row], now_us: int) -> None:
    """Clears all versions of the records in `over`, and those records that still hold data."""
    if over:
        lines = to_json_rows([{"pay_partner": pay_partner} for pay_partner, _ in over])
        park.work.run("empty_versions_of", park.values(generation=generation, lines=lines))
    holding = [pay_partner for pay_partner, holds in over if holds]
    if holding:
        park.empty(generation, holding, now_us)
