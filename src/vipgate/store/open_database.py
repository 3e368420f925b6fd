"""Opens the `Database` for a URL: all stores of the admin port and the staff commands, on one connection or pool."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from vipgate.store.common.accounts import SqlAccountStore
from vipgate.store.common.admin import SqlAdminStore
from vipgate.store.interfaces.admin import Database
from vipgate.store.interfaces.ledger import Retention
from vipgate.store.open import is_postgres, sqlite_path
from vipgate.store.sqlite.store import SqliteStore

# An eighth of the gateway's cache: staff queries use indexes.
CACHE_KIB: Final = 8 * 1024


def open_database(url: str, clock_us: Callable[[], int], retention: Retention, *, connections: int = 1) -> Database:
    """Opens the database at `url` and migrates its schema. Raises UsageError, StoreError."""
    if is_postgres(url):
        # Imported here: the driver takes a tenth of a second to load.
        from vipgate.store.postgres.queries import PostgresQueries
        from vipgate.store.postgres.store import PostgresStore

        pool = PostgresStore(url, clock_us, retention, connections=connections)
        return Database(pool, PostgresQueries(pool), SqlAccountStore(pool), SqlAdminStore(pool, clock_us), pool.close)
    from vipgate.store.sqlite.queries import SqliteQueries

    store = SqliteStore(sqlite_path(url), clock_us, retention, cache_kib=CACHE_KIB)
    return Database(store, SqliteQueries(store), SqlAccountStore(store), SqlAdminStore(store, clock_us), store.close)
