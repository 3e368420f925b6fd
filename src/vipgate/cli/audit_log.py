"""Opens the desk for one command, and writes the line that the command leaves in the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vipgate.cli.common import settings_for
from vipgate.clock import clock_us
from vipgate.errors import UsageError
from vipgate.store.interfaces.accounts import AuditEntry
from vipgate.store.interfaces.admin import Database
from vipgate.store.interfaces.ledger import (
    Park,
    Store,
)
from vipgate.store.open_database import open_database


@contextmanager
def open_configured_database(config: Path | None, database: str | None) -> Iterator[Database]:
    """The desk, for one command."""
    settings = settings_for(config, database)
    db = open_database(settings.database_url, clock_us, settings.retention)
    try:
        yield db
    finally:
        db.close()


def audit_entry(action: str, *, park_uuid: str | None = None, subject: str = "", detail: str = "") -> AuditEntry:
    """A line of the audit log, now: whoever may run commands on this machine did it."""
    return AuditEntry(
        at_us=clock_us(), who="command", action=action, park_uuid=park_uuid, subject=subject, detail=detail, peer=""
    )


def unknown_park(park_uuid: str) -> UsageError:
    """There is no such park, and what to do."""
    return UsageError(f"There is no park {park_uuid}; see: vipgate park list. Register it with: vipgate park add")


def found_park(store: Store, park_uuid: str) -> Park:
    """The park that is called so. Raises OperatorError."""
    found = store.find_park(park_uuid)
    if found is None:
        raise unknown_park(park_uuid)
    return found
