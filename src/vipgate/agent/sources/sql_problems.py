"""Finds what a database's table and cursor will cost or miss, for `agent check`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from sqlalchemy import func, inspect, select
from sqlalchemy.exc import SQLAlchemyError

from vipgate.agent.sources.cursor_kind import cursor_kind
from vipgate.errors import UsageError
from vipgate.i18n import tr

if TYPE_CHECKING:
    from vipgate.agent.sources.sql import DatabaseSource

_SAMPLES: Final = 200
_CLOCK_S: Final = 60.0


def find_problems(source: DatabaseSource) -> list[str]:
    """Texts for people; empty if all is well."""
    found = []
    if source.key is None:
        found.append(
            tr(
                "there is no primary key: all rows are compared in one long read; name the columns that identify a row (in the "
                "page: Mapping; in the file: source.key), or add a primary key"
            )
        )
    if source.cursor:
        found += _cursor_problems(source)
    return found


def _cursor_problems(source: DatabaseSource) -> list[str]:
    found = []
    first, name = source.cursor[0], source.config.cursor_name
    with source.connected() as db:
        nulls = db.execute(select(func.count()).select_from(source.rows_of).where(first.is_(None))).scalar_one()
    if nulls:
        found.append(
            tr(
                "{nulls} rows have no {name}: only the sweep finds their changes; where another column tells "
                'when a row was made: cursor = [["{name}", "that column"], …]',
                nulls=nulls,
                name=name,
            )
        )
    try:
        kind = cursor_kind(source.cursor_samples(_SAMPLES), name, ZoneInfo(source.config.time_zone))
    except UsageError:
        # `check` has said so.
        return found
    if kind is not None and kind.value_at is not None:
        found += _later(source, kind.value_at)
    found += _ties(source)
    if source.config.table is not None and len(source.config.cursor[0] if source.config.cursor else ()) == 1:
        found += _index(source)
    return found


def _later(source: DatabaseSource, value_at: object) -> list[str]:
    import time

    now_s = source.now_s() or time.time()
    latest = source.newest()
    edge = value_at(now_s + _CLOCK_S)  # type: ignore[operator]
    newest_now = source.newest(edge)
    if latest is None or latest == newest_now:
        return []
    return [
        tr(
            "rows are dated later than now, up to {latest}: they are read again at each look; fix their "
            "{cursor_name}, the clock of what writes them, or source.time_zone",
            latest=latest,
            cursor_name=source.config.cursor_name,
        )
    ]


def _ties(source: DatabaseSource) -> list[str]:
    """Whether several rows have both columns of the cursor in common."""
    if len(source.cursor) < 2:
        return []
    names = ", ".join(tr(" or ").join(names) for names in source.config.cursor or ())
    grouped = select(*source.cursor).select_from(source.rows_of).where(source.cursor[0].is_not(None))
    with source.connected() as db:
        twice = db.execute(grouped.group_by(*source.cursor).having(func.count() > 1).limit(1)).fetchone()
    if twice is None:
        return []
    problem = tr(
        "the cursor ({columns}) is not unique: several rows have {values}; all are read, but of two rows with one order "
        "number it may not tell the newer; choose a second column that is unique",
        columns=names,
        values=tuple(twice),
    )
    if source.key is None or source.key.is_hidden:
        return [problem]
    return [tr("{problem}; {columns} is unique", problem=problem, columns=", ".join(source.key.names))]


def _index(source: DatabaseSource) -> list[str]:
    schema, _, table = (source.config.table or "").rpartition(".")
    first = source.cursor[0].name
    try:
        found = inspect(source.engine)
        indexes = [index["column_names"] for index in found.get_indexes(table, schema=schema or None)]
        indexes.append(list(found.get_pk_constraint(table, schema=schema or None)["constrained_columns"]))
    except (SQLAlchemyError, NotImplementedError):
        # Not every driver can list indexes.
        return []
    if any(columns[:1] == [first] for columns in indexes):
        return []
    return [tr("no index begins with {first}: every look reads the whole table", first=first)]
