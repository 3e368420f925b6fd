"""`vipgate agent run`, `status`: runs the agent and shows its status; also what other agent commands share."""

from __future__ import annotations

import random
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from vipgate.agent.client import Client
from vipgate.agent.config import Config, load_config
from vipgate.agent.prometheus import Metrics
from vipgate.agent.sources.base import Source
from vipgate.agent.sources.open import open_source
from vipgate.agent.spool import Spool, SpoolLock, is_running
from vipgate.agent.status import Status, load_status
from vipgate.agent.sync.agent import Agent
from vipgate.agent.sync.source_reader import AgentDependencies
from vipgate.cli.common import Format, Output, print_json, print_one, shown_instant
from vipgate.cli.exposure import agent_files, log_exposed
from vipgate.clock import clock_s, clock_us
from vipgate.errors import UsageError
from vipgate.support.logs import set_up_logs

DEAD_LETTERS_EXIT: Final = 3

ConfigFile = Annotated[Path, typer.Argument(metavar="CONFIG", help="The agent's TOML file.")]
SpoolFile = Annotated[Path | None, typer.Option("--spool", help="The agent's state file; default: next to CONFIG.")]

agent = typer.Typer(
    no_args_is_help=True, help="The agent of a car park: reads the park's own records and sends them to the platform."
)


def spool_path(config: Config, given: Path | None) -> Path:
    """The path of the spool: next to the configuration unless `given`."""
    return (given or config.path.with_suffix(".spool")).absolute()


@contextmanager
def opened_spool(config: Config, given: Path | None) -> Iterator[Spool]:
    """Opens the spool. Raises UsageError if it belongs to another configuration."""
    spool = Spool(spool_path(config, given), clock_us)
    try:
        mine = _identity(config)
        found = spool.get_setting("identity")
        if found is None:
            with spool.transaction():
                spool.set_setting({"identity": mine})
        elif found != mine:
            raise UsageError(
                f"Spool {spool.path} belongs to another park or source:\n  {found}\n  {mine}\nChoose another --spool."
            )
        yield spool
    finally:
        spool.close()


def _identity(config: Config) -> str:
    """Identifies park and source, on which positions depend. Mapping and platform address may change."""
    source = config.source
    kind = "file" if source.file is not None else "database"
    members = [config.platform.park_uuid, kind, source.table or source.query or "", *(source.cursor or ("compared",))]
    return msgspec.json.encode(members).decode()


def open_client(config: Config) -> Client:
    """Returns a client of the configured platform."""
    platform = config.platform
    return Client(
        platform.url,
        platform.park_uuid,
        platform.secret,
        timeout_s=platform.timeout_s,
        ca_file=platform.ca_file,
        signature=platform.signature,
    )


def build_dependencies(config: Config, client: Client) -> AgentDependencies:
    """Returns the real dependencies of a run."""
    return AgentDependencies(
        clock_us=clock_us, clock_s=clock_s, chance=random.random, open_source=lambda: source_of(config), client=client
    )


def source_of(config: Config) -> Source:
    """Opens a new connection to the source."""
    return open_source(config.source, base=config.path.parent)


@agent.command()
def run(
    config: ConfigFile,
    spool: SpoolFile = None,
    once: Annotated[bool, typer.Option("--once", help="Exit when everything in the source is settled.")] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="First delete all records of this park on the platform.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
) -> None:
    """Send a snapshot, then every change as it happens. With --once, dead letters give exit status 3."""
    settings = load_config(config)
    log = settings.log
    set_up_logs(log.file, bytes_max=log.bytes_max, keep=log.keep)
    path = spool_path(settings, spool)
    log_exposed(agent_files(settings, path))
    with ExitStack() as stack:
        lock = SpoolLock(path)
        stack.callback(lock.release)
        kept = stack.enter_context(opened_spool(settings, spool))
        client = stack.enter_context(open_client(settings))
        if replace:
            if not yes:
                _ask_to_replace(settings, client)
            kept.reset()
        dependencies = AgentDependencies(
            clock_us=clock_us,
            clock_s=clock_s,
            chance=random.random,
            open_source=lambda: source_of(settings),
            client=client,
        )
        one = Agent(settings, kept, dependencies, once=once)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: one.stop())
        one.run(stack.enter_context(_shown(settings)))
        dead = kept.count_dead_letters()
    if once and dead:
        typer.echo(f"{dead} dead letters: vipgate agent dead list {config}", err=True)
        raise typer.Exit(DEAD_LETTERS_EXIT)


def _ask_to_replace(config: Config, client: Client) -> None:
    answer = client.ask({})
    held = "all records"
    if isinstance(answer, dict):
        held = f"{sum(int(month['count']) for month in answer['months'])} records"
    typer.echo(
        f"The platform holds {held} of park {config.platform.park_uuid}. The first request deletes them, and then\n"
        "everything that the source holds is sent. Records that the source does not have any more are gone."
    )
    typer.confirm("Replace them?", abort=True)


@contextmanager
def _shown(config: Config) -> Iterator[Callable[[Status], None]]:
    """Yields a function that shows the status: a progress bar for people, metrics for Prometheus."""
    metrics = Metrics(config.platform.park_uuid) if config.metrics.file or config.metrics.port else None
    if metrics is not None and config.metrics.port:
        metrics.serve(config.metrics.host, config.metrics.port)
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]:,.0f}/s"),
        TimeRemainingColumn(), TextColumn("[yellow]{task.fields[trouble]}"),
    )  # fmt: skip
    written = [0]
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("stock", total=None, rate=0.0, trouble="")

        def show(status: Status) -> None:
            what = "changes" if status.is_stock_done else "stock"
            total = None if status.is_stock_done else status.stock_total
            done = status.acknowledged if status.is_stock_done else status.stock_done
            trouble = status.trouble[:60]
            progress.update(
                task, description=what, total=total, completed=done, rate=status.rate_a_second, trouble=trouble
            )
            if metrics is not None and status.at_us != written[0]:
                written[0] = status.at_us
                metrics.update(status)
                if config.metrics.file:
                    metrics.write(config.metrics.file)

        yield show


@agent.command()
def status(config: ConfigFile, spool: SpoolFile = None, output: Output = Format.TEXT) -> None:
    """Show the agent's progress: lag, backlog, rate, dead letters, the last seqno."""
    settings = load_config(config)
    path = spool_path(settings, spool)
    if not path.exists():
        raise UsageError(f"There is no spool {path}: no agent has run on {config} yet.")
    with opened_spool(settings, spool) as kept:
        found = load_status(kept)
        if found is None:
            raise UsageError(f"Nothing is known yet: start vipgate agent run {config}.")
        found.backlog, found.dead = kept.backlog()[0], kept.count_dead_letters()
    lasting, past = found.lasting, found.past
    shown: dict[str, Any] = {
        "running": is_running(path),
        "at": shown_instant(found.at_us),
        "stock_done": found.stock_done,
        "stock_total": found.stock_total,
        "stock_acknowledged": found.is_stock_done,
        "rate_a_second": found.rate_a_second,
        "eta_s": found.eta_s,
        "backlog": found.backlog,
        "lag_s": round(found.lag_s, 1),
        "dead_letters": found.dead,
        "last_seqno": found.last_seqno or None,
        "read_to": found.read_to or None,
        "acknowledged_to": found.position or None,
        "trouble": found.trouble or None,
        "trouble_since": shown_instant(lasting[0].since_us) if lasting else None,
        "past_trouble": past.reason if past is not None else None,
        "past_trouble_since": shown_instant(past.since_us) if past is not None else None,
        "past_trouble_over": shown_instant(past.over_us) if past is not None and past.over_us is not None else None,
    }
    if output is Format.TEXT:
        print_one(shown, output)
    else:
        print_json(shown)
