"""SQL Server: statements as they are compiled, and the session. There is no server for tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import column, select, table, text
from sqlalchemy.dialects import mssql

from vipgate.agent.config import SourceConfig
from vipgate.agent.sources import engine, sqlserver, sqlserver_time

DIALECT = mssql.dialect()  # type: ignore[no-untyped-call]
when: Any = column("更新时间")


class Link:
    """Keeps what is asked of a connection, and answers one row."""

    def __init__(self, row: Sequence[object] | None) -> None:
        self.asked: list[str] = []
        self.timeout = 0
        self._row = row

    def __enter__(self) -> Link:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def cursor(self) -> Link:
        return self

    def execute(self, statement: str) -> None:
        self.asked.append(statement)

    def add_output_converter(self, kind: int, converter: object) -> None:
        self.converters = {kind: converter}

    def fetchone(self) -> Sequence[object] | None:
        return self._row

    def commit(self) -> None:
        self.asked.append("COMMIT")


def compiled(statement: Any) -> str:
    return " ".join(str(statement.compile(dialect=DIALECT, compile_kwargs={"literal_binds": True})).split())


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        ("datetime", "2024-01-31T12:00:00.003"),
        ("datetime2", "2024-01-31T12:00:00.1234567"),
        ("smalldatetime", "2024-01-31T12:00:00"),
        ("datetimeoffset", "2024-01-31T12:00:00.1234567+08:00"),
        ("date", "2024-01-31"),
    ],
)
def test_time_is_read_and_compared_as_the_server_wrote_it(kind: str, written: str) -> None:
    page = select(sqlserver_time.written(when)).where(when > sqlserver_time.to_datetime2(kind, written))
    told = compiled(page)
    assert "SELECT convert(varchar(40), [更新时间], 126)" in told
    assert told.endswith(f"WHERE [更新时间] > convert({kind}, '{written}', 126)")


def test_kind_of_a_time_is_asked_of_the_server_without_its_digits() -> None:
    asked = str(sqlserver_time.kind_query(text("续费记录"), when).compile(dialect=DIALECT))
    assert "sql_variant_property(CAST([更新时间] AS SQL_VARIANT)" in asked


def test_text_is_bound_as_unicode_and_a_page_is_bounded() -> None:
    plate: Any = column("车牌")
    page = select(text("*")).select_from(table("续费记录", schema="dbo")).where(plate > "粤B").order_by(plate).limit(2)
    assert compiled(page) == "SELECT TOP 2 * FROM dbo.[续费记录] WHERE [车牌] > N'粤B' ORDER BY [车牌]"


@pytest.mark.parametrize(
    ("row", "level"), [((1,), "SNAPSHOT"), ((0,), "READ COMMITTED"), ((2,), "READ COMMITTED"), (None, "READ COMMITTED")]
)
def test_session_waits_for_locks_within_a_bound_and_reads_snapshots_where_allowed(
    row: tuple[int] | None, level: str
) -> None:
    link = Link(row)
    sqlserver.set_up(link, "pyodbc", lock_wait_s=10, read_s=60)
    assert link.asked == [
        "SET LOCK_TIMEOUT 10000", sqlserver.SNAPSHOT_QUERY, f"SET TRANSACTION ISOLATION LEVEL {level}", "COMMIT",
    ]  # fmt: skip
    assert link.timeout == 60
    assert link.converters == {-155: sqlserver.datetimeoffset}


@pytest.mark.parametrize(
    ("address", "options"),
    [
        ("mssql://u:p@h/d", {"login_timeout": 10, "timeout": 60}),
        ("mssql+pymssql://u:p@h/d?login_timeout=3", {"login_timeout": "3", "timeout": 60}),
        pytest.param(
            "mssql+pyodbc://u:p@h/d?driver=ODBC+Driver+17+for+SQL+Server", {"timeout": 10}, marks=pytest.mark.odbc
        ),
    ],
)
def test_address_gets_the_deadlines_of_its_driver(address: str, options: dict[str, object]) -> None:
    made = engine.make_engine(engine.read_url(address, Path()), SourceConfig())
    _, given = made.dialect.create_connect_args(made.url)
    for listener in made.dialect.dispatch.do_connect:
        listener(made.dialect, None, [], given)
    assert options.items() <= given.items()


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("mssql://u:p@10.0.0.9:1444/d", "10.0.0.9:1444"),
        (r"mssql://u:p@10.0.0.9\SQLEXPRESS/d", r"10.0.0.9\SQLEXPRESS"),
    ],
)
def test_port_and_instance_reach_the_driver(address: str, host: str) -> None:
    made = engine.make_engine(engine.read_url(address, Path()), SourceConfig())
    _, given = made.dialect.create_connect_args(made.url)
    assert given["host"] == host


@pytest.mark.parametrize(
    ("raw", "written"),
    [
        ("e8070100 1f000c00 0000 0000 e0ca5b07 08000000", "2024-01-31T12:00:00.123456+08:00"),
        ("e8070100 1f000c00 0000 0000 00000000 fbffe2ff", "2024-01-31T12:00:00-05:30"),
    ],
)
def test_datetimeoffset_which_the_odbc_module_does_not_know_is_read(raw: str, written: str) -> None:
    assert sqlserver.datetimeoffset(bytes.fromhex(raw.replace(" ", ""))).isoformat() == written
