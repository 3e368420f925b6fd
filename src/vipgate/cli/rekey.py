"""`vipgate rekey`: seals the secrets of all parks under a new master key. After a kill, it can be run again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from vipgate.cli.common import Config, DatabaseOption, read_secret
from vipgate.cli.database import settings_for, vault_for
from vipgate.clock import clock_us
from vipgate.errors import UsageError
from vipgate.gateway.settings import Settings
from vipgate.store.common.reseal import reencrypt_secrets
from vipgate.store.common.transaction import TransactionRunner
from vipgate.store.interfaces.accounts import AuditEntry
from vipgate.store.open import is_postgres, sqlite_path
from vipgate.store.sqlite.store import LEDGER, SqliteStore
from vipgate.support.private_files import sync_folder
from vipgate.support.sqlite_file import OwnerLock
from vipgate.support.vault import Vault, load_vault

# The last pass must find nothing to do: a park may have been added while the first one ran.
PASSES_MAX: Final = 3
_CONNECTIONS: Final = 2


def rekey(
    new_key: Annotated[
        str | None,
        typer.Option(
            help="Where to read the new key: - (standard input), env:NAME or file:PATH. Give it if the gateway gets its key as "
            "VIPGATE_MASTER_KEY. Default: a new key file is created."
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Confirm that all gateways are stopped.")] = False,
    config: Config = None,
    database: DatabaseOption = None,
) -> None:
    """Seal the secrets of all parks under a new master key. Stop every gateway first."""
    settings = settings_for(config, database)
    if settings.master_key is not None and new_key is None:
        raise UsageError(
            "The master key is set as VIPGATE_MASTER_KEY or in the settings file: "
            "give the new one with --new-key -, then put it in the same place."
        )
    if settings.master_key is None and not settings.key_file.exists():
        raise UsageError(f"There is no key file {settings.key_file}; put it back, or set VIPGATE_MASTER_KEY.")
    with _worker(settings, yes=yes) as worker:
        old = vault_for(settings)
        if new_key is not None:
            typer.echo(f"{reseal(worker, old, Vault(read_secret(new_key)))} parks sealed under the new key")
            typer.echo("Set VIPGATE_MASTER_KEY to the new key wherever a gateway runs, then start the gateways.")
            return
        draft = settings.key_file.with_name(f"{settings.key_file.name}.new")
        new = load_vault(None, draft)
        # The key must be on the disk before anything is sealed under it.
        sync_folder(draft.parent)
        typer.echo(f"{reseal(worker, old, new)} parks sealed under the new key")
        kept = replace_key_file(draft, settings.key_file, clock_us())
    typer.echo(
        f"{settings.key_file} is the new key: keep a copy apart from the backups. {kept.name} opens older backups."
    )
    typer.echo("Copy the new key to every other machine that runs a gateway, then start the gateways.")


@contextmanager
def _worker(settings: Settings, *, yes: bool) -> Iterator[TransactionRunner]:
    """Opens the store if no gateway uses it: SQLite has a lock, on PostgreSQL the operator confirms."""
    url = settings.database_url
    if is_postgres(url):
        if not yes:
            typer.confirm("Every gateway on this database must be stopped. Are they?", abort=True)
        from vipgate.store.postgres.store import PostgresStore

        pool = PostgresStore(url, clock_us, settings.retention, connections=_CONNECTIONS)
        try:
            yield pool
        finally:
            pool.close()
        return
    lock = OwnerLock(sqlite_path(url), LEDGER)
    try:
        store = SqliteStore(sqlite_path(url), clock_us, settings.retention)
        try:
            yield store
        finally:
            store.close()
    finally:
        lock.release()


def reseal(worker: TransactionRunner, old: Vault, new: Vault) -> int:
    """Seals secrets under `new` that `old` opens; those that `new` opens stay. Returns the number of changed parks.

    Raises UsageError and changes nothing if a secret opens with neither.
    """

    def reencrypt(sealed: bytes, park_uuid: str) -> bytes:
        return sealed if _opens(new, sealed, park_uuid) else new.seal(old.open(sealed, park_uuid), park_uuid)

    total = 0
    for _ in range(PASSES_MAX):
        changed = reencrypt_secrets(worker, reencrypt, _rekey_entry())
        total += changed
        if not changed:
            return total
    raise UsageError("Secrets are still being sealed under the old key; stop all gateways, then run this again.")


def _opens(vault: Vault, sealed: bytes, park_uuid: str) -> bool:
    with suppress(UsageError):
        vault.open(sealed, park_uuid)
        return True
    return False


def _rekey_entry() -> AuditEntry:
    return AuditEntry(at_us=clock_us(), who="command", action="rekey", park_uuid=None, subject="", detail="", peer="")


def replace_key_file(draft: Path, key_file: Path, now_us: int) -> Path:
    """Makes `draft` the key file. The previous one stays under another name, which is returned.

    There is a key file at every moment: without one, the next start would create another key.
    """
    until = datetime.fromtimestamp(now_us / 1_000_000, UTC)
    kept = key_file.with_name(f"{key_file.name}.until-{until:%Y%m%dT%H%M%S.%fZ}")
    try:
        kept.hardlink_to(key_file)
        draft.replace(key_file)
        sync_folder(key_file.parent)
    except OSError as error:
        raise UsageError(
            f"Cannot put {draft} in the place of {key_file}: {error.strerror}. The secrets are sealed under {draft}: "
            "fix the folder's owner and mode, then run this again."
        ) from None
    return kept
