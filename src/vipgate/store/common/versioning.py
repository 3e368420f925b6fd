"""Rules shared by all engines: which version wins, what is counted, which requests share a statement. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from vipgate.protocol.renewal import FLAG_MONEY_CHANGED, FLAG_PLATE_CHANGED, Renewal, anonymized
from vipgate.store.interfaces.ledger import Push, SecretUsed, StoredRecord

# A park_id and one of the park's generations.
RecordPosition = tuple[int, int]

_FLAGS_INDEX: Final = Renewal.__struct_fields__.index("flags")
_PLATE_INDEX: Final = Renewal.__struct_fields__.index("plate")


@dataclass(slots=True)
class ParkState:
    """A park's counters while a group is being written.

    `pushed_us`: the last push by the park itself, not replays by staff. `pushed_since_replace`: whether anything, replays
    included, was stored since the last replace took effect. `md5_us`: the last push signed with MD5. `cards_to`: records changed
    after this position have no card entries yet. `records`: those of the current generation before this group.
    """

    park_id: int
    generation: int
    generation_last: int
    position: int
    secret_used: SecretUsed | None
    pushed_since_replace: bool = True
    hold_replaces: bool = False
    replace_allowed: str | None = None
    replace_allowed_until_us: int | None = None
    cards_to: int = 0
    records: int = 0
    pushed_us: int | None = None
    md5_us: int | None = None
    written: bool = False

    def take_positions(self, count: int, received_us: int) -> int:
        """Reserves `count` positions and returns the first: above all earlier ones and at least `received_us`."""
        first = max(self.position + 1, received_us)
        self.position = first + count - 1
        return first

    def take_push_positions(self, renewals: Sequence[Renewal], received_us: int) -> int:
        """The same for the records of a push. Without a card they need no card entries."""
        all_have_entries = self.cards_to >= self.position
        first = self.take_positions(len(renewals), received_us)
        if all_have_entries and not any(one.card_no or one.card_id for one in renewals):
            self.cards_to = self.position
        return first


@dataclass(slots=True)
class PushCounts:
    """How many rows a push has inserted, updated and left unchanged so far."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0


class Row(msgspec.Struct, frozen=True, gc=False):
    """A record to be stored; `push` is the index of its request in the group."""

    push: int
    renewal: Renewal
    seqno: str
    position: int


@dataclass(frozen=True, slots=True)
class Replacement:
    """A record that replaces the version `old`."""

    row: Row
    old: StoredRecord
    renewal: Renewal


@dataclass(slots=True)
class DailyTotalsDelta:
    """What a group adds to the daily counts and to the sizes of generations."""

    days: dict[tuple[int, int, int], list[int]] = field(default_factory=dict)
    generations: Counter[RecordPosition] = field(default_factory=Counter)

    def add_inserted(self, park_id: int, generation: int, day: int, rows: list[Row]) -> None:
        """Counts new records."""
        self.generations[park_id, generation] += len(rows)
        cash = [row.renewal.pay_value_fen or 0 for row in rows if row.renewal.pay_type == 1]
        online = [row.renewal.pay_value_fen or 0 for row in rows if row.renewal.pay_type == 2]
        if cash:
            self._add(park_id, day, 1, len(cash), 0, sum(cash))
        if online:
            self._add(park_id, day, 2, len(online), 0, sum(online))

    def add_replaced(self, park_id: int, day: int, replacement: Replacement) -> None:
        """Counts one replaced record; the amount changes by the difference."""
        old, new = replacement.old.renewal, replacement.renewal
        self._add(park_id, day, old.pay_type, 0, 0, -(old.pay_value_fen or 0))
        self._add(park_id, day, new.pay_type, 0, 1, new.pay_value_fen or 0)

    def _add(self, park_id: int, day: int, pay_type: int, inserted: int, updated: int, pay_value_fen: int) -> None:
        line = self.days.setdefault((park_id, day, pay_type), [0, 0, 0])
        line[0] += inserted
        line[1] += updated
        line[2] += pay_value_fen


def same_content(held: tuple[Any, ...], new: Renewal) -> bool:
    """Whether `new` equals the columns of a stored record, flags aside: the gateway sets those, not the park.

    For an erased record only the remaining columns count, so that a batch sent again does not restore the rest.
    """
    if not held[_PLATE_INDEX]:
        new = anonymized(new)
    return held[:_FLAGS_INDEX] == msgspec.structs.astuple(new)[:_FLAGS_INDEX]


def merge_versions(old: Renewal, new: Renewal) -> Renewal:
    """Returns the version to store when `new` replaces a different `old` with the same order number.

    A changed plate or amount is flagged for the operator; earlier flags stay until a review clears them. If the old plate was
    erased, no change of plate can be detected.
    """
    flags = new.flags | (old.flags & (FLAG_PLATE_CHANGED | FLAG_MONEY_CHANGED))
    if old.plate and old.plate != new.plate:
        flags |= FLAG_PLATE_CHANGED
    if (old.pay_value_fen, old.value_e4) != (new.pay_value_fen, new.value_e4):
        flags |= FLAG_MONEY_CHANGED
    return msgspec.structs.replace(new, flags=flags)


class InsertBatch:
    """Rows of successive pushes that can share a statement: no order number twice in a generation."""

    def __init__(self) -> None:
        self.rows: dict[RecordPosition, list[Row]] = {}
        self._keys: dict[RecordPosition, set[str]] = {}

    def clashes(self, place: RecordPosition, push: Push) -> bool:
        """Whether `push` brings an order number that is already pending in `place` (park, generation)."""
        keys = self._keys.get(place)
        return keys is not None and not keys.isdisjoint([renewal.pay_partner for renewal in push.renewals])

    def add(self, place: RecordPosition, push: Push, push_index: int, position: int) -> None:
        """Adds the rows of `push`, numbered from `position` on."""
        rows = self.rows.setdefault(place, [])
        rows += [
            Row(push_index, renewal, push.seqno, position + offset) for offset, renewal in enumerate(push.renewals)
        ]
        self._keys.setdefault(place, set()).update([renewal.pay_partner for renewal in push.renewals])

    def clear(self) -> None:
        """Removes all rows after they are written."""
        self.rows.clear()
        self._keys.clear()
