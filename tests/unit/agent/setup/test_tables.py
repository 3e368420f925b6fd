"""Tables with their row counts, the likeliest first."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from support import mariadb as maria
from support.agent_page import make_park
from vipgate.agent.config import SourceConfig
from vipgate.agent.setup import tables
from vipgate.agent.setup.tables import FoundTable, list_tables
from vipgate.agent.sources import table_columns
from vipgate.agent.sources.table_columns import COMMENT_CHARS_MAX, one_line
from vipgate.errors import UsageError


@pytest.fixture
def config(tmp_path: Path) -> Path:
    made = make_park(tmp_path)
    with closing(sqlite3.connect(tmp_path / "park.db")) as db:
        db.execute("CREATE TABLE 出入 (id INTEGER, 车牌号 TEXT)")
        db.executemany("INSERT INTO 出入 VALUES (?, 'x')", [(number,) for number in range(50)])
        db.execute("CREATE VIEW 坏的 AS SELECT a FROM gone")
        db.execute("CREATE VIEW 续费 AS SELECT * FROM 续费记录")
        db.execute("CREATE TABLE 收款 (订单号 TEXT, 金额 TEXT, 支付时间 TEXT, 支付方式 TEXT, 操作员 TEXT)")
        db.commit()
    return made


def listed(url: str, folder: Path) -> dict[str, FoundTable]:
    return {one.name: one for one in list_tables(SourceConfig(database=url), folder / "park.toml").tables}


def test_renewals_come_first_with_their_counts(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "COUNTED_ROWS_MAX", 20)
    found = list_tables(SourceConfig(database="sqlite:///park.db"), config).tables
    assert {one.name for one in found[:2]} == {"续费记录", "续费"}
    assert len(found[0].members) >= 8
    assert {one.name: one.rows for one in found} == {"续费记录": 9, "续费": 9, "出入": 21, "收款": 0, "坏的": None}


def test_table_without_a_plate_comes_behind_those_that_have_one(config: Path) -> None:
    found = list_tables(SourceConfig(database="sqlite:///park.db"), config).tables
    assert [one.name for one in found[2:]] == ["出入", "收款", "坏的"]
    assert len(found[3].members) > len(found[2].members)


def test_columns_are_those_of_a_read_where_a_table_may_not_be_inspected(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> dict[str, str]:
        raise NotImplementedError

    monkeypatch.setattr(table_columns, "_inspected", refused)
    found = list_tables(SourceConfig(database="sqlite:///park.db"), config).tables
    assert {one.name: one.columns for one in found} == {"续费记录": 12, "续费": 12, "出入": 2, "收款": 5, "坏的": 0}
    assert len(found[0].members) >= 8


def test_time_for_counting_is_bounded(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "COUNT_S_MAX", -1.0)
    found = list_tables(SourceConfig(database="sqlite:///park.db"), config)
    assert {one.rows for one in found.tables} == {None}


def test_tables_beyond_the_bound_are_counted(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "TABLES_MAX", 2)
    found = list_tables(SourceConfig(database="sqlite:///park.db"), config)
    assert (len(found.tables), found.left_out) == (2, 3)


def test_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no file"):
        list_tables(SourceConfig(database="sqlite:///gone.db"), tmp_path / "park.toml")


@pytest.fixture
def reader(postgres: str) -> Iterator[str]:
    """The address of a user that may read one schema of two, and no table of the default one."""
    with psycopg.connect(postgres, autocommit=True) as db:
        db.execute("CREATE ROLE tables_reader LOGIN PASSWORD 'right'")
        db.execute("CREATE SCHEMA pms; CREATE SCHEMA secret; CREATE TABLE renewal (plate_no text)")
        db.execute(
            "CREATE TABLE pms.renewal (plate_no text, je numeric); INSERT INTO pms.renewal VALUES ('粤B12345', 1)"
        )
        db.execute("COMMENT ON COLUMN pms.renewal.je IS '实收金额 单位:元'")
        db.execute(
            "CREATE VIEW pms.report AS SELECT plate_no FROM pms.renewal; CREATE TABLE pms.hidden (plate_no text)"
        )
        db.execute("CREATE TABLE secret.renewal (plate_no text); GRANT SELECT ON secret.renewal TO tables_reader")
    parts = psycopg.conninfo.conninfo_to_dict(postgres)
    yield f"postgresql+psycopg://tables_reader:right@127.0.0.1:{parts.get('port', 5432)}/{parts['dbname']}"
    with psycopg.connect(postgres, autocommit=True) as db:
        db.execute("DROP SCHEMA pms, secret CASCADE; DROP TABLE renewal; DROP ROLE tables_reader")


def test_tables_of_all_schemas_that_may_be_read_are_listed_on_postgres(
    postgres: str, reader: str, tmp_path: Path
) -> None:
    with psycopg.connect(postgres, autocommit=True) as db:
        db.execute(
            "GRANT USAGE ON SCHEMA pms TO tables_reader; GRANT SELECT ON pms.renewal, pms.report TO tables_reader"
        )
    found = listed(reader, tmp_path)
    assert {name: one.rows for name, one in found.items()} == {"pms.renewal": 1, "pms.report": 1}
    assert found["pms.renewal"].members == ("plate", "pay_value")


def test_table_of_the_default_schema_is_named_without_it_on_postgres(
    postgres: str, reader: str, tmp_path: Path
) -> None:
    with psycopg.connect(postgres, autocommit=True) as db:
        db.execute("GRANT SELECT ON renewal TO tables_reader")
    assert list(listed(reader, tmp_path)) == ["renewal"]


def test_user_that_may_read_nothing_sees_no_table_on_postgres(reader: str, tmp_path: Path) -> None:
    found = list_tables(SourceConfig(database=reader), tmp_path / "park.toml")
    assert (found.tables, found.left_out, found.trouble) == ([], 0, "")


def test_view_that_may_not_be_inspected_is_ranked_by_its_columns_on_mariadb(mariadb: str, tmp_path: Path) -> None:
    name = make_url(mariadb).database
    maria.run(
        mariadb,
        "CREATE TABLE t (id INT PRIMARY KEY, cph VARCHAR(9) COMMENT '车牌号', je INT COMMENT '实收金额\n分')",
        "CREATE VIEW v AS SELECT cph, je FROM t",
        "CREATE OR REPLACE USER views_reader@'%' IDENTIFIED BY 'right'",
        f"GRANT SELECT ON `{name}`.* TO views_reader@'%'",
    )
    url = make_url(mariadb).set(username="views_reader", password="right").render_as_string(hide_password=False)
    found = listed(url, tmp_path)
    assert found["v"] == FoundTable("v", 2, 0, ("plate", "pay_value"))
    assert found["t"].columns == 3


def test_comment_is_one_bounded_line() -> None:
    assert one_line("卡类型\n1月卡\x1b[0m\u202e 2季卡") == "卡类型 1月卡 [0m 2季卡"
    assert len(one_line("卡" * 1_000_000)) == COMMENT_CHARS_MAX
    assert one_line(None) == ""
