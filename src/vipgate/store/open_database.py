"""From a database URL to its desk: all that the inside port and the commands of staff may do, on one connection or pool."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from vipgate.store.common.accounts import StoredStaff
from vipgate.store.common.admin import StoredKeep
from vipgate.store.interfaces.admin import Desk
from vipgate.store.interfaces.ledger import Retention
from vipgate.store.open import (
    is_postgres,
    sqlite_path,
)
from vipgate.store.sqlite.store import SqliteStore

# The gateway's cache is eight times as large; what staff look for is found by an index.
CACHE_KIB: Final = 8 * 1024


def open_desk(url: str, clock_us: Callable[[], int], retention: Retention, *, connections: int = 1) -> Desk:
    """The desk at `url`, its schema brought up to date. Raises OperatorError, StoreError."""
    if is_postgres(url):
        # The driver takes a tenth of a second to load: only those who use it wait for it.
        from vipgate.store.postgres.queries import PostgresBrowse
        from vipgate.store.postgres.store import PostgresStore

        pool = PostgresStore(url, clock_us, retention, connections=connections)
        return Desk(pool, PostgresBrowse(pool), StoredStaff(pool), StoredKeep(pool, clock_us), pool.close)
    from vipgate.store.sqlite.queries import SqliteBrowse

    store = SqliteStore(sqlite_path(url), clock_us, retention, cache_kib=CACHE_KIB)
    return Desk(store, SqliteBrowse(store), StoredStaff(store), StoredKeep(store, clock_us), store.close)
