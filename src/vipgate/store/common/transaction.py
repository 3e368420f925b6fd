"""Protocols through which engine-independent code runs named statements in a transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import msgspec

Values = Mapping[str, object]
Row = tuple[Any, ...]


class Transaction(Protocol):
    """An open transaction. Statement and parameter names are the same on every engine."""

    def run(self, name: str, values: Values) -> int:
        """Runs a named statement; returns the number of changed rows."""

    def rows(self, name: str, values: Values) -> Sequence[Row]:
        """The rows of a named statement."""


class TransactionRunner(Protocol):
    """A store that opens transactions. Raises StoreError."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """One durable transaction; rolled back on any exception."""

    def rows(self, name: str, values: Values) -> Sequence[Row]:
        """The rows of a named read-only statement."""


def to_json_rows(lines: Sequence[Mapping[str, object]]) -> str:
    """Encodes many lines as one parameter: a JSON array of objects, which every engine can parse."""
    return msgspec.json.encode(lines).decode()
