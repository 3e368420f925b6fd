"""Connections to PostgreSQL: opened when needed, lent out one at a time, and the driver's errors in our words.

A pool of our own: with psycopg_pool every borrower of a server that is down waits out his whole timeout, and its way back
to a server that has returned is paced in minutes (decision 6).
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

from vipgate.errors import (
    IncompatibleDatabase,
    StoreError,
    StoreUnavailable,
)
from vipgate.support.address_masking import (
    learn,
    learn_secret,
    mask,
    unreadable,
)
from vipgate.support.sql_files import load_statements

Connection = psycopg.Connection[tuple[Any, ...]]

VERSION_MIN: Final = 150000
DOWN_PAUSE_S: Final = 0.5
IDLE_TRUSTED_S: Final = 1.0
BORROW_S: Final = 10.0

# The server or the line notices a dead peer in about half a minute; a connection is made in five seconds or not at all.
_DEFAULTS: Final[dict[str, str]] = {
    "connect_timeout": "5",
    "tcp_user_timeout": "15000",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "application_name": "vipgate",
    "client_encoding": "utf8",
    # After a fail-over the standby becomes the one that takes writes; the other is not for us.
    "target_session_attrs": "read-write",
}


class DatabaseUnreachable(StoreUnavailable):
    """No connection is to be had; nothing was done."""


class ConnectionLost(DatabaseUnreachable):
    """The connection broke: what was under way may or may not have been done."""


class ShardUnavailable(StoreUnavailable):
    """The coordinator of a cluster answers, but not the node that it needed: other parks may be on other nodes."""


class RetryableConflict(StoreUnavailable):
    """Another transaction was in the way; the same may go through now."""


_REMEDIES: Final = {
    "53100": "the server's disk is full; make room",
    "53200": "the server is out of memory",
    "53300": "the server has no connection left; raise max_connections or end other programs' connections",
    "28P01": "user or password is wrong; mend the URL, PGPASSWORD or ~/.pgpass",
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
    """The driver's error in our words, with what to do next."""
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


# A connection that is refused has no SQLSTATE, only words.
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
    """`url` for people: which server and database, no password."""
    parts = conninfo.conninfo_to_dict(url)
    host = parts.get("host") or parts.get("hostaddr") or "localhost"
    port = f":{parts['port']}" if parts.get("port") else ""
    return f"postgresql://{host}{port}/{parts.get('dbname') or parts.get('user') or ''}"


class ConnectionPool:
    """Up to `size` connections to one database. Every thread may borrow."""

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
        self.sql = load_statements("vipgate.store.postgres.sql")
        self._clock_s = clock_s
        self._free = threading.BoundedSemaphore(size)
        self._idle: list[tuple[Connection, float]] = []
        self._lock = threading.Lock()
        self._closed = False
        self._down: tuple[StoreError, float] | None = None

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection outside a transaction; errors of the driver come out as StoreError. It is given back or, broken, dropped."""
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
        """A new connection, set up. Where that has just failed it fails at once: nobody need wait for it again."""
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
        version, encoding, citus, _ = one_row(db, self.sql["about"])
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
        """Drops the idle connections: what they know of the server is no longer so."""
        with self._lock:
            idle, self._idle = self._idle, []
        for db, _ in idle:
            db.close()

    def close(self) -> None:
        """Ends the idle connections; those that are lent out end when they come back."""
        self._closed = True
        self.discard_idle()


def _whose_connection(failure: ConnectionLost, error: psycopg.Error, db: Connection) -> StoreUnavailable:
    """Tells a line of ours that broke, which ends here, from one that broke behind a server that is well and says so."""
    if (error.sqlstate or "").startswith("08") and db.info.status is ConnStatus.OK:
        return ShardUnavailable(f"{failure}; the parks on that node wait until it or its standby is back")
    db.close()
    return failure


def one_row(db: Connection, statement: str, values: dict[str, object] | None = None) -> tuple[Any, ...]:
    """The one row of a statement that always has one."""
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
