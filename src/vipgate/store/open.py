"""Opens the store for a database URL. The only module that knows the URL scheme of every engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from vipgate.errors import UsageError
from vipgate.store.interfaces.ledger import Retention, Store
from vipgate.store.sqlite.store import SqliteStore

POSTGRES_SCHEMES: Final = ("postgresql://", "postgres://")
_SQLITE: Final = "sqlite:///"


def is_postgres(url: str) -> bool:
    """Whether `url` names a PostgreSQL server, the engine that several processes may write to."""
    return url.startswith(POSTGRES_SCHEMES)


def sqlite_path(url: str) -> Path:
    """Returns the path in `sqlite:///relative.db` or `sqlite:////absolute.db`. Raises UsageError for any other URL."""
    path = url.removeprefix(_SQLITE)
    if path != url and path:
        return Path(unquote(path)).expanduser()
    # Show none of it: in a malformed URL the password may stand anywhere.
    scheme, is_url, _ = url.partition("://")
    shown = f"{scheme}://…" if is_url and "=" not in scheme else "given"
    raise UsageError(
        f"Cannot use the database {shown}; write postgresql://user@host/database, sqlite:///relative/path.db or "
        "sqlite:////absolute/path.db."
    )


def distribute(store: Store) -> bool:
    """Distributes a ledger over a Citus cluster; False if it already is. Raises UsageError, IncompatibleDatabase."""
    from vipgate.store.postgres.store import PostgresStore

    if not isinstance(store, PostgresStore):
        raise UsageError(f"{store.where} is no PostgreSQL database; give the coordinator's URL as --database.")
    return store.distribute()


def open_store(url: str, clock_us: Callable[[], int], retention: Retention, *, connections: int = 1) -> Store:
    """Opens the store at `url` and migrates its schema. Raises UsageError, StoreError."""
    if is_postgres(url):
        # Imported here: the driver takes a tenth of a second to load.
        from vipgate.store.postgres.store import PostgresStore

        return PostgresStore(url, clock_us, retention, connections=connections)
    return SqliteStore(sqlite_path(url), clock_us, retention)
