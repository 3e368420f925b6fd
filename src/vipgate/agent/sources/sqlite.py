"""Connects to SQLite: a call that runs too long is ended."""

from __future__ import annotations

import math
import sqlite3
from time import monotonic
from typing import Any, Final

# How often SQLite asks whether to go on: every few milliseconds.
_STEPS: Final = 100_000


class ParkConnection(sqlite3.Connection):
    """A connection whose calls end after `read_s` each. Pauses between two calls do not count."""

    def __init__(self, *args: Any, read_s: float, **options: Any) -> None:
        super().__init__(*args, **options)
        self._read_s = read_s
        self._until_s = math.inf
        self.set_progress_handler(lambda: monotonic() > self._until_s, _STEPS)

    def begin_call(self) -> None:
        """Starts the time of a call."""
        self._until_s = monotonic() + self._read_s

    def cursor(self, factory: Any = None) -> Any:
        """See `Connection.cursor`."""
        return super().cursor(factory or _Cursor)


class _Cursor(sqlite3.Cursor):
    connection: ParkConnection

    def execute(self, *args: Any) -> Any:
        self.connection.begin_call()
        return super().execute(*args)

    def fetchone(self) -> Any:
        self.connection.begin_call()
        return super().fetchone()

    def fetchmany(self, *args: Any) -> list[Any]:
        self.connection.begin_call()
        return super().fetchmany(*args)

    def fetchall(self) -> list[Any]:
        self.connection.begin_call()
        return super().fetchall()
