"""Finds the park that a filter means: by park_uuid, or by a part of the name that is unique."""

from __future__ import annotations

from typing import Final

from vipgate.store.interfaces.admin import Database
from vipgate.store.interfaces.ledger import Park
from vipgate.support.web.forms import FormData

PARK_CHARS_MAX: Final = 128
PARK_UUID_CHARS_MAX: Final = 64
PROPOSED_MAX: Final = 5
LISTED_MAX: Final = 40


def choose_park(database: Database, query: FormData) -> Park | None:
    """Returns the park that the field `park` means; None if it is empty, or with an error added to it."""
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
    """Returns all parks for a selection list; none if there are more than LISTED_MAX."""
    parks = database.store.reachable_parks("", LISTED_MAX + 1)
    return parks if len(parks) <= LISTED_MAX else []
