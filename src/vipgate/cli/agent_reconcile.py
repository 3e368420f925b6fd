"""`vipgate agent verify`: compares both sides, and with --repair sends what differs."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from vipgate.agent.client import Client
from vipgate.agent.config import Config, load_config
from vipgate.agent.opening import build_dependencies, open_client, opened_spool, spool_path
from vipgate.agent.reconcile import Month, Report, compare
from vipgate.agent.reconcile_sides import ParkSide, ask_patiently
from vipgate.agent.spool import SPOOL, Spool, is_running
from vipgate.agent.sync.agent import Agent
from vipgate.cli.agent import ConfigFile, SpoolFile
from vipgate.cli.common import Format, Output, print_json
from vipgate.i18n import tr, translatable
from vipgate.support.logs import set_up_logs
from vipgate.support.sqlite_file import OwnerLock

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
        side = ParkSide(settings, kept)
        repairs = side.queue if repair else lambda _: None
        report = compare(side.rows, lambda members: ask_patiently(client, members), repairs, side.explain)
        queued = side.queue_rest()
        _print(report, side, output)
        if repair:
            _send(settings, kept, client, queued)
    if not report.is_alike and not repair:
        raise typer.Exit(1)


def _print(report: Report, side: ParkSide, output: Format) -> None:
    difference, extra, wrong = report.difference, side.extra, side.wrong
    lists = (
        (translatable("missing on the platform"), difference.missing_count, difference.missing),
        (translatable("different"), difference.different_count, difference.different),
        (translatable("only on the platform"), difference.only_there_count, difference.only_there),
    )
    if output is not Format.TEXT:
        months = [_month(month) for month in report.months]
        shown = {name.replace(" ", "_"): {"count": count, "pay_partner": some} for name, count, some in lists}
        counts = {"erased_on_the_platform": difference.erased_count, "cannot_be_sent": wrong}
        shown["only_on_the_platform"] |= asdict(extra)
        print_json({"alike": report.is_alike, "months": months, **shown, **counts})
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(tr("month"))
    for name in (tr("here"), tr("there"), tr("fen here"), tr("fen there")):
        table.add_column(name, justify="right")
    table.add_column()
    for month in report.months:
        cells = (month.here.count, month.there.count, month.here.pay_value, month.there.pay_value)
        table.add_row(month.month, *map(str, cells), "" if month.is_alike else tr("differs"))
    Console().print(table)
    for name, count, some in lists:
        if count:
            listed = ", ".join(some[:LISTED_MAX])
            if count > LISTED_MAX:
                listed = tr("{listed} and {count} more", listed=listed, count=count - LISTED_MAX)
            typer.echo(f"{tr(name)}: {count}: {listed}")
    if extra.left_out:
        typer.echo(
            tr(
                "of those only on the platform, {count} have a row here that a filter leaves out: look at the filter first",
                count=extra.left_out,
            )
        )
    if extra.refused:
        typer.echo(
            tr("of those only on the platform, {count} have a row here that cannot be sent", count=extra.refused)
        )
    if extra.unknown:
        typer.echo(
            tr(
                "of those only on the platform, {count} are not explained: too many rows are not sent",
                count=extra.unknown,
            )
        )
    if extra.gone:
        typer.echo(
            tr(
                "of those only on the platform, {count} are not here any more: the interface has no deletion, only run --replace",
                count=extra.gone,
            )
        )
    if difference.erased_count:
        typer.echo(
            tr(
                "{count} are erased on the platform: plate, cards, operator; the rest is equal",
                count=difference.erased_count,
            )
        )
    if wrong:
        typer.echo(tr("{wrong} rows of the source cannot be sent: vipgate agent check shows why", wrong=wrong))
    if report.is_alike:
        typer.echo(tr("both sides hold the same"))


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
        typer.echo(tr("{queued} queued: the agent that runs sends them", queued=queued), err=True)
        return
    lock = OwnerLock(path, SPOOL)
    try:
        Agent(config, kept, build_dependencies(config, client), once=True, reads=False).run()
    finally:
        lock.release()
    typer.echo(tr("{queued} sent", queued=queued), err=True)
