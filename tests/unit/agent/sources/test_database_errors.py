"""Errors of drivers are told in plain words, with a remedy where an operator must act."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import psycopg
import pymssql
import pymysql
import pytest
from bench.cluster import Server
from sqlalchemy.exc import DataError, DBAPIError, OperationalError, ProgrammingError

from vipgate.agent.config import SourceConfig
from vipgate.agent.sources.base import SourceFault, SourceUnavailable
from vipgate.agent.sources.engine import line_of, translated
from vipgate.agent.sources.open import open_source
from vipgate.errors import UsageError

# The module of ODBC cannot be imported without the system's library.
OdbcError = type("Error", (Exception,), {"__module__": "pyodbc"})
DB_LIB = "DB-Lib error message 20018, severity 16:\nGeneral SQL Server error: Check messages from the SQL Server\n"
AWAY = "DB-Lib error message 20009, severity 9:\nUnable to connect: Adaptive Server is unavailable or does not exist (10.0.0.9)\n"
LOGIN_ZH = "用户 'sa' 登录失败。"


def sql_server(number: int, text: str, *, encoding: str = "utf-8", nested: bool = True) -> Exception:
    args = number, (text + DB_LIB).encode(encoding)
    return pymssql.OperationalError(args) if nested else pymssql.OperationalError(*args)


def odbc(state: str, text: str) -> Exception:
    error: Exception = OdbcError(
        state, f"[{state}] [Microsoft][ODBC Driver 17 for SQL Server]{text} (SQLDriverConnect)"
    )
    return error


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (sql_server(18456, LOGIN_ZH), r"用户 'sa' 登录失败。 \(18456\); user or password is wrong"),
        (sql_server(18456, LOGIN_ZH, encoding="gbk"), r"用户 'sa' 登录失败。 \(18456\); user or password is wrong"),
        (
            sql_server(229, "The SELECT permission was denied", nested=False),
            "the user may not read this; grant it SELECT",
        ),
        (sql_server(4060, "Cannot open database"), "there is no such database, or the user may not open it"),
        (sql_server(208, "Invalid object name 't'."), "there is no such table or view"),
        (sql_server(207, "Invalid column name 'a'."), "there is no such column"),
        (odbc("28000", "Login failed for user 'sa'. (18456)"), "user or password is wrong"),
        (odbc("42000", "The SELECT permission was denied. (229)"), "grant it SELECT"),
        (odbc("42S02", "Invalid object name 't'. (208)"), "there is no such table or view"),
        (odbc("42S22", "Invalid column name 'a'. (207)"), "there is no such column"),
        (odbc("IM002", "Data source name not found (0)"), "install the driver that the address names"),
        (
            OdbcError("07002", "[07002] [Microsoft][ODBC Microsoft Access Driver] Too few parameters."),
            "no such column",
        ),
        (OdbcError("42000", "[42000] Not a valid password. (-1905) (SQLDriverConnect)"), "password is wrong"),
        (psycopg.OperationalError('FATAL:  password authentication failed for user "u"'), "user or password is wrong"),
        (psycopg.OperationalError('致命错误:  用户 "u" Password 认证失败'), "user or password is wrong"),
        (psycopg.OperationalError('FATAL:  database "d" does not exist'), "there is no such database"),
        (psycopg.errors.InvalidPassword("FATAL: x"), "user or password is wrong"),
        (pymysql.OperationalError(1045, "Access denied"), r"Access denied \(1045\); user or password is wrong"),
        (pymysql.OperationalError(1194, "Table 't' is marked as crashed"), "the database is damaged; repair it"),
        (pymysql.OperationalError(1129, "Host is blocked"), "run mariadb-admin flush-hosts"),
    ],
)
def test_what_an_operator_must_correct_is_a_fault_with_its_remedy(error: Exception, told: str) -> None:
    for wrapped in (OperationalError, ProgrammingError):
        found = translated("db, t", wrapped("SELECT 1", {}, error))
        assert isinstance(found, SourceFault)
        with pytest.raises(SourceFault, match=f"^db, t: .*{told}"):
            raise found
        assert "b'" not in str(found)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (sql_server(20009, AWAY), "Adaptive Server is unavailable"),
        (sql_server(1222, "Lock request time out period exceeded."), "Lock request time out"),
        (sql_server(1205, "chosen as the deadlock victim"), "deadlock victim"),
        (sql_server(20003, "Adaptive Server connection timed out"), "no answer within 60 s"),
        (odbc("HYT00", "Query timeout expired (0)"), "no answer within 60 s"),
        (odbc("08001", "TCP Provider: refused (10061)"), "refused"),
        (psycopg.OperationalError("connection refused"), "connection refused"),
        (psycopg.errors.LockNotAvailable("canceling statement due to lock timeout"), "lock timeout"),
        (psycopg.errors.QueryCanceled("canceling statement due to statement timeout"), "no answer within 60 s"),
        (pymysql.OperationalError(2003, "Can't connect"), r"Can't connect \(2003\)"),
        (pymysql.OperationalError(1040, "Too many connections"), "Too many connections"),
        (
            pymysql.OperationalError(2013, "Lost connection to MySQL server during query (timed out)"),
            "no answer within 60 s",
        ),
        (
            pymysql.OperationalError(2013, "Lost connection to MySQL server during query"),
            r"Lost connection .* \(2013\)",
        ),
        (pymysql.InternalError(1205, "Lock wait timeout exceeded"), "Lock wait timeout"),
    ],
)
def test_what_passes_by_itself_is_waited_for(error: Exception, told: str) -> None:
    found = translated("db, t", OperationalError("SELECT 1", {}, error))
    assert type(found) is SourceUnavailable
    with pytest.raises(SourceUnavailable, match=told):
        raise found


@pytest.mark.parametrize(
    ("wrapped", "error"),
    [
        (OperationalError, pymysql.OperationalError(1030, "Got error 28 from storage engine")),
        (OperationalError, pymysql.OperationalError(1267, "Illegal mix of collations")),
        (DataError, psycopg.errors.DivisionByZero("division by zero")),
        (DBAPIError, OdbcError("HY000", "[HY000] Record is deleted. (-1017) (SQLFetch)")),
    ],
)
def test_what_is_not_known_is_told_and_tried_again(wrapped: type[DBAPIError], error: Exception) -> None:
    found = translated("db, t", wrapped("SELECT 1", {}, error))
    assert type(found) is SourceFault
    assert "look at the rows and at the database's own log" in str(found)


@pytest.mark.parametrize(
    "error",
    [
        pymysql.ProgrammingError(1064, "You have an error in your SQL syntax"),
        OdbcError("42000", "[42000] Syntax error (-3100) (SQLExecDirectW)"),
    ],
)
def test_statement_that_is_wrong_is_an_error_of_the_configuration(error: Exception) -> None:
    found = translated("db, t", ProgrammingError("SELEC 1", {}, error))
    assert isinstance(found, UsageError)
    assert "fix table, query or cursor" in str(found)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (sql_server(208, "对象名 't' 无效。"), "对象名 't' 无效。 (208)"),
        (
            sql_server(20009, AWAY),
            "Unable to connect: Adaptive Server is unavailable or does not exist (10.0.0.9) (20009)",
        ),
        (pymysql.OperationalError(1045, "拒绝访问"), "拒绝访问 (1045)"),
        (ValueError("first\nsecond"), "first"),
        (ValueError(), "ValueError"),
        (KeyError("a"), "a"),
    ],
)
def test_line_of_an_error_is_plain_text(error: Exception, line: str) -> None:
    assert line_of(error) == line


def test_rights_and_names_of_postgres_are_told_with_a_remedy(server: Server, tmp_path: Path) -> None:
    url = server.make_database(f"errors-{tmp_path.name}"[:60])
    reader = url.replace("postgres@", "errors_reader@")
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("DROP ROLE IF EXISTS errors_reader")
        db.execute("CREATE ROLE errors_reader LOGIN")
        db.execute("CREATE TABLE t (a integer)")
    for address, table, told in [
        (reader, "t", "permission denied for table t; the user may not read this; grant it SELECT"),
        (reader, "u", "there is no such table or view"),
        (reader, "s.t", "there is no such table or view"),
        (url.replace("postgres@", "errors_nobody@"), "t", "user or password is wrong"),
        (url.replace("errors-", "nowhere-"), "t", "there is no such database"),
    ]:
        with pytest.raises(SourceFault, match=told):
            open_source(SourceConfig(database=address, table=table), base=tmp_path)


def test_damaged_file_of_sqlite_is_told_with_a_remedy(tmp_path: Path) -> None:
    path = tmp_path / "park.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE t (a)")
        db.executemany("INSERT INTO t VALUES (?)", [("x" * 900,)] * 100)
    db.close()
    path.write_bytes(path.read_bytes()[:8192] + b"\xff" * (path.stat().st_size - 8192))
    with pytest.raises(SourceFault, match="the database is damaged; repair it"):
        list(open_source(SourceConfig(database="sqlite:///park.db", table="t"), base=tmp_path).scan())


def test_secret_in_a_driver_text_is_masked() -> None:
    error = OdbcError("08001", "[08001] cannot open DRIVER=x;UID=u;PWD=hidden")
    found = translated("db", DBAPIError("SELECT 1", {}, error))
    assert "hidden" not in str(found)
