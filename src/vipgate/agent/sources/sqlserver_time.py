"""Cursor times as SQL Server itself writes them.

Its drivers round what they read and again what they bind, so that a row would lie behind its own cursor, for ever.
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
    """The types of those columns of the cursor that hold times, by their place; None while there is no row to tell."""
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
    """Asks of which type the values of a column are, also where it is that of a query."""
    kind = cast(func.sql_variant_property(cast(one, SQL_VARIANT), "BaseType"), String(40))
    return select(kind).select_from(rows).where(one.is_not(None)).limit(1)


def written(one: ColumnElement[Any]) -> ColumnElement[Any]:
    """The time in a column as text, to its last digit."""
    return func.convert(_TEXT, one, _STYLE)


def to_datetime2(kind: str, value: object) -> ColumnElement[Any]:
    """The time that `written` gave, as a value of the column's type."""
    return func.convert(literal_column(kind), value, _STYLE)
