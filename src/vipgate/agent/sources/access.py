"""The dialect of Microsoft Access for SQLAlchemy, through ODBC: what it takes to read pages of a table or a query."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

from sqlalchemy import Connection, Select
from sqlalchemy.connectors.pyodbc import PyODBCConnector
from sqlalchemy.dialects import registry
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.pool import NullPool
from sqlalchemy.sql.compiler import IdentifierPreparer, SQLCompiler

NAME: Final = "access"
# Access names the index of a primary key so, unless its maker chose another name.
_PRIMARY_KEY: Final = "PrimaryKey"


def register() -> None:
    """Makes SQLAlchemy use this dialect for `access+pyodbc://`."""
    registry.register(f"{NAME}.pyodbc", __name__, AccessDialect.__name__)


def set_up(link: Any, *, read_s: int) -> None:
    """Bounds the time of a statement, where the driver can: those of files often cannot."""
    with suppress(Exception):
        link.timeout = read_s


class _Compiler(SQLCompiler):
    def get_select_precolumns(self, select: Select[Any], **options: Any) -> str:
        first = super().get_select_precolumns(select, **options)
        limit = select._limit_clause  # noqa: SLF001 - as SQLAlchemy's own dialects do
        if limit is None:
            return first
        # The driver takes no parameter here.
        return f"{first}TOP {self.process(limit, **options | {'literal_execute': True})} "

    def limit_clause(self, select: Select[Any], **kw: Any) -> str:  # noqa: ARG002 - TOP says it
        return ""


class _Preparer(IdentifierPreparer):
    def __init__(self, dialect: Any) -> None:
        super().__init__(dialect, initial_quote="[", final_quote="]")

    def quote(self, ident: str, force: Any = None) -> str:  # noqa: ARG002 - Access reserves too many words to list
        return self.quote_identifier(ident)


class AccessDialect(PyODBCConnector, DefaultDialect):
    """Reads Access files. The pool keeps none open: an open file cannot be compacted by the park's own program."""

    name = NAME
    pyodbc_driver_name = "Microsoft Access Driver (*.mdb, *.accdb)"
    poolclass = NullPool
    statement_compiler = _Compiler
    preparer: type[IdentifierPreparer] = _Preparer
    supports_statement_cache = True

    @classmethod
    def get_pool_class(cls, _url: Any) -> type[NullPool]:
        """See `DefaultDialect.get_pool_class`."""
        return NullPool

    def initialize(self, connection: Connection) -> None:
        """See `DefaultDialect.initialize`. Access has nothing to ask: neither schemas nor isolation levels."""

    def get_indexes(self, connection: Connection, table_name: str, *_: Any, **_options: Any) -> list[Any]:
        """See `Dialect.get_indexes`."""
        found: dict[str, Any] = {}
        link: Any = connection.connection.dbapi_connection
        for row in link.cursor().statistics(table_name):
            if row.index_name is not None:
                entry = {"name": row.index_name, "unique": not row.non_unique, "column_names": []}
                found.setdefault(row.index_name, entry)["column_names"].append(row.column_name)
        return list(found.values())

    def get_pk_constraint(self, connection: Connection, table_name: str, *_: Any, **_options: Any) -> Any:
        """See `Dialect.get_pk_constraint`."""
        indexes = self.get_indexes(connection, table_name)
        columns = [one["column_names"] for one in indexes if one["name"] == _PRIMARY_KEY]
        return {"name": _PRIMARY_KEY, "constrained_columns": columns[0] if columns else []}
