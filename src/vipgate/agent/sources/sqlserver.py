"""Connects to SQL Server through pymssql or ODBC: session and deadlines."""

from __future__ import annotations

import struct
from datetime import datetime, timedelta, timezone
from typing import Any, Final

# Whether readers may see the last committed version of a row that is being changed, instead of waiting for its lock.
SNAPSHOT_QUERY: Final = "SELECT snapshot_isolation_state FROM sys.databases WHERE database_id = DB_ID()"
_SNAPSHOT_ON: Final = 1
# A type of SQL Server that the ODBC module refuses, and with it the whole page.
_DATETIMEOFFSET: Final = -155


def options(driver: str, *, lock_wait_s: int, read_s: int) -> dict[str, int]:
    """The driver's options of a connection."""
    if driver == "pymssql":
        return {"login_timeout": lock_wait_s, "timeout": read_s}
    return {"timeout": lock_wait_s}


def set_up(link: Any, driver: str, *, lock_wait_s: int, read_s: int) -> None:
    """Sets up the session of a connection."""
    if driver == "pyodbc":
        link.timeout = read_s
        link.add_output_converter(_DATETIMEOFFSET, datetimeoffset)
    with link.cursor() as cursor:
        cursor.execute(f"SET LOCK_TIMEOUT {lock_wait_s * 1000}")
        cursor.execute(SNAPSHOT_QUERY)
        state = cursor.fetchone()
        level = "SNAPSHOT" if state is not None and state[0] == _SNAPSHOT_ON else "READ COMMITTED"
        cursor.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
    # The level holds for transactions that begin after it.
    link.commit()


def datetimeoffset(raw: bytes) -> datetime:
    """A `datetimeoffset` as ODBC hands it over."""
    year, month, day, hour, minute, second, nanoseconds, hours, minutes = struct.unpack("<hHHHHHIhh", raw)
    zone = timezone(timedelta(hours=hours, minutes=minutes))
    return datetime(year, month, day, hour, minute, second, nanoseconds // 1000, zone)
