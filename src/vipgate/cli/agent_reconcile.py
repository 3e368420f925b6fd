"""`vipgate agent verify`: compares both sides, and with --repair sends what differs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from vipgate.agent.client import Client, PushFailed
from vipgate.agent.config import Config, load_config
from vipgate.agent.mapping.reader import Reader
from vipgate.agent.models import OutboxRow
from vipgate.agent.reconcile import Month, NotOffered, Report, compare
from vipgate.agent.responses import AccessDenied, RetryLater
from vipgate.agent.spool import Spool, SpoolLock, is_running
from vipgate.agent.sync.agent import Agent
from vipgate.cli.agent import (
    ConfigFile,
    SpoolFile,
    build_dependencies,
    open_client,
    opened_spool,
    source_of,
    spool_path,
)
from vipgate.cli.common import Format, Output, print_json
from vipgate.clock import clock_us
from vipgate.errors import UsageError
from vipgate.protocol.renewal import Renewal
from vipgate.protocol.row import encode_row
from vipgate.support.logs import set_up_logs

ROWS_A_PAGE: Final = 2_000
TRIES_MAX: Final = 6
PAUSE_S: Final = 5.0
LISTED_MAX: Final = 20


def verify(
    config: ConfigFile,
    spool: SpoolFile = None,
    repair: Annotated[bool, typer.Option("--repair", help="Send only missing and different records.")] = False,
    output: Output = Format.TEXT,
) -> None:
    """Compare source and platform, month by month. Exit status 1 if they differ, unless --repair is given."""
    settings = load_config(config)
    set_up_logs(settings.log.file, bytes_max=settings.log.bytes_max, keep=settings.log.keep)
    with ExitStack() as stack:
        kept = stack.enter_context(opened_spool(settings, spool))
        client = stack.enter_context(open_client(settings))
        side = _Side(settings, kept)
        report = compare(side.rows, lambda members: _ask(client, members), side.queue if repair else lambda _: None)
        queued = side.queue_rest()
        _print(report, side.wrong, output)
        if repair:
            _send(settings, kept, client, queued)
    if not report.is_alike and not repair:
        raise typer.Exit(1)


class _Side:
    """The park's side: its rows as the agent would send them, and a queue of records to send again."""

    def __init__(self, config: Config, kept: Spool) -> None:
        self._config = config
        self._kept = kept
        self._rows: list[OutboxRow] = []
        self._queued = 0
        self._since_us = 0
        self.wrong = 0

    def rows(self) -> Iterator[Renewal]:
        """Yields every record that can be sent."""
        self._since_us, self.wrong = clock_us(), 0
        source = source_of(self._config)
        try:
            reader = Reader(self._config, source.columns, "zh")
            rows = iter(source.scan())
            while chunk := list(islice(rows, ROWS_A_PAGE)):
                page = reader.read(chunk)
                self.wrong += len(page.dead)
                yield from page.renewals
        finally:
            source.close()

    def queue(self, renewal: Renewal) -> None:
        """Adds a record to be sent again."""
        self._rows.append(OutboxRow(renewal.pay_partner, encode_row(renewal), "verify"))
        if len(self._rows) >= ROWS_A_PAGE:
            self.queue_rest()

    def queue_rest(self) -> int:
        """Moves added records to the spool, except those the agent has read since. Returns the total moved so far."""
        with self._kept.transaction():
            self._queued += self._kept.queue_unless_read(self._rows, self._since_us)
        self._rows = []
        return self._queued


def _ask(client: Client, members: dict[str, object]) -> dict[str, Any]:
    for _ in range(TRIES_MAX):
        answer = client.ask(members)
        if isinstance(answer, dict):
            return answer
        if isinstance(answer, AccessDenied) and answer.code in ("404", "405"):
            raise NotOffered(
                "This platform has no digest path (docs/digest.md): what it holds cannot be compared from here."
            )
        if not isinstance(answer, RetryLater):
            raise PushFailed(answer)
        time.sleep(max(PAUSE_S, answer.retry_after_s or 0.0))
    raise UsageError("The platform has been too busy to be compared with; try again later.")


def _print(report: Report, wrong: int, output: Format) -> None:
    difference = report.difference
    lists = (
        ("missing on the platform", difference.missing_count, difference.missing),
        ("different", difference.different_count, difference.different),
        ("only on the platform", difference.only_there_count, difference.only_there),
    )
    if output is not Format.TEXT:
        months = [_month(month) for month in report.months]
        shown = {name.replace(" ", "_"): {"count": count, "pay_partner": some} for name, count, some in lists}
        counts = {"erased_on_the_platform": difference.erased_count, "cannot_be_sent": wrong}
        print_json({"alike": report.is_alike, "months": months, **shown, **counts})
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("month", "here", "there", "fen here", "fen there", ""):
        table.add_column(name, justify="left" if name in ("month", "") else "right")
    for month in report.months:
        cells = (month.here.count, month.there.count, month.here.pay_value, month.there.pay_value)
        table.add_row(month.month, *map(str, cells), "" if month.is_alike else "differs")
    Console().print(table)
    for name, count, some in lists:
        if count:
            more = f" and {count - LISTED_MAX} more" if count > LISTED_MAX else ""
            typer.echo(f"{name}: {count}: {', '.join(some[:LISTED_MAX])}{more}")
    if difference.only_there_count:
        typer.echo("What is only on the platform was deleted here: the interface has no deletion, only run --replace.")
    if difference.erased_count:
        typer.echo(f"{difference.erased_count} are erased on the platform: plate, cards, operator; the rest is alike")
    if wrong:
        typer.echo(f"{wrong} rows of the source cannot be sent: vipgate agent check shows why")
    if report.is_alike:
        typer.echo("both sides hold the same")


def _month(month: Month) -> dict[str, Any]:
    return {
        "month": month.month,
        "alike": month.is_alike,
        "count_here": month.here.count,
        "count_there": month.there.count,
        "pay_value_here": month.here.pay_value,
        "pay_value_there": month.there.pay_value,
    }


def _send(config: Config, kept: Spool, client: Client, queued: int) -> None:
    """Sends the queued records, or leaves them to the running agent."""
    path = spool_path(config, kept.path)
    if is_running(path):
        typer.echo(f"{queued} queued: the agent that runs sends them", err=True)
        return
    lock = SpoolLock(path)
    try:
        Agent(config, kept, build_dependencies(config, client), once=True, reads=False).run()
    finally:
        lock.release()
    typer.echo(f"{queued} sent", err=True)
