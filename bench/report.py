"""Prints the findings as tables, and writes them between the markers of docs/performance.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from bench.cpu import CpuTimes
from bench.findings import Findings, Sample, Speed, Spread, Target, cpu_spread, median_sample, pair_ratios
from bench.forking import BenchError

BEGIN: Final = "<!-- bench:begin -->"
END: Final = "<!-- bench:end -->"
_WHOLE_FROM: Final = 100


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
            f"{engine}: rows a second, median (least … most); p50 / p99 of a request in ms",
            _SPEED_HEAD,
            list(map(_speed_row, findings.speeds)),
        ),
        Grid(
            f"{engine}: processor time of a row in µs, median (least … most)",
            ("", *_CPU_FIGURES, "a request, ms"),
            [row for speed in findings.speeds for row in _cpu_rows(speed)],
        ),
        Grid(
            f"{engine}: time and memory", ("gateway", "figure"), [(fact.what, fact.figure) for fact in findings.facts]
        ),
        Grid(f"{engine}: targets", ("", "found", "wanted", "met"), list(map(_target_row, findings.targets))),
    ]
    return [grid for grid in grids if grid.rows]


_SPEED_HEAD: Final = ("", "gateway", "peer", "floor", "gateway / peer")


_CPU_FIGURES: Final[Mapping[str, Callable[[CpuTimes], float]]] = {
    "event loop": lambda cpu: cpu.loop_s,
    "commit thread": lambda cpu: cpu.commit_s,
    "other threads": lambda cpu: cpu.other_s,
    "database server": lambda cpu: cpu.database_s,
    "together": lambda cpu: cpu.total_s,
}


def _speed_row(speed: Speed) -> list[str]:
    ratio = _spread(pair_ratios(speed.gateway, speed.peer)) if speed.gateway and speed.peer else ""
    return [speed.what, _cell(speed.gateway), _cell(speed.peer), _cell(speed.floor), ratio]


def _cell(rounds: Sequence[Sample]) -> str:
    if not rounds:
        return ""
    middle = median_sample(rounds)
    return f"{_spread(Spread.of(one.a_second for one in rounds))}; {middle.p50_ms:.1f} / {middle.p99_ms:.1f}"


def _cpu_rows(speed: Speed) -> list[list[str]]:
    """A line for the gateway and one for the peer, where their processor time was read."""
    rows = []
    for who, rounds in (("gateway", speed.gateway), ("peer", speed.peer)):
        spreads = [cpu_spread(rounds, figure) for figure in _CPU_FIGURES.values()]
        if spreads[-1] is not None:
            request_ms = spreads[-1].middle * rounds[0].rows_a_request / 1000
            cells = ["" if one is None or not one.most else _spread(one) for one in spreads]
            rows.append([f"{speed.what}: {who}", *cells, f"{request_ms:.2f}"])
    return rows


def _spread(figures: Spread) -> str:
    """As `12.1 (11.8 … 12.9)`; with no spread of a single round, and no digits that mean nothing."""
    shown = [
        f"{one:,.0f}" if one >= _WHOLE_FROM else f"{one:.1f}" for one in (figures.middle, figures.least, figures.most)
    ]
    return f"{shown[0]} ({shown[1]} … {shown[2]})" if figures.least < figures.most else shown[0]


def _target_row(target: Target) -> list[str]:
    sign = "≥" if target.at_least else "≤"
    return [target.what, f"{target.found:.2f}", f"{sign} {target.bound:g}", "yes" if target.is_met else "**no**"]


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
