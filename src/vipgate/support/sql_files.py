"""Loads named statements from .sql files; `-- name: verb` starts a statement."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
_ROW = re.compile(r"/\* rows \*/ (\([^)]*\))")
_OR = re.compile(r"\S+ /\* or (.*?) \*/")
_AND = re.compile(r"/\* and (.*?) \*/")
_LINE_COLUMNS = re.compile(r"AS u \(([^)]*)\)")
_MIGRATION = re.compile(r"(\d{3})_\w+\.sql")
_NON_TRANSACTIONAL = "-- apart"


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema. `non_transactional`: each statement by itself, in none (`CREATE INDEX CONCURRENTLY`)."""

    number: int
    script: str
    non_transactional: bool = False


def load_statements(folder: str) -> dict[str, str]:
    """Loads the statements of a package folder such as `vipgate.store.sqlite.sql`, by name."""
    statements: dict[str, str] = {}
    for entry in files(folder).iterdir():
        if entry.name.endswith(".sql"):
            parts = _NAME.split(entry.read_text(encoding="utf-8"))
            statements.update(zip(parts[1::2], map(str.strip, parts[2::2]), strict=True))
    return statements


def load_migrations(folder: str) -> list[Migration]:
    """Loads the numbered migrations of a folder, in order."""
    found = []
    for entry in files(folder).joinpath("migrations").iterdir():
        match = _MIGRATION.fullmatch(entry.name)
        if match:
            script = entry.read_text(encoding="utf-8")
            found.append(Migration(int(match[1]), script, script.startswith(_NON_TRANSACTIONAL)))
    return sorted(found, key=lambda one: one.number)


@cache
def expand_rows(statement: str, count: int) -> str:
    """Repeats the group of placeholders marked `/* rows */` `count` times."""
    return _ROW.sub(lambda group: ", ".join([group[1]] * count), statement, count=1)


@cache
def single_park_variant(statement: str) -> str:
    """Returns the single-park variant of `statement`: `x /* or y */` becomes y, `/* and z */` becomes z."""
    return _AND.sub(r"\1", _OR.sub(r"\1", statement))


@cache
def combine_statements(statements: tuple[str, ...]) -> str:
    """Combines `statements`, each with one parameter $1, into one: parameters $1, $2 and so on."""
    parts = [
        f"part_{number} AS (\n{statement.replace('$1', f'${number}')}\n)"
        for number, statement in enumerate(statements, 1)
    ]
    return "WITH " + ", ".join(parts) + "\nSELECT 1"


@cache
def line_columns(statement: str) -> tuple[str, ...]:
    """Returns the column names of `AS u (name type, …)` in `statement`, in order. Raises ValueError without one."""
    found = _LINE_COLUMNS.search(statement)
    if found is None:
        raise ValueError(f"no AS u (…) in:\n{statement}")
    return tuple(column.split()[0] for column in found[1].split(","))
