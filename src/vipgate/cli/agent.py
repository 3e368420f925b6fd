"""The group `vipgate agent`, and the arguments that its commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ConfigFile = Annotated[Path, typer.Argument(metavar="CONFIG", help="The agent's TOML file.")]
SpoolFile = Annotated[Path | None, typer.Option("--spool", help="The agent's state file; default: next to CONFIG.")]

agent = typer.Typer(
    no_args_is_help=True, help="The agent of a car park: reads the park's own records and sends them to the platform."
)
