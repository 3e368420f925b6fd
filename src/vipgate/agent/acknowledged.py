"""The versions that the platform has acknowledged, in the spool, a few dozen bytes a record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from struct import unpack
from typing import Any, Final

import msgspec

from vipgate.agent.models import HASH_BYTES, OutboxRow, Version, short_hash

# Held in memory as well until they are merged.
RECENT_MAX: Final = 50_000
# Those of the last pages: a row that is looked up is soon acknowledged.
NUMBERS_MAX: Final = 16_384

Rows = Callable[[str, Mapping[str, object]], list[tuple[Any, ...]]]
Table = Callable[[str, Sequence[tuple[object, ...]]], None]

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[tuple[int, bytes]]).decode


class AcknowledgedVersions:
    """Finds versions by order number. `rows` and `table` run statements of the spool; the caller provides transactions."""

    def __init__(self, rows: Rows, table: Table) -> None:
        self._rows = rows
        self._table = table
        self._recent: dict[int, bytes] | None = None
        # How many entries were written since the last merge: of one record there may be many.
        self._written = 0
        self._numbers: dict[str, int] = {}

    def find(self, keys: Sequence[str]) -> dict[str, Version]:
        """The acknowledged versions of these records; records without one are left out."""
        recent = self._loaded()
        numbers = dict(zip(self._numbers_of(keys), keys, strict=True))
        asked = [number for number in numbers if number not in recent]
        found: dict[int, bytes] = {}
        if asked and self._rows("has_acknowledged", {}):
            found = dict(self._rows("find_acknowledged", {"keys": msgspec.json.encode(asked).decode()}))
        found |= {number: recent[number] for number in numbers if number in recent}
        return {numbers[number]: Version(raw[:HASH_BYTES], raw[HASH_BYTES:]) for number, raw in found.items()}

    def note(self, versions: Mapping[str, Version]) -> None:
        """Stores the newest versions of records."""
        raw = [one.hash + one.row_id for one in versions.values()]
        self._store(list(zip(self._numbers_of(list(versions)), raw, strict=True)))

    def note_rows(self, rows: Sequence[OutboxRow]) -> None:
        """Stores the versions of rows that were sent."""
        raw = [row.hash + row.row_id for row in rows]
        self._store(list(zip(self._numbers_of([row.pay_partner for row in rows]), raw, strict=True)))

    def _store(self, entries: list[tuple[int, bytes]]) -> None:
        if not entries:
            return
        recent = self._loaded()
        recent.update(entries)
        self._written += len(entries)
        if self._written < RECENT_MAX:
            self._rows("acknowledge_recently", {"entries": _encode(entries)})
            return
        # In the order of the table: each of its pages is written once.
        self._table("acknowledge", sorted(recent.items()))
        self._rows("drop_recently", {})
        recent.clear()
        self._written = 0

    def drop(self) -> None:
        """Deletes all: a replace makes the platform drop what it held."""
        self._rows("drop_acknowledged", {})
        self._rows("drop_recently", {})
        self._recent, self._written = {}, 0

    def _numbers_of(self, keys: Sequence[str]) -> list[int]:
        """The keys of these records in the table."""
        missing = [key for key in keys if key not in self._numbers]
        if len(self._numbers) + len(missing) > NUMBERS_MAX:
            self._numbers, missing = {}, list(keys)
        self._numbers.update(zip(missing, _hashed(missing), strict=True))
        return [self._numbers[key] for key in keys]

    def _loaded(self) -> dict[int, bytes]:
        if self._recent is None:
            self._recent = {}
            for (entries,) in self._rows("read_recently", {}):
                found = _decode(entries)
                self._written += len(found)
                self._recent.update(found)
        return self._recent


def _hashed(keys: Sequence[str]) -> Iterable[int]:
    """The keys of these records in the table.

    Two of a million records share one with a chance of 3 in 100 million: each round of the sweep then sends both again.
    """
    return unpack(f">{len(keys)}q", b"".join([short_hash(key.encode("utf-8", "surrogatepass")) for key in keys]))
