"""What drivers' errors mean: which pass by themselves, and which an operator must correct, with the remedy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from vipgate.i18n import tr, translatable

Code = int | str

_LOGIN: Final = translatable("user or password is wrong, or this machine is not let in; correct source.database")
_RIGHT: Final = translatable("the user may not read this; grant it SELECT on the table, see the guide, “Sources”")
_DATABASE: Final = translatable("there is no such database, or the user may not open it; correct source.database")
_TABLE: Final = translatable(
    "there is no such table or view; correct source.table or source.query, or restore the table"
)
_COLUMN: Final = translatable("there is no such column; correct source.query or source.cursor")
_ZONE: Final = translatable(
    "the server does not know source.time_zone; load its time zone tables, or choose a zone with one fixed offset"
)
_DAMAGED: Final = translatable("the database is damaged; repair it with the means of its vendor, or restore a backup")
_FILE: Final = translatable(
    "it is no SQLite database, or an encrypted one, which the agent cannot read; correct source.database"
)
_DRIVER: Final = translatable("install the driver that the address names, with as many bits (32 or 64) as this Python")

_SQLSTATES: Final[Mapping[Code, str]] = {
    "28000": _LOGIN, "28P01": _LOGIN, "42501": _RIGHT, "3D000": _DATABASE, "42P01": _TABLE, "3F000": _TABLE,
    "42703": _COLUMN, "22023": _ZONE, "XX001": _DAMAGED, "XX002": _DAMAGED,
}  # fmt: skip
_ODBC: Final[Mapping[Code, str]] = {
    "28000": _LOGIN, "42S02": _TABLE, "42S22": _COLUMN, "07002": _COLUMN, "IM002": _DRIVER, "IM003": _DRIVER,
    "01000": _DRIVER,
}  # fmt: skip
_SQL_SERVER: Final[Mapping[Code, str]] = {
    18456: _LOGIN, 18452: _LOGIN, 18470: _LOGIN, 18486: _LOGIN, 18487: _LOGIN, 18488: _LOGIN, 229: _RIGHT, 230: _RIGHT,
    300: _RIGHT, 916: _DATABASE, 4060: _DATABASE, 911: _DATABASE, 208: _TABLE, 207: _COLUMN, 823: _DAMAGED, 824: _DAMAGED,
}  # fmt: skip
_MYSQL: Final[Mapping[Code, str]] = {
    1045: _LOGIN, 1130: _LOGIN, 1698: _LOGIN, 1862: _LOGIN, 1820: _LOGIN, 2059: _LOGIN, 3118: _LOGIN, 4151: _LOGIN,
    1142: _RIGHT, 1143: _RIGHT, 1227: _RIGHT, 1345: _RIGHT, 1370: _RIGHT, 1044: _DATABASE, 1049: _DATABASE,
    1146: _TABLE, 1109: _TABLE, 1356: _TABLE, 1932: _TABLE, 1054: _COLUMN, 1298: _ZONE,
    1034: _DAMAGED, 1035: _DAMAGED, 1194: _DAMAGED, 1195: _DAMAGED,
    1129: translatable("the server has blocked this machine after failed connections; run mariadb-admin flush-hosts " "there"),
}  # fmt: skip
_SQLITE: Final[Mapping[Code, str]] = {11: _DAMAGED, 26: _FILE}
# MySQL's drivers report nearly all errors as operational ones. These pass: no room, no time, a server that goes away.
_MYSQL_PASSING: Final = frozenset(
    {1021, 1037, 1038, 1040, 1041, 1043, 1053, 1077, 1078, 1079, 1152, 1153, *range(1156, 1162), 1184, 1203, 1205, 1206,
     1213, 1226, 1317, 1412, 1615, 1836, 1927, 1969, 3024, 3169, 4031}
)  # fmt: skip
# The statement took longer than its session allows.
_OVERDUE: Final[Mapping[str, frozenset[Code]]] = {
    "pymysql": frozenset({1969, 3024}), "psycopg": frozenset({"57014"}), "sqlite3": frozenset({9}),
    "pymssql": frozenset({20003}), "pyodbc": frozenset({"HYT00", "HYT01"}),
}  # fmt: skip
# MySQL: the connection is lost; so it is when pymysql has waited for an answer as long as it may.
_LOST: Final = 2013
# Errors that carry no code. PostgreSQL writes them in its own language before it knows the client's.
_TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    "psycopg": {
        r"password authentication failed|no password supplied|认证失败|pg_hba\.conf|role .* does not exist|角色.*不存在": _LOGIN,
        r"database .* does not exist|数据库.*不存在": _DATABASE,
        r"permission denied for database|对数据库.*权限不够": _DATABASE,
    },
    "sqlite3": {r"no such table": _TABLE, r"no such column": _COLUMN, r"encrypted": _FILE},
    "pyodbc": {
        r"[Nn]ot a valid password": _LOGIN,
        r"Too few parameters": _COLUMN,
        r"Data source name not found": _DRIVER,
    },
}
_DB_LIB: Final = re.compile(r"DB-Lib error message \d+, severity \d+:\s*")
_NATIVE: Final = re.compile(r"\((-?\d+)\) \(SQL")


class DriverError(NamedTuple):
    """A driver's error: its code, if it has one, and its text in one line."""

    driver: str
    code: Code | None
    text: str


def read_error(error: BaseException) -> DriverError:
    """Reads the error of any driver."""
    driver = type(error).__module__.partition(".")[0].lstrip("_").lower()
    args = error.args
    while len(args) == 1 and isinstance(args[0], tuple):
        [args] = args
    numbered = len(args) > 1 and isinstance(args[0], int)
    text = _plain(args[1] if numbered or (driver == "pyodbc" and len(args) > 1) else error.args[0] if args else "")
    if driver == "pymssql":
        text = next((part for part in map(str.strip, _DB_LIB.split(text)) if part), text)
    code: Code | None = args[0] if numbered else getattr(error, "sqlstate", None)
    if driver == "sqlite3":
        code = getattr(error, "sqlite_errorcode", None)
    elif driver == "pyodbc" and args:
        native = _NATIVE.search(text)
        code = int(native[1]) if native and int(native[1]) in _SQL_SERVER else str(args[0])
    line = text.strip().partition("\n")[0].strip()
    return DriverError(driver, code, f"{line} ({args[0]})" if numbered and line else line)


def remedy_for(error: DriverError) -> str | None:
    """What an operator must do; None if the error is not known as one that lasts."""
    for pattern, remedy in _TEXTS.get(error.driver, {}).items():
        if re.search(pattern, error.text):
            return tr(remedy)
    tables = {"psycopg": [_SQLSTATES], "pyodbc": [_SQL_SERVER, _ODBC], "pymssql": [_SQL_SERVER], "sqlite3": [_SQLITE]}
    for table in tables.get(error.driver, [_MYSQL]):
        if error.code is not None and error.code in table:
            return tr(table[error.code])
    return None


def is_overdue(error: DriverError) -> bool:
    """Whether the statement was ended because it took too long, by the server or by the driver, whichever was first."""
    by_driver = error.driver == "pymysql" and error.code == _LOST and "timed out" in error.text
    return by_driver or error.code in _OVERDUE.get(error.driver, ())


def is_passing(error: DriverError) -> bool | None:
    """Whether MySQL's error passes by itself; None for other drivers, whose classes say it."""
    if error.driver != "pymysql" or not isinstance(error.code, int):
        return None
    return error.code in _MYSQL_PASSING or error.code < 1000 or 2000 <= error.code < 3000


def _plain(text: object) -> str:
    """A driver's text. That of SQL Server is bytes, in UTF-8 or in the code page of a Chinese Windows."""
    if not isinstance(text, bytes):
        return str(text)
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text.decode("gb18030", "replace")
