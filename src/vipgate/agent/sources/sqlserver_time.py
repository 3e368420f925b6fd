"""Reads and binds cursor times as SQL Server's own text.

Its drivers round times when reading and again when binding: a row could come after its own cursor, again and again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, String, cast, func, literal_column, select
from sqlalchemy.dialects.mssql import SQL_VARIANT

DIALECT: Final = "mssql"
Kinds = Mapping[int, str]
_KINDS: Final = ("date", "smalldatetime", "datetime", "datetime2", "datetimeoffset")
_TEXT: Final[ColumnElement[Any]] = literal_column("varchar(40)")
# ISO 8601, which no setting of the session changes.
_STYLE: Final[ColumnElement[Any]] = literal_column("126")


def time_kinds(db: Connection, rows: Any, cursor: Sequence[ColumnElement[Any]]) -> Kinds | None:
    """Types of the cursor columns that hold times, by position; None while there is no row."""
    there = [one.is_not(None) for one in cursor]
    row = db.execute(select(*cursor).select_from(rows).where(*there).limit(1)).fetchone()
    if row is None:
        return None
    kinds = {}
    for place, one in enumerate(cursor):
        if isinstance(row[place], date):
            kind = db.execute(kind_query(rows, one)).scalar_one_or_none()
            if kind in _KINDS:
                kinds[place] = str(kind)
    return kinds


def kind_query(rows: Any, one: ColumnElement[Any]) -> Any:
    """A query for the type of a column's values, also of a column that belongs to a query."""
    kind = cast(func.sql_variant_property(cast(one, SQL_VARIANT), "BaseType"), String(40))
    return select(kind).select_from(rows).where(one.is_not(None)).limit(1)


def written(one: ColumnElement[Any]) -> ColumnElement[Any]:
    """The time in a column as text with all its digits."""
    return func.convert(_TEXT, one, _STYLE)


def to_datetime2(kind: str, value: object) -> ColumnElement[Any]:
    """Converts a text from `written` to the column's type."""
    return func.convert(literal_column(kind), value, _STYLE)
