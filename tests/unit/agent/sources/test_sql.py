"""Databases as sources: every row once and in order, exactly as it is, without a trace in the park's own data."""

# ruff: noqa: DTZ001 - the times of a park have no zone
from __future__ import annotations

import shutil
import tracemalloc
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg
import pytest
from bench.cluster import Server
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from support.park_database import Park
from vipgate.agent.config import SourceConfig
from vipgate.agent.sources import engine, sql
from vipgate.agent.sources.base import (
    Key,
    Source,
    SourceFault,
    SourceRow,
    SourceUnavailable,
    dump_cursor,
    load_cursor,
)
from vipgate.agent.sources.open import open_source
from vipgate.errors import UsageError

CURSOR = (("更新时间",), ("编号",))
NOON = datetime(2024, 1, 31, 12, 0, 0, 123_456)


def keys(rows: list[SourceRow]) -> list[object]:
    return [row.values[0] for row in rows]


def changes(source: Source, since: object = None) -> list[SourceRow]:
    """Every row that has a cursor, from `since` on."""
    return [row for page in source.changes(since) for row in page]


def pages(source: Source, limit: int) -> list[SourceRow]:
    """Every row in the order of its key, each page asked for with the key as it comes back from the spool."""
    found: list[SourceRow] = []
    after: Key | None = None
    while rows := source.page(after, limit):
        found += rows
        after = load_cursor(dump_cursor(rows[-1].key or ()))
    return found


def test_row_is_read_as_it_is(park: Park) -> None:
    park.insert(7, NOON)
    source = park.open(cursor=CURSOR)
    assert list(source.columns) == ["编号", "更新时间", "车牌", "金额"]
    [row] = changes(source)
    when = "2024-01-31 12:00:00.123456" if park.is_sqlite else NOON
    amount = 300.5 if park.is_sqlite else Decimal("300.50")
    assert (row.place, list(row.values), row.cursor) == ("编号=7", [7, when, "粤B12345", amount], (when, 7))
    assert list(source.scan()) == source.page(None, 9) == source.rows([(7,), (8,)]) == [row]
    assert row.key == source.newest_key() == (7,)
    source.close()


def test_rows_with_the_same_time_are_read_once_each_over_every_page_boundary(
    park: Park, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = [NOON, NOON, NOON, NOON, NOON + timedelta(microseconds=1), NOON - timedelta(days=1)]
    for key, when in zip([5, 1, 4, 2, 3, 9], times, strict=True):
        park.insert(key, when)
    source = park.open(cursor=CURSOR)
    noon = changes(source)[1].cursor[0]  # type: ignore[index]
    for limit in (1, 2, 3, 10):
        monkeypatch.setattr(sql, "ROWS_A_PAGE", limit)
        assert keys(changes(source)) == [9, 1, 2, 4, 5, 3]
        assert keys(changes(source, noon)) == [1, 2, 4, 5, 3]
        assert keys(pages(source, limit)) == [1, 2, 3, 4, 5, 9]
    source.close()


def test_cursor_that_many_rows_share_is_read_through(park: Park, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in range(1, 8):
        park.insert(key, NOON)
    monkeypatch.setattr(sql, "ROWS_A_PAGE", 3)
    for cursor in ((("更新时间",),), (("更新时间",), ("车牌",)), CURSOR):
        source = park.open(cursor=cursor)
        assert keys(changes(source)) == list(range(1, 8))
        source.close()


def test_newest_is_the_greatest_up_to_a_bound(park: Park) -> None:
    for key, days in enumerate((0, 1, 27_000), 1):
        park.insert(key, NOON + timedelta(days=days))
    source = park.open(cursor=CURSOR)
    first, second, latest = [row.cursor[0] for row in changes(source) if row.cursor]
    assert (source.newest(), source.newest(second), source.newest(first)) == (latest, second, first)
    assert source.count() == 3
    assert set(source.cursor_samples(2)) == {latest, second}
    source.close()


def test_rows_without_a_cursor_are_scanned_but_never_a_change(park: Park) -> None:
    park.insert(1, NOON)
    park.insert(2, None)
    source = park.open(cursor=CURSOR)
    assert keys(changes(source)) == [1]
    scanned = list(source.scan())
    assert keys(scanned) == [1, 2]
    assert scanned[1].cursor is None
    assert "1 rows have no 更新时间" in source.problems()[0]
    source.close()


def test_first_column_that_is_there_is_the_cursor(park: Park) -> None:
    park.run("ALTER TABLE 续费记录 ADD COLUMN 创建时间 TIMESTAMP")
    park.run(
        "INSERT INTO 续费记录 VALUES (1, NULL, 'a', 1, '2024-01-31 12:00:00'), (2, '2024-02-01 12:00:00', 'b', 1, NULL)"
    )
    park.run("INSERT INTO 续费记录 VALUES (3, NULL, 'c', 1, NULL)")
    source = park.open(cursor=(("更新时间", "创建时间"), ("编号",)))
    assert keys(changes(source)) == [1, 2]
    assert keys(changes(source, changes(source)[1].cursor[0])) == [2]  # type: ignore[index]
    assert "1 rows have no 更新时间 or 创建时间" in source.problems()[0]
    source.close()


def test_empty_source_has_neither_rows_nor_a_newest_one(park: Park) -> None:
    for cursor in (CURSOR, None):
        source = park.open(cursor=cursor)
        assert (list(source.scan()), changes(source), source.newest(), source.count()) == ([], [], None, 0)
        assert source.has_cursor is (cursor is not None)
        assert source.stamp() is None
        source.close()


def test_one_column_that_only_grows_is_a_cursor(park: Park) -> None:
    for key in (3, 1, 2):
        park.insert(key, None)
    source = park.open(cursor=(("编号",),))
    assert keys(changes(source)) == [1, 2, 3]
    assert keys(changes(source, 2)) == [2, 3]
    assert source.newest() == 3
    assert source.problems() == []
    source.close()


@pytest.mark.parametrize("cursor", [CURSOR, None])
def test_scan_brings_every_row_once(
    park: Park, cursor: tuple[tuple[str, ...], ...] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "ROWS_A_PAGE", 7)
    park.fill(50)
    source = park.open(cursor=cursor)
    scanned = list(source.scan())
    assert sorted(map(int, map(str, keys(scanned)))) == list(range(1, 51))
    assert len({row.place for row in scanned}) == 50
    source.close()


def test_query_is_taken_word_for_word(park: Park) -> None:
    park.insert(1, NOON, "粤B1:30%")
    park.insert(2, NOON, "粤B_30x")
    cast = "CAST(编号 AS TEXT)" if park.is_sqlite else "编号::text"
    query = (
        f"SELECT 编号, 更新时间, {cast} || ':a' AS t, '\\:b' AS b FROM 续费记录"  # noqa: S608
        " WHERE 车牌 LIKE '%:30\\%' ESCAPE '\\' -- 100% of :them\n ;"
    )
    source = park.open(query=query.rstrip(";\n "), cursor=CURSOR)
    [row] = changes(source)
    assert [row.values[0], *row.values[2:]] == [1, "1:a", "\\:b"]
    assert len(list(source.scan())) == source.count() == 1
    source.close()
    plain = park.open(query="SELECT 编号 FROM 续费记录;")
    assert len(list(plain.scan())) == 2
    plain.close()


def test_source_cannot_write(park: Park) -> None:
    source: Any = park.open(cursor=CURSOR)
    with pytest.raises(SQLAlchemyError, match=r"(?i)read.?only"), source.engine.connect() as db:
        db.execute(text("DELETE FROM 续费记录"))
    source.close()


def test_index_that_the_cursor_wants_is_told(park: Park) -> None:
    source = park.open(cursor=CURSOR)
    assert source.problems() == ["no index begins with 更新时间: every look reads the whole table"]
    park.run("CREATE INDEX 更新 ON 续费记录 (更新时间, 编号)")
    assert source.problems() == []
    source.close()


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"query": "SELEC 1"}, "fix table, query or cursor"),
        ({"cursor": (("时间",), ("编号",))}, "source.cursor: column 时间 is not there; the source has: 编号, 更新时间"),
    ],
)
def test_what_no_waiting_mends_is_told_to_the_operator(park: Park, settings: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        park.open(**settings)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"table": "没有"}, "没有.*; there is no such table or view; correct source.table"),
        (
            {"query": "SELECT 编号 FROM 续费记录 WHERE 没有列 = 1"},
            "没有列.*; there is no such column; correct source.query",
        ),
    ],
)
def test_what_is_not_there_is_told_with_a_remedy_and_looked_for_again(
    park: Park, settings: dict[str, Any], told: str
) -> None:
    with pytest.raises(SourceFault, match=told):
        park.open(**settings)


def test_hundred_thousand_rows_are_never_all_in_memory(park: Park) -> None:
    park.fill(100_000)
    for cursor in (CURSOR, None):
        source = park.open(cursor=cursor)
        rows = iter(source.scan())
        next(rows)
        tracemalloc.start()
        count = 1 + sum(1 for _ in rows)
        _, peak_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        source.close()
        assert count == 100_000
        assert peak_bytes < 6 * 1024**2, f"{peak_bytes} bytes for a scan"


@pytest.mark.parametrize("cursor", [CURSOR, None])
def test_scan_holds_up_no_writer(
    park: Park, cursor: tuple[tuple[str, ...], ...] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "ROWS_A_PAGE", 2)
    park.fill(10)
    source = park.open(cursor=cursor)
    rows = source.scan()
    assert len(list(islice(rows, 3))) == 3
    park.insert(100, NOON)
    assert len(list(rows)) >= 7
    source.close()


def test_column_is_found_with_other_case_where_that_leaves_no_doubt(sqlite_park: Park) -> None:
    sqlite_park.run("CREATE TABLE t (Id INTEGER, Changed TEXT)")
    sqlite_park.run("INSERT INTO t VALUES (1, 'x')")
    source = sqlite_park.open(table="t", cursor=(("changed",), ("ID",)))
    assert source.newest() == "x"
    assert changes(source)[0].cursor == ("x", 1)
    source.close()


def test_rows_without_a_cursor_come_from_the_server_bit_by_bit(server: Server, tmp_path: Path) -> None:
    name = f"streamed-{tmp_path.name}"
    url = server.make_database(name)
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("CREATE TABLE t AS SELECT generate_series(1, 10000) AS a")
        source = open_source(SourceConfig(database=url, table="t"), base=tmp_path)
        rows = source.scan()
        next(rows)
        asked = "SELECT query FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
        [(query,)] = db.execute(asked, (name,)).fetchall()
        assert query.startswith("FETCH"), "the driver has taken all rows at once"
        assert sum(1 for _ in rows) == 9_999
        source.close()


# ---- SQLite ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "made", ["TABLE t (a PRIMARY KEY, b) WITHOUT ROWID", "VIEW t AS SELECT 1 AS a, 2 AS b UNION SELECT 2, 3"]
)
def test_table_without_row_numbers_and_view_are_scanned(sqlite_park: Park, made: str) -> None:
    sqlite_park.run(f"CREATE {made}")
    if "TABLE" in made:
        sqlite_park.run("INSERT INTO t VALUES (1, 2), (2, 3)")
    source = sqlite_park.open(table="t")
    assert [tuple(row.values) for row in source.scan()] == [(1, 2), (2, 3)]
    source.close()


def test_database_that_is_locked_is_asked_again(sqlite_park: Park, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BUSY_WAIT_S", 0)
    sqlite_park.run("CREATE TABLE t (a)")
    source = sqlite_park.open(table="t", cursor=(("a",),))
    sqlite_park.run("BEGIN EXCLUSIVE")
    with pytest.raises(SourceUnavailable, match="locked"):
        changes(source)
    with pytest.raises(SourceUnavailable, match="locked"):
        sqlite_park.open(table="t")
    sqlite_park.run("COMMIT")
    assert changes(source) == []
    source.close()


def test_table_that_is_locked_is_waited_for_within_a_bound(park: Park, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BUSY_WAIT_S", 1)
    source = park.open(table="续费记录", cursor=(("编号",),))
    park.run("BEGIN EXCLUSIVE" if park.is_sqlite else "BEGIN")
    if not park.is_sqlite:
        park.run("LOCK TABLE 续费记录 IN ACCESS EXCLUSIVE MODE")
    with pytest.raises(SourceUnavailable, match="lock"):
        source.page(None, 1)
    park.run("COMMIT")
    assert source.page(None, 1) == []
    source.close()


def test_log_of_a_program_that_died_is_read_and_left_as_it_is(sqlite_park: Park, tmp_path: Path) -> None:
    sqlite_park.run("PRAGMA journal_mode = WAL")
    sqlite_park.run("CREATE TABLE t (a)")
    sqlite_park.run("INSERT INTO t VALUES (1)")
    left = tmp_path / "left"
    left.mkdir()
    for name in ("park.db", "park.db-wal"):
        shutil.copy(tmp_path / name, left / name)
    before = {path.name: path.read_bytes() for path in left.iterdir()}
    source = open_source(SourceConfig(database="sqlite:///left/park.db", table="t"), base=tmp_path)
    assert keys(list(source.scan())) == [1]
    source.close()
    assert {name: (left / name).read_bytes() for name in before} == before


def test_text_that_is_not_unicode_is_told_with_a_way_out(sqlite_park: Park) -> None:
    sqlite_park.run("CREATE TABLE t (a)")
    sqlite_park.run("INSERT INTO t VALUES (CAST(x'd4c142' AS TEXT))")
    source = sqlite_park.open(table="t")
    with pytest.raises(UsageError, match="CAST"):
        list(source.scan())
    source.close()
    source = sqlite_park.open(query="SELECT CAST(a AS BLOB) AS a FROM t")
    assert keys(list(source.scan())) == [bytes.fromhex("d4c142")]
    source.close()


def test_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("no database, but long enough to be looked at as one" * 50)
    with pytest.raises(SourceFault, match="not a database; it is no SQLite database, or an encrypted one"):
        open_source(SourceConfig(database="sqlite:///x.db", table="t"), base=tmp_path)
    with pytest.raises(UsageError, match=r"there is no file .*nowhere\.db; the path is relative"):
        open_source(SourceConfig(database="sqlite:///nowhere.db", table="t"), base=tmp_path)
    assert not (tmp_path / "nowhere.db").exists()


# ---- servers --------------------------------------------------------------------------------------------------------------


def test_server_that_is_away_is_asked_again_and_its_password_is_never_shown(tmp_path: Path) -> None:
    url = "postgresql://u:hidden@127.0.0.1:1/d"
    with pytest.raises(SourceUnavailable) as told:
        open_source(SourceConfig(database=url, table="t"), base=tmp_path)
    assert "127.0.0.1:1" in str(told.value)
    assert "hidden" not in str(told.value)


def test_line_that_broke_is_made_again(server: Server, tmp_path: Path) -> None:
    url = server.make_database(f"broke-{tmp_path.name}")
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("CREATE TABLE t AS SELECT 1 AS a")
        source = open_source(SourceConfig(database=url, table="t", cursor=(("a",),)), base=tmp_path)
        assert source.newest() == 1
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
        assert db.execute(ended, (f"broke-{tmp_path.name}",)).fetchall() == [(True,)]
        assert source.newest() == 1
        source.close()


def test_cursors_of_every_type_bind_as_they_were_read(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = server.make_database(f"types-{tmp_path.name}")
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("CREATE SCHEMA 收费")
        db.execute(
            "CREATE TABLE 收费.t AS SELECT timestamptz '2024-01-31 12:00:00.123457+08' + i / 3 * interval '1 us' AS z,"
            " md5(i::text)::uuid AS u, (i / 3)::numeric(20, 3) AS n, date '2024-01-31' + i / 3 AS d, 'x' || i / 3 AS s,"
            " decode(md5(i::text), 'hex') AS b, i AS id FROM generate_series(1, 9) AS i"
        )
        db.execute('ALTER DATABASE "types-' + tmp_path.name + "\" SET TimeZone = 'America/New_York'")
    monkeypatch.setattr(sql, "ROWS_A_PAGE", 2)
    for cursor in ("z", "n", "d", "s", "b"):
        for key in ("id", "u"):
            source = open_source(
                SourceConfig(database=url, table="收费.t", cursor=((cursor,),), key=(key,)), base=tmp_path
            )
            assert sorted(row.values[6] for row in changes(source)) == list(range(1, 10)), cursor  # type: ignore[type-var]
            assert len(pages(source, 2)) == 9
            source.close()


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("park.db", "is no database URL; for example sqlite:///park.db"),
        ("postgresql://h:port/d", "is no database URL"),
        ("nosuch://h/d", "nosuch"),
        ("postgresql+psycopg2://h/d", r"does not work with the driver psycopg2; write postgresql\+psycopg"),
        ("mysql+mysqldb://h/d", r"does not work with the driver mysqldb; write mysql\+pymysql"),
        ("mysql+nosuch://h/d", r"write mysql\+pymysql"),
        ("mssql+nosuch://h/d", r"pip install pymssql, and mssql\+pymssql"),
    ],
)
def test_url_that_means_nothing_is_told_with_one_that_does(url: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=told):
        open_source(SourceConfig(database=url, table="t"), base=tmp_path)


# ---- what changes or lies while it is read --------------------------------------------------------------------------------


@pytest.mark.parametrize("cursor", [CURSOR, None])
@pytest.mark.parametrize(
    "change", ["ADD COLUMN 新 INTEGER DEFAULT 7", "DROP COLUMN 车牌", "RENAME COLUMN 车牌 TO 车号"]
)
def test_columns_that_change_are_told_and_never_read_as_those_before(
    park: Park, cursor: tuple[tuple[str, ...], ...] | None, change: str
) -> None:
    park.insert(1, NOON)
    source = park.open(cursor=cursor)
    assert keys(list(source.scan())) == [1]
    park.run(f"ALTER TABLE 续费记录 {change}")
    looks: list[Callable[[], object]] = [lambda: list(source.scan())]
    looks += [lambda: source.page(None, 5), lambda: source.rows([(1,)])]
    looks += [lambda: changes(source)] if cursor else []
    for look in looks:
        with pytest.raises(UsageError, match="columns are no longer 编号, 更新时间, 车牌, 金额; start the agent again"):
            look()
    source.close()


def test_order_that_is_not_compared_as_it_is_read_is_told(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "ROWS_A_PAGE", 1)
    url = server.make_database(f"real-{tmp_path.name}"[:60])
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("CREATE TABLE t AS SELECT (i * 0.1)::real AS a, i AS id FROM generate_series(1, 4) AS i")
    source = open_source(SourceConfig(database=url, table="t", cursor=(("a",),), key=("id",)), base=tmp_path)
    with pytest.raises(UsageError, match=r"a is not compared as it is read: row .* lies behind itself; source\.cursor"):
        changes(source)
    source.close()
    source = open_source(SourceConfig(database=url, table="t", key=("a",)), base=tmp_path)
    with pytest.raises(UsageError, match=r"a is not compared as it is read: row .* lies behind itself; source\.key"):
        pages(source, 1)
    source.close()


KEYS = [
    ("CREATE TABLE t (id INTEGER PRIMARY KEY, a)", {}, ["id"], False),
    ("CREATE TABLE t (id TEXT PRIMARY KEY, a)", {}, ["rowid"], True),
    ("CREATE TABLE t (a, rowid)", {}, ["_rowid_"], True),
    ("CREATE TABLE t (a, b)", {"key": ("B",)}, ["b"], False),
    ("CREATE TABLE t (lot, id, a, PRIMARY KEY (lot, id)) WITHOUT ROWID", {}, ["lot", "id"], False),
    ("CREATE VIEW t AS SELECT 1 AS a", {}, None, False),
    ("CREATE VIEW t AS SELECT 1 AS a", {"key": ("a",)}, ["a"], False),
]


@pytest.mark.parametrize(("made", "settings", "names", "is_hidden"), KEYS)
def test_key_is_what_identifies_a_row(
    sqlite_park: Park, made: str, settings: dict[str, Any], names: list[str] | None, is_hidden: bool
) -> None:
    sqlite_park.run(made)
    source: Any = sqlite_park.open(table="t", **settings)
    assert source.has_key is (names is not None)
    if names is not None:
        assert (list(source.key.names), source.key.is_hidden) == (names, is_hidden)
        assert source.page(None, 5) == list(source.scan())
    else:
        assert any("there is no primary key" in problem for problem in source.problems())
    source.close()


@pytest.mark.parametrize(
    ("rows", "told"), [("(1, 1), (1, 2)", "several rows have a=1"), ("(1, 1), (NULL, 2)", "a is NULL in some rows")]
)
def test_key_that_does_not_identify_each_row_is_refused(sqlite_park: Park, rows: str, told: str) -> None:
    sqlite_park.run("CREATE TABLE t (a, b)")
    sqlite_park.run(f"INSERT INTO t VALUES {rows}")  # noqa: S608
    source = sqlite_park.open(table="t", key=("a",))
    with pytest.raises(UsageError, match=told):
        source.check()
    source.close()


def test_key_of_several_columns_pages_over_every_boundary(park: Park) -> None:
    park.run("CREATE TABLE t (lot INTEGER, id INTEGER, a INTEGER, PRIMARY KEY (lot, id))")
    park.run("INSERT INTO t VALUES (1, 1, 1), (1, 2, 2), (2, 1, 3), (2, 2, 4), (3, 1, 5)")
    source = park.open(table="t")
    for limit in (1, 2, 3, 9):
        assert [row.values[2] for row in pages(source, limit)] == [1, 2, 3, 4, 5]
    found = pages(source, 9)
    asked = [row.key for row in (found[1], found[4]) if row.key]
    assert sorted(row.values[2] for row in source.rows([*asked, tuple(9 for _ in asked[0])])) == [2, 5]  # type: ignore[type-var]
    assert source.newest_key() == ((5,) if park.is_sqlite else None), "SQLite reads by the row's number"
    source.close()


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (["2099-01-01 00:00:00", "2026-01-01 00:00:00"], "rows are dated later than now, up to 2099-01-01"),
        (["2026-01-01 00:00:00", "2026-01-01 00:00:00"], "is not unique"),
    ],
)
def test_cursor_that_cannot_be_trusted_is_told(sqlite_park: Park, rows: list[str], told: str) -> None:
    sqlite_park.run("CREATE TABLE r (id INTEGER PRIMARY KEY, t TEXT, lot INTEGER)")
    for row in rows:
        sqlite_park.run(f"INSERT INTO r (t, lot) VALUES ('{row}', 7)")  # noqa: S608
    source = sqlite_park.open(table="r", cursor=(("t",), ("lot",)))
    assert any(told in problem for problem in source.problems()), source.problems()
    source.close()


def test_cursor_whose_order_is_not_that_of_time_is_refused(sqlite_park: Park) -> None:
    sqlite_park.run("CREATE TABLE r (id INTEGER PRIMARY KEY, t TEXT)")
    sqlite_park.run("INSERT INTO r (t) VALUES ('2026-9-9'), ('2026-9-10'), ('2026-10-1')")
    source = sqlite_park.open(table="r", cursor=(("t",),))
    with pytest.raises(UsageError, match=r"source\.cursor: the order of t is not that of time: it holds \"2026-"):
        source.check()
    source.close()


def test_names_with_signs_that_sql_knows_are_names(server: Server, tmp_path: Path) -> None:
    url = server.make_database(f"names-{tmp_path.name}"[:60])
    with psycopg.connect(url, autocommit=True) as db:
        db.execute('CREATE TABLE "a%b:c" ("折扣%" integer, "a:b" text)')
        db.execute("INSERT INTO \"a%b:c\" VALUES (1, 'x'), (1, 'y')")
    source = open_source(
        SourceConfig(database=url, table="a%b:c", cursor=(("折扣%",), ("a:b",)), key=("a:b",)), base=tmp_path
    )
    assert [tuple(row.values) for row in changes(source, 1)] == [(1, "x"), (1, "y")]
    assert (source.newest(), len(pages(source, 1))) == (1, 2)
    source.close()


@pytest.mark.parametrize(
    "query",
    [
        "SELECT '",
        "SELECT @ FROM t",
        "SELECT abs(1, 2)",
        "SELECT 1 UNION SELECT 1, 2",
        "SELECT (SELECT 1, 2)",
        "DELETE FROM t",
    ],
)
def test_statement_that_is_wrong_is_not_waited_for(sqlite_park: Park, query: str) -> None:
    sqlite_park.run("CREATE TABLE t (a)")
    with pytest.raises(UsageError, match="fix table, query or cursor"):
        sqlite_park.open(query=query)


def test_quote_that_nothing_closes_swallows_no_rows_in_silence(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('a,b\n1,2\n3,"never\n4,5\n6,7\n')
    rows = open_source(SourceConfig(file=Path("a.csv")), base=tmp_path).scan()
    assert next(rows).values == ["1", "2"]
    with pytest.raises(SourceUnavailable, match="line 3: half written, or a quote that nothing closes"):
        next(rows)


@pytest.mark.parametrize(("title", "settings"), [("x\u2028y\n", {"header_line": 2}), ("\ufeff", {"encoding": "utf_8"})])
def test_what_stands_before_the_header_is_none_of_it(tmp_path: Path, title: str, settings: dict[str, Any]) -> None:
    (tmp_path / "a.csv").write_text(title + "车牌;b\n1;2\n", encoding="utf-8")
    assert open_source(SourceConfig(file=Path("a.csv"), **settings), base=tmp_path).columns == ["车牌", "b"]
