"""Reads named statements out of .sql files: `-- name: verb` opens one, comments say what it is for."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Final

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
_ROW = re.compile(r"/\* rows \*/ (\([^)]*\))")
_MIGRATION = re.compile(r"(\d{3})_\w+\.sql")
_ROOM: Final = "vipgate.store.sql"


def load_statements(dialect: str) -> dict[str, str]:
    """Every named statement of `dialect`, by name."""
    statements: dict[str, str] = {}
    for entry in files(_ROOM).joinpath(dialect).iterdir():
        if entry.name.endswith(".sql"):
            parts = _NAME.split(entry.read_text(encoding="utf-8"))
            statements.update(zip(parts[1::2], map(str.strip, parts[2::2]), strict=True))
    return statements


def load_migrations(dialect: str) -> list[tuple[int, str]]:
    """The numbered migrations of `dialect`, in order."""
    found = []
    for entry in files(_ROOM).joinpath(dialect).joinpath("migrations").iterdir():
        match = _MIGRATION.fullmatch(entry.name)
        if match:
            found.append((int(match[1]), entry.read_text(encoding="utf-8")))
    return sorted(found)


@cache
def with_rows(statement: str, count: int) -> str:
    """`statement` with its one group of placeholders, marked `/* rows */`, written `count` times."""
    return _ROW.sub(lambda group: ", ".join([group[1]] * count), statement, count=1)
