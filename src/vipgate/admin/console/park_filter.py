"""Which park a filter means: its park_uuid, or so much of its name that no other park is meant."""

from __future__ import annotations

from typing import Final

from vipgate.admin.console.forms import FormData
from vipgate.store.interfaces.admin import Database
from vipgate.store.interfaces.ledger import Park

PARK_CHARS_MAX: Final = 128
PARK_UUID_CHARS_MAX: Final = 64
PROPOSED_MAX: Final = 5
LISTED_MAX: Final = 40


def choose_park(database: Database, query: FormData) -> Park | None:
    """The park that the field `park` means; None where it is empty, or where a fault is noted in it."""
    text = query.text("park", PARK_CHARS_MAX)
    if not text or "park" in query.errors:
        return None
    exact = database.store.find_park(text) if len(text) <= PARK_UUID_CHARS_MAX else None
    if exact is not None:
        return exact
    found = database.queries.search_parks(text, "", PROPOSED_MAX + 1)
    if len(found) == 1:
        return found[0]
    if not found:
        query.fault("park", f"没有车场“{text}”", f'there is no park "{text}"')
        return None
    names = [f"{park.name} ({park.park_uuid})" if park.name else park.park_uuid for park in found[:PROPOSED_MAX]]
    more = "…" if len(found) > PROPOSED_MAX else ""
    query.fault(
        "park",
        f"有多个车场符合，请写全：{'；'.join(names)}{more}",
        f"several parks fit, write more of it: {'; '.join(names)}{more}",
    )
    return None


def parks_to_offer(database: Database) -> list[Park]:
    """All parks, for a list to choose from, where they are few."""
    parks = database.store.list_parks("", LISTED_MAX + 1)
    return parks if len(parks) <= LISTED_MAX else []
