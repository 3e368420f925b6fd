"""What the parts of a store that are alike on every engine run their statements through: by name, in a transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import msgspec

Values = Mapping[str, object]
Row = tuple[Any, ...]


class Transaction(Protocol):
    """An open transaction. Statements and their parameters have the same names on every engine."""

    def run(self, name: str, values: Values) -> int:
        """Runs a named statement; how many rows it changed."""

    def rows(self, name: str, values: Values) -> Sequence[Row]:
        """The rows of a named statement."""


class TransactionRunner(Protocol):
    """A store that opens transactions. Raises StoreError."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """One durable transaction; whatever goes wrong inside, nothing of it stays."""

    def rows(self, name: str, values: Values) -> Sequence[Row]:
        """The rows of a named statement that only reads."""


def to_json_rows(lines: Sequence[Mapping[str, object]]) -> str:
    """Many lines as one parameter: a JSON array of objects, which every engine can take apart."""
    return msgspec.json.encode(lines).decode()
