"""From a database URL to its desk: all that the admin port and the commands of staff may do, on one connection or pool."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from vipgate.store.common.accounts import SqlAccountStore
from vipgate.store.common.admin import SqlAdminStore
from vipgate.store.interfaces.admin import Database
from vipgate.store.interfaces.ledger import Retention
from vipgate.store.open import (
    is_postgres,
    sqlite_path,
)
from vipgate.store.sqlite.store import SqliteStore

# The gateway's cache is eight times as large; what staff look for is found by an index.
CACHE_KIB: Final = 8 * 1024


def open_database(url: str, clock_us: Callable[[], int], retention: Retention, *, connections: int = 1) -> Database:
    """The desk at `url`, its schema brought up to date. Raises OperatorError, StoreError."""
    if is_postgres(url):
        # The driver takes a tenth of a second to load: only those who use it wait for it.
        from vipgate.store.postgres.queries import PostgresQueries
        from vipgate.store.postgres.store import PostgresStore

        pool = PostgresStore(url, clock_us, retention, connections=connections)
        return Database(pool, PostgresQueries(pool), SqlAccountStore(pool), SqlAdminStore(pool, clock_us), pool.close)
    from vipgate.store.sqlite.queries import SqliteQueries

    store = SqliteStore(sqlite_path(url), clock_us, retention, cache_kib=CACHE_KIB)
    return Database(store, SqliteQueries(store), SqlAccountStore(store), SqlAdminStore(store, clock_us), store.close)
