"""From a database URL to its store: the one place that knows every engine's scheme."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from vipgate.errors import UsageError
from vipgate.store.interfaces.ledger import (
    Retention,
    Store,
)
from vipgate.store.sqlite.store import SqliteStore

POSTGRES_SCHEMES: Final = ("postgresql://", "postgres://")
_SQLITE: Final = "sqlite:///"


def is_postgres(url: str) -> bool:
    """Whether `url` names a PostgreSQL server, which several processes may write to."""
    return url.startswith(POSTGRES_SCHEMES)


def sqlite_path(url: str) -> Path:
    """The file of `sqlite:///relative.db` or `sqlite:////absolute.db`. Raises OperatorError for every other URL."""
    path = url.removeprefix(_SQLITE)
    if path != url and path:
        return Path(unquote(path)).expanduser()
    # Nothing of it is shown: in what is no URL nobody can tell where a password stands.
    scheme, is_url, _ = url.partition("://")
    shown = f"{scheme}://…" if is_url and "=" not in scheme else "given"
    raise UsageError(
        f"Cannot use the database {shown}; write postgresql://user@host/database, sqlite:///relative/path.db or "
        "sqlite:////absolute/path.db."
    )


def distribute(store: Store) -> bool:
    """Spreads a ledger over a Citus cluster; False where that is done already. Raises OperatorError, StoreMismatch."""
    from vipgate.store.postgres.store import PostgresStore

    if not isinstance(store, PostgresStore):
        raise UsageError(f"{store.where} is no PostgreSQL database; give the coordinator's URL as --database.")
    return store.distribute()


def open_store(url: str, clock_us: Callable[[], int], retention: Retention, *, connections: int = 1) -> Store:
    """The store at `url`, its schema brought up to date. Raises OperatorError, StoreError."""
    if is_postgres(url):
        # The driver takes a tenth of a second to load: only those who use it wait for it.
        from vipgate.store.postgres.store import PostgresStore

        return PostgresStore(url, clock_us, retention, connections=connections)
    return SqliteStore(sqlite_path(url), clock_us, retention)
