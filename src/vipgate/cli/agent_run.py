"""`vipgate agent run`, `status`: runs the agent and shows its status; also what other agent commands share."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from vipgate.agent.client import Client
from vipgate.agent.config import Config, load_config
from vipgate.agent.opening import agent_files, build_dependencies, open_client, opened_spool, spool_path
from vipgate.agent.prometheus import Metrics
from vipgate.agent.spool import SPOOL, is_running
from vipgate.agent.status import Status, load_status, reason_text
from vipgate.agent.sync.agent import Agent
from vipgate.agent.sync.outage_limit import ONCE_OUTAGE_S_MAX
from vipgate.cli.agent import ConfigFile, SpoolFile
from vipgate.cli.common import Format, Output, print_json, print_one, shown_instant
from vipgate.cli.exposure import log_exposed
from vipgate.cli.language import LanguageName
from vipgate.cli.questions import confirm
from vipgate.clock import clock_us
from vipgate.errors import UsageError
from vipgate.i18n import set_language, tr
from vipgate.support.logs import set_up_logs
from vipgate.support.sqlite_file import OwnerLock

DEAD_LETTERS_EXIT: Final = 3


def run(
    config: ConfigFile,
    spool: SpoolFile = None,
    once: Annotated[bool, typer.Option("--once", help="Exit when everything in the source is settled.")] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="First delete all records of this park on the platform.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    give_up_after_s: Annotated[
        float,
        typer.Option(min=1, help="With --once: exit with status 1 after so many seconds without platform or source."),
    ] = ONCE_OUTAGE_S_MAX,
    language: Annotated[
        LanguageName | None,
        typer.Option(help="Language of log and status; default: VIPGATE_LANGUAGE, else the system's."),
    ] = None,
) -> None:
    """Send a snapshot, then every change as it happens. With --once, dead letters give exit status 3."""
    if language is not None:
        set_language(language.value)
    settings = load_config(config)
    log = settings.log
    set_up_logs(log.file, bytes_max=log.bytes_max, keep=log.keep)
    path = spool_path(settings, spool)
    log_exposed(agent_files(settings, path))
    with ExitStack() as stack:
        lock = OwnerLock(path, SPOOL)
        stack.callback(lock.release)
        kept = stack.enter_context(opened_spool(settings, spool))
        client = stack.enter_context(open_client(settings))
        if replace:
            if not yes:
                _ask_to_replace(settings, client)
            kept.reset()
        one = Agent(settings, kept, build_dependencies(settings, client), once=once, once_outage_s_max=give_up_after_s)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: one.stop())
        one.run(stack.enter_context(_shown(settings, says_trouble=once and log.file is not None)))
        dead = kept.count_dead_letters()
    if once and dead:
        typer.echo(tr("{dead} dead letters: vipgate agent dead list {config}", dead=dead, config=config), err=True)
        raise typer.Exit(DEAD_LETTERS_EXIT)


def _ask_to_replace(config: Config, client: Client) -> None:
    answer = client.ask({})
    park = config.platform.park_uuid
    held = tr("The platform holds records of park {park}.", park=park)
    if isinstance(answer, dict):
        count = sum(int(month["count"]) for month in answer["months"])
        held = tr("The platform holds {count} records of park {park}.", count=count, park=park)
    typer.echo(held)
    typer.echo(
        tr(
            "The first request deletes them, and then everything that the source holds is sent.\n"
            "Records that the source does not have any more are gone."
        )
    )
    confirm(tr("Replace them?"))


@contextmanager
def _shown(config: Config, *, says_trouble: bool) -> Iterator[Callable[[Status], None]]:
    """Yields a function that shows the status: a progress bar for people, metrics for Prometheus.

    `says_trouble`: prints each new trouble, where neither the bar nor the log does.
    """
    metrics = Metrics(config.platform.park_uuid) if config.metrics.file or config.metrics.port else None
    if metrics is not None and config.metrics.port:
        metrics.serve(config.metrics.host, config.metrics.port)
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]:,.0f}/s"),
        TimeRemainingColumn(), TextColumn("[yellow]{task.fields[trouble]}"),
    )  # fmt: skip
    written, said = [0], [""]
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(tr("snapshot"), total=None, rate=0.0, trouble="")

        def show(status: Status) -> None:
            what = tr("changes") if status.is_snapshot_done else tr("snapshot")
            total = None if status.is_snapshot_done else status.snapshot_total
            done = status.acknowledged if status.is_snapshot_done else status.snapshot_done
            trouble = status.trouble[:60]
            progress.update(
                task, description=what, total=total, completed=done, rate=status.rate_a_second, trouble=trouble
            )
            if says_trouble and progress.disable and status.trouble not in ("", said[0]):
                said[0] = status.trouble
                typer.echo(tr("{trouble}; trying again", trouble=status.trouble), err=True)
            if metrics is not None and status.at_us != written[0]:
                written[0] = status.at_us
                metrics.update(status)
                if config.metrics.file:
                    metrics.write(config.metrics.file)

        yield show


def status(config: ConfigFile, spool: SpoolFile = None, output: Output = Format.TEXT) -> None:
    """Show the agent's progress: lag, backlog, rate, dead letters, the last seqno."""
    settings = load_config(config)
    path = spool_path(settings, spool)
    if not path.exists():
        raise UsageError(tr("There is no spool {path}: no agent has run on {config} yet.", path=path, config=config))
    with opened_spool(settings, spool) as kept:
        found = load_status(kept)
        if found is None:
            raise UsageError(tr("Nothing is known yet: start vipgate agent run {config}.", config=config))
        found.backlog, found.dead = kept.backlog()[0], kept.count_dead_letters()
    lasting, past, sweep = found.lasting, found.past, found.sweep
    age_s = sweep.truth_age_s(clock_us())
    shown: dict[str, Any] = {
        "running": is_running(path),
        "alive_at": shown_instant(found.at_us),
        "doing": found.doing if is_running(path) else None,
        "snapshot_done": found.snapshot_done,
        "snapshot_total": found.snapshot_total,
        "snapshot_acknowledged": found.is_snapshot_done,
        "rate_a_second": found.rate_a_second,
        "eta_s": found.eta_s,
        "backlog": found.backlog,
        "lag_s": round(found.lag_s, 1),
        "dead_letters": found.dead,
        "last_seqno": found.last_seqno or None,
        "read_to": found.read_to or None,
        "acknowledged_to": found.position or None,
        "truth_age_s": age_s if age_s is None else round(age_s, 1),
        "sweep_rows": sweep.rows,
        "sweep_total": sweep.total,
        "sweep_ended": shown_instant(sweep.ended_us) if sweep.ended_us is not None else None,
        "sweep_took_s": sweep.took_s,
        "sweep_every_s": sweep.every_s,
        "sweep_found": sweep.found if output is not Format.TEXT else _counts(sweep.found),
        "warnings": list(found.warnings.values())
        if output is not Format.TEXT
        else "; ".join(found.warnings.values()) or None,
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


def _counts(found: dict[str, int]) -> str | None:
    return ", ".join(f"{count} {reason_text(reason)}" for reason, count in found.items()) or None
