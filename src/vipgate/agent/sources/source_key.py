"""Finds the columns that identify a row of a table, by which the whole source is read in small pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ColumnElement, Connection, column, func, inspect, literal_column, or_, select
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.types import DateTime, Float, Integer

from vipgate.agent.sources.base import Key
from vipgate.i18n import tr

if TYPE_CHECKING:
    from vipgate.agent.sources.sql import DatabaseSource

# Names of SQLite for the number that each row has; a column of the same name hides one.
_ROW_NUMBERS: Final = ("rowid", "_rowid_", "oid")


@dataclass(frozen=True, slots=True)
class SourceKey:
    """The key's columns. `is_hidden`: they are no columns of `SELECT *`. `is_unique`: the database guarantees it."""

    names: Sequence[str]
    columns: Sequence[ColumnElement[Any]]
    is_hidden: bool = False
    is_unique: bool = True

    def place(self, key: Key) -> str:
        """Identifies a row for people."""
        if len(key) == 1:
            return f"row {key[0]}" if self.is_hidden else f"{self.names[0]}={key[0]}"
        return ", ".join(f"{name}={value}" for name, value in zip(self.names, key, strict=True))

    def fault(self, db: Connection, rows: Any) -> str:
        """Why the columns do not identify each row; empty if they do. Reads all rows."""
        missing = or_(*[one.is_(None) for one in self.columns])
        if db.execute(select(*self.columns).select_from(rows).where(missing).limit(1)).fetchone() is not None:
            return tr("{columns} is NULL in some rows", columns=", ".join(self.names))
        twice = select(*self.columns).select_from(rows).group_by(*self.columns).having(func.count() > 1).limit(1)
        found = db.execute(twice).fetchone()
        return "" if found is None else tr("several rows have {place}", place=self.place(tuple(found)))


def find_key(source: DatabaseSource) -> SourceKey | None:
    """The configured key, the primary key, or SQLite's row number; None if there is none that can be read in order."""
    if source.config.key is not None:
        names = [source.named(name, "key") for name in source.config.key]
        unique = source.config.table is not None and sorted(names) == sorted(_primary_key(source))
        return SourceKey(names, [column(name) for name in names], is_unique=unique)
    if source.config.table is None:
        return None
    names = _primary_key(source)
    if source.engine.dialect.name == "sqlite" and not (len(names) == 1 and _is_row_number(source, names[0])):
        # A primary key of another type may be NULL there.
        found = _row_number(source)
        if found is not None:
            return found
    return SourceKey(names, [column(name) for name in names]) if names else None


def _table(source: DatabaseSource) -> tuple[str, str | None]:
    schema, _, name = (source.config.table or "").rpartition(".")
    return name, schema or None


def _primary_key(source: DatabaseSource) -> list[str]:
    """The primary key's columns; none where their order may differ from the order of what is read."""
    name, schema = _table(source)
    try:
        found = inspect(source.engine)
        names = list(found.get_pk_constraint(name, schema=schema)["constrained_columns"])
        types = {one["name"]: one["type"] for one in found.get_columns(name, schema=schema)}
    except (SQLAlchemyError, NotImplementedError):
        # Views have none, and not every driver or user can ask.
        return []
    if not set(names) <= set(source.columns) or any(isinstance(types[one], Float | DateTime) for one in names):
        return []
    return names


def _is_row_number(source: DatabaseSource, name: str) -> bool:
    """Whether a column of SQLite is its row number: that of type INTEGER is."""
    table, schema = _table(source)
    kinds = {one["name"]: one["type"] for one in inspect(source.engine).get_columns(table, schema=schema)}
    return type(kinds[name]).__name__.upper() == "INTEGER" or (
        isinstance(kinds[name], Integer) and str(kinds[name]).upper() == "INTEGER"
    )


def _row_number(source: DatabaseSource) -> SourceKey | None:
    taken = {name.casefold() for name in source.columns}
    for name in _ROW_NUMBERS:
        if name in taken:
            continue
        number: ColumnElement[Any] = literal_column(name)
        try:
            with source.engine.connect() as db:
                rows = db.execute(select(number).select_from(source.rows_of).limit(1)).fetchall()
        except OperationalError:
            # A view, or a table WITHOUT ROWID.
            return None
        # Old SQLite versions return NULL for rows of a view.
        return None if rows and rows[0][0] is None else SourceKey([name], [number], is_hidden=True)
    return None
