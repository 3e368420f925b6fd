"""Connects to MariaDB and MySQL through PyMySQL: session, deadlines, and values as the server wrote them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from pymysql.charset import charset_by_id
from pymysql.connections import Connection, MySQLResult
from pymysql.constants import ER, FIELD_TYPE
from pymysql.converters import conversions
from pymysql.cursors import Cursor, SSCursor
from pymysql.err import Error

from vipgate.agent.mapping.values import SinglePrecision

# While the agent pauses in a long read, the server waits this long before it gives the connection up.
PAUSE_S: Final = 3_600
_UNKNOWN: Final = (ER.UNKNOWN_SYSTEM_VARIABLE, ER.PARSE_ERROR)
_BINARY: Final = 63
_TEXTS: Final = (
    FIELD_TYPE.VARCHAR, FIELD_TYPE.VAR_STRING, FIELD_TYPE.STRING, FIELD_TYPE.ENUM, FIELD_TYPE.SET,
    FIELD_TYPE.TINY_BLOB, FIELD_TYPE.BLOB, FIELD_TYPE.MEDIUM_BLOB, FIELD_TYPE.LONG_BLOB,
)  # fmt: skip
# Collations that the driver does not know, because no client may use their character sets.
_WIDE: Final = {
    "utf-16-be": {35, 54, 55, 90, *range(101, 125), *range(128, 152), 159, *range(2560, 3072)},
    "utf-16-le": {56, 62},
    "utf-32-be": {60, 61, *range(160, 184), *range(3072, 3328)},
}
# FLOAT is written with six digits: fen are exact below this, above it only with decimals (FLOAT(10,2)) and up to 2^17.
_FLOAT_MAX: Final = 10_000
_FLOAT_DECIMALS_MAX: Final = 2**17


def _float(text: str) -> float:
    number = float(text)
    is_exact = abs(number) < _FLOAT_MAX or (len(text.partition(".")[2]) > 1 and abs(number) < _FLOAT_DECIMALS_MAX)
    return number if is_exact else SinglePrecision(number)


CONVERSIONS: Final = conversions | {
    FIELD_TYPE.BIT: int.from_bytes,
    FIELD_TYPE.FLOAT: _float,
    FIELD_TYPE.TIME: str,
}


def fixed_offset(zone: ZoneInfo) -> str | None:
    """The zone's offset as `+08:00`, or None if it changes. Servers on Windows know no zones by name."""
    months = [datetime(year, month, 1, tzinfo=UTC) for year in range(2000, 2041) for month in range(1, 13)]
    offsets = {month.astimezone(zone).utcoffset() for month in months}
    if len(offsets) > 1:
        return None
    minutes = (offsets.pop() or timedelta()) // timedelta(minutes=1)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


class ParkConnection(Connection):  # type: ignore[misc]
    """A connection that only reads. Texts that cannot be decoded arrive as bytes, and spoil no row around them.

    `stored`: the encoding of texts in columns that are declared as latin1, or None.
    """

    def __init__(
        self, *args: Any, zone: str, stored: str | None, lock_wait_s: int, read_s: int, silence_s: int, **options: Any
    ) -> None:
        self.stored = stored
        self._zone = fixed_offset(ZoneInfo(zone)) or zone
        self._lock_wait_s, self._read_s, self._limit_s = lock_wait_s, read_s, -1
        waits = {"connect_timeout": lock_wait_s, "read_timeout": lock_wait_s, "write_timeout": silence_s}
        super().__init__(*args, **{**waits, **options, "conv": CONVERSIONS})
        # The driver's option holds for the greeting, too.
        self._read_timeout = silence_s

    def set_up(self) -> None:
        """Sets up the session, after SQLAlchemy's own statements."""
        self._set(f"time_zone = '{self._zone}'", is_optional=False)
        self._set("TRANSACTION READ ONLY")
        self._set(f"lock_wait_timeout = {self._lock_wait_s}")
        self._set(f"net_write_timeout = {PAUSE_S}")
        if self.stored is not None:
            # The server then sends every text as it is stored, and names the character set of its column.
            self._set("character_set_results = NULL", is_optional=False)

    def _set(self, what: str, *, is_optional: bool = True) -> None:
        """Sets a variable of the session; servers before MySQL 5.6 do not know all of them."""
        try:
            self.query(f"SET SESSION {what}")
        except Error as error:
            if not is_optional or error.args[0] not in _UNKNOWN:
                raise

    def limit(self, seconds: int) -> None:
        """Lets the server end a statement after `seconds`, so that no statement goes on after its reader has gone; 0: never."""
        if self._limit_s != seconds:
            is_mariadb = "mariadb" in self.server_version.lower()
            self._set(f"max_statement_time = {seconds}" if is_mariadb else f"max_execution_time = {seconds * 1000}")
            self._limit_s = seconds

    def cursor(self, cursor: type[Cursor] | None = None) -> Cursor:
        """See `Connection.cursor`."""
        is_stream = cursor is not None and issubclass(cursor, SSCursor)
        # A stream lasts as long as its reader pauses.
        self.limit(0 if is_stream else self._read_s)
        return super().cursor(cursor)

    def rollback(self) -> None:
        """See `Connection.rollback`. A stream that was left ends its connection, and the transaction with it."""
        if self.open:
            super().rollback()

    def close(self) -> None:
        """See `Connection.close`. The pool, too, closes a connection that a left stream has closed, and would log an error."""
        if not self._closed:
            super().close()

    def _read_query_result(self, unbuffered: bool = False) -> Any:
        self._result = None
        result = _Result(self)
        if unbuffered:
            result.init_unbuffered_query()
        else:
            result.read()
        self._result = result
        if result.server_status is not None:
            self.server_status = result.server_status
        return result.affected_rows


class _Result(MySQLResult):  # type: ignore[misc]
    connection: Any
    fields: Any
    converters: Any
    unbuffered_active: bool

    def _finish_unbuffered_query(self) -> None:
        """Ends a stream that is left by its connection: the driver would read a whole table to its end."""
        if self.unbuffered_active:
            link, self.connection, self.unbuffered_active = self.connection, None, False
            if link.open:
                link.close()

    def _get_descriptions(self) -> None:
        super()._get_descriptions()
        self.converters = [
            (None, self._text_reader(field.charsetnr))
            if field.type_code in _TEXTS and field.charsetnr != _BINARY
            else converter
            for field, converter in zip(self.fields, self.converters, strict=True)
        ]

    def _text_reader(self, collation: int) -> Callable[[bytes], str | bytes]:
        stored = self.connection.stored
        encoding = self.connection.encoding if stored is None else _encoding(collation, stored)

        def read(data: bytes) -> str | bytes:
            try:
                return data.decode(encoding)
            except UnicodeDecodeError:
                return data

        return read


def _encoding(collation: int, latin1: str) -> str:
    """The encoding of texts in a column with this collation; those of latin1 and ASCII are in `latin1`."""
    for encoding, collations in _WIDE.items():
        if collation in collations:
            return encoding
    try:
        charset = charset_by_id(collation)
    except KeyError:
        # Collations of MariaDB 10.10 and later, of UTF-8 by default.
        return "utf-8"
    known = {"latin1": latin1, "ascii": latin1, "gb2312": "gb18030", "gbk": "gb18030"}
    return known.get(charset.name, str(charset.encoding))
