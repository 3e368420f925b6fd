"""Names in place of ids: of parks, and of charge types with which ids a park's own list lacks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from vipgate.store.interfaces.admin import Database

# A page has records of few parks; where there are more, the rest of them show ids alone.
PARKS_MAX: Final = 12
PARKS_NAMED_MAX: Final = 50


@dataclass(frozen=True, slots=True)
class ChargeNames:
    """Names by park and id, of parks whose list was fetched at some time."""

    parks: Mapping[str, Mapping[str, str]]

    def name(self, park_uuid: str, charge_type: str) -> str:
        """The name; empty where there is none."""
        return self.parks.get(park_uuid, {}).get(charge_type, "")

    def unknown(self, park_uuid: str, charge_type: str) -> bool:
        """Whether the park's list lacks the id; no where there is no list."""
        return park_uuid in self.parks and charge_type not in self.parks[park_uuid]


def read_names(database: Database, park_uuids: Iterable[str]) -> ChargeNames:
    """The names of these parks' charge types."""
    parks = {}
    for park_uuid in list(dict.fromkeys(park_uuids))[:PARKS_MAX]:
        listed = database.queries.charge_types(park_uuid)
        if listed.fetched_us is not None:
            parks[park_uuid] = {one.id: one.name for one in listed.items}
    return ChargeNames(parks)


def read_park_names(database: Database, park_uuids: Iterable[str | None]) -> dict[str, str]:
    """What people call these parks; those without a name are left out."""
    wanted = [park_uuid for park_uuid in dict.fromkeys(park_uuids) if park_uuid is not None][:PARKS_NAMED_MAX]
    parks = (database.store.find_park(park_uuid) for park_uuid in wanted)
    return {park.park_uuid: park.name for park in parks if park is not None and park.name}
