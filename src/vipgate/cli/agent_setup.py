"""`vipgate agent init|check|install-service`: writes a configuration, checks it, installs the service."""

from __future__ import annotations

import getpass
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape

from vipgate.agent.config import load_config
from vipgate.agent.opening import spool_path
from vipgate.agent.service_unit import UNIT_FOLDER, service_name, systemd_unit, windows_task
from vipgate.agent.setup.checks import find_problems
from vipgate.agent.setup.preview import read_preview
from vipgate.agent.setup.proposal import Answers, propose_config
from vipgate.agent.setup.samples import read_samples
from vipgate.agent.sources.base import shown_place
from vipgate.cli.agent import ConfigFile, SpoolFile
from vipgate.cli.common import padded, warn
from vipgate.errors import UsageError, VipgateError
from vipgate.i18n import current_language, tr, translatable
from vipgate.support.address_masking import learn, mask
from vipgate.support.os_errors import error_reason
from vipgate.support.private_files import READABLE_MODE, write_file

SAMPLE_ROWS: Final = 10
TABLES_SHOWN: Final = 20
WHAT_CELLS: Final = 10
# Passed, warning, error: colour and word.
_MARKS: Final = (("green", translatable("ok")), ("yellow", translatable("warn")), ("red", translatable("fix")))
_MARK_CELLS: Final = 4


def check(config: ConfigFile, spool: SpoolFile = None) -> None:
    """Check network, clock, signature, source, mapping and disk, and suggest fixes. Sends no record."""
    settings = load_config(config)
    console = Console(highlight=False, soft_wrap=True)
    faults = 0
    for finding in find_problems(settings, spool_path(settings, spool)):
        colour, word = _MARKS[(2 - finding.is_warning) if finding.remedy else 0]
        mark = f"[{colour}]{padded(tr(word), _MARK_CELLS)}[/{colour}]"
        console.print(f"{mark}  {padded(tr(finding.what), WHAT_CELLS)} {escape(mask(finding.found))}")
        if finding.remedy:
            faults += not finding.is_warning
            console.print(f"{'':<{_MARK_CELLS + WHAT_CELLS + 3}}→ {escape(mask(finding.remedy))}")
    if faults:
        raise typer.Exit(1)


def install_service(
    config: ConfigFile,
    spool: SpoolFile = None,
    user: Annotated[
        str | None, typer.Option(help="The user that runs it; default: you, or the caller of sudo.")
    ] = None,
    print_: Annotated[bool, typer.Option("--print", help="Print the service definition, install nothing.")] = False,
) -> None:
    """Install the agent as a service: a systemd unit on Linux, a startup task on Windows."""
    settings = load_config(config)
    path, kept = settings.path.absolute(), spool_path(settings, spool)
    name = service_name(path)
    if sys.platform == "win32":
        _install_task(name, windows_task(path, kept, language=current_language()), print_)
        return
    writes = [file for file in (settings.log.file, settings.metrics.file) if file is not None]
    who = user or _caller()
    unit = systemd_unit(path, kept, who, writes, language=current_language())
    if print_:
        typer.echo(unit, nl=False)
        return
    target = UNIT_FOLDER / f"{name}.service"
    try:
        write_file(target, unit.encode(), READABLE_MODE)
    except OSError as error:
        raise UsageError(
            tr(
                "Cannot write {target}: {reason}; run it with sudo, or use --print.",
                target=target,
                reason=error_reason(error),
            )
        ) from None
    typer.echo(tr("{target}, runs as {who}", target=target, who=who))
    typer.echo(f"systemctl daemon-reload && systemctl enable --now {name}")


def _caller() -> str:
    """The user that installs the service. It owns spool and secret, so under sudo it is not root."""
    behind_sudo = os.environ.get("SUDO_USER") if os.geteuid() == 0 else None
    return behind_sudo or getpass.getuser()


def _install_task(name: str, xml: str, print_: bool) -> None:
    if print_:
        typer.echo(xml, nl=False)
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "task.xml"
        file.write_text(xml, encoding="utf-16")
        command = ["schtasks", "/create", "/tn", name, "/xml", str(file), "/f"]
        done = subprocess.run(command, check=False)  # noqa: S603 - a program of Windows, our own arguments
    if done.returncode:
        raise UsageError(tr("schtasks failed; run it in a console of the administrator."))
    typer.echo(f"schtasks /run /tn {name}")


def init(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="The file to write; must not exist.")],
    url: Annotated[str | None, typer.Option(help="The platform's address.")] = None,
    park_uuid: Annotated[str | None, typer.Option(help="The park's UUID, as issued by the platform.")] = None,
    secret: Annotated[str | None, typer.Option(help="The secret: env:NAME or file:PATH.")] = None,
    source: Annotated[
        str | None, typer.Option(help="A database URL, env:NAME or file:PATH of one, or a .csv, .xlsx or .xls file.")
    ] = None,
    table: Annotated[str | None, typer.Option(help="The table, or a query that starts with SELECT.")] = None,
) -> None:
    """Ask for the settings, read the source, propose a mapping, and write CONFIG."""
    if config.exists():
        raise UsageError(
            tr("{config} exists; choose another name, or edit it and run vipgate agent check.", config=config)
        )
    asked = Answers(
        url=url or typer.prompt(tr("Platform's address"), default="http://127.0.0.1:8080"),
        park_uuid=park_uuid or typer.prompt("park_uuid"),
        secret=secret or typer.prompt(tr("Secret (env:NAME or file:PATH)"), default="env:VIPGATE_PARK_SECRET"),
        source=source or typer.prompt(tr("Source: a database URL or a file")),
        table=table,
    )
    learn(asked.url)
    if not asked.is_file and asked.table is None:
        _show_tables(asked, config.absolute())
        asked = replace(asked, table=typer.prompt(tr("Table, or a query")))
    samples = read_samples(asked.source_config, config.absolute())
    for problem in samples.problems:
        warn(problem)
    write_file(config, propose_config(asked, samples, config.absolute()).encode())
    typer.echo(tr("wrote {config}", config=config))
    _preview(config)
    typer.echo()
    typer.echo(tr("Read it through, fix what is marked with ?, then: vipgate agent check {config}", config=config))


def _show_tables(asked: Answers, config: Path) -> None:
    """Prints the tables that a person may choose from, the likeliest first."""
    # Only here: a source that is a file needs no database's library.
    from vipgate.agent.setup.tables import list_tables

    found = list_tables(asked.source_config, config)
    if found.trouble:
        warn(found.trouble)
    elif not found.tables:
        warn(tr("Connected, but this user sees no table: grant SELECT, or name the table"))
    for one in found.tables[:TABLES_SHOWN]:
        typer.echo(f"  {mask(one.name)}  " + tr("recognised: {members}", members=", ".join(one.members) or "–"))
    more = len(found.tables) - TABLES_SHOWN + found.left_out
    if more > 0:
        typer.echo("  " + tr("{n} more are not listed; name yours", n=more))


def _preview(path: Path) -> None:
    """Prints the first ten records as they would be sent."""
    try:
        page = read_preview(load_config(path), SAMPLE_ROWS)
    except VipgateError as error:
        typer.echo(tr("Not complete yet:\n{reason}", reason=mask(str(error))), err=True)
        return
    for ready in page.ready:
        typer.echo(ready.row.decode())
    for dead in page.dead:
        typer.echo(f"{shown_place(dead.place)}: {dead.reason}", err=True)
