"""Reads a park's database through SQLAlchemy Core: pages by cursor, or all rows. Each page is a short transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    CursorResult,
    Select,
    and_,
    column,
    create_engine,
    event,
    func,
    inspect,
    literal_column,
    or_,
    select,
    table,
    text,
)
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InterfaceError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
)

from vipgate.agent.config import SourceConfig
from vipgate.agent.sources import postgres_time, sqlserver_time
from vipgate.agent.sources.base import CursorValue, SourceRow, SourceUnavailable
from vipgate.errors import UsageError
from vipgate.support.address_masking import learn, mask, unreadable

ROWS_A_PAGE: Final = 2_000
BUSY_WAIT_S: Final = 10
_DRIVERS: Final = {
    "mssql": "pip install pymssql, and mssql+pymssql://user:password@host/database",
    "mysql": "pip install pymysql, and mysql+pymysql://user:password@host/database",
    "mariadb": "pip install pymysql, and mariadb+pymysql://user:password@host/database",
    "access": "pip install sqlalchemy-access pyodbc, and Microsoft's ODBC driver",
    "postgresql": "write postgresql+psycopg://user:password@host/database",
}
_NO_UTF8: Final = "Could not decode to UTF-8"
_ROWID: Final[ColumnElement[Any]] = literal_column("rowid")


class DatabaseSource:
    """A table or a query as a `Source`."""

    def __init__(self, config: SourceConfig, base: Path) -> None:
        self._config = config
        url = _read_url(config.database or "", base)
        self.where = f"{mask(url.render_as_string(hide_password=True))}, {config.table or 'a query'}"
        self._engine = _engine(url)
        self._from = _from_clause(config)
        try:
            self.columns: Sequence[str] = self._read_columns()
            self._cursor: list[ColumnElement[Any]] = [column(self._named(name)) for name in config.cursor or ()]
        except BaseException:
            self._engine.dispose()
            raise
        self._places = [self.columns.index(one.name) for one in self._cursor]
        self.has_cursor = bool(self._cursor)
        # Cursor columns whose times are read and bound as text; None: not known yet.
        self._kinds: sqlserver_time.Kinds | None = None if self._engine.dialect.name == sqlserver_time.DIALECT else {}

    def _named(self, name: str) -> str:
        alike = [one for one in self.columns if one.strip().casefold() == name.strip().casefold()]
        if name in self.columns or len(alike) == 1:
            return name if name in self.columns else alike[0]
        raise UsageError(f"source.cursor: column {name} is not there; the source has: {', '.join(self.columns)}")

    def _read_columns(self) -> list[str]:
        with self._connected() as db:
            return list(db.execute(self._all().where(text("1 = 0"))).keys())

    def _all(self) -> Select[Any]:
        return select(literal_column("*")).select_from(self._from)

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        try:
            with self._engine.connect() as db:
                yield db
        except DBAPIError as error:
            raise self._translated(error) from error
        except SQLAlchemyError as error:
            raise SourceUnavailable(f"{self.where}: {_line(error)}") from error

    def _translated(self, error: DBAPIError) -> SourceUnavailable | UsageError:
        line = _line(error.orig or error)
        if line.startswith(_NO_UTF8):
            return UsageError(
                f"{self.where}: {line}; write a query with CAST(column AS BLOB): bytes are read as UTF-8 or GBK."
            )
        # SQLite also reports a wrong statement as an operational error; waiting does not fix that.
        lasting = getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR
        if error.connection_invalidated or (isinstance(error, OperationalError | InterfaceError) and not lasting):
            return SourceUnavailable(f"{self.where}: {line}")
        return UsageError(f"{self.where}: {line}; fix table, query or cursor in [source], or the user's rights.")

    # ---- by cursor -------------------------------------------------------------------------------------------------------

    def after(self, after: CursorValue | None, until: CursorValue | None, limit: int) -> list[SourceRow]:
        """See `Source.after`."""
        with self._connected() as db:
            if not self._knows_kinds(db):
                return []
            page = self._in_order().where(*self._between(after, until)).order_by(*self._cursor).limit(limit)
            rows = [self._row(tuple(row)) for row in self._same(db.execute(page), behind=len(self._kinds or ()))]
        if rows and rows[0].cursor == after:
            names = ", ".join(one.name for one in self._cursor)
            raise UsageError(
                f"source.cursor: {names} is not compared as it is read: row {rows[0].place} lies behind itself; "
                "choose another column, or CAST it to a text or DECIMAL in a query"
            )
        return rows

    def _same(self, result: CursorResult[Any], *, before: int = 0, behind: int = 0) -> CursorResult[Any]:
        """Returns the result if its columns, without `before` and `behind`, are still those the mapping is bound to."""
        found = list(result.keys())
        if found[before : len(found) - behind] != self.columns:
            raise UsageError(
                f"{self.where}: its columns are no longer {', '.join(self.columns)}; start the agent again"
            )
        return result

    def _knows_kinds(self, db: Connection) -> bool:
        """Whether the types of the cursor are known; false only while no row has a cursor."""
        if self._kinds is None:
            self._kinds = sqlserver_time.time_kinds(db, self._from, self._cursor)
        return self._kinds is not None

    def _in_order(self) -> Select[Any]:
        """Selects all columns, followed by the cursor columns that are read as text."""
        texts = [sqlserver_time.written(self._cursor[place]) for place in self._kinds or ()]
        return select(literal_column("*"), *texts).select_from(self._from)

    def _between(self, after: CursorValue | None, until: CursorValue | None) -> list[ColumnElement[bool]]:
        there = [one.is_not(None) for one in self._cursor]
        behind = [] if after is None else [self._compared(after, is_after=True)]
        before = [] if until is None else [self._compared(until, is_after=False)]
        return [*there, *behind, *before]

    def _compared(self, value: CursorValue, *, is_after: bool) -> ColumnElement[bool]:
        """A condition that an index on the cursor columns supports: the first column bounds, the second decides."""
        kinds = self._kinds or {}
        values = [
            sqlserver_time.to_datetime2(kinds[place], one) if place in kinds else one for place, one in enumerate(value)
        ]
        first, *others = self._cursor
        if not others:
            return first > values[0] if is_after else first <= values[0]
        [second] = others
        if is_after:
            return and_(first >= values[0], or_(first > values[0], second > values[1]))
        return and_(first <= values[0], or_(first < values[0], second <= values[1]))

    def _row(self, row: tuple[object, ...]) -> SourceRow:
        values = row[: len(self.columns)]
        cursor = [values[place] for place in self._places]
        if postgres_time.InfiniteTimestamp in map(type, cursor):
            raise UsageError(
                f"source.cursor: row {cursor} holds a time that cannot be gone on from; fix it, or leave it out by a query"
            )
        for place, text_of in zip(self._kinds or (), row[len(values) :], strict=True):
            cursor[place] = text_of
        return SourceRow(f"{self._cursor[-1].name}={cursor[-1]}", values, tuple(cursor))

    def newest(self) -> CursorValue | None:
        """See `Source.newest`."""
        with self._connected() as db:
            if not self._cursor or not self._knows_kinds(db):
                return None
            backwards = [one.desc() for one in self._cursor]
            last = self._in_order().where(*self._between(None, None)).order_by(*backwards).limit(1)
            row = self._same(db.execute(last), behind=len(self._kinds or ())).fetchone()
        return None if row is None else self._row(tuple(row)).cursor

    def count(self, after: CursorValue | None = None, until: CursorValue | None = None) -> int | None:
        """See `Source.count`."""
        statement = select(func.count()).select_from(self._from)
        with self._connected() as db:
            if self._cursor and not self._knows_kinds(db):
                return 0
            if self._cursor:
                statement = statement.where(*self._between(after, until))
            return int(db.execute(statement).scalar_one())

    # ---- all of it -------------------------------------------------------------------------------------------------------

    def scan(self) -> Iterator[SourceRow]:
        """See `Source.scan`. Reads pages where possible: on some databases a long read blocks writers."""
        if self._cursor:
            after: CursorValue | None = None
            while rows := self.after(after, None, ROWS_A_PAGE):
                yield from rows
                after = rows[-1].cursor
            yield from self._without_cursor()
        elif self._engine.dialect.name == "sqlite" and self._config.table is not None and self._has_rowid():
            yield from self._by_rowid()
        else:
            yield from _numbered(self._streamed(self._all()))

    def _without_cursor(self) -> Iterator[SourceRow]:
        for row in _numbered(self._streamed(self._all().where(or_(*[one.is_(None) for one in self._cursor])))):
            yield row._replace(place=f"without a cursor, {row.place}")

    def _streamed(self, statement: Select[Any]) -> Iterator[tuple[object, ...]]:
        with self._connected() as db:
            for row in self._same(db.execution_options(yield_per=ROWS_A_PAGE).execute(statement)):
                yield tuple(row)

    def _has_rowid(self) -> bool:
        with self._connected() as db:
            try:
                rows = db.execute(select(_ROWID).select_from(self._from).limit(1)).fetchall()
            except OperationalError:
                return False
        # Old SQLite versions return NULL for rows of a view.
        return not rows or rows[0][0] is not None

    def _by_rowid(self) -> Iterator[SourceRow]:
        last = None
        numbers = count(1)
        while True:
            statement = select(_ROWID, literal_column("*")).select_from(self._from).order_by(_ROWID).limit(ROWS_A_PAGE)
            if last is not None:
                statement = statement.where(last < _ROWID)
            with self._connected() as db:
                rows = self._same(db.execute(statement), before=1).fetchall()
            if not rows:
                return
            last = rows[-1][0]
            yield from (SourceRow(f"row {next(numbers)}", tuple(row)[1:]) for row in rows)

    def stamp(self) -> object:
        """See `Source.stamp`."""
        return None

    def problems(self) -> list[str]:
        """See `Source.problems`."""
        if not self._cursor:
            return []
        found = []
        with self._connected() as db:
            missing = or_(*[one.is_(None) for one in self._cursor])
            nulls = db.execute(select(func.count()).select_from(self._from).where(missing)).scalar_one()
        if nulls:
            found.append(
                f"{nulls} rows have no {' or no '.join(one.name for one in self._cursor)}: their changes are not seen"
            )
        if self._config.table is not None and not self._is_indexed():
            found.append(f"no index begins with {self._cursor[0].name}: every look reads the whole table")
        return found

    def _is_indexed(self) -> bool:
        schema, _, name = (self._config.table or "").rpartition(".")
        try:
            found = inspect(self._engine)
            indexes = [index["column_names"] for index in found.get_indexes(name, schema=schema or None)]
            indexes.append(list(found.get_pk_constraint(name, schema=schema or None)["constrained_columns"]))
        except (SQLAlchemyError, NotImplementedError):
            # Not every driver can list indexes.
            return True
        return any(columns[:1] == [self._cursor[0].name] for columns in indexes)

    def close(self) -> None:
        """See `Source.close`."""
        self._engine.dispose()


def _numbered(rows: Iterator[tuple[object, ...]]) -> Iterator[SourceRow]:
    for number, values in enumerate(rows, 1):
        yield SourceRow(f"row {number}", values)


def _line(error: BaseException) -> str:
    return mask(str(error).strip().partition("\n")[0]) or type(error).__name__


def _read_url(given: str, base: Path) -> URL:
    """Parses the URL; a SQLite path is relative to the configuration's folder and must exist. Raises UsageError."""
    learn(given)
    problem = unreadable(given)
    if problem is not None:
        raise UsageError(f"source.database: {problem}")
    try:
        url = make_url(given)
    except (ArgumentError, ValueError):
        raise UsageError(
            "source.database: is no database URL; for example sqlite:///park.db, see docs/agent.md"
        ) from None
    if url.get_backend_name() == "sqlite":
        path = base / (url.database or "")
        if not path.is_file():
            raise UsageError(
                f"source.database: there is no file {path}; the path is relative to the configuration's folder"
            )
        return url.set(database=str(path.absolute()))
    if url.drivername == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    return url


def _engine(url: URL) -> Engine:
    """Creates an engine with read-only connections, where the database supports that."""
    backend = url.get_backend_name()
    options: dict[str, Any] = {"pool_size": 2, "max_overflow": 0}
    if backend == "sqlite":
        options |= {"connect_args": {"timeout": BUSY_WAIT_S, "check_same_thread": False}}
        # Opened for writing, closing it could checkpoint the write-ahead log of the park's own program.
        url = url.set(database=Path(url.database or "").as_uri(), query={"mode": "ro", "uri": "true"})
    else:
        options |= {"pool_pre_ping": True}
    if backend == "postgresql":
        options |= {
            "connect_args": {"connect_timeout": BUSY_WAIT_S},
            "execution_options": {"postgresql_readonly": True},
        }
    try:
        engine = create_engine(url, **options)
    except (ModuleNotFoundError, NoSuchModuleError, ArgumentError) as error:
        hint = _DRIVERS.get(backend, "see docs/agent.md, Sources")
        raise UsageError(f"source.database: {_line(error)}; {hint}") from None
    if engine.driver == "psycopg":
        event.listen(engine, "connect", _set_up_postgres)
    return engine


def _set_up_postgres(connection: Any, _: object) -> None:
    """Bounds the wait for a lock. By a statement: a connection pooler rejects it among the start-up parameters."""
    postgres_time.register_text_loader(connection)
    connection.execute(f"SET lock_timeout = '{BUSY_WAIT_S}s'")
    connection.commit()


def _from_clause(config: SourceConfig) -> Any:
    if config.table is not None:
        schema, _, name = config.table.rpartition(".")
        return table(name, schema=schema or None)
    # A colon in the query is not a parameter. The newline ends a comment in the last line.
    query = (config.query or "").strip().rstrip(";").replace(":", "\\:")
    return text(f"({query}\n) q")
