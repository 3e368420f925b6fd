"""Vehicles: the current entitlement of each plate or card, its end, and passes that end soon."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, get_args

from starlette.responses import Response

from vipgate.admin.console.formatting import bought_text, edge_text, period_text
from vipgate.admin.console.i18n import Translator
from vipgate.admin.console.name_lookup import ChargeNames, read_names, read_park_names
from vipgate.admin.console.pages import StaffRoute
from vipgate.admin.console.park_filter import choose_park, parks_to_offer
from vipgate.admin.console.request import StaffRequest
from vipgate.admin.console.views.park import find
from vipgate.domain.entitlement import EXPIRING_DAYS, Entitlement, State, entitlement_at
from vipgate.domain.park_health import Health
from vipgate.errors import UsageError
from vipgate.i18n import LocalizedText
from vipgate.protocol.renewal import PLATE_CHARS_MAX, Renewal, normalize_plate
from vipgate.store.interfaces.admin import Database
from vipgate.store.interfaces.ledger import DAY_US, Park
from vipgate.store.interfaces.queries import ENDING_ROWS_MAX, CardsBehind, RecordPageCursor, Vehicle
from vipgate.support.vault import Vault
from vipgate.support.web.forms import FormData

VEHICLES_A_PAGE: Final = 50
# Vehicles read for one page of a state.
LOOKED_AT_MAX: Final = 200
SEARCH_CHARS_MAX: Final = 64
AFTER_CHARS_MAX: Final = 400
POSITION_CHARS_MAX: Final = 18
STATES: Final[tuple[State, ...]] = ("expiring", "expired", "valid", "none")
_WITHOUT_PERIOD: Final = frozenset({2, 3, 4})


# Vehicles of a page, cursor of the next page, and number of vehicles read for it.
Listed = tuple[list[Vehicle], str | None, int]


@dataclass(frozen=True, slots=True)
class VehicleRow:
    """A vehicle, its entitlement, and the pass it is based on, as text. `days`: until its end, or since."""

    vehicle: Vehicle
    entitlement: Entitlement
    until: str
    period: str
    bought: str
    days: int

    @property
    def one(self) -> Renewal | None:
        """The renewal that the entitlement is based on."""
        return None if self.entitlement.record is None else self.entitlement.record.renewal


@dataclass(frozen=True, slots=True)
class VehicleList:
    """A page of vehicles out of `looked_at`; `after` is the cursor of the next page; `notes` say what was not searched."""

    park: Park | None
    health: Health | None
    offered: list[Park]
    asked: bool
    vehicles: list[Vehicle]
    looked_at: int
    after: str | None
    names: ChargeNames
    park_names: dict[str, str]
    notes: Sequence[LocalizedText] = ()


async def show(staff: StaffRequest) -> Response:
    """Shows a plate or card, or the vehicles of a park."""
    state = next((state for state in get_args(State) if state == staff.query.get("state")), None)
    result = await staff.database(lambda database: _look(database, staff, state))
    return staff.page(
        "vehicles.html",
        status=422 if staff.query.errors else 200,
        result=result,
        rows=[show_one(staff.translator, one, staff.now_us) for one in result.vehicles],
        states=STATES,
        state=state,
        after=result.after,
    )


def show_one(t: Translator, vehicle: Vehicle, now_us: int) -> VehicleRow:
    """Formats the current entitlement of a vehicle."""
    stands = entitlement_at(vehicle.records, now_us)
    one = None if stands.record is None else stands.record.renewal
    return VehicleRow(
        vehicle=vehicle,
        entitlement=stands,
        until="" if stands.until_us is None else edge_text(t, stands.until_us),
        period="" if one is None else period_text(t, one),
        bought=bought_text(t, one) if one is not None and one.vip_type in _WITHOUT_PERIOD else "",
        days=0 if stands.until_us is None else abs(stands.until_us - now_us) // DAY_US,
    )


def _look(database: Database, staff: StaffRequest, state: State | None) -> VehicleList:
    query = staff.query
    text = query.text("q", SEARCH_CHARS_MAX)
    park = choose_park(database, query)
    offered = [] if park is not None else parks_to_offer(database)
    health = None if park is None else find(database, park.park_uuid, staff.now_us)[1]
    nothing = VehicleList(park, health, offered, False, [], 0, None, ChargeNames({}), {})
    own = _of_record(database, park, query)
    found: list[Vehicle] = []
    notes: list[LocalizedText] = []
    after, looked_at = None, 0
    if query.errors or (park is None and not text):
        return nothing
    if own:
        found = _named(database, query, park, notes, own)
    elif text:
        # Counted as typed: texts that are one plate may be different cards.
        found = staff.search(database, text, partial(_named, database, query, park, notes, text))
    elif park is not None:
        found, after, looked_at = (_by_plate if staff.sees_plates else _by_change)(database, staff, park, state)
    parks = [one.park_uuid for one in found]
    named = {} if park is not None else read_park_names(database, parks)
    names = read_names(database, parks)
    return replace(
        nothing,
        asked=True,
        vehicles=found,
        looked_at=looked_at,
        after=after,
        names=names,
        park_names=named,
        notes=[] if query.errors else notes,
    )


def _of_record(database: Database, park: Park | None, query: FormData) -> str:
    """Returns the plate of the record in the field `of`, so that no URL contains a plate."""
    order = query.text("of", SEARCH_CHARS_MAX)
    stored = database.store.find_record(park.park_uuid, order) if park is not None and order else None
    return "" if stored is None else stored.renewal.plate


def _named(
    database: Database, query: FormData, park: Park | None, notes: list[LocalizedText], text: str
) -> list[Vehicle]:
    """Finds the plate or card typed; only plates are normalized. `notes`: what was not searched."""
    park_uuid = None if park is None else park.park_uuid
    folded = normalize_plate(text)[: PLATE_CHARS_MAX + 1]
    try:
        found = database.queries.vehicle(park_uuid, folded)
        if folded != text:
            found += [one for one in database.queries.vehicle(park_uuid, text) if one.kind != "plate"]
    except CardsBehind as behind:
        if not behind.by_plate:
            query.fault("q", behind.words.zh, behind.words.en)
        # Whether it is a card, too, is not known.
        notes.append(behind.words)
        return behind.by_plate
    except ValueError:
        query.fault(
            "park",
            "全部车场中这个车牌或卡号的记录太多，请填写车场",
            "too many records of all parks have this plate or card; fill in a park",
        )
        return []
    return found[:VEHICLES_A_PAGE]


def _by_plate(database: Database, staff: StaffRequest, park: Park, state: State | None) -> Listed:
    """Lists a park's vehicles by plate: a page of all, or those of a state among LOOKED_AT_MAX.

    Few vehicles are `expiring`: the store preselects those with a record that ends soon.
    """
    vault, now_us = staff.context.vault, staff.now_us
    after = open_place(vault, park, staff.query.get("after")) or ""
    if state == "expiring":
        until_us = now_us + EXPIRING_DAYS * DAY_US
        ending = database.queries.vehicles_ending(park.park_uuid, after, now_us, until_us, VEHICLES_A_PAGE)
        soon = [one for one in ending.items if entitlement_at(one.records, now_us).state == state]
        return soon, None if ending.next is None else seal_place(vault, park, ending.next), ending.looked_at
    size = VEHICLES_A_PAGE if state is None else LOOKED_AT_MAX
    found = database.queries.vehicles(park.park_uuid, ("plate", after), size + 1)
    page, looked_at = _picked(found[:size], state, now_us)
    more = len(found) > size or looked_at < len(found)
    return page, seal_place(vault, park, found[looked_at - 1].key) if more else None, looked_at


def _by_change(database: Database, staff: StaffRequest, park: Park, state: State | None) -> Listed:
    """Lists a park's vehicles, newest change first: sorted by plate, pages would reveal what the mask hides."""
    looked_max = {None: VEHICLES_A_PAGE, "expiring": ENDING_ROWS_MAX}.get(state, LOOKED_AT_MAX)
    before = read_position(staff.query.get("after"), park)
    found = database.queries.vehicles_by_change(park.park_uuid, before, looked_max)
    page, looked_at = _picked(found.items, state, staff.now_us)
    position = None if found.next is None else found.next.position
    if looked_at < len(found.items):
        position = page[-1].records[0].position
    return page, None if position is None else str(position), looked_at


def _picked(vehicles: list[Vehicle], state: State | None, now_us: int) -> tuple[list[Vehicle], int]:
    """Returns those of a state, VEHICLES_A_PAGE at most, and how many were read for them."""
    page: list[Vehicle] = []
    for looked_at, one in enumerate(vehicles, 1):
        if state is None or entitlement_at(one.records, now_us).state == state:
            page.append(one)
        if len(page) == VEHICLES_A_PAGE:
            return page, looked_at
    return page, len(vehicles)


def read_position(text: str, park: Park) -> RecordPageCursor | None:
    """Decodes the start of the next page by change; None if invalid."""
    fits = text.isascii() and text.isdigit() and len(text) <= POSITION_CHARS_MAX
    return RecordPageCursor(int(text), park.park_uuid) if fits else None


def seal_place(vault: Vault, park: Park, plate: str) -> str:
    """Encodes the start of the next page with the plate encrypted."""
    return urlsafe_b64encode(vault.seal(plate, _bound(park))).decode()


def open_place(vault: Vault, park: Park, word: str) -> str | None:
    """Decodes what `seal_place` encoded; None if invalid."""
    if not word or len(word) > AFTER_CHARS_MAX or not word.isascii():
        return None
    try:
        return vault.open(urlsafe_b64decode(word), _bound(park))
    except (ValueError, UsageError):
        return None


def _bound(park: Park) -> str:
    """Returns a context that no secret of a park is sealed with: no park_uuid contains a newline."""
    return f"vehicles\n{park.park_uuid}"


PAGES: Final = (StaffRoute("/vehicles", show),)
