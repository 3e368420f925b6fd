"""Opens the database for one command, and builds the command's audit entry."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vipgate.cli.common import settings_for
from vipgate.clock import clock_us
from vipgate.errors import UsageError
from vipgate.store.interfaces.accounts import AuditEntry
from vipgate.store.interfaces.admin import Database
from vipgate.store.interfaces.ledger import Park, Store
from vipgate.store.open_database import open_database


@contextmanager
def open_configured_database(config: Path | None, database: str | None) -> Iterator[Database]:
    """Opens the configured database for one command."""
    settings = settings_for(config, database)
    db = open_database(settings.database_url, clock_us, settings.retention)
    try:
        yield db
    finally:
        db.close()


def audit_entry(action: str, *, park_uuid: str | None = None, subject: str = "", detail: str = "") -> AuditEntry:
    """Builds an audit entry with the current time. Its actor is `command`: anyone with access to this machine."""
    return AuditEntry(
        at_us=clock_us(), who="command", action=action, park_uuid=park_uuid, subject=subject, detail=detail, peer=""
    )


def unknown_park(park_uuid: str) -> UsageError:
    """Returns the error for an unknown park."""
    return UsageError(f"There is no park {park_uuid}; see: vipgate park list. Register it with: vipgate park add")


def found_park(store: Store, park_uuid: str) -> Park:
    """Returns the park. Raises UsageError if there is none."""
    found = store.find_park(park_uuid)
    if found is None:
        raise unknown_park(park_uuid)
    return found
