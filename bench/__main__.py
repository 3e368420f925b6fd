"""`python -m bench`: one run, one report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from bench.engines import engine_named
from bench.findings import together
from bench.forking import BenchError, raise_descriptor_limit
from bench.machine import describe_machine
from bench.measure import MEASUREMENTS, OF_ENGINE, Bench
from bench.plan import FULL, QUICK, Plan
from bench.report import Grid, lay_out, show, write
from vipgate.clock import clock_us
from vipgate.protocol.renewal import format_instant

DESCRIPTORS: Final = 4096
WIDTH_CHARS: Final = 140
PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "performance.md"


def _help() -> str:
    """What the command does, and what each measurement is."""
    lines = [f"{name}: {(work.__doc__ or '').splitlines()[0]}" for name, work in MEASUREMENTS.items()]
    return "\n\n".join([*(main.__doc__ or "").splitlines()[:1], *lines])


def main(
    quick: Annotated[bool, typer.Option("--quick", help="One short round; nothing is written.")] = False,
    only: Annotated[
        str | None, typer.Option(help=f"One measurement: {', '.join(MEASUREMENTS)}. Nothing is written.")
    ] = None,
    engine: Annotated[
        str | None, typer.Option(help=f"One database: {', '.join(OF_ENGINE)}. Nothing is written.")
    ] = None,
) -> None:
    """Measure gateway, peer and floor, print the tables, and write them to docs/performance.md."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH_CHARS)
    if only is not None and only not in MEASUREMENTS:
        raise typer.BadParameter(f"there is no {only}; one of {', '.join(MEASUREMENTS)} is wanted")
    if engine is not None and engine not in OF_ENGINE:
        raise typer.BadParameter(f"there is no {engine}; one of {', '.join(OF_ENGINE)} is wanted")
    try:
        raise_descriptor_limit(DESCRIPTORS)
        machine = describe_machine()
        grids: list[Grid] = []
        for name in [engine] if engine else OF_ENGINE:
            grids += _measure(name, QUICK if quick else FULL, only, console)
        show(console, machine, grids)
        if not quick and only is None and engine is None:
            write(PAGE, format_instant(clock_us())[:10], machine, grids)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        raise typer.Exit(1) from None


def _measure(name: str, plan: Plan, only: str | None, console: Console) -> list[Grid]:
    """The tables of one database."""
    with engine_named(name) as engine:
        bench = Bench(plan, console, engine)
        parts = []
        for what in OF_ENGINE[name]:
            if only in (None, what):
                console.print(f"{engine.name}: {what}")
                parts.append(MEASUREMENTS[what](bench))
        return lay_out(engine.name, together(parts))


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(help=_help())(main)
    app()
