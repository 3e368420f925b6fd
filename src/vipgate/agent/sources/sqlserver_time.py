"""Reads and binds cursor times as SQL Server's own text.

Its drivers round times when reading and again when binding: a row could come after its own cursor, again and again.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, String, cast, func, literal_column, select
from sqlalchemy.dialects.mssql import SQL_VARIANT

DIALECT: Final = "mssql"
_KINDS: Final = ("date", "smalldatetime", "datetime", "datetime2", "datetimeoffset")
_TEXT: Final[ColumnElement[Any]] = literal_column("varchar(40)")
# ISO 8601, which no setting of the session changes.
_STYLE: Final[ColumnElement[Any]] = literal_column("126")


def time_kind(db: Connection, rows: Any, one: ColumnElement[Any]) -> str | None:
    """The type of a cursor column that holds times; empty if it holds something else, None if there are no rows."""
    row = db.execute(select(one).select_from(rows).where(one.is_not(None)).limit(1)).fetchone()
    if row is None:
        return None
    kind = db.execute(kind_query(rows, one)).scalar_one_or_none() if isinstance(row[0], date) else None
    return str(kind) if kind in _KINDS else ""


def kind_query(rows: Any, one: ColumnElement[Any]) -> Any:
    """Makes a query that returns the type of a column's values. `rows` is a table or a query."""
    kind = cast(func.sql_variant_property(cast(one, SQL_VARIANT), "BaseType"), String(40))
    return select(kind).select_from(rows).where(one.is_not(None)).limit(1)


def written(one: ColumnElement[Any]) -> ColumnElement[Any]:
    """The time in a column as text with all its digits."""
    return func.convert(_TEXT, one, _STYLE)


def to_datetime2(kind: str, value: object) -> ColumnElement[Any]:
    """Converts a text from `written` to the column's type."""
    return func.convert(literal_column(kind), value, _STYLE)
