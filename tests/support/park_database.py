"""A park's own database for the agent's tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from vipgate.agent.config import SourceConfig
from vipgate.agent.sources.base import Source
from vipgate.agent.sources.open import open_source

TABLE = "续费记录"


@dataclass(slots=True)
class Park:
    """A park's own database, with a table of renewals, and a way to write it."""

    url: str
    base: Path
    run: Callable[[str], Any]
    is_sqlite: bool

    def open(self, **settings: Any) -> Source:
        if "query" not in settings:
            settings.setdefault("table", TABLE)
        return open_source(SourceConfig(database=self.url, **settings), base=self.base)

    def insert(self, key: int, when: datetime | None, plate: str = "粤B12345") -> None:
        shown = "NULL" if when is None else f"'{when.isoformat(sep=' ', timespec='microseconds')}'"
        self.run(f"INSERT INTO 续费记录 VALUES ({key}, {shown}, '{plate}', 300.50)")  # noqa: S608

    def fill(self, rows: int) -> None:
        if self.is_sqlite:
            numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) SELECT"  # noqa: S608
            when = "datetime(1700000000 + i / 3, 'unixepoch')"
        else:
            numbers = f"WITH n AS (SELECT generate_series(1, {rows}) AS i) SELECT"
            when = "timestamp '2023-11-14 22:13:20' + (i / 3) * interval '1 second'"
        self.run(f"INSERT INTO 续费记录 {numbers} i, {when}, '粤B' || i, 300.5 FROM n")
