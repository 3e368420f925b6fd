"""Access files: pages as they are compiled, and rows through a real ODBC driver, that of mdbtools.

It knows neither parameters, ORDER BY nor a query in FROM, so whole sources are tried on Windows alone.
"""

from __future__ import annotations

import importlib
import sys
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote_plus

import pytest
from sqlalchemy import column, func, select, table, text
from sqlalchemy.pool import NullPool

from vipgate.agent.config import SourceConfig
from vipgate.agent.sources import access
from vipgate.agent.sources.base import SourceFault
from vipgate.agent.sources.engine import make_engine, read_url
from vipgate.agent.sources.open import open_source

# The module of ODBC cannot be imported without the system's library.
pytestmark = pytest.mark.odbc
WINDOWS = r"access+pyodbc:///?odbc_connect=DRIVER={Microsoft Access Driver (*.mdb, *.accdb)};DBQ=C:\park\park.mdb"
TABLE = table("续费 记录")
# Lower case: ruff takes upper case on the left for a condition the wrong way round.
when: Any = column("Date")
key: Any = column("编号")


def engine_of(url: str) -> Any:
    return make_engine(read_url(url, Path()), SourceConfig())


@pytest.mark.parametrize("url", [WINDOWS, WINDOWS.replace("+pyodbc", "")])
def test_engine_is_made_and_keeps_no_file_open(url: str) -> None:
    made = engine_of(url)
    assert isinstance(made.pool, NullPool)
    [given], _ = made.dialect.create_connect_args(made.url)
    assert given == r"DRIVER={Microsoft Access Driver (*.mdb, *.accdb)};DBQ=C:\park\park.mdb"


@pytest.mark.parametrize(
    ("statement", "compiled"),
    [
        (select(text("*")).select_from(TABLE).where(text("1 = 0")), "SELECT * FROM [续费 记录] WHERE 1 = 0"),
        (
            select(text("*")).select_from(TABLE).where(when > 1, key.is_not(None)).order_by(when, key).limit(5),
            "SELECT TOP 5 * FROM [续费 记录] WHERE [Date] > ? AND [编号] IS NOT NULL ORDER BY [Date], [编号]",
        ),
        (select(func.count()).select_from(TABLE), "SELECT count(*) AS [count_1] FROM [续费 记录]"),
        (select(text("*")).select_from(text("(SELECT 1\n) q")), "SELECT * FROM (SELECT 1 ) q"),
    ],
)
def test_page_is_compiled_as_access_wants_it(statement: Any, compiled: str) -> None:
    made = engine_of(WINDOWS)
    told = statement.compile(dialect=made.dialect, compile_kwargs={"render_postcompile": True})
    assert " ".join(str(told).split()) == compiled


def test_key_is_read_from_the_indexes_because_the_driver_lists_no_keys() -> None:
    rows = [(None, 1, None), ("时间", 1, "Date"), ("时间", 1, "编号"), ("PrimaryKey", 0, "编号")]
    found = [SimpleNamespace(index_name=name, non_unique=many, column_name=where) for name, many, where in rows]
    link: Any = SimpleNamespace(cursor=lambda: SimpleNamespace(statistics=lambda _: found))
    connection: Any = SimpleNamespace(connection=SimpleNamespace(dbapi_connection=link))
    dialect = access.AccessDialect()
    assert dialect.get_pk_constraint(connection, "t")["constrained_columns"] == ["编号"]
    assert [(one["column_names"], one["unique"]) for one in dialect.get_indexes(connection, "t")] == [
        (["Date", "编号"], False), (["编号"], True),
    ]  # fmt: skip


@pytest.fixture
def url(tmp_path: Path) -> str:
    if "MDBTools" not in importlib.import_module("pyodbc").drivers():
        pytest.fail("the ODBC driver MDBTools is missing: apt-get install odbc-mdbtools")
    importlib.import_module("msaccessdb").create(str(tmp_path / "park.mdb"))
    return "access:///?odbc_connect=" + quote_plus(f"DRIVER={{MDBTools}};DBQ={tmp_path / 'park.mdb'}")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has Microsoft's driver")
def test_rows_come_through_odbc_as_they_are_stored(url: str) -> None:
    made = engine_of(url)
    columns: list[Any] = [column(name) for name in ("Id", "Name", "DateCreate")]
    with made.connect() as db:
        rows = db.execute(
            select(*columns).select_from(table("MSysObjects")).where(text("[Id] <= 3")).limit(9)
        ).fetchall()
    assert sorted(tuple(row) for row in rows) == [
        (2, "MSysObjects", datetime(2017, 2, 11, 16, 56, 21)),  # noqa: DTZ001 - the times of a park have no zone
        (3, "MSysACEs", datetime(2017, 2, 11, 16, 56, 21)),  # noqa: DTZ001
    ]


def test_driver_that_is_not_installed_is_told_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(SourceFault, match="install the driver that the address names"):
        open_source(SourceConfig(database=WINDOWS, table="t"), base=tmp_path)
