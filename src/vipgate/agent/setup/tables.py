"""Lists a database's tables with their row counts, those that look like renewals first. Bounded in tables, rows and time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Select, func, inspect, literal_column, select, table, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from vipgate.agent.config import SourceConfig
from vipgate.agent.mapping.column_comments import name_in
from vipgate.agent.mapping.guess_columns import MEMBERS_IN_ORDER, named_members
from vipgate.agent.setup.samples import resolve_source
from vipgate.agent.sources.engine import line_of, make_engine, read_url, shown_address, translated
from vipgate.agent.sources.table_columns import read_columns
from vipgate.clock import clock_s
from vipgate.i18n import tr

TABLES_MAX: Final = 500
# A table with more rows is listed as having at least so many: counting all could take minutes, and a
# person waits.
COUNTED_ROWS_MAX: Final = 10_000
# Tables that are not counted within this time are listed without a number.
COUNT_S_MAX: Final = 1.0
# A table of renewals has this.
_NEEDED: Final = "plate"
# Tables and views of all schemas that the user may read; those of the default schema first, so that the bound leaves out others.
# Other databases have no schemas, or MySQL's, which are databases of their own.
_IN_ALL_SCHEMAS: Final[Mapping[str, str]] = {
    "postgresql": (
        "SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' "
        "AND has_schema_privilege(n.oid, 'USAGE') "
        "AND (has_table_privilege(c.oid, 'SELECT') OR has_any_column_privilege(c.oid, 'SELECT')) "
        "ORDER BY n.nspname <> COALESCE(current_schema(), ''), n.nspname, c.relname"
    ),
    "mssql": (
        "SELECT TABLE_SCHEMA, TABLE_NAME FROM INFORMATION_SCHEMA.TABLES "
        "WHERE TABLE_SCHEMA NOT IN ('sys', 'INFORMATION_SCHEMA') "
        "ORDER BY CASE WHEN TABLE_SCHEMA = SCHEMA_NAME() THEN 0 ELSE 1 END, TABLE_SCHEMA, TABLE_NAME"
    ),
}


class _Place(NamedTuple):
    """`schema` is None in the default schema."""

    schema: str | None
    name: str

    @property
    def written(self) -> str:
        """As `source.table` names it."""
        return self.name if self.schema is None else f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class FoundTable:
    """A table or view. `rows`: None if not counted, COUNTED_ROWS_MAX + 1 for more; `members`: what its columns may hold."""

    name: str
    columns: int
    rows: int | None
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FoundTables:
    """The tables, the likeliest first. `left_out`: how many more there are; `trouble`: why they cannot be listed."""

    tables: Sequence[FoundTable]
    left_out: int = 0
    trouble: str = ""


def list_tables(source: SourceConfig, config: Path) -> FoundTables:
    """Lists tables and views of all schemas that the user may read. Raises UsageError, SourceUnavailable."""
    url = read_url(resolve_source(source, config).database or "", config.parent)
    where = shown_address(url)
    engine = make_engine(url, source)
    try:
        with engine.connect() as db:
            places = _places(db)
            listed = places[:TABLES_MAX]
            inspector = inspect(db)
            columns = {one: read_columns(db, inspector, one.name, one.schema) for one in listed}
            members = {one: _members(columns[one]) for one in listed}
            counts = _count(db, sorted(listed, key=lambda one: _order(members[one])))
    except DBAPIError as error:
        raise translated(where, error) from error
    except (SQLAlchemyError, NotImplementedError) as error:
        # Connected, but the dialect cannot list them, as that of Access.
        reason = line_of(error)
        return FoundTables(
            (),
            trouble=tr(
                "The tables of {where} cannot be listed: {reason}; write the table's name.", where=where, reason=reason
            ),
        )
    finally:
        engine.dispose()
    found = [FoundTable(one.written, len(columns[one]), counts.get(one), members[one]) for one in listed]
    ranked = sorted(found, key=lambda one: (*_order(one.members), -(one.rows or 0), one.name))
    return FoundTables(ranked, len(places) - len(listed))


def _places(db: Connection) -> list[_Place]:
    statement = _IN_ALL_SCHEMAS.get(db.dialect.name)
    inspector = inspect(db)
    if statement is None:
        return [_Place(None, name) for name in [*inspector.get_table_names(), *inspector.get_view_names()]]
    default = inspector.default_schema_name
    rows = db.execute(text(statement)).fetchall()
    return [_Place(None if schema == default else str(schema), str(name)) for schema, name in rows]


def _members(columns: Mapping[str, str]) -> tuple[str, ...]:
    """The members that names and comments of columns tell."""
    named = named_members([*columns, *filter(None, map(name_in, columns.values()))])
    return tuple(member for member in MEMBERS_IN_ORDER if member in named)


def _order(members: Sequence[str]) -> tuple[bool, int]:
    """Sorts tables with a plate first, then those with more members: one without a plate holds no renewals of its own."""
    return _NEEDED not in members, -len(members)


def _count(db: Connection, places: Sequence[_Place]) -> dict[_Place, int]:
    """Counts the rows of each table, COUNTED_ROWS_MAX + 1 at most, for COUNT_S_MAX in all."""
    until_s = clock_s() + COUNT_S_MAX
    counts: dict[_Place, int] = {}
    for one in places:
        if clock_s() > until_s:
            break
        rows: Select[Any] = select(literal_column("1").label("one")).select_from(table(one.name, schema=one.schema))
        some = rows.limit(COUNTED_ROWS_MAX + 1).subquery()
        try:
            counts[one] = int(db.execute(select(func.count()).select_from(some)).scalar_one())
        except DBAPIError:
            # A view that cannot be read, or no right to read it: it is listed without a number.
            db.rollback()
    return counts
