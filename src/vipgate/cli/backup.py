"""`vipgate backup`: copies a SQLite ledger, verifies the copy, and only then deletes older copies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer
from filelock import FileLock, Timeout

from vipgate.cli.common import Config, DatabaseOption, shown_instant, warn
from vipgate.cli.database import settings_for
from vipgate.clock import clock_us
from vipgate.errors import UsageError
from vipgate.store.open import is_postgres, sqlite_path
from vipgate.store.sqlite.backup import Contents, copy_ledger
from vipgate.support.private_files import FILE_MODE, find_exposed, sync_folder

_TIME: Final = "%Y%m%dT%H%M%SZ"
_OWN_NAME: Final = re.compile(r"vipgate-(\d{8}T\d{6}Z)\.db", re.ASCII)
_DRAFT_NAME: Final = re.compile(r"\.vipgate-backup-.+\.part(-journal|-wal|-shm)?")
_LOCK_NAME: Final = ".vipgate-backup.lock"


def backup(
    target: Annotated[
        Path,
        typer.Argument(help="A new file; or a folder, in which the copy is named after its time."),
    ],
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Read the copy back and compare each row with the ledger."),
    ] = False,
    keep_days: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="After a verified copy, delete copies older than N days. Implies --verify."
        ),
    ] = None,
    config: Config = None,
    database: DatabaseOption = None,
) -> None:
    """Write a consistent copy of the database while the server runs. Exit status 1 unless the copy is complete.

    --verify also proves it row by row.

    The copy is compared with the ledger as of the moment of the copy: later writes are in neither.
    """
    settings = settings_for(config, database)
    if is_postgres(settings.database_url):
        raise UsageError(
            f"{target} was not written: back a PostgreSQL database up with pg_basebackup, or a small one with "
            "pg_dump --format=custom --schema=vipgate, and check it by restoring it (docs/operating.md)."
        )
    now = datetime.fromtimestamp(clock_us() / 1_000_000, UTC)
    folder, name = (target, f"vipgate-{now:{_TIME}}.db") if target.is_dir() else (target.parent, target.name)
    if keep_days is not None and folder != target:
        raise UsageError(f"--keep-days requires a folder, and {target} is none; create it with: mkdir -m 700 {target}")
    with _alone_in(folder):
        held = _write(sqlite_path(settings.database_url), folder / name, verify=verify or keep_days is not None)
        if held is not None:
            _report(held)
        if keep_days is not None:
            _delete_older(folder, now - timedelta(days=keep_days), held, sqlite_path(settings.database_url))
    for one in find_exposed([folder] if folder == target else []):
        warn(f"{one.text}; {one.remedy}")
    if settings.master_key is None:
        typer.echo(
            f"Keep {settings.key_file} too, elsewhere: without it the parks' secrets in the copy cannot be read.",
            err=True,
        )


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Lets one backup write into a folder at a time, and deletes what an interrupted one left."""
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}; make it with: mkdir -m 700 {folder}")
    lock = FileLock(folder / _LOCK_NAME, mode=FILE_MODE)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise UsageError(f"Another vipgate backup is writing into {folder}; wait for it.") from None
    except OSError as error:
        raise UsageError(f"Cannot write into {folder}: {error.strerror}; fix its owner and mode.") from None
    try:
        for left in [path for path in folder.iterdir() if _DRAFT_NAME.fullmatch(path.name) and not path.is_dir()]:
            left.unlink()
            warn(f"deleted {left}, which an interrupted back-up had left")
        yield
    finally:
        lock.release()


def _write(ledger: Path, file: Path, *, verify: bool) -> Contents | None:
    """Writes the copy under a temporary name, so that its final name never holds a part of it."""
    if file.exists():
        raise UsageError(f"{file} exists; choose another name.")
    draft = file.with_name(f".vipgate-backup-{file.name}.part")
    try:
        held = copy_ledger(ledger, draft, verify=verify)
        draft.replace(file)
        sync_folder(file.parent)
    finally:
        for ending in ("", "-journal", "-wal", "-shm"):
            draft.with_name(draft.name + ending).unlink(missing_ok=True)
    typer.echo(f"{file}  {file.stat().st_size} bytes, {shown_instant(clock_us())}")
    return held


def _report(held: Contents) -> None:
    for park_uuid, records in held.parks.items():
        typer.echo(f"{park_uuid}  {records} records")
    typer.echo(f"verified: {len(held.parks)} parks, {held.rows} rows in {len(held.tables)} tables, as in the ledger")


def _delete_older(folder: Path, before: datetime, held: Contents | None, ledger: Path) -> None:
    """Deletes this command's copies from before `before`, by the time in their names; other files stay.

    A copy that is served stays too: the ledger of this command, or a file whose server lock is held.
    """
    if held is None or not held.parks:
        warn("the ledger has no park, so no older copy was deleted; is --database the right one?")
        return
    for path in sorted(folder.iterdir()):
        found = _OWN_NAME.fullmatch(path.name)
        if found is None or path.is_symlink() or not path.is_file():
            continue
        with suppress(ValueError):
            if datetime.strptime(found[1], _TIME).replace(tzinfo=UTC) >= before:
                continue
            if path.samefile(ledger) or _is_served(path):
                warn(f"{path} is in use as a ledger and was not deleted; serve it from another folder")
                continue
            # Opening a copy in place leaves the other two files.
            for one in (path, *(path.with_name(path.name + ending) for ending in ("-wal", "-shm"))):
                if not one.is_dir():
                    one.unlink(missing_ok=True)
            typer.echo(f"deleted {path}")


def _is_served(path: Path) -> bool:
    lock = FileLock(path.with_name(path.name + ".lock"), mode=FILE_MODE)
    if not Path(lock.lock_file).exists():
        return False
    try:
        with lock.acquire(timeout=0):
            return False
    except Timeout:
        return True
