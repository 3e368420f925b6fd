"""Prints what came of a run under load."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from rich.console import Console
from rich.table import Table

from bench.histogram import Histogram
from bench.traffic import Ledger, Outcome
from bench.watching import Look

MIB: Final = 1024 * 1024
SOAK_PARTS: Final = 10
_COLUMNS: Final = (
    "", "offered/s", "acknowledged/s", "refused", "without Retry-After", "unanswered", "not sent",
    "p50 ms", "p99 ms", "p99.9 ms", "max ms", "refusals: p50 ms", "p99 ms",
)  # fmt: skip


def show_run(
    console: Console,
    title: str,
    outcome: Outcome,
    looks: Sequence[Look],
    groups: Mapping[str, Sequence[Ledger]] | None = None,
) -> None:
    """A line for each group of parks (all parks, where there are none), then what gateway and generator took."""
    table = Table(*_COLUMNS, title=f"{title}: {outcome.elapsed_s:.1f} s", title_justify="left")
    for name, ledgers in (groups or {"all parks": outcome.ledgers}).items():
        table.add_row(name, *_cells(ledgers, outcome.elapsed_s))
    console.print(table)
    console.print(_beside(outcome, looks))


def _cells(ledgers: Sequence[Ledger], seconds: float) -> list[str]:
    codes = sum((one.codes for one in ledgers), Counter[str]())
    refused = {code: count for code, count in sorted(codes.items()) if code != "1001"}
    told, turned = Histogram(), Histogram()
    for one in ledgers:
        told.merge(one.acknowledged_us)
        turned.merge(one.rejected_us)
    return [
        f"{sum(one.offered for one in ledgers) / seconds:,.0f}",
        f"{sum(one.in_time for one in ledgers) / seconds:,.0f}",
        ", ".join(f"{code}: {count:,}" for code, count in refused.items()) or "none",
        str(sum(one.without_retry_after for one in ledgers)),
        str(sum(one.unanswered for one in ledgers)),
        str(sum(one.not_sent for one in ledgers)),
        *[f"{told.percentile(percent) / 1000:,.1f}" for percent in (50, 99, 99.9)],
        f"{told.largest / 1000:,.1f}",
        *[f"{turned.percentile(percent) / 1000:,.1f}" for percent in (50, 99)],
    ]


def _beside(outcome: Outcome, looks: Sequence[Look]) -> str:
    first, last = looks[0], looks[-1]
    memory = [look.resident_bytes / MIB for look in looks]
    descriptors = [look.descriptors for look in looks]
    seconds = max(last.at_s - first.at_s, 1e-9)
    late = outcome.late_us
    return (
        f"gateway: {(last.cpu_s - first.cpu_s) / seconds:.0%} of a core; resident {memory[0]:.0f} MiB at the start, "
        f"{max(memory):.0f} at most, {memory[-1]:.0f} at the end; descriptors {descriptors[0]}, "
        f"{max(descriptors)}, {descriptors[-1]}\n"
        f"generator: {outcome.own_cpu_s / seconds:.0%} of a core; sent {late.percentile(50) / 1000:.1f} ms after it was due "
        f"(p99 {late.percentile(99) / 1000:.1f}), where its park had a connection free"
    )


def show_soak(console: Console, looks: Sequence[Look]) -> None:
    """Memory and descriptors in ten parts of the run."""
    table = Table("from s", "resident MiB, mean", "most", "descriptors, most", "of a core", title_justify="left")
    size = max(1, len(looks) // SOAK_PARTS)
    for part in [looks[first : first + size] for first in range(0, len(looks) - size + 1, size)]:
        memory = [look.resident_bytes / MIB for look in part]
        seconds = max(part[-1].at_s - part[0].at_s, 1e-9)
        table.add_row(
            f"{part[0].at_s - looks[0].at_s:,.0f}",
            f"{sum(memory) / len(memory):.1f}",
            f"{max(memory):.1f}",
            str(max(look.descriptors for look in part)),
            f"{(part[-1].cpu_s - part[0].cpu_s) / seconds:.0%}",
        )
    console.print(table)
