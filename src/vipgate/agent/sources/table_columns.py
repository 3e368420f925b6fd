"""Lists the columns of a table or view with the comments that the database keeps on them."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection, Engine, Inspector, Select, inspect, literal_column, select, table, text
from sqlalchemy.exc import SQLAlchemyError

# A comment is written by a stranger and shown on pages and in files: one line, and no more than this.
COMMENT_CHARS_MAX: Final = 200
# SQLAlchemy's inspector asks MySQL for the statement that made a view, which takes a right of its own, and gives no comments.
_MYSQL: Final = text(
    "SELECT COLUMN_NAME, COLUMN_COMMENT FROM information_schema.COLUMNS "
    "WHERE TABLE_SCHEMA = COALESCE(:schema, DATABASE()) AND TABLE_NAME = :name ORDER BY ORDINAL_POSITION"
)
_MYSQL_DIALECTS: Final = ("mysql", "mariadb")


def read_columns(db: Connection, inspector: Inspector, name: str, schema: str | None) -> dict[str, str]:
    """The columns and their comments, an empty text where there is none. No columns: the table cannot be read."""
    try:
        found = _inspected(db, inspector, name, schema)
    except (SQLAlchemyError, NotImplementedError):
        # A view that is broken or may not be inspected, or a dialect that cannot. The transaction may be over.
        db.rollback()
        found = {}
    return found or _selected(db, name, schema)


def comments_of(engine: Engine, table_name: str | None) -> dict[str, str]:
    """The comments of the columns that have one; none for a query."""
    if table_name is None:
        return {}
    schema, _, name = table_name.rpartition(".")
    try:
        with engine.connect() as db:
            found = read_columns(db, inspect(db), name, schema or None)
    except (SQLAlchemyError, NotImplementedError):
        # The rows have been read: what cannot be asked only helps to propose a mapping.
        return {}
    return {column: comment for column, comment in found.items() if comment}


def _inspected(db: Connection, inspector: Inspector, name: str, schema: str | None) -> dict[str, str]:
    if db.dialect.name in _MYSQL_DIALECTS:
        rows = db.execute(_MYSQL, {"schema": schema, "name": name}).fetchall()
        return {str(column): one_line(comment) for column, comment in rows}
    return {one["name"]: one_line(one.get("comment")) for one in inspector.get_columns(name, schema=schema)}


def _selected(db: Connection, name: str, schema: str | None) -> dict[str, str]:
    """The columns as a read of no rows names them: that takes the right to read, and no other."""
    nothing: Select[Any] = select(literal_column("*")).select_from(table(name, schema=schema)).where(text("1 = 0"))
    try:
        return dict.fromkeys(db.execute(nothing).keys(), "")
    except SQLAlchemyError:
        db.rollback()
        return {}


def one_line(comment: object) -> str:
    """A comment in one line of printable characters, shortened."""
    if not isinstance(comment, str):
        return ""
    # Cut before it is looked at: a comment may be as long as the database allows.
    given = comment[: COMMENT_CHARS_MAX * 4]
    shown = " ".join("".join(one if one.isprintable() else " " for one in given).split())
    return shown if len(shown) <= COMMENT_CHARS_MAX else shown[: COMMENT_CHARS_MAX - 1] + "…"
