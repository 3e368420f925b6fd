"""Connection pool for PostgreSQL; translates the driver's errors.

Not psycopg_pool: while a server is down, each of its borrowers waits the whole timeout, and it reconnects only minutes after
the server is back (decision 6).
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg import conninfo
from psycopg.pq import ConnStatus, TransactionStatus

from vipgate.errors import IncompatibleDatabase, StoreError, StoreUnavailable
from vipgate.store.common.statements import load_engine_statements
from vipgate.support.address_masking import learn, learn_secret, mask, unreadable
from vipgate.support.sql_files import psycopg_parameters

Connection = psycopg.Connection[tuple[Any, ...]]

VERSION_MIN: Final = 150000
DOWN_PAUSE_S: Final = 0.5
IDLE_TRUSTED_S: Final = 1.0
BORROW_S: Final = 10.0

# A dead peer is detected in about half a minute; a connection attempt takes at most five seconds.
_DEFAULTS: Final[dict[str, str]] = {
    "connect_timeout": "5",
    "tcp_user_timeout": "15000",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "application_name": "vipgate",
    "client_encoding": "utf8",
    # After a failover only the new primary takes writes.
    "target_session_attrs": "read-write",
}


class DatabaseUnreachable(StoreUnavailable):
    """No connection is available; nothing was done."""


class ConnectionLost(DatabaseUnreachable):
    """The connection broke; the current transaction may or may not be committed."""


class ShardUnavailable(StoreUnavailable):
    """The cluster's coordinator answers, but a node that it needs does not; parks on other nodes may work."""


class RetryableConflict(StoreUnavailable):
    """Conflict with another transaction; a retry may succeed."""


_REMEDIES: Final = {
    "53100": "the server's disk is full; make room",
    "53200": "the server is out of memory",
    "53300": "the server has no connection left; raise max_connections or end other programs' connections",
    "28P01": "user or password is wrong; fix the URL, PGPASSWORD or ~/.pgpass",
    "28000": "the server does not let this user in; see its pg_hba.conf",
    "3D000": "there is no such database; make it with createdb",
    "42501": "the user lacks the right; grant it, or let the database's owner run vipgate migrate",
    "25006": "this server takes no writes; connect to the primary",
    "57014": "a statement took too long",
    "55P03": "a lock was not to be had in time",
}
_TRY_AGAIN: Final = frozenset({"40001", "40P01", "25001", "55P03", "XX000"})
_CONNECTION_CLASSES: Final = ("08", "57P")
_MISMATCH: Final = frozenset({"3D000", "28P01", "28000"})


def translate(error: psycopg.Error, where: str) -> StoreError:
    """Translates an error of the driver to a StoreError, with a remedy."""
    state = error.sqlstate or _state_of(str(error))
    line = mask(str(error).strip().partition("\n")[0]) or type(error).__name__
    remedy = _REMEDIES.get(state)
    shown = f"{where}: {line}" + (f" ({state})" if state else "") + (f"; {remedy}" if remedy else "")
    if state in _MISMATCH:
        return IncompatibleDatabase(shown)
    if state in _TRY_AGAIN:
        return RetryableConflict(shown)
    broken = error.sqlstate is None and isinstance(error, psycopg.OperationalError)
    if broken or state.startswith(_CONNECTION_CLASSES) or state == "25006":
        return ConnectionLost(shown)
    return StoreUnavailable(shown)


# A rejected connection has no SQLSTATE, only a message.
_WORDS: Final = {
    "password authentication failed": "28P01",
    "no password supplied": "28P01",
    "no pg_hba.conf entry": "28000",
    'role "': "28000",
    'database "': "3D000",
    "too many clients": "53300",
    "remaining connection slots": "53300",
    "session is read-only": "25006",
}


def _state_of(message: str) -> str:
    return next((state for words, state in _WORDS.items() if words in message), "")


def shown_url(url: str) -> str:
    """`url` for messages: server and database, no password."""
    parts = conninfo.conninfo_to_dict(url)
    host = parts.get("host") or parts.get("hostaddr") or "localhost"
    port = f":{parts['port']}" if parts.get("port") else ""
    return f"postgresql://{host}{port}/{parts.get('dbname') or parts.get('user') or ''}"


def load_sql() -> dict[str, str]:
    """The statements of PostgreSQL by name, those it shares with SQLite included."""
    return {name: psycopg_parameters(text) for name, text in load_engine_statements("postgres").items()}


class ConnectionPool:
    """Up to `size` connections to one database, shared by all threads."""

    def __init__(self, url: str, size: int, clock_s: Callable[[], float] = time.monotonic) -> None:
        learn(url)
        learn_secret(os.environ.get("PGPASSWORD"))
        problem = unreadable(url)
        if problem is not None:
            raise IncompatibleDatabase(f"The database URL cannot be read: {problem}.")
        try:
            self._parts = {**_DEFAULTS, **conninfo.conninfo_to_dict(url)}
            self.where = shown_url(url)
        except psycopg.ProgrammingError as error:
            raise IncompatibleDatabase(f"The database URL cannot be read: {mask(str(error).strip())}.") from None
        self.sql = load_sql()
        self._clock_s = clock_s
        self._free = threading.Semaphore(size)
        self._idle: list[tuple[Connection, float]] = []
        self._lock = threading.Lock()
        self._closed = False
        self._down: tuple[StoreError, float] | None = None

    def allow_more(self, connections: int) -> None:
        """Raises the number of connections that may be open at once."""
        self._free.release(connections)

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Borrows a connection outside a transaction; drops it if broken. Raises StoreError for errors of the driver."""
        if not self._free.acquire(timeout=BORROW_S):
            raise StoreUnavailable(f"{self.where}: all connections are busy; try again.")
        try:
            db = self._take()
            try:
                yield db
            except psycopg.Error as error:
                failure = translate(error, self.where)
                if isinstance(failure, ConnectionLost):
                    failure = _whose_connection(failure, error, db)
                raise failure from error
            finally:
                self._give_back(db)
        finally:
            self._free.release()

    def _take(self) -> Connection:
        while True:
            with self._lock:
                if not self._idle:
                    break
                db, since_s = self._idle.pop()
            if self._clock_s() - since_s < IDLE_TRUSTED_S or _answers(db):
                return db
            db.close()
        return self._connect()

    def _give_back(self, db: Connection) -> None:
        with self._lock:
            if not self._closed and not db.closed and db.info.transaction_status is TransactionStatus.IDLE:
                self._idle.append((db, self._clock_s()))
                return
        db.close()

    def _connect(self) -> Connection:
        """Opens and configures a connection. Fails at once if the last attempt failed less than DOWN_PAUSE_S ago."""
        down = self._down
        if down is not None and self._clock_s() < down[1]:
            raise down[0]
        try:
            db = psycopg.connect(**self._parts, autocommit=True, prepare_threshold=2)  # type: ignore[arg-type]
        except psycopg.Error as error:
            failure = translate(error, self.where)
            if not isinstance(failure, IncompatibleDatabase):
                failure = DatabaseUnreachable(str(failure))
            self._down = (failure, self._clock_s() + DOWN_PAUSE_S)
            raise failure from error
        self._down = None
        try:
            self._set_up(db)
        except psycopg.Error as error:
            db.close()
            raise translate(error, self.where) from error
        except StoreError:
            db.close()
            raise
        return db

    def _set_up(self, db: Connection) -> None:
        db.execute(self.sql["set_up"])
        version, encoding, citus, _ = one_row(db, self.sql["server_facts"])
        if version < VERSION_MIN:
            raise IncompatibleDatabase(
                f"{self.where} is PostgreSQL {version // 10000}; vipgate needs {VERSION_MIN // 10000}."
            )
        if encoding != "UTF8":
            raise IncompatibleDatabase(
                f"{self.where} has the encoding {encoding}; make a database with ENCODING 'UTF8'."
            )
        if citus and not one_row(db, self.sql["is_coordinator"])[0]:
            raise IncompatibleDatabase(
                f"{self.where} is a worker of a Citus cluster: writes through it are lost while shards move; "
                "connect to the coordinator."
            )

    def discard_idle(self) -> None:
        """Closes the idle connections, whose server state is outdated."""
        with self._lock:
            idle, self._idle = self._idle, []
        for db, _ in idle:
            db.close()

    def close(self) -> None:
        """Closes the idle connections; borrowed ones are closed on return."""
        self._closed = True
        self.discard_idle()


def _whose_connection(failure: ConnectionLost, error: psycopg.Error, db: Connection) -> StoreUnavailable:
    """Distinguishes a broken connection to the server, which is closed, from one that a healthy coordinator lost to a node."""
    if (error.sqlstate or "").startswith("08") and db.info.status is ConnStatus.OK:
        return ShardUnavailable(f"{failure}; the parks on that node wait until it or its standby is back")
    db.close()
    return failure


def one_row(db: Connection, statement: str, values: dict[str, object] | None = None) -> tuple[Any, ...]:
    """The row of a statement that always returns one."""
    row = db.execute(statement, values).fetchone()
    if row is None:
        raise IncompatibleDatabase(f"No answer to: {statement[:80]}")
    return row


def _answers(db: Connection) -> bool:
    try:
        db.execute("")
    except psycopg.Error:
        return False
    return True
