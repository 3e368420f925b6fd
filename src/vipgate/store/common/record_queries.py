"""Implements `QueryStore` for records and vehicles: chooses the index and limits the scan of a page. Shared by all engines."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from vipgate.protocol.renewal import FLAG_NAMES, PLATE_CHARS_MAX
from vipgate.store.common.row_mapping import read_stored
from vipgate.store.interfaces.ledger import INSTANT_US_MAX, StoredRecord
from vipgate.store.interfaces.queries import (
    CARD_KINDS,
    CARD_PAGES_MAX,
    ENDING_ROWS_MAX,
    PAGE_ITEMS_MAX,
    SCAN_ROWS_MAX,
    VEHICLE_RECORDS_MAX,
    CardKind,
    CardsBehind,
    ChangedVehicles,
    RecordHit,
    RecordPage,
    RecordPageCursor,
    RecordQuery,
    Vehicle,
    VehiclePage,
)
from vipgate.support.sql_files import all_parks_variant, single_park_variant

# A plate or card with up to this many records is read whole and sorted; one with more is scanned by time.
MATCHES_MAX: Final = 2_000
ALL_FLAGS: Final = sum(FLAG_NAMES)
# Typical records of a vehicle; a page of vehicles with more on average is read vehicle by vehicle.
_RECORDS_A_VEHICLE: Final = 20
_ENTRIES_A_VEHICLE: Final = 4
_LAST_CHAR: Final = "\U0010ffff"

ParkRow = tuple[Any, ...]


class RecordQueries(ABC):
    """The methods of `QueryStore` for records and vehicles, on top of named statements."""

    def __init__(self, sql: Mapping[str, str], park_id: Callable[[str], int]) -> None:
        self._sql = sql
        self._park_id = park_id

    @abstractmethod
    def _read(self, statement: str, values: Mapping[str, object]) -> list[ParkRow]:
        """The rows of a statement."""

    def _rows(self, name: str, values: Mapping[str, object]) -> list[ParkRow]:
        """The rows of a named statement about one park, or about all if `park_uuid` is None or missing."""
        park_uuid = values.get("park_uuid")
        if park_uuid is None:
            return self._read_all_parks(self._sql[name], values)
        return self._read(single_park_variant(self._sql[name]), {**values, "park_id": self._park_id(str(park_uuid))})

    def _read_all_parks(self, statement: str, values: Mapping[str, object]) -> list[ParkRow]:
        return self._read(all_parks_variant(statement), values)

    @abstractmethod
    def _list(self, texts: Sequence[str]) -> object:
        """`texts` as a list parameter of the engine."""

    # ---- records ----

    def records(self, query: RecordQuery, before: RecordPageCursor | None, limit: int) -> RecordPage:
        """See `QueryStore.records`."""
        if query.plate == "" and not query.plate_prefix:
            return RecordPage([], None)  # Erased records have an empty plate, and no one searches for it.
        values = _record_values(query, before)
        rows_max = min(limit, PAGE_ITEMS_MAX)
        names = self._answering(query, values)
        if names:
            found = [row for name in names for row in self._rows(name, values | {"limit": rows_max + 1})]
            return _page(found, rows_max, None)
        if query.park_uuid is None:
            if query.card is not None and self._is_behind(values):
                raise CardsBehind
            raise ValueError(
                f"over all parks a plate, a card or an order number of at most {MATCHES_MAX} records must be given; "
                "give more of it, or a park"
            )
        return self._look_through(query, values, rows_max)

    def _answering(self, query: RecordQuery, values: Mapping[str, object]) -> tuple[str, ...]:
        """The indexed statements that match few enough records to read them all; empty if there are none."""
        if query.pay_partner is not None:
            return ("by_order",)
        if query.card is not None and self._few("count_of_card", values) and not self._is_behind(values):
            return ("by_card",)
        if query.plate is not None and self._few("count_of_plate", values):
            return ("by_plate",)
        return ()

    def _few(self, name: str, values: Mapping[str, object]) -> bool:
        return int(self._rows(name, {**values, "most": MATCHES_MAX + 1})[0][0]) <= MATCHES_MAX

    def _is_behind(self, values: Mapping[str, object]) -> bool:
        """Whether more records than a search may read have no card entry yet, among those of this page and later ones."""
        return int(self._rows("count_of_new_cards", {**values, "most": SCAN_ROWS_MAX + 1})[0][0]) > SCAN_ROWS_MAX

    def _look_through(self, query: RecordQuery, values: dict[str, object], rows_max: int) -> RecordPage:
        """Scans a park for one page, newest first; reads at most SCAN_ROWS_MAX records."""
        name = "flagged" if query.flags else "scan"
        parts = [values | {"flag": flag} for flag in sums_with(query.flags)] if query.flags else [values]
        skip = max(1, SCAN_ROWS_MAX // len(parts)) - 1
        ends = [self._rows(f"{name}_floor", part | {"skip": skip}) for part in parts]
        # All parts stop at the newest of their floors, so that none reads more than its share.
        floor = max((end[0][0] for end in ends if len(end) > 1), default=None)
        down_to = {"floor": values["since_us"] if floor is None else floor, "limit": rows_max + 1}
        park_uuid = query.park_uuid or ""
        found = [(park_uuid, *row) for part in parts for row in self._rows(name, part | down_to)]
        return _page(found, rows_max, None if floor is None else RecordPageCursor(floor, park_uuid))

    # ---- vehicles ----

    def vehicles(self, park_uuid: str, after: tuple[CardKind, str] | None, limit: int) -> list[Vehicle]:
        """See `QueryStore.vehicles`."""
        kind, plate = after or ("plate", "")
        wanted = min(limit, PAGE_ITEMS_MAX)
        plates: list[str] = []
        # Each round finds at least one plate, however many records it has.
        while kind == "plate" and len(plates) < wanted:
            place = {"park_uuid": park_uuid, "after": plate, "scan": _ENTRIES_A_VEHICLE * wanted}
            more = [row[0] for row in self._rows("plates_after", place)]
            if not more:
                break
            plates += more
            plate = more[-1]
        return self._vehicles_of(park_uuid, plates[:wanted])

    def vehicles_ending(self, park_uuid: str, after: str, since_us: int, until_us: int, limit: int) -> VehiclePage:
        """See `QueryStore.vehicles_ending`."""
        window = {"park_uuid": park_uuid, "after": after, "since_us": since_us, "until_us": until_us}
        rows = self._rows("ends_after", window | {"scan": ENDING_ROWS_MAX})
        ends: dict[str, bool] = {}
        for plate, in_it in rows:
            ends[plate] = bool(in_it) or ends.get(plate, False)
        plates, more = list(ends), len(rows) == ENDING_ROWS_MAX
        if more and len(plates) > 1:
            # The last plate may have unread records: it comes with the next page.
            del ends[plates.pop()]
        elif more:
            ends[plates[0]] = True
        found = [plate for plate in plates if ends[plate]]
        most = min(limit, PAGE_ITEMS_MAX)
        if len(found) > most:
            plates, found, more = plates[: plates.index(found[most - 1]) + 1], found[:most], True
        return VehiclePage(self._vehicles_of(park_uuid, found), len(plates), plates[-1] if more else None)

    def vehicles_by_change(self, park_uuid: str, before: RecordPageCursor | None, looked_max: int) -> ChangedVehicles:
        """See `QueryStore.vehicles_by_change`."""
        page = self.records(RecordQuery(park_uuid=park_uuid), before, looked_max)
        newest: dict[str, int] = {}
        for one in page.items:
            if one.stored.renewal.plate:
                newest.setdefault(one.stored.renewal.plate, one.stored.position)
        found = {vehicle.key: vehicle for vehicle in self._vehicles_of(park_uuid, list(newest))}
        # A vehicle with a newer record was on an earlier page.
        items = [
            vehicle
            for plate, position in newest.items()
            if (vehicle := found.get(plate)) is not None and vehicle.records[0].position == position
        ]
        return ChangedVehicles(items, page.next)

    def _vehicles_of(self, park_uuid: str, plates: list[str]) -> list[Vehicle]:
        rows_max = _RECORDS_A_VEHICLE * len(plates)
        values = {
            "park_uuid": park_uuid,
            "plates": self._list(plates),
            "most": VEHICLE_RECORDS_MAX,
            "limit": rows_max + 1,
        }
        found = [_found((park_uuid, *row)) for row in self._rows("by_plates", values)] if plates else []
        if len(found) > rows_max:
            queries = [RecordQuery(park_uuid=park_uuid, plate=plate) for plate in plates]
            found = [one for query in queries for one in self.records(query, None, VEHICLE_RECORDS_MAX).items]
        return _as_vehicles([("plate", one.stored.renewal.plate, one) for one in found])

    def vehicle(self, park_uuid: str | None, plate_or_card: str) -> list[Vehicle]:
        """See `QueryStore.vehicle`."""
        if not plate_or_card:
            return []
        by_plate = self.records(RecordQuery(park_uuid=park_uuid, plate=plate_or_card), None, PAGE_ITEMS_MAX)
        found: list[tuple[CardKind, str, RecordHit]] = [("plate", plate_or_card, one) for one in by_plate.items]
        try:
            of_card = self._of_card(RecordQuery(park_uuid=park_uuid, card=plate_or_card))
        except CardsBehind:
            raise CardsBehind(_as_vehicles(found)) from None
        for one in of_card:
            kind: CardKind = "card_no" if one.stored.renewal.card_no == plate_or_card else "card_id"
            found.append((kind, plate_or_card, one))
        return _as_vehicles(found)[:PAGE_ITEMS_MAX]

    def _of_card(self, query: RecordQuery) -> list[RecordHit]:
        """The newest PAGE_ITEMS_MAX records of a card; over several pages while its entries are behind."""
        found: list[RecordHit] = []
        before: RecordPageCursor | None = None
        for _ in range(CARD_PAGES_MAX):
            page = self.records(query, before, PAGE_ITEMS_MAX)
            found += page.items
            before = page.next
            if before is None or len(found) >= PAGE_ITEMS_MAX:
                return found[:PAGE_ITEMS_MAX]
        if self._is_behind(_record_values(query, before)):
            raise CardsBehind
        return found


def _record_values(query: RecordQuery, before: RecordPageCursor | None) -> dict[str, object]:
    """The parameters of the record statements; None means any value."""
    until = (INSTANT_US_MAX if query.until_us is None else query.until_us, "")
    position, behind_park = until if before is None else min(until, (before.position, before.park_uuid))
    plate_end = (query.plate or "") + (_LAST_CHAR * PLATE_CHARS_MAX if query.plate_prefix else "")
    return {
        "park_uuid": query.park_uuid,
        "plate": query.plate,
        "plate_end": plate_end,
        "pay_partner": query.pay_partner,
        "card": query.card,
        "charge_type": query.charge_type,
        "vip_type": query.vip_type,
        "pay_type": query.pay_type,
        "since_us": query.since_us or 0,
        "position": position,
        "behind_park": behind_park,
        "paid_since_ms": _ms_from(query.paid_since_us),
        "paid_until_ms": _ms_from(query.paid_until_us),
        "flags": query.flags,
    }


def _ms_from(instant_us: int | None) -> int | None:
    """The first whole millisecond at or after an instant."""
    return None if instant_us is None else -(-instant_us // 1000)


def sums_with(flags: int) -> list[int]:
    """All combinations of FLAG_* that contain any of `flags`."""
    return [one for one in range(1, ALL_FLAGS + 1) if one & flags]


def _found(row: ParkRow) -> RecordHit:
    return RecordHit(row[0], read_stored(row[1:]))


def _page(rows: list[ParkRow], rows_max: int, looked_to: RecordPageCursor | None) -> RecordPage:
    """The first `rows_max` of `rows`. `looked_to`: where the scan stopped at its limit, None if it reached the end."""
    found = sorted(map(_found, rows), key=lambda one: (one.stored.position, one.park_uuid), reverse=True)
    items = found[:rows_max]
    if items and len(found) > rows_max:
        return RecordPage(items, RecordPageCursor(items[-1].stored.position, items[-1].park_uuid))
    return RecordPage(items, looked_to)


def _as_vehicles(found: list[tuple[CardKind, str, RecordHit]]) -> list[Vehicle]:
    """Groups records into vehicles, ordered by kind, key and park, each with its newest records."""
    records: dict[tuple[int, str, str], list[StoredRecord]] = {}
    for kind, key, one in found:
        records.setdefault((CARD_KINDS.index(kind), key, one.park_uuid), []).append(one.stored)
    return [
        Vehicle(
            park_uuid=park_uuid,
            kind=CARD_KINDS[kind],
            key=key,
            records=sorted(of_one, key=lambda stored: stored.position, reverse=True)[:VEHICLE_RECORDS_MAX],
        )
        for (kind, key, park_uuid), of_one in sorted(records.items())
    ]
