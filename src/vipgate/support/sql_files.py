"""Loads named statements from .sql files; `-- name: verb` starts a statement, `-- fragment: noun` a part that several share."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_PARAMETER = re.compile(r"(?<!:):([a-z]\w*)")
_MARK = re.compile(r"^-- (name|fragment): (\w+)$", re.MULTILINE)
_COMMENT = re.compile(r"^--.*\n", re.MULTILINE)
_ROW = re.compile(r"/\* rows \*/ (\([^)]*\))")
_AND = re.compile(r"/\* and (.*?) \*/")
_LINES = re.compile(r"(?:SELECT\s+([^;]+?)\s+)?(?:FROM|USING) json_to_recordset\(\$1::json\) AS u \(([^)]*)\)")
_LINE_VALUE = re.compile(r"\bu\.(\w+)")
_MIGRATION = re.compile(r"(\d{3})_\w+\.sql")
_NON_TRANSACTIONAL = "-- apart"


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema. `non_transactional`: each statement by itself, in none (`CREATE INDEX CONCURRENTLY`)."""

    number: int
    script: str
    non_transactional: bool = False


def load_statements(*folders: str) -> dict[str, str]:
    """Loads the statements of package folders such as `vipgate.store.sqlite.sql`, by name."""
    return {name: text for kind, name, text in _parts(folders) if kind == "name"}


def load_fragments(*folders: str) -> dict[str, str]:
    """Loads the parts that statements share, by name, without their comments."""
    return {name: _COMMENT.sub("", text) for kind, name, text in _parts(folders) if kind == "fragment"}


def _parts(folders: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    """Yields kind, name and text of everything that the files of the folders define."""
    for folder in folders:
        for entry in files(folder).iterdir():
            if entry.name.endswith(".sql"):
                parts = _MARK.split(entry.read_text(encoding="utf-8"))
                yield from zip(parts[1::3], parts[2::3], map(str.strip, parts[3::3]), strict=True)


def psycopg_parameters(statement: str) -> str:
    """Rewrites the parameters of `statement` from `:name` to the driver's `%(name)s`. Casts (`::text`) stay."""
    return _PARAMETER.sub(r"%(\1)s", statement)


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
    """Returns `statement` for one park: `/* and z */` becomes z."""
    return _AND.sub(r"\1", statement)


@cache
def all_parks_variant(statement: str) -> str:
    """Returns `statement` for all parks, without `/* and z */`: drivers find parameters even in comments."""
    return _AND.sub("", statement)


@cache
def some_parks_variant(statement: str) -> str:
    """Returns `statement` for the parks in the parameter `park_ids`: `/* and z */` becomes z with this list."""
    return _AND.sub(lambda part: part[1].replace("= %(park_id)s", "= ANY (%(park_ids)s)"), statement)


@cache
def line_variant(statement: str, count: int) -> str:
    """Returns a statement that takes lines in one JSON parameter, with plain parameters instead: one for each value.

    An INSERT gets `VALUES` with `count` lines. An UPDATE or DELETE takes one line; its parameters are cast, because an
    expression does not give them a type.
    """
    found = _lines_of(statement)
    types = dict(column.split(maxsplit=1) for column in _columns(found))
    numbers = {name: place for place, name in enumerate(types, 1)}
    if found[1] is None:
        rest = statement[: found.start()] + statement[found.end() :]
        return _LINE_VALUE.sub(lambda value: f"${numbers[value[1]]}::{types[value[1]]}", rest)
    lines = [
        _LINE_VALUE.sub(lambda value, start=start: f"${start + numbers[value[1]]}", found[1])
        for start in range(0, count * len(types), len(types))
    ]
    values = "VALUES " + ", ".join(f"({line})" for line in lines)
    return statement[: found.start()] + values + statement[found.end() :]


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
    return tuple(column.split()[0] for column in _columns(_lines_of(statement)))


def takes_one_line(statement: str) -> bool:
    """Whether `line_variant` of a statement takes one line: an UPDATE or DELETE."""
    return _lines_of(statement)[1] is None


def _lines_of(statement: str) -> re.Match[str]:
    found = _LINES.search(statement)
    if found is None:
        raise ValueError(f"no lines AS u (…) in:\n{statement}")
    return found


def _columns(found: re.Match[str]) -> list[str]:
    return [" ".join(column.split()) for column in found[2].split(",")]
