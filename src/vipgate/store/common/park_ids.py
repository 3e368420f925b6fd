"""Remembers the park_id of each park_uuid: the short integer under which the database keeps everything of a park."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

# Requests without a proved park.
STRANGERS: Final = 0
# No row has it, so a statement about an unknown park finds and changes nothing.
UNKNOWN_PARK: Final = -1
# Far more parks than any database has; beyond it a park_id is read each time.
PARK_IDS_MAX: Final = 100_000


class ParkIds:
    """The park_ids that were read so far. They never change, and parks are never deleted."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def known(self, park_uuids: Collection[str]) -> dict[str, int]:
        """The park_ids of those of `park_uuids` that were read so far."""
        return {park_uuid: self._known[park_uuid] for park_uuid in park_uuids if park_uuid in self._known}

    def add(self, found: Mapping[str, int]) -> None:
        """Remembers park_ids that were read outside a transaction: none of them can be rolled back."""
        if len(self._known) + len(found) <= PARK_IDS_MAX:
            self._known.update(found)
