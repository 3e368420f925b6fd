"""`python -m bench`: one run, one report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from bench.findings import together
from bench.forking import BenchError, raise_descriptor_limit
from bench.machine import describe_machine
from bench.measure import FULL, MEASUREMENTS, QUICK, Bench
from bench.report import lay_out, show, write
from vipgate.clock import clock_us
from vipgate.renewal import format_instant

DESCRIPTORS: Final = 4096
WIDTH_CHARS: Final = 140
PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "performance.md"


def main(
    quick: Annotated[bool, typer.Option("--quick", help="One short round; nothing is written.")] = False,
    only: Annotated[
        str | None, typer.Option(help=f"One measurement: {', '.join(MEASUREMENTS)}. Nothing is written.")
    ] = None,
) -> None:
    """Measure gateway, peer and floor, print the tables, and write them to docs/performance.md."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH_CHARS)
    if only is not None and only not in MEASUREMENTS:
        raise typer.BadParameter(f"there is no {only}; one of {', '.join(MEASUREMENTS)} is wanted")
    try:
        raise_descriptor_limit(DESCRIPTORS)
        machine = describe_machine()
        bench = Bench(QUICK if quick else FULL, console)
        parts = []
        for name in [only] if only else MEASUREMENTS:
            console.print(name)
            parts.append(MEASUREMENTS[name](bench))
        grids = lay_out(together(parts))
        show(console, machine, grids)
        if not quick and only is None:
            write(PAGE, format_instant(clock_us())[:10], machine, grids)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        raise typer.Exit(1) from None


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    app()
