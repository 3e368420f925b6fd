"""Turns source rows into wire rows: maps them, checks them against the contract, separates invalid ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from zoneinfo import ZoneInfo

import msgspec

from vipgate.agent.config import Config
from vipgate.agent.mapping.mapper import Mapper
from vipgate.agent.mapping.values import display
from vipgate.agent.models import HASH_BYTES, OutboxRow, Rejection
from vipgate.agent.sources.base import SourceRow
from vipgate.errors import FieldError, UsageError
from vipgate.i18n import Language
from vipgate.protocol.renewal import Renewal
from vipgate.protocol.row import row_parser_for

_encode = msgspec.json.Encoder().encode


class Page(msgspec.Struct):
    """Rows of the source, in its order. `renewals` are those of `ready`, in the same order."""

    ready: list[OutboxRow]
    renewals: list[Renewal]
    dead: list[Rejection]


class Reader:
    """The mapping of one configuration, bound to the columns of its source."""

    def __init__(self, config: Config, columns: Sequence[str], language: Language) -> None:
        zone = ZoneInfo(config.source.time_zone)
        self._columns = columns
        self._language = language
        self._map = Mapper(config.members, config.filters, zone, columns)
        key = {"pay_partner": config.members["pay_partner"]}
        self._map_key = Mapper(key, (), zone, columns)

    def check(self, columns: Sequence[str]) -> None:
        """Raises UsageError if a reopened source has other columns than those this is bound to."""
        if list(columns) != list(self._columns):
            raise UsageError(
                f"The source's columns have changed while it was read; start again.\n"
                f"before: {', '.join(self._columns)}\nnow:    {', '.join(columns)}"
            )

    def read(self, rows: Iterable[SourceRow]) -> Page:
        """Splits `rows` into sendable and invalid ones; of several rows of one record, only the last is kept."""
        kept: dict[str, tuple[OutboxRow, Renewal] | Rejection] = {}
        mapped: list[tuple[SourceRow, bytes | Sequence[FieldError]]] = []
        for row in rows:
            found = [FieldError("", row.problem, None)] if row.problem is not None else self._map(row.values)
            if found is not None:
                mapped.append((row, _encode(found) if isinstance(found, dict) else found))
        read = row_parser_for(b"".join([encoded for _, encoded in mapped if isinstance(encoded, bytes)]))
        for row, encoded in mapped:
            renewal = read(encoded) if isinstance(encoded, bytes) else encoded  # type: ignore[arg-type]
            if isinstance(renewal, Renewal):
                key, found_row = renewal.pay_partner, (OutboxRow(renewal.pay_partner, encoded, row.place), renewal)  # type: ignore[arg-type]
                kept.pop(key, None)
                kept[key] = found_row
            else:
                dead = self._dead(row, renewal)
                kept.pop(dead.identity, None)
                kept[dead.identity] = dead
        good = [one for one in kept.values() if isinstance(one, tuple)]
        return Page(
            [ready for ready, _ in good],
            [renewal for _, renewal in good],
            [one for one in kept.values() if isinstance(one, Rejection)],
        )

    def _dead(self, row: SourceRow, faults: Sequence[FieldError]) -> Rejection:
        key = self._map_key(row.values) if row.problem is None else None
        pay_partner = str(key["pay_partner"]).strip() if type(key) is dict and "pay_partner" in key else None
        # An error of the whole row has no place; that of a member begins with a dot: `.plate`.
        texts = [fault.text(self._language).removeprefix(": ").removeprefix(".") for fault in faults]
        reason = _storable("; ".join(texts))
        values = {name: _shown(value) for name, value in zip(self._columns, row.values, strict=False)}
        return Rejection(pay_partner or row.place, pay_partner, row.place, reason, source=_encode(values).decode())


def _shown(value: object) -> str | int | float | None:
    if value is None or isinstance(value, int | float):
        return value
    return _storable(display(value))


def _storable(text: str) -> str:
    """Replaces lone surrogates, which cannot be stored."""
    return text.encode("utf-8", "replace").decode()


def hash_of(dead: Rejection) -> bytes:
    """Identifies the version of an invalid row."""
    return blake2b(f"{dead.reason}\n{dead.source}".encode(), digest_size=HASH_BYTES).digest()
