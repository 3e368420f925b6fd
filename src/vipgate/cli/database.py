"""Settings, database and vault of the gateway for one command, and the command's audit entry."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vipgate.clock import clock_us
from vipgate.errors import UsageError
from vipgate.gateway.master_key import check_master_key
from vipgate.gateway.settings import Settings, load_settings
from vipgate.store.interfaces.accounts import AuditEntry
from vipgate.store.interfaces.admin import Database
from vipgate.store.interfaces.ledger import Park, Store
from vipgate.store.open import open_store
from vipgate.store.open_database import open_database
from vipgate.support.vault import Vault, load_vault


def settings_for(config: Path | None, database: str | None) -> Settings:
    """Loads the settings of a command that has only these two options."""
    return load_settings(config, database=database)


@contextmanager
def store_for(config: Path | None, database: str | None) -> Iterator[Store]:
    """Opens the store for one command."""
    settings = settings_for(config, database)
    store = open_store(settings.database_url, clock_us, settings.retention)
    try:
        yield store
    finally:
        store.close()


def vault_for(settings: Settings) -> Vault:
    """Opens the vault with the configured master key."""
    return load_vault(settings.master_key.get_secret_value() if settings.master_key else None, settings.key_file)


def checked_vault_for(settings: Settings) -> Vault:
    """The vault for new secrets. Raises UsageError if those of the database are under another master key."""
    vault = vault_for(settings)
    store = open_store(settings.database_url, clock_us, settings.retention)
    try:
        check_master_key(store, vault)
    finally:
        store.close()
    return vault


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
