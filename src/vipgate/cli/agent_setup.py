"""`vipgate agent init|check|install-service`: writes a configuration, checks it, installs the service."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.markup import escape

from vipgate.agent.config import Config, Signature, SourceConfig, load_config
from vipgate.agent.mapping.guess import propose, render_config
from vipgate.agent.mapping.reader import Page, Reader
from vipgate.agent.responses import Accepted, AccessDenied, Rejected, RetryLater
from vipgate.agent.service_unit import UNIT_FOLDER, service_name, systemd_unit, windows_task
from vipgate.agent.sources.open import open_source
from vipgate.cli.agent import ConfigFile, SpoolFile, open_client, source_of, spool_path
from vipgate.cli.exposure import agent_files
from vipgate.errors import UsageError, VipgateError
from vipgate.protocol.signature_hmac import WINDOW_S
from vipgate.support.address_masking import learn, mask
from vipgate.support.private_files import READABLE_MODE, find_exposed, write_file

SAMPLE_ROWS: Final = 10
SAMPLED_ROWS: Final = 200
CHECKED_ROWS: Final = 1_000
CLOCK_DIFFERENCE_S_MAX: Final = 60.0
SHOWN_MAX: Final = 5
# Passed, warning, error.
_MARKS: Final = ("[green]ok[/green]  ", "[yellow]warn[/yellow]", "[red]fix[/red] ")


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check. `remedy` is empty if it passed; a warning needs no action."""

    what: str
    found: str
    remedy: str = ""
    is_warning: bool = False


def check(config: ConfigFile, spool: SpoolFile = None) -> None:
    """Check network, clock, signature, source, mapping and disk, and suggest fixes. Sends no record."""
    settings = load_config(config)
    console = Console(highlight=False, soft_wrap=True)
    faults = 0
    for finding in _findings(settings, spool_path(settings, spool)):
        mark = _MARKS[(2 - finding.is_warning) if finding.remedy else 0]
        console.print(f"{mark}  {finding.what:<10} {escape(mask(finding.found))}")
        if finding.remedy:
            faults += not finding.is_warning
            console.print(f"      {'':<10} → {escape(mask(finding.remedy))}")
    if faults:
        raise typer.Exit(1)


def _findings(config: Config, spool: Path) -> Iterator[Finding]:
    yield Finding("config", str(config.path))
    yield from _look_at_disk(spool)
    for one in find_exposed(agent_files(config, spool)):
        yield Finding("rights", one.text, one.remedy)
    yield from _look_at_source(config)
    yield from _look_at_platform(config)


def _look_at_disk(spool: Path) -> Iterator[Finding]:
    folder = spool.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            free_mib = shutil.disk_usage(folder).free // 2**20
    except OSError as error:
        yield Finding(
            "spool",
            f"cannot write {folder}: {error.strerror}",
            "make the folder, or give the agent's user the right to write it",
        )
        return
    low = "make room: the spool holds what the line cannot take" if free_mib < 512 else ""
    yield Finding("spool", f"{spool}, {free_mib} MiB free", low)


def _look_at_source(config: Config) -> Iterator[Finding]:
    try:
        source = source_of(config)
    except VipgateError as error:
        yield Finding("source", str(error), "see docs/agent.md, “Sources”")
        return
    try:
        yield Finding("source", f"{source.where}, columns {', '.join(source.columns)}")
        for problem in source.problems():
            yield Finding("source", problem, "see docs/agent.md, “Cursor”")
        page = Reader(config, source.columns, "zh").read(islice(source.scan(), CHECKED_ROWS))
        yield from _look_at_mapping(page)
    except VipgateError as error:
        yield Finding("mapping", str(error), "fix [map] or [source]")
    finally:
        source.close()


def _look_at_mapping(page: Page) -> Iterator[Finding]:
    yield Finding("mapping", f"of the first {CHECKED_ROWS} rows {len(page.ready)} can be sent, {len(page.dead)} cannot")
    for dead in page.dead[:SHOWN_MAX]:
        yield Finding("mapping", f"{dead.place}: {dead.reason}", "fix [map], or the row at its source")


def _look_at_platform(config: Config) -> Iterator[Finding]:
    with open_client(config) as client:
        answer, date = client.probe()
    if isinstance(answer, RetryLater):
        yield Finding("line", answer.reason, "check platform.url, the network, a proxy, a firewall")
        return
    yield Finding("line", config.platform.url, _plain_text(config.platform.url), is_warning=True)
    if date is not None:
        yield _clock(date, config.platform.signature)
    if isinstance(answer, AccessDenied):
        yield Finding("signature", answer.reason, _ACCESS[answer.code])
    elif isinstance(answer, Rejected | Accepted):
        yield Finding("signature", "the platform takes this park's signature")
    else:
        yield Finding("signature", answer.reason, "ask the platform, with the seqno")


def _plain_text(url: str) -> str:
    """The remedy for an address without encryption; empty if traffic is encrypted or local."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    is_here = host == "localhost" or host == "::1" or host.startswith("127.")
    if parts.scheme == "https" or is_here:
        return ""
    return (
        "http is not encrypted: anyone on the network path can read plates and can send a recorded push again; "
        "ask the platform for its https address"
    )


_ACCESS: Final = {
    "400": "an agent writes UTF-8: ask the platform to run vipgate park set PARK_UUID --charset utf-8",
    "401": "check park_uuid and secret with the platform; after a rotation use the new secret; "
    'where it wants HMAC: platform.signature = "hmac"',
    "403": "ask the platform to put this machine's address on the park's allow list",
    "404": "fix platform.url: at this address nobody speaks the interface",
    "405": "fix platform.url: at this address nobody speaks the interface",
}


def _clock(date: str, signature: Signature) -> Finding:
    with suppress(ValueError, TypeError):
        difference_s = (datetime.now(UTC) - parsedate_to_datetime(date)).total_seconds()
        wrong = abs(difference_s) > CLOCK_DIFFERENCE_S_MAX
        remedy = "set this machine's clock (NTP)"
        if signature == "hmac":
            remedy += f": a platform refuses an HMAC signature that is {WINDOW_S} s off"
        return Finding("clock", f"{difference_s:+.0f} s from the platform's", remedy if wrong else "")
    return Finding("clock", f"the platform's cannot be read: {date[:40]}")


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
        _install_task(name, windows_task(path, kept), print_)
        return
    writes = [file for file in (settings.log.file, settings.metrics.file) if file is not None]
    who = user or _caller()
    unit = systemd_unit(path, kept, who, writes)
    if print_:
        typer.echo(unit, nl=False)
        return
    target = UNIT_FOLDER / f"{name}.service"
    try:
        write_file(target, unit.encode(), READABLE_MODE)
    except OSError as error:
        raise UsageError(f"Cannot write {target}: {error.strerror}; run it with sudo, or use --print.") from None
    typer.echo(f"{target}, runs as {who}\nsystemctl daemon-reload && systemctl enable --now {name}")


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
        raise UsageError("schtasks failed; run it in a console of the administrator.")
    typer.echo(f"schtasks /run /tn {name}")


def init(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="The file to write; must not exist.")],
    url: Annotated[str | None, typer.Option(help="The platform's address.")] = None,
    park_uuid: Annotated[str | None, typer.Option(help="The park's UUID, as issued by the platform.")] = None,
    secret: Annotated[str | None, typer.Option(help="The secret: env:NAME or file:PATH.")] = None,
    source: Annotated[str | None, typer.Option(help="A database URL, or a .csv, .xlsx or .xls file.")] = None,
    table: Annotated[str | None, typer.Option(help="The table, or a query that starts with SELECT.")] = None,
) -> None:
    """Ask for the settings, read the source, propose a mapping, and write CONFIG."""
    if config.exists():
        raise UsageError(f"{config} exists; choose another name, or edit it and run vipgate agent check.")
    asked = _Asked(
        url=url or typer.prompt("Platform's address", default="http://127.0.0.1:8080"),
        park_uuid=park_uuid or typer.prompt("park_uuid"),
        secret=secret or typer.prompt("Secret (env:NAME or file:PATH)", default="env:VIPGATE_PARK_SECRET"),
        source=source or typer.prompt("Source: a database URL or a file"),
        table=table,
    )
    learn(asked.url)
    learn(asked.source)
    if not asked.is_file and asked.table is None:
        asked = replace(asked, table=typer.prompt("Table, or a query"))
    text = _proposed(asked, config.absolute().parent)
    write_file(config, text.encode())
    typer.echo(f"wrote {config}")
    _preview(config)
    typer.echo(f"\nRead it through, fix what is marked with ?, then: vipgate agent check {config}")


@dataclass(frozen=True, slots=True)
class _Asked:
    url: str
    park_uuid: str
    secret: str
    source: str
    table: str | None

    @property
    def is_file(self) -> bool:
        return "://" not in self.source

    @property
    def source_config(self) -> SourceConfig:
        if self.is_file:
            return SourceConfig(file=Path(self.source))
        is_query = (self.table or "").lstrip()[:6].lower() == "select"
        return SourceConfig(
            database=self.source, query=self.table if is_query else None, table=None if is_query else self.table
        )


def _proposed(asked: _Asked, base: Path) -> str:
    source = open_source(asked.source_config, base=base)
    try:
        samples = [row.values for row in islice(source.scan(), SAMPLED_ROWS)]
        proposal = propose(source.columns, samples)
    finally:
        source.close()
    return render_config(
        proposal, url=asked.url, park_uuid=asked.park_uuid, secret=asked.secret, source=asked.source_config
    )


def _preview(path: Path) -> None:
    """Prints the first ten records as they would be sent."""
    try:
        config = load_config(path)
        source = source_of(config)
    except VipgateError as error:
        typer.echo(f"Not complete yet:\n{mask(str(error))}", err=True)
        return
    try:
        page = Reader(config, source.columns, "zh").read(islice(source.scan(), SAMPLE_ROWS))
    finally:
        source.close()
    for ready in page.ready:
        typer.echo(ready.row.decode())
    for dead in page.dead:
        typer.echo(f"{dead.place}: {dead.reason}", err=True)
