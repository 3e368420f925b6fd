"""Reads a park's database through SQLAlchemy Core. Each page is a short transaction, in the order of key or cursor."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any, Final
from zlib import crc32
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    column,
    func,
    literal_column,
    or_,
    select,
    table,
    text,
)
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from vipgate.agent.config import SourceConfig
from vipgate.agent.sources import sqlserver_time
from vipgate.agent.sources.base import Key, SourceRow, SourceUnavailable
from vipgate.agent.sources.cursor_kind import cursor_kind
from vipgate.agent.sources.engine import line_of, make_engine, read_url, shown_address, translated
from vipgate.agent.sources.pages_by_position import DIALECTS, keeps_writers_out, read_by_position
from vipgate.agent.sources.source_key import SourceKey, find_key
from vipgate.agent.sources.sql_problems import find_problems
from vipgate.errors import UsageError
from vipgate.i18n import tr

ROWS_A_PAGE: Final = 2_000
SAMPLES: Final = 200
# One key of several columns is one condition each.
KEYS_A_QUERY: Final = 50
ValuesOf = Callable[[Sequence[object]], tuple[object, ...]]
_NOW: Final = {
    "postgresql": "SELECT EXTRACT(EPOCH FROM clock_timestamp())",
    "mysql": "SELECT UNIX_TIMESTAMP(NOW(6))",
    "mariadb": "SELECT UNIX_TIMESTAMP(NOW(6))",
    "mssql": "SELECT DATEDIFF(SECOND, '1970-01-01', SYSUTCDATETIME())",
}


class DatabaseSource:
    """A table or a query as a `Source`."""

    def __init__(self, config: SourceConfig, base: Path) -> None:
        self.config = config
        url = read_url(config.database or "", base)
        self.where = ", ".join([shown_address(url), config.table or tr("a query")])
        self.engine = make_engine(url, config)
        self.rows_of: Any = _from_clause(config)
        try:
            self.columns: Sequence[str] = self._read_columns()
            self._cursor_names = [tuple(self.named(name, "cursor") for name in names) for names in config.cursor or ()]
            with self._translated():
                self.key = find_key(self)
        except BaseException:
            self.engine.dispose()
            raise
        self.cursor = [_expression(names) for names in self._cursor_names]
        places = [[self.columns.index(name) for name in names] for names in self._cursor_names]
        self._cursor_of = _cursor_reader(places) if places else None
        self.has_cursor = bool(self.cursor)
        self.has_key = self.key is not None
        # The type of the cursor's first column where its times are read and bound as text; None: not known yet.
        self._kind: str | None = None if self.engine.dialect.name == sqlserver_time.DIALECT else ""

    def named(self, name: str, setting: str) -> str:
        """The column that a setting means, whatever its case. Raises UsageError."""
        alike = [one for one in self.columns if one.strip().casefold() == name.strip().casefold()]
        if name in self.columns or len(alike) == 1:
            return name if name in self.columns else alike[0]
        raise UsageError(
            tr(
                "source.{setting}: column {name} is not there; the source has: {columns}",
                setting=setting,
                name=name,
                columns=", ".join(self.columns),
            )
        )

    def _read_columns(self) -> list[str]:
        with self.connected() as db:
            return list(db.execute(select(literal_column("*")).select_from(self.rows_of).where(text("1 = 0"))).keys())

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        """A connection; the driver's errors are translated."""
        with self._translated(), self.engine.connect() as db:
            yield db

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise translated(self.where, error) from error
        except SQLAlchemyError as error:
            raise SourceUnavailable(f"{self.where}: {line_of(error)}") from error

    # ---- rows ------------------------------------------------------------------------------------------------------------

    def _all(self) -> Select[Any]:
        """Selects the key if it is no column, all columns, and the cursor's first column if it is read as text."""
        before = self.key.columns if self.key is not None and self.key.is_hidden else []
        behind = [sqlserver_time.written(self.cursor[0])] if self._kind else []
        return select(*before, literal_column("*"), *behind).select_from(self.rows_of)

    def _read(self, db: Connection, statement: Select[Any], *, streams: bool = False) -> Iterator[SourceRow]:
        """Yields the rows of a statement from `_all`. Raises UsageError if the columns have changed."""
        options = {"yield_per": ROWS_A_PAGE} if streams else {}
        result = db.execution_options(**options).execute(statement) if options else db.execute(statement)
        hidden = len(self.key.columns) if self.key is not None and self.key.is_hidden else 0
        width = len(self.columns)
        found = list(result.keys())
        if found[hidden : len(found) - bool(self._kind)] != list(self.columns):
            raise UsageError(
                tr(
                    "{where}: its columns are no longer {columns}; start the agent again",
                    where=self.where,
                    columns=", ".join(self.columns),
                )
            )
        key_of = None
        if self.key is not None and not self.key.is_hidden:
            key_of = _values_at([self.columns.index(name) for name in self.key.names])
        # A page is fetched at once, which costs less than row by row.
        for number, row in enumerate(result if streams else result.fetchall(), 1):
            yield self._row(tuple(row), hidden, width, key_of, number)

    def _row(self, row: tuple[object, ...], hidden: int, width: int, key_of: ValuesOf | None, number: int) -> SourceRow:
        values = row[hidden : hidden + width] if len(row) > width else row
        key: Key | None = None
        if self.key is not None:
            key = row[:hidden] if key_of is None else key_of(values)
        cursor = None
        if self._cursor_of is not None:
            cursor = self._cursor_of(values)
            if self._kind:
                cursor = (row[-1], *cursor[1:])
            cursor = None if cursor[0] is None else cursor
        place = self._place(values, cursor, number) if key is None or self.key is None else self.key.place(key)
        return SourceRow(place, values, cursor, None, key)

    def _place(self, values: Sequence[object], cursor: tuple[object, ...] | None, number: int) -> str:
        if cursor is None:
            return f"row {number}"
        shown = f"{self._cursor_names[-1][0]}={cursor[-1]}"
        # Several rows may have one time: their contents tell them apart.
        return shown if len(cursor) > 1 else f"{shown} #{crc32(repr(values).encode()):08x}"

    def scan(self) -> Iterator[SourceRow]:
        """See `Source.scan`."""
        if self.key is None:
            yield from read_by_position(self._rows_at, ROWS_A_PAGE) if self._keeps_writers_out() else self._streamed()
            return
        after: Key | None = None
        while rows := self.page(after, ROWS_A_PAGE):
            yield from rows
            after = rows[-1].key

    def _streamed(self) -> Iterator[SourceRow]:
        with self.connected() as db:
            yield from self._read(db, self._all(), streams=True)

    def _keeps_writers_out(self) -> bool:
        """Whether a read of all rows in one statement would keep the park's program from writing."""
        if self.config.table is None or self.engine.dialect.name not in DIALECTS:
            return False
        schema, _, name = self.config.table.rpartition(".")
        with self.connected() as db:
            return keeps_writers_out(db, name, schema or None)

    def _rows_at(self, start: int, limit: int) -> list[SourceRow]:
        with self.connected() as db:
            return list(self._read(db, self._all().limit(limit).offset(start)))

    def page(self, after: Key | None, limit: int) -> list[SourceRow]:
        """See `Source.page`."""
        key = self._known_key()
        statement = self._all().order_by(*key.columns).limit(limit)
        if after is not None:
            statement = statement.where(_behind(key.columns, after))
        with self.connected() as db:
            rows = list(self._read(db, statement))
        if rows and rows[0].key == after:
            raise self._not_compared(", ".join(key.names), rows[0].place, tr("source.key: name another key"))
        return rows

    def rows(self, keys: Sequence[Key]) -> list[SourceRow]:
        """See `Source.rows`."""
        columns, found = self._known_key().columns, []
        step = len(keys) if len(columns) == 1 else KEYS_A_QUERY
        with self.connected() as db:
            for start in range(0, len(keys), max(1, step)):
                asked = keys[start : start + step]
                if len(columns) == 1:
                    wanted: ColumnElement[bool] = columns[0].in_([value for (value,) in asked])
                else:
                    wanted = or_(
                        *[and_(*[one == value for one, value in zip(columns, key, strict=True)]) for key in asked]
                    )
                found += list(self._read(db, self._all().where(wanted)))
        return found

    def newest_key(self) -> Key | None:
        """See `Source.newest_key`."""
        key = self._known_key()
        if len(key.columns) > 1:
            return None
        with self.connected() as db:
            # Not max(): PostgreSQL has none of a uuid.
            newest = select(key.columns[0]).select_from(self.rows_of).order_by(key.columns[0].desc()).limit(1)
            found = db.execute(newest).scalar()
        return (found,) if type(found) is int else None

    def _known_key(self) -> SourceKey:
        if self.key is None:
            raise UsageError(tr("{where} has no key; name its columns in source.key", where=self.where))
        return self.key

    # ---- the cursor ------------------------------------------------------------------------------------------------------

    def changes(self, since: object) -> Iterator[list[SourceRow]]:
        """See `Source.changes`."""
        if not self.cursor or not self._knows_kind():
            return
        first = self.cursor[0]
        statement = self._all().where(first.is_not(None))
        if since is not None:
            statement = statement.where(first >= self._bound(since))
        if self.key is None:
            with self.connected() as db:
                rows = self._read(db, statement.order_by(first), streams=True)
                while found := list(islice(rows, ROWS_A_PAGE)):
                    yield found
            return
        yield from self._change_pages(statement, [first, *self.key.columns])

    def _change_pages(self, statement: Select[Any], order: list[ColumnElement[Any]]) -> Iterator[list[SourceRow]]:
        page, last = statement.order_by(*order).limit(ROWS_A_PAGE), None
        while True:
            with self.connected() as db:
                found = list(self._read(db, page))
            if found and (found[0].cursor, found[0].key) == last:
                remedy = tr("source.cursor: choose another column, or CAST it to a text or DECIMAL in a query")
                raise self._not_compared(self.config.cursor_name, found[0].place, remedy)
            if found:
                yield found
            if len(found) < ROWS_A_PAGE:
                return
            last = (found[-1].cursor, found[-1].key)
            at = [self._bound((found[-1].cursor or (None,))[0]), *(found[-1].key or ())]
            page = statement.where(_behind(order, at)).order_by(*order).limit(ROWS_A_PAGE)

    def newest(self, until: object = None) -> object:
        """See `Source.newest`."""
        found = self._firsts(1, until)
        return found[0] if found else None

    def cursor_samples(self, limit: int) -> list[object]:
        """See `Source.cursor_samples`."""
        if not self.cursor or not self._knows_kind():
            return []
        statement = self._all()
        if self.key is not None:
            statement = statement.order_by(*[one.desc() for one in self.key.columns])
        with self.connected() as db:
            latest = list(self._read(db, statement.limit(limit)))
        return self._firsts(limit, None) + [row.cursor[0] for row in latest if row.cursor is not None]

    def _firsts(self, limit: int, until: object) -> list[object]:
        """The greatest values of the cursor's first column."""
        if not self.cursor or not self._knows_kind():
            return []
        first = self.cursor[0]
        shown = sqlserver_time.written(first) if self._kind else first
        statement = select(shown).select_from(self.rows_of).where(first.is_not(None))
        if until is not None:
            statement = statement.where(first <= self._bound(until))
        with self.connected() as db:
            return list(db.execute(statement.order_by(first.desc()).limit(limit)).scalars())

    def _knows_kind(self) -> bool:
        """Whether the type of the cursor is known; false only while no row has a cursor."""
        if self._kind is None:
            with self.connected() as db:
                self._kind = sqlserver_time.time_kind(db, self.rows_of, self.cursor[0])
        return self._kind is not None

    def _bound(self, value: object) -> Any:
        return sqlserver_time.to_datetime2(self._kind, value) if self._kind else value

    def _not_compared(self, names: str, place: str, remedy: str) -> UsageError:
        return UsageError(
            tr(
                "{where}: {names} is not compared as it is read: row {place} lies behind itself; {remedy}",
                where=self.where,
                names=names,
                place=place,
                remedy=remedy,
            )
        )

    # ---- other -----------------------------------------------------------------------------------------------------------

    def count(self) -> int | None:
        """See `Source.count`."""
        with self.connected() as db:
            return int(db.execute(select(func.count()).select_from(self.rows_of)).scalar_one())

    def now_s(self) -> float | None:
        """See `Source.now_s`."""
        statement = _NOW.get(self.engine.dialect.name)
        if statement is None:
            return None
        with self.connected() as db:
            return float(db.execute(text(statement)).scalar_one())

    def stamp(self) -> object:
        """See `Source.stamp`."""
        return None

    def check(self) -> None:
        """See `Source.check`."""
        if self.key is not None and not self.key.is_unique:
            with self.connected() as db:
                fault = self.key.fault(db, self.rows_of)
            if fault:
                raise UsageError(
                    tr("source.key: {fault}; name columns that identify each row, or leave the key out", fault=fault)
                )
        cursor_kind(self.cursor_samples(SAMPLES), self.config.cursor_name, ZoneInfo(self.config.time_zone))

    def problems(self) -> list[str]:
        """See `Source.problems`."""
        return find_problems(self)

    def close(self) -> None:
        """See `Source.close`."""
        self.engine.dispose()


def _expression(names: Sequence[str]) -> ColumnElement[Any]:
    columns: list[ColumnElement[Any]] = [column(name) for name in names]
    return columns[0] if len(columns) == 1 else func.coalesce(*columns)


def _values_at(places: Sequence[int]) -> ValuesOf:
    """Returns a function that takes the values at these places from a row."""
    if len(places) == 1:
        [only] = places
        return lambda values: (values[only],)
    return itemgetter(*places)


def _cursor_reader(places: Sequence[Sequence[int]]) -> ValuesOf:
    """Returns a function that takes the cursor from a row: of each group of places the first value that is not NULL."""
    if all(len(group) == 1 for group in places):
        return _values_at([group[0] for group in places])
    return lambda values: tuple([_first(values, group) for group in places])


def _first(values: Sequence[object], places: Sequence[int]) -> object:
    for place in places:
        if values[place] is not None:
            return values[place]
    return None


def _behind(columns: Sequence[ColumnElement[Any]], values: Sequence[Any]) -> ColumnElement[bool]:
    """A condition that an index on the columns supports: the first column bounds, the others decide."""
    first, *others = columns
    behind: ColumnElement[bool] = first > values[0]
    if not others:
        return behind
    return and_(first >= values[0], or_(behind, _behind(others, values[1:])))


def _from_clause(config: SourceConfig) -> Any:
    if config.table is not None:
        schema, _, name = config.table.rpartition(".")
        return table(name, schema=schema or None)
    # A colon in the query is not a parameter. The newline ends a comment in the last line.
    query = (config.query or "").strip().rstrip(";").replace(":", "\\:")
    return text(f"({query}\n) q")
