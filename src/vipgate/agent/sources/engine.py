"""Makes SQLAlchemy engines for parks' databases, with sessions that read only and wait within bounds."""

from __future__ import annotations

import codecs
import re
import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InterfaceError,
    NoSuchModuleError,
    OperationalError,
    ProgrammingError,
)

from vipgate.agent.config import SourceConfig
from vipgate.agent.sources import access, database_errors, sqlite, sqlserver
from vipgate.agent.sources.base import SourceFault, SourceUnavailable
from vipgate.errors import UsageError
from vipgate.i18n import tr, translatable
from vipgate.support.address_masking import learn, mask, unreadable

# The longest waits: for a connection or a lock, and for an answer.
BUSY_WAIT_S: Final = 10
READ_DEADLINE_S: Final = 60
# The server ends a statement first, where it can: its error says more than a silence.
SILENCE_MARGIN_S: Final = 5
_DRIVERS: Final = {
    "mssql": translatable("pip install pymssql, and mssql+pymssql://user:password@host/database"),
    "mysql": translatable("write mysql+pymysql://user:password@host/database"),
    "mariadb": translatable("write mariadb+pymysql://user:password@host/database"),
    "access": translatable(
        "pip install pyodbc, install Microsoft's ODBC driver, and write access+pyodbc:///?odbc_connect=…"
    ),
    "postgresql": translatable("write postgresql+psycopg://user:password@host/database"),
}
# The drivers whose sessions and deadlines the agent sets up, the default one first. Others would read times hours off.
_SUPPORTED: Final = {
    "postgresql": ("psycopg",),
    "mysql": ("pymysql",),
    "mariadb": ("pymysql",),
    "mssql": ("pymssql", "pyodbc"),
    "access": ("pyodbc",),
}
_SEE_SOURCES: Final = translatable("see the guide, “Sources”")
_UNREACHABLE: Final = re.compile(
    r"refused|unreachable|can't connect|could not connect|connection failed|failed to resolve|name or service|getaddrinfo",
    re.IGNORECASE,
).search
_NO_UTF8: Final = "Could not decode to UTF-8"


def shown_address(url: URL) -> str:
    """The address for people: without its password, and without the driver's name, which nobody has to know."""
    plain = url.set(drivername=url.get_backend_name())
    return mask(plain.render_as_string(hide_password=True))


def line_of(error: BaseException) -> str:
    """An error's text in one line, without secrets."""
    return mask(database_errors.read_error(error).text) or type(error).__name__


def read_url(given: str, base: Path) -> URL:
    """Parses the URL; a SQLite path is relative to the configuration's folder and must exist. Raises UsageError."""
    learn(given)
    problem = unreadable(given)
    if problem is not None:
        raise UsageError("source.database: " + problem)
    try:
        url = make_url(given)
    except (ArgumentError, ValueError):
        raise UsageError(
            tr("source.database: is no database URL; for example sqlite:///park.db, see the guide, “Sources”")
        ) from None
    if url.get_backend_name() == "sqlite":
        path = base / (url.database or "")
        if not path.is_file():
            raise UsageError(
                tr(
                    "source.database: there is no file {path}; the path is relative to the configuration's folder",
                    path=path,
                )
            )
        return url.set(database=str(path.absolute()))
    backend, _, driver = url.drivername.partition("+")
    supported = _SUPPORTED.get(backend, (driver,))
    if driver and driver not in supported:
        raise UsageError(
            tr(
                "source.database: the agent does not work with the driver {driver}; {remedy}",
                driver=driver,
                remedy=tr(_DRIVERS[backend]),
            )
        )
    return url if driver or not supported[0] else url.set(drivername=f"{backend}+{supported[0]}")


def make_engine(url: URL, config: SourceConfig) -> Engine:
    """Creates an engine with read-only connections, where the database supports that."""
    backend = url.get_backend_name()
    options: dict[str, Any] = {"pool_size": 2, "max_overflow": 0, "pool_pre_ping": backend != "sqlite"}
    if backend == access.NAME:
        access.register()
        options = {}
    if backend == "sqlite":
        # Opened for writing, closing it could checkpoint the write-ahead log of the park's own program.
        url = url.set(database=Path(url.database or "").as_uri(), query={"mode": "ro", "uri": "true"})
    if backend == "postgresql":
        options |= {"execution_options": {"postgresql_readonly": True}}
    try:
        engine = create_engine(url, **options)
    except (ModuleNotFoundError, NoSuchModuleError, ArgumentError) as error:
        hint = tr(_DRIVERS.get(backend, _SEE_SOURCES))
        raise UsageError("source.database: " + f"{line_of(error)}; {hint}") from None
    if config.encoding is not None and engine.driver != "pymysql":
        raise UsageError(tr("source.encoding: is for files, MySQL and MariaDB; leave it out"))
    _set_up(engine, config)
    return engine


def _set_up(engine: Engine, config: SourceConfig) -> None:
    """Bounds the waits of the engine's connections, and sets up their sessions."""
    waits = {"lock_wait_s": BUSY_WAIT_S, "read_s": READ_DEADLINE_S}
    silence_s = READ_DEADLINE_S + SILENCE_MARGIN_S
    if engine.driver == "pymysql":
        from vipgate.agent.sources import mysql

        encoding = _known(config.encoding)
        _open_by(engine, mysql.ParkConnection, zone=config.time_zone, stored=encoding, silence_s=silence_s, **waits)
        event.listen(engine, "connect", lambda link, _record: link.set_up())
    elif engine.driver == "psycopg":
        from vipgate.agent.sources import postgres

        _open_by(engine, postgres.connect, zone=config.time_zone, silence_s=silence_s, **waits)
    elif engine.dialect.name == "sqlite":
        _open_by(engine, sqlite.ParkConnection, timeout=BUSY_WAIT_S, check_same_thread=False, read_s=READ_DEADLINE_S)
    elif engine.dialect.name == "mssql":
        event.listen(engine, "do_connect", partial(_add, sqlserver.options(engine.driver, **waits)))
        event.listen(engine, "connect", lambda link, _record: sqlserver.set_up(link, engine.driver, **waits))
    elif engine.dialect.name == access.NAME:
        event.listen(engine, "do_connect", partial(_add, {"autocommit": True}))
        event.listen(engine, "connect", lambda link, _record: access.set_up(link, read_s=READ_DEADLINE_S))


def _open_by(engine: Engine, connect: Callable[..., Any], **session: Any) -> None:
    """Opens the engine's connections by `connect`; options in the address win."""
    event.listen(engine, "do_connect", lambda _dialect, _record, args, given: connect(*args, **session | given))


def _add(session: dict[str, Any], _dialect: Any, _record: Any, _args: Any, given: dict[str, Any]) -> None:
    given.update(session | given)


def _known(encoding: str | None) -> str | None:
    try:
        # Programs write GBK with characters that only its extension has.
        return encoding and {"gbk": "gb18030", "gb2312": "gb18030"}.get(name := codecs.lookup(encoding).name, name)
    except LookupError:
        raise UsageError(
            tr('source.encoding: is not known, for example "gbk", got {encoding!r}', encoding=encoding)
        ) from None


def translated(where: str, error: DBAPIError) -> SourceUnavailable | UsageError:
    """The project's error for a driver's error while `where` was read."""
    found = database_errors.read_error(error.orig or error)
    line = f"{where}: {mask(found.text) or type(error.orig).__name__}"
    if found.text.startswith(_NO_UTF8):
        return UsageError(
            tr("{line}; write a query with CAST(column AS BLOB): bytes are read as UTF-8 or GBK.", line=line)
        )
    if database_errors.is_overdue(found):
        return SourceUnavailable(
            tr(
                "{where}: no answer within {limit_s} s; if it stays so, give the cursor an index, or the query "
                "less to do",
                where=where,
                limit_s=READ_DEADLINE_S,
            )
        )
    remedy = database_errors.remedy_for(found)
    if remedy is not None:
        return SourceFault(f"{line}; {remedy}")
    passing = database_errors.is_passing(found)
    # SQLite also reports a wrong statement as an operational error; waiting does not fix that.
    is_wrong = isinstance(error, ProgrammingError) or found.code == sqlite3.SQLITE_ERROR
    if passing is None:
        passing = isinstance(error, OperationalError | InterfaceError) and not is_wrong
    if passing or error.connection_invalidated:
        if _UNREACHABLE(found.text):
            return SourceUnavailable(
                tr(
                    "{line}; it is tried again; if it lasts: is the database running, are server and port right, is a firewall "
                    "in the way",
                    line=line,
                )
            )
        return SourceUnavailable(line)
    if is_wrong:
        return UsageError(tr("{line}; fix table, query or cursor in [source], or the user's rights.", line=line))
    return SourceFault(tr("{line}; look at the rows and at the database's own log", line=line))
