"""Prints the findings as tables, and writes them between the markers of docs/performance.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from bench.findings import Findings, Sample, Speed, Target
from bench.forking import BenchError

BEGIN: Final = "<!-- bench:begin -->"
END: Final = "<!-- bench:end -->"


@dataclass(frozen=True, slots=True)
class Grid:
    """A table without a form: the first column is text, the others are figures."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


def lay_out(engine: str, findings: Findings) -> list[Grid]:
    """The tables of one database; none for what was not measured."""
    grids = [
        Grid(
            f"{engine}: rows a second (p50 / p99 of a request in ms)",
            _SPEED_HEAD,
            list(map(_speed_row, findings.speeds)),
        ),
        Grid(
            f"{engine}: time and memory", ("gateway", "figure"), [(fact.what, fact.figure) for fact in findings.facts]
        ),
        Grid(f"{engine}: targets", ("ratio", "found", "wanted", "met"), list(map(_target_row, findings.targets))),
    ]
    return [grid for grid in grids if grid.rows]


_SPEED_HEAD: Final = ("", "gateway", "peer", "floor", "gateway / peer")


def _speed_row(speed: Speed) -> list[str]:
    ratio = f"{speed.gateway.a_second / speed.peer.a_second:.1f}" if speed.gateway and speed.peer else ""
    return [speed.what, _cell(speed.gateway), _cell(speed.peer), _cell(speed.floor), ratio]


def _cell(found: Sample | None) -> str:
    return "" if found is None else f"{found.a_second:,.0f} ({found.p50_ms:.1f} / {found.p99_ms:.1f})"


def _target_row(target: Target) -> list[str]:
    sign = "≥" if target.at_least else "≤"
    return [target.what, f"{target.ratio:.2f}", f"{sign} {target.bound:g}", "yes" if target.is_met else "**no**"]


def show(console: Console, machine: Mapping[str, str], grids: Sequence[Grid]) -> None:
    """Prints everything for people."""
    for name, text in machine.items():
        console.print(f"{name}: {text}", markup=False)
    for grid in grids:
        table = Table(title=grid.title, title_justify="left")
        for place, name in enumerate(grid.head):
            table.add_column(name, justify="right" if place else "left")
        for row in grid.rows:
            table.add_row(*(cell.replace("**", "") for cell in row))
        console.print(table)


def write(path: Path, date: str, machine: Mapping[str, str], grids: Sequence[Grid]) -> None:
    """Puts the tables between the markers of `path`. Raises BenchError where they are missing."""
    text = path.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise BenchError(f"{path.name} has no markers {BEGIN} and {END}; put them where the tables belong.")
    block = "\n".join([f"Measured on {date}.\n", *_machine_lines(machine), *map(_markdown, grids)])
    path.write_text(f"{before}{begin}\n\n{block}\n{end}{after}", encoding="utf-8")


def _machine_lines(machine: Mapping[str, str]) -> list[str]:
    return [*(f"- {name}: {text}" for name, text in machine.items()), ""]


def _markdown(grid: Grid) -> str:
    rule = ["---", *("---:" for _ in grid.head[1:])]
    lines = [f"| {' | '.join(cells)} |" for cells in (grid.head, rule, *grid.rows)]
    return "\n".join([f"### {grid.title}\n", *lines, ""])
