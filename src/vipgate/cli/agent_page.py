"""`vipgate agent page`: pages in a browser on this machine, to set the agent up and to look after it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vipgate.agent.page.launch import Launch, run_page
from vipgate.cli.agent import SpoolFile
from vipgate.cli.language import asked_language
from vipgate.i18n import current_language


def page(
    config: Annotated[
        Path, typer.Argument(metavar="CONFIG", help="The agent's TOML file; the page writes it if it does not exist.")
    ] = Path("park.toml"),
    spool: SpoolFile = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0: any free port.")] = 0,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the link.")] = False,
) -> None:
    """Show the agent in a browser on this machine: set-up, status, dead letters, comparison."""
    launch = Launch(
        config=str(config),
        spool=None if spool is None else str(spool),
        port=port,
        opens_browser=not no_browser,
        language=current_language(),
        asked_language=asked_language(),
    )
    raise typer.Exit(run_page(launch))
