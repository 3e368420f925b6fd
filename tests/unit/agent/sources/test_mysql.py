"""MariaDB as a source, on a real server: rows as they are stored, waits within bounds, and errors with a remedy."""

# ruff: noqa: DTZ001 - the times of a park have no zone
from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from support.mariadb import connect, run, running_server
from vipgate.agent.config import SourceConfig
from vipgate.agent.config_map import Member
from vipgate.agent.mapping.mapper import Mapper
from vipgate.agent.sources import engine
from vipgate.agent.sources.base import Source, SourceFault, SourceUnavailable
from vipgate.agent.sources.mysql import fixed_offset
from vipgate.agent.sources.open import open_source
from vipgate.errors import UsageError

Open = Callable[..., Any]
MONEY = {"pay_value": Member(column="fee", unit="yuan")}


@pytest.fixture
def opened(mariadb: str, tmp_path: Path) -> Iterator[Open]:
    sources: list[Source] = []

    def make(**settings: Any) -> Source:
        if "query" not in settings:
            settings.setdefault("table", "t")
        sources.append(open_source(SourceConfig(**{"database": mariadb, **settings}), base=tmp_path))
        return sources[-1]

    yield make
    for one in sources:
        one.close()


def values(source: Source) -> list[list[Any]]:
    return [list(row.values) for row in source.scan()]


def mapped(rows: Sequence[Sequence[object]], columns: Sequence[str], members: dict[str, Member]) -> list[Any]:
    mapper = Mapper(members, (), ZoneInfo("Asia/Shanghai"), columns)
    return [mapper(row) for row in rows]


# ---- values ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "stored", "read"),
    [
        ("BIT(1)", "b'1'", 1),
        ("BIT(8)", "b'101'", 5),
        ("TINYINT(1)", "1", 1),
        ("BIGINT UNSIGNED", "18446744073709551615", 18446744073709551615),
        ("ENUM('月卡','年卡')", "'年卡'", "年卡"),
        ("SET('a','b')", "'a,b'", "a,b"),
        ("YEAR", "2026", 2026),
        ("DATE", "'2026-09-01'", date(2026, 9, 1)),
        ("DATE", "'0000-00-00'", "0000-00-00"),
        ("DATE", "'2026-00-00'", "2026-00-00"),
        ("DATETIME", "'2026-09-01 08:00:00'", datetime(2026, 9, 1, 8)),
        ("DATETIME", "'0000-00-00 00:00:00'", "0000-00-00 00:00:00"),
        ("TIMESTAMP NULL", "'0000-00-00 00:00:00'", "0000-00-00 00:00:00"),
        ("DATETIME(6)", "'2026-09-01 08:00:00.123456'", datetime(2026, 9, 1, 8, 0, 0, 123456)),
        ("TIME", "'08:30:00'", "08:30:00"),
        ("TIME", "'-838:59:59'", "-838:59:59"),
        ("DECIMAL(12,2)", "12345.67", Decimal("12345.67")),
        ("DOUBLE", "12345.67", 12345.67),
        ("JSON", "'{\"车\": 1}'", '{"车": 1}'),
        ("VARBINARY(8)", "x'ff00'", b"\xff\x00"),
        ("LONGTEXT", "'粤B·😀'", "粤B·😀"),
    ],
)
def test_value_is_read_as_it_is_stored(mariadb: str, opened: Open, kind: str, stored: str, read: object) -> None:
    run(mariadb, f"CREATE TABLE t (a {kind})", f"INSERT INTO t VALUES ({stored})")  # noqa: S608
    [[found]] = values(opened())
    assert (found, type(found)) == (read, type(read))


@pytest.mark.parametrize(
    ("stored", "members"),
    [
        ("0000-00-00 00:00:00", [{}, {}]),
        ("2026-09-01 08:00:00", [{"pay_time": 1788220800000}, {"renewal_end_time": "2026-09-01T00:00:00Z"}]),
    ],
)
def test_zero_date_is_no_date(mariadb: str, opened: Open, stored: str, members: list[dict[str, object]]) -> None:
    run(mariadb, "CREATE TABLE t (a DATETIME)", f"INSERT INTO t VALUES ('{stored}')")  # noqa: S608
    rows = values(opened())
    found = [mapped(rows, ["a"], {name: Member(column="a")})[0] for name in ("pay_time", "renewal_end_time")]
    assert found == members


def test_date_that_is_none_is_an_error_of_its_row_alone(mariadb: str, opened: Open) -> None:
    run(mariadb, "CREATE TABLE t (a DATE)", "INSERT INTO t VALUES ('2026-00-00'), ('2026-09-01')")
    wrong, right = mapped(values(opened()), ["a"], {"renewal_end_time": Member(column="a")})
    assert isinstance(wrong, list)
    assert isinstance(right, dict)


@pytest.mark.parametrize(
    ("kind", "stored", "fen"),
    [
        ("FLOAT", "12345.67", None),
        ("FLOAT", "10000", None),
        ("FLOAT", "300.5", 30050),
        ("FLOAT", "9999.99", 999999),
        ("FLOAT(10,2)", "12345.67", 1234567),
        ("FLOAT(10,2)", "234567.89", None),
        ("DOUBLE", "12345.67", 1234567),
        ("DECIMAL(12,2)", "12345.67", 1234567),
    ],
)
def test_money_is_exact_or_refused_with_a_remedy(
    mariadb: str, opened: Open, kind: str, stored: str, fen: int | None
) -> None:
    run(mariadb, f"CREATE TABLE t (fee {kind})", f"INSERT INTO t VALUES ({stored})")  # noqa: S608
    source = opened()
    [found] = mapped(values(source), source.columns, MONEY)
    if fen is not None:
        assert found == {"pay_value": fen}
        return
    assert "CAST(column AS DECIMAL(12,2))" in found[0].text("en")
    cast = opened(query="SELECT CAST(fee AS DECIMAL(12,2)) AS fee FROM t")
    [found] = mapped(values(cast), cast.columns, MONEY)
    assert found["pay_value"] == round(float(stored) * 100)


def test_number_of_an_order_in_a_float_column_is_not_rounded_in_silence(mariadb: str, opened: Open) -> None:
    run(mariadb, "CREATE TABLE t (id FLOAT)", "INSERT INTO t VALUES (1234567), (123456)")
    rounded, exact = mapped(values(opened()), ["id"], {"pay_partner": Member(column="id")})
    assert isinstance(rounded, list)
    assert exact == {"pay_partner": "123456"}


# ---- time zone ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("zone", "hour"), [("Asia/Shanghai", 8), ("UTC", 0), ("Asia/Kolkata", 5)])
def test_timestamp_is_read_in_the_zone_of_the_source(mariadb: str, opened: Open, zone: str, hour: int) -> None:
    made = "CREATE TABLE t (a TIMESTAMP)", "SET time_zone = '+00:00'", "INSERT INTO t VALUES ('2026-09-01 00:00:00')"
    run(mariadb, *made)
    [[found]] = values(opened(time_zone=zone))
    assert found == datetime(2026, 9, 1, hour, 30 if zone == "Asia/Kolkata" else 0)
    [[now, there]] = values(opened(query="SELECT NOW() AS a, UTC_TIMESTAMP() AS b", time_zone=zone))
    assert 0 <= (now - there).total_seconds() - (hour * 3600 + found.minute * 60) <= 1


@pytest.mark.parametrize(
    ("zone", "offset"),
    [
        ("Asia/Shanghai", "+08:00"),
        ("Asia/Kolkata", "+05:30"),
        ("America/Caracas", None),
        ("Europe/Berlin", None),
        ("Etc/GMT+3", "-03:00"),
    ],
)
def test_zone_with_one_offset_needs_no_tables_of_the_server(zone: str, offset: str | None) -> None:
    assert fixed_offset(ZoneInfo(zone)) == offset


def test_zone_that_the_server_does_not_know_is_told_with_a_remedy(opened: Open) -> None:
    with pytest.raises(SourceFault, match=r"Europe/Berlin.*load its time zone tables"):
        opened(time_zone="Europe/Berlin")


# ---- texts ----------------------------------------------------------------------------------------------------------------

PLATE = "粤B·联通"


def test_gbk_in_a_latin1_column_is_read_as_gbk_and_other_columns_as_they_are(mariadb: str, opened: Open) -> None:
    run(
        mariadb,
        "CREATE TABLE t (车牌 VARCHAR(40) CHARACTER SET latin1, g VARCHAR(40) CHARACTER SET gbk, u VARCHAR(40), w VARCHAR(40)"
        " CHARACTER SET utf16, b VARBINARY(40), j JSON, n INT, d DECIMAL(5,2))",
        f"INSERT INTO t VALUES (x'{PLATE.encode('gbk').hex()}', '{PLATE}', '{PLATE}', '{PLATE}', '{PLATE}', "  # noqa: S608
        f"'[\"{PLATE}\"]', 7, 1.50)",
    )
    source = opened(encoding="gbk")
    assert source.columns[0] == "车牌"
    assert values(source) == [[PLATE, PLATE, PLATE, PLATE, PLATE.encode(), f'["{PLATE}"]', 7, Decimal("1.50")]]
    assert values(opened(query="SELECT u FROM t WHERE u = '粤B·联通'", encoding="GBK")) == [[PLATE]]
    assert [row[1:4] for row in values(opened())] == [[PLATE, PLATE, PLATE]]


@pytest.mark.parametrize("encoding", [None, "gbk", "utf-8"])
def test_text_that_cannot_be_decoded_spoils_no_row_around_it(mariadb: str, opened: Open, encoding: str | None) -> None:
    run(mariadb, "CREATE TABLE t (id INT, a VARCHAR(9) CHARACTER SET latin1)", "INSERT INTO t VALUES (1, 'A')")
    run(mariadb, "INSERT INTO t VALUES (2, x'ff41'), (3, 'C')")
    found = values(opened(encoding=encoding))
    assert [row[0] for row in found] == [1, 2, 3]
    assert found[1][1] == ("ÿA" if encoding is None else b"\xffA")


def test_encoding_that_means_nothing_is_told(opened: Open, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"source\.encoding: is not known"):
        opened(encoding="klingon")
    (tmp_path / "x.db").touch()
    with pytest.raises(UsageError, match=r"source\.encoding: is for files, MySQL and MariaDB"):
        opened(database="sqlite:///x.db", encoding="gbk")


# ---- reading --------------------------------------------------------------------------------------------------------------


def fill(url: str, rows: int, engine_name: str = "InnoDB") -> None:
    run(
        url,
        f"CREATE TABLE t (id INT, changed DATETIME, plate VARCHAR(200)) ENGINE={engine_name}",
        f"INSERT INTO t SELECT seq, '2026-09-01' + INTERVAL seq SECOND, REPEAT('粤', 100) FROM seq_1_to_{rows}",  # noqa: S608
    )


def test_rows_of_a_query_are_streamed_within_bounded_memory(mariadb: str, opened: Open) -> None:
    fill(mariadb, 100_000)
    source = opened()
    rows = iter(source.scan())
    next(rows)
    tracemalloc.start()
    count = 1 + sum(1 for _ in rows)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 100_000
    assert peak_bytes < 8 * 1024**2, f"{peak_bytes} bytes for a scan"


def test_stream_that_is_left_ends_its_statement_and_the_next_read_goes_on(mariadb: str, opened: Open) -> None:
    fill(mariadb, 100_000)
    source = opened()
    number = id_of(source)
    rows = source.scan()
    assert len(list(islice(rows, 3))) == 3
    rows.close()
    assert id_of(source) != number, "the driver has read the whole table to reuse its connection"
    assert source.count() == 100_000
    assert len(list(islice(source.scan(), 3))) == 3


def test_stream_that_is_left_leaves_no_error_in_the_log(
    mariadb: str, opened: Open, caplog: pytest.LogCaptureFixture
) -> None:
    run(mariadb, "CREATE TABLE pass (n INT); INSERT INTO pass SELECT seq FROM seq_1_to_50000")
    source = opened(table="pass")
    rows = source.scan()
    next(rows)
    rows.close()
    assert source.count() == 50_000
    assert caplog.records == []


def test_right_to_select_alone_suffices_and_nothing_is_written(mariadb: str, opened: Open) -> None:
    fill(mariadb, 10)
    reader = as_user(mariadb, "GRANT SELECT ON t TO {user}")
    source = opened(database=reader, cursor=(("changed",),))
    assert len([row for page in source.changes(None) for row in page]) == len(list(source.scan())) == 10
    assert "no index begins with changed: every look reads the whole table" in source.problems()
    with pytest.raises(SQLAlchemyError, match="READ ONLY"), opened().engine.connect() as db:
        db.execute(text("DELETE FROM t"))


def as_user(url: str, *grants: str) -> str:
    """The same database for a new user with these grants."""
    user = "'reader'@'%'"
    run(url, f"CREATE OR REPLACE USER {user} IDENTIFIED BY 'p'", *[grant.format(user=user) for grant in grants])
    return make_url(url).set(username="reader", password="p").render_as_string(hide_password=False)


# ---- what ends, or lasts too long -----------------------------------------------------------------------------------------


def test_session_that_was_killed_is_made_again(mariadb: str, opened: Open) -> None:
    fill(mariadb, 10)
    source = opened(cursor=(("changed",),))
    assert source.count() == 10
    run(mariadb, f"KILL {id_of(source)}")
    assert source.count() == 10


def test_session_that_is_killed_in_a_read_is_told_and_made_again(mariadb: str, opened: Open) -> None:
    fill(mariadb, 100_000)
    source = opened()
    rows = source.scan()
    next(rows)
    [(number,)] = run(mariadb, "SELECT id FROM information_schema.processlist WHERE info LIKE 'SELECT * %'")
    run(mariadb, f"KILL {number}")
    with pytest.raises(SourceUnavailable) as told:
        list(rows)
    assert not isinstance(told.value, SourceFault)
    assert source.count() == 100_000


def id_of(source: Any) -> int:
    with source.engine.connect() as db:
        return int(db.execute(text("SELECT CONNECTION_ID()")).scalar_one())


def test_session_that_idled_too_long_is_made_again(mariadb: str, opened: Open) -> None:
    fill(mariadb, 10)
    [(before,)] = run(mariadb, "SELECT @@GLOBAL.wait_timeout")
    run(mariadb, "SET GLOBAL wait_timeout = 1")
    try:
        source = opened()
        number = id_of(source)
        while run(mariadb, f"SELECT 1 FROM information_schema.processlist WHERE id = {number}"):  # noqa: S608
            time.sleep(0.1)
        assert source.count() == 10
    finally:
        run(mariadb, f"SET GLOBAL wait_timeout = {before}")


def test_server_that_starts_again_is_read_again(tmp_path: Path) -> None:
    with running_server() as server:
        url = server.url("vipgate_test")
        run(url, "CREATE TABLE t (a INT) ENGINE=InnoDB", "INSERT INTO t VALUES (1)")
        source = open_source(SourceConfig(database=url, table="t"), base=tmp_path)
        assert values(source) == [[1]]
        server.stop()
        with pytest.raises(SourceUnavailable) as told:
            source.count()
        assert not isinstance(told.value, SourceFault)
        server.start()
        assert values(source) == [[1]]
        source.close()


@pytest.mark.parametrize("engine_name", ["InnoDB", "MyISAM"])
def test_table_that_is_locked_is_waited_for_within_a_bound(
    mariadb: str, opened: Open, monkeypatch: pytest.MonkeyPatch, engine_name: str
) -> None:
    monkeypatch.setattr(engine, "BUSY_WAIT_S", 1)
    fill(mariadb, 10, engine_name)
    source = opened()
    program = connect(mariadb)
    program.query("LOCK TABLES t WRITE")
    with pytest.raises(SourceUnavailable, match="Lock wait timeout"):
        source.count()
    program.close()
    assert source.count() == 10


def test_statement_that_lasts_too_long_is_ended_on_the_server_too(
    mariadb: str, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "READ_DEADLINE_S", 1)
    with pytest.raises(SourceUnavailable, match="no answer within 1 s"):
        opened(query="SELECT SLEEP(30) AS a").count()
    assert not run(mariadb, "SELECT id FROM information_schema.processlist WHERE info LIKE '%SLEEP(30) AS%'")[1:]


# ---- errors with a remedy -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("grants", "change", "told"),
    [
        (
            ["GRANT SELECT ON t TO {user}"],
            {"password": "wrong"},
            r"Access denied .* \(1045\); user or password is wrong",
        ),
        (["GRANT SELECT ON t TO {user}"], {"username": "nobody"}, r"\(1045\); user or password is wrong"),
        (["GRANT SELECT (id) ON t TO {user}"], {}, r"\(114[23]\); the user may not read this; grant it SELECT"),
        (["GRANT SELECT ON *.* TO {user}"], {"database": "nowhere"}, r"\(1049\); there is no such database"),
        ([], {}, r"\(1044\); there is no such database, or the user may not open it"),
    ],
)
def test_wrong_account_is_told_with_a_remedy(
    mariadb: str, opened: Open, grants: list[str], change: dict[str, Any], told: str
) -> None:
    fill(mariadb, 1)
    run(mariadb, "DROP USER IF EXISTS ''@'localhost'")
    url = make_url(as_user(mariadb, *grants)).set(**change).render_as_string(hide_password=False)
    with pytest.raises(SourceFault, match=told):
        opened(database=url)


@pytest.mark.parametrize(
    ("change", "settings", "told"),
    [
        ("DROP TABLE t", {}, r"\(1146\); there is no such table or view"),
        ("ALTER TABLE t DROP changed", {"query": "SELECT id, changed FROM t"}, r"\(1054\); there is no such column"),
    ],
)
def test_what_was_dropped_meanwhile_is_told_with_a_remedy(
    mariadb: str, opened: Open, change: str, settings: dict[str, Any], told: str
) -> None:
    fill(mariadb, 1)
    source = opened(**settings)
    run(mariadb, change)
    with pytest.raises(SourceFault, match=told):
        source.count()


@pytest.mark.parametrize("host", ["127.0.0.1:1", "no-such-host.invalid"])
def test_mariadb_that_is_not_reached_is_waited_for(opened: Open, host: str) -> None:
    with pytest.raises(SourceUnavailable, match="2003") as told:
        opened(database=f"mysql://u:hidden@{host}/d")
    assert not isinstance(told.value, SourceFault)
    assert "hidden" not in str(told.value)


# ---- tables that let no writer in while they are read ---------------------------------------------------------------------

MYISAM_ROWS = 6_000
# Where it waits, the test waits for so long.
WRITER_WAITS = "SET SESSION lock_wait_timeout = 1"


def make_myisam(mariadb: str, *, has_key: bool) -> None:
    key = ", PRIMARY KEY (id)" if has_key else ""
    run(
        mariadb,
        f"CREATE TABLE t (id INT, a VARCHAR(600){key}) ENGINE = MyISAM",
        f"INSERT INTO t SELECT seq, REPEAT('x', 500) FROM seq_1_to_{MYISAM_ROWS}",  # noqa: S608
    )


@pytest.mark.parametrize("has_key", [True, False])
def test_writer_of_a_myisam_table_gets_in_between_two_pages(mariadb: str, opened: Open, has_key: bool) -> None:
    make_myisam(mariadb, has_key=has_key)
    source = opened(table="t")
    assert source.has_key == has_key
    rows = source.scan()
    read = [next(rows).values[0]]
    # No read is under way while its rows are used: otherwise this would wait until all are read.
    run(mariadb, WRITER_WAITS, f"UPDATE t SET a = 'changed' WHERE id = {MYISAM_ROWS}")  # noqa: S608
    last = [row.values for row in rows][-1]
    assert tuple(last) == (MYISAM_ROWS, "changed")
    assert read == [1]


def test_rows_that_move_while_a_table_without_a_key_is_read_cost_no_other_row(mariadb: str, opened: Open) -> None:
    make_myisam(mariadb, has_key=False)
    rows = opened(table="t").scan()
    read = [next(rows).values[0] for _ in range(1_990)]
    # The rows behind move forward; a row of the overlap changes, and new rows fill holes.
    run(
        mariadb, WRITER_WAITS, "DELETE FROM t WHERE id <= 30", "UPDATE t SET a = 'changed' WHERE id = 2000",
        "INSERT INTO t VALUES (7001, REPEAT('y', 500)), (7002, REPEAT('y', 500))",
    )  # fmt: skip
    read += [row.values[0] for row in rows]
    assert set(range(1, MYISAM_ROWS + 1)) <= set(read)
    assert len(read) < MYISAM_ROWS + 60
