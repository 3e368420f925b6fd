"""Looks up the names of parks and charge types, and ids that a park's list of charge types lacks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from vipgate.store.interfaces.admin import Database

# A page has records of few parks; beyond this number only ids are shown.
PARKS_MAX: Final = 12
PARKS_NAMED_MAX: Final = 50


@dataclass(frozen=True, slots=True)
class ChargeNames:
    """Charge type names by park and id, of parks whose list has been fetched."""

    parks: Mapping[str, Mapping[str, str]]

    def name(self, park_uuid: str, charge_type: str) -> str:
        """Returns the name; empty if there is none."""
        return self.parks.get(park_uuid, {}).get(charge_type, "")

    def unknown(self, park_uuid: str, charge_type: str) -> bool:
        """Whether the park's list lacks the id; False without a list."""
        return park_uuid in self.parks and charge_type not in self.parks[park_uuid]


def read_names(database: Database, park_uuids: Iterable[str]) -> ChargeNames:
    """Reads the charge type names of the first PARKS_MAX parks."""
    parks = {}
    for park_uuid in list(dict.fromkeys(park_uuids))[:PARKS_MAX]:
        listed = database.queries.charge_types(park_uuid)
        if listed.fetched_us is not None:
            parks[park_uuid] = {one.id: one.name for one in listed.items}
    return ChargeNames(parks)


def read_park_names(database: Database, park_uuids: Iterable[str | None]) -> dict[str, str]:
    """Reads the names of these parks; parks without a name are omitted."""
    wanted = [park_uuid for park_uuid in dict.fromkeys(park_uuids) if park_uuid is not None][:PARKS_NAMED_MAX]
    parks = (database.store.find_park(park_uuid) for park_uuid in wanted)
    return {park.park_uuid: park.name for park in parks if park is not None and park.name}
