"""`vipgate copy`: copies a ledger to a PostgreSQL database."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from vipgate.cli.common import Config, warn
from vipgate.clock import clock_us
from vipgate.errors import StoreLocked, UsageError
from vipgate.gateway.settings import load_settings
from vipgate.store.copy import CopyCounts, Difference, Notice, Source, Target, compare, copy, count_records
from vipgate.store.interfaces.ledger import Retention
from vipgate.store.open import is_postgres, sqlite_path
from vipgate.store.sqlite.store import LEDGER, SqliteStore
from vipgate.support.sqlite_file import OwnerLock

CONNECTIONS: Final = 4
DIFFERENCES_SHOWN_MAX: Final = 20


def copy_(
    source_url: Annotated[str, typer.Argument(metavar="FROM_URL", help="sqlite:///path or postgresql://…")],
    target_url: Annotated[str, typer.Argument(metavar="TO_URL", help="postgresql://…; empty, or an earlier copy.")],
    config: Config = None,
) -> None:
    """Copy a whole ledger to a PostgreSQL database, and verify that both hold the same.

    After an interruption it resumes where it stopped. While a server runs on the source, it copies what is there; run it
    again with the server stopped to copy the rest and compare.
    """
    retention = load_settings(config).retention
    with ExitStack() as stack:
        served = _is_served(source_url, stack)
        source = stack.enter_context(_tables(source_url, retention))
        target = stack.enter_context(_target(target_url, retention))
        total = count_records(source)
        with _bar("copying", total) as notice:
            copied = copy(source, target, notice)
        typer.echo(f"copied    {_shown(copied)}")
        if served:
            warn("the source is being served: stop the server, then run this again to bring over the rest and compare.")
            return
        with _bar("comparing", total) as notice:
            compared, differences = compare(source, target, notice)
    _report(compared, differences)


def _is_served(url: str, stack: ExitStack) -> bool:
    """Whether a gateway serves this SQLite file; if not, locks the file until the copy is done."""
    if is_postgres(url):
        return False
    path = sqlite_path(url)
    if not path.exists():
        raise UsageError(f"There is no database {path}; fix FROM_URL.")
    try:
        stack.callback(OwnerLock(path, LEDGER).release)
    except StoreLocked:
        return True
    return False


@contextmanager
def _tables(url: str, retention: Retention) -> Iterator[Source]:
    if is_postgres(url):
        with _target(url, retention) as tables:
            yield tables
        return
    from vipgate.store.copy_tables import SqliteTables

    store = SqliteStore(sqlite_path(url), clock_us, retention)
    try:
        yield SqliteTables(store)
    finally:
        store.close()


@contextmanager
def _target(url: str, retention: Retention) -> Iterator[Target]:
    if not is_postgres(url):
        raise UsageError("A ledger is copied to postgresql://…; for another SQLite file use: vipgate backup")
    from vipgate.store.copy_tables import PostgresTables
    from vipgate.store.postgres.store import PostgresStore

    store = PostgresStore(url, clock_us, retention, connections=CONNECTIONS)
    try:
        yield PostgresTables(store)
    finally:
        store.close()


@contextmanager
def _bar(what: str, total: int) -> Iterator[Notice]:
    columns = (TextColumn("{task.description:<9}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(what, total=total)
        yield lambda count: progress.advance(task, count)


def _shown(counts: CopyCounts) -> str:
    lines = ", ".join(f"{count} {table}" for table, count in counts.lines.items())
    return f"{counts.parks} parks: {lines or 'nothing new'}"


def _report(compared: CopyCounts, differences: list[Difference]) -> None:
    if not differences:
        typer.echo(f"compared  {_shown(compared)}: the same in both, by count and checksum")
        typer.echo("Start the gateway with the new --database and the same master key.")
        return
    for one in differences[:DIFFERENCES_SHOWN_MAX]:
        park = one.park_uuid or "(requests of no park)"
        typer.echo(
            f"{park} {one.table}: {one.source_lines} lines in the source, {one.target_lines} in the copy", err=True
        )
    raise UsageError(
        f"{len(differences)} tables differ. If something wrote to either meanwhile, stop it and run this again; "
        "otherwise empty the target and begin again."
    )
