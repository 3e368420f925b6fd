"""The ledger as a few dictionaries: what the wire contract and docs/architecture.md say, without disk, group or chunk."""

from __future__ import annotations

import zlib
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

import msgspec

from vipgate.protocol.renewal import FLAG_MONEY_CHANGED, FLAG_PLATE_CHANGED, FLAG_UNUSUAL_PLATE, Renewal, plate_flags

DAY_US: Final = 86_400_000_000
BEIJING_US: Final = 8 * 3_600_000_000
LOOK_AGAIN_US: Final = 3_600_000_000
ERASED: Final = {"plate": "", "card_no": None, "card_id": None, "operator": None, "extra": None}


def day_of(instant_us: int) -> int:
    return (instant_us + BEIJING_US) // DAY_US


@dataclass
class Version:
    """One version of a record. `positions`: where it may be; an erasure gives out several at once, in no order."""

    renewal: Renewal
    revision: int
    seqno: str
    positions: range

    @property
    def holds(self) -> bool:
        one = self.renewal
        return bool(one.plate or one.card_no or one.card_id or one.operator or one.extra)

    def empty(self) -> None:
        flags = self.renewal.flags & ~FLAG_UNUSUAL_PLATE
        self.renewal = msgspec.structs.replace(self.renewal, **ERASED, flags=flags)


@dataclass
class Record:
    """A record: its newest version, and those that were replaced, each with the seqno that replaced it."""

    now: Version
    before: list[tuple[Version, str]] = field(default_factory=list)

    def empty_versions(self, plate: str | None = None) -> int:
        wanted = [one for one, _ in self.before if one.holds and plate in (None, one.renewal.plate)]
        for one in wanted:
            one.empty()
        return len(wanted)


@dataclass
class Stock:
    """One generation."""

    number: int
    seqno: str | None
    started_us: int
    ended_us: int | None = None
    records: dict[str, Record] = field(default_factory=dict)


@dataclass
class Line:
    """One request in the journal; `body` where it is kept."""

    seqno: str
    park_uuid: str | None
    claimed: str | None
    code: str
    received_us: int
    complete: bool = False
    generation: int | None = None
    counts: tuple[int, int, int, int] = (0, 0, 0, 0)
    secret_used: str | None = None
    body: bytes | None = None


@dataclass
class Park:
    """One park and all that is counted of it."""

    park_uuid: str
    secret: str
    created_us: int
    previous: str | None = None
    enabled: bool = True
    allowed: str | None = None
    generation: int = 1
    last: int = 1
    position: int = 0
    secret_used: str | None = None
    secret_used_us: int | None = None
    last_push_us: int | None = None
    retention_days: int | None = None
    erase_due_us: int = 0
    stocks: dict[int, Stock] = field(default_factory=dict)
    daily: dict[tuple[int, int], list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0, 0]))
    answers: dict[tuple[int, str], list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))

    def __post_init__(self) -> None:
        self.stocks[1] = Stock(1, None, self.created_us)

    @property
    def records(self) -> dict[str, Record]:
        return self.stocks[self.generation].records

    def take_positions(self, count: int, now_us: int) -> range:
        first = max(self.position + 1, now_us)
        self.position = first + count - 1
        return range(first, first + count)


class Ledger:
    """All parks, and the journal by seqno."""

    def __init__(self, bodies_max: int, bytes_max: int) -> None:
        self.parks: dict[str, Park] = {}
        self.journal: dict[str, Line] = {}
        self._bodies_max = bodies_max
        self._bytes_max = bytes_max

    # ---- requests --------------------------------------------------------------------------------------------------

    def store(self, park: Park, line: Line, rows: list[Renewal], received: int) -> None:
        """A push that was stored. `line` has everything that the request brought; its counts are found here."""
        if line.complete:
            park.stocks[park.generation].ended_us = line.received_us
            park.last += 1
            park.generation = park.last
            park.stocks[park.last] = Stock(park.last, line.seqno, line.received_us)
        park.secret_used, park.secret_used_us = line.secret_used, line.received_us
        park.last_push_us = line.received_us
        places = park.take_positions(len(rows), line.received_us)
        counts = {"inserted": 0, "updated": 0, "unchanged": received - len(rows)}
        for renewal, place in zip(rows, places, strict=True):
            counts[self._keep(park, renewal, line, range(place, place + 1))] += 1
        line.generation = park.generation
        line.counts = (received, counts["inserted"], counts["updated"], counts["unchanged"])
        self.note(park, line)

    def _keep(self, park: Park, renewal: Renewal, line: Line, places: range) -> str:
        held = park.records.get(renewal.pay_partner)
        day = day_of(line.received_us)
        if held is None:
            park.records[renewal.pay_partner] = Record(Version(renewal, 1, line.seqno, places))
            _add(park, day, renewal.pay_type, 1, 0, renewal.pay_value_fen or 0)
            return "inserted"
        old = held.now.renewal
        gone = ERASED if not old.plate else {}
        if msgspec.structs.replace(old, flags=0) == msgspec.structs.replace(renewal, flags=0, **gone):
            return "unchanged"
        flags = plate_flags(renewal.plate) | (old.flags & (FLAG_PLATE_CHANGED | FLAG_MONEY_CHANGED))
        flags |= FLAG_PLATE_CHANGED if old.plate not in ("", renewal.plate) else 0
        money = (old.pay_value_fen, old.value_e4) != (renewal.pay_value_fen, renewal.value_e4)
        flags |= FLAG_MONEY_CHANGED if money else 0
        held.before.append((held.now, line.seqno))
        new = msgspec.structs.replace(renewal, flags=flags)
        held.now = Version(new, held.now.revision + 1, line.seqno, places)
        _add(park, day, old.pay_type, 0, 0, -(old.pay_value_fen or 0))
        _add(park, day, renewal.pay_type, 0, 1, renewal.pay_value_fen or 0)
        return "updated"

    def note(self, park: Park | None, line: Line) -> None:
        """A line of the journal, and of the answers of the day; of bodies that are not too large the newest are kept."""
        if line.body is not None and _deflated_bytes(line.body) > self._bytes_max:
            line.body = None
        self.journal[line.seqno] = line
        if park is None:
            return
        counted = park.answers[day_of(line.received_us), line.code]
        counted[0] += 1
        counted[1] += line.counts[0]
        if line.body is not None:
            self._drop_bodies(park.park_uuid)

    def _drop_bodies(self, park_uuid: str) -> None:
        kept = [line for line in self.journal.values() if line.park_uuid == park_uuid and line.body is not None]
        total = 0
        for number, line in enumerate(sorted(kept, key=lambda one: one.seqno, reverse=True), 1):
            total += _deflated_bytes(line.body or b"")
            if number > self._bodies_max or total > self._bytes_max:
                line.body = None

    # ---- staff -----------------------------------------------------------------------------------------------------

    def restore(self, park: Park, number: int, now_us: int) -> bool:
        if number not in park.stocks:
            return False
        park.stocks[park.generation].ended_us = now_us
        park.stocks[number].ended_us = None
        park.generation = number
        return True

    def review(self, park: Park, pay_partner: str, flags: int, now_us: int) -> bool:
        held = park.records.get(pay_partner)
        if held is None or not held.now.renewal.flags & flags:
            return False
        places = park.take_positions(1, now_us)
        left = held.now.renewal.flags & ~flags
        held.now.renewal = msgspec.structs.replace(held.now.renewal, flags=left)
        held.now.positions = places
        return True

    def erase(self, park: Park, plate: str, now_us: int) -> tuple[int, int]:
        """How many records and how many versions were emptied."""
        records = versions = 0
        for number in sorted(park.stocks, reverse=True):
            stock = park.stocks[number].records.values()
            wanted = [one for one in stock if one.now.renewal.plate == plate]
            self._empty(park, wanted, now_us)
            records += len(wanted)
            versions += sum(one.empty_versions(plate) for one in stock)
        for line in self.journal.values():
            if line.park_uuid == park.park_uuid and line.body is not None and plate.encode() in line.body:
                line.body = None
        return records, versions

    def _empty(self, park: Park, records: list[Record], now_us: int) -> None:
        places = park.take_positions(len(records), now_us) if records else range(0)
        for one in records:
            one.now.empty()
            one.now.revision += 1
            one.now.positions = places

    # ---- time ------------------------------------------------------------------------------------------------------

    def housekeep(self, now_us: int, before_journal: str, before_bodies: str, generation_days: int) -> None:
        """All that is past its time, at once."""
        for park in self.parks.values():
            for number, stock in list(park.stocks.items()):
                if stock.ended_us is not None and stock.ended_us < now_us - generation_days * DAY_US:
                    del park.stocks[number]
        for seqno, line in list(self.journal.items()):
            if seqno < before_bodies:
                line.body = None
            if seqno < before_journal:
                del self.journal[seqno]
        for park in self.parks.values():
            if park.retention_days is not None and park.erase_due_us <= now_us:
                self._expire(park, park.retention_days, now_us)
                park.erase_due_us = now_us + LOOK_AGAIN_US

    def _expire(self, park: Park, days: int, now_us: int) -> None:
        before_us = now_us - days * DAY_US
        over: list[Record] = []
        for stock in park.stocks.values():
            for record in stock.records.values():
                last_us = max(record.now.positions.stop - 1, record.now.renewal.renewal_end_time_us or 0)
                if last_us < before_us:
                    record.empty_versions()
                    if record.now.holds:
                        over.append(record)
        self._empty(park, over, now_us)


def _deflated_bytes(body: bytes) -> int:
    return len(zlib.compress(body, 1))


def _add(park: Park, day: int, pay_type: int, inserted: int, updated: int, pay_value_fen: int) -> None:
    line = park.daily[day, pay_type]
    line[0] += inserted
    line[1] += updated
    line[2] += pay_value_fen
