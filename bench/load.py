"""`python -m bench.load`: what a real gateway does at and beyond its limits. See docs/performance.md, Under load."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Annotated, Final

import typer
from rich.console import Console

from bench.engines import engine_named
from bench.forking import BenchError
from bench.showing import show_run, show_soak
from bench.traffic import Outcome
from bench.underload import LoadBench, Plan, Run, under_load

SEARCH_S: Final = 5.0
PREFILL_S: Final = 15.0
WIDTH_CHARS: Final = 190
# In all, so that a queue can fill: an open loop with few connections is a closed one.
CONNECTIONS_MAX: Final = 12_000
ROWS_AT_ONCE_MAX: Final = 300_000


class EngineName(StrEnum):
    """A database."""

    SQLITE = "sqlite"
    POSTGRES = "postgres"


EngineOption = Annotated[EngineName, typer.Option(help="The gateway's database; always a fresh one.")]
ParksOption = Annotated[int, typer.Option(min=2, help="How many parks push.")]
RowsOption = Annotated[int, typer.Option(min=1, max=10_000, help="Rows in each request.")]
SecondsOption = Annotated[float, typer.Option(min=1, help="How long the run lasts.")]
SearchOption = Annotated[float, typer.Option(min=0.5, help="How long each step of the search for the capacity lasts.")]
SeedOption = Annotated[int, typer.Option(help="Of the arrivals: the same seed, the same times and parks.")]
FixedOption = Annotated[bool, typer.Option("--fixed", help="Arrivals in a fixed rhythm, not a Poisson process.")]
WorkersOption = Annotated[int, typer.Option(min=1, help="Processes of the gateway; more than one on PostgreSQL.")]
PrefillOption = Annotated[
    float,
    typer.Option(min=0, help="How long batches are stored beforehand, so that the database grows less in the run."),
]
CapacityOption = Annotated[
    float | None, typer.Option(min=1, help="Requests a second to take for its capacity, in place of a search.")
]
FlagOption = Annotated[list[str] | None, typer.Option("--serve-flag", help="One more flag of vipgate serve.")]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=__doc__)


@app.command()
def capacity(
    engine: EngineOption = EngineName.SQLITE,
    parks: ParksOption = 64,
    rows: RowsOption = 1,
    prefill_s: PrefillOption = PREFILL_S,
    search_s: SearchOption = SEARCH_S,
    workers: WorkersOption = 1,
    serve_flag: FlagOption = None,
) -> None:
    """Find the most requests a second that are acknowledged while each connection waits for its answer."""
    plan = Plan(parks=parks, rows=rows, workers=workers, prefill_s=prefill_s, flags=_flags(serve_flag))
    with _bench(engine, plan) as bench:
        _capacity(bench, None, search_s)


@app.command()
def overload(
    engine: EngineOption = EngineName.SQLITE,
    parks: ParksOption = 64,
    rows: RowsOption = 1,
    seconds: SecondsOption = 30.0,
    factor: Annotated[float, typer.Option(min=0.1, help="How many times its capacity is offered.")] = 2.0,
    prefill_s: PrefillOption = PREFILL_S,
    search_s: SearchOption = SEARCH_S,
    known: CapacityOption = None,
    seed: SeedOption = 1,
    fixed: FixedOption = False,
    workers: WorkersOption = 1,
    serve_flag: FlagOption = None,
) -> None:
    """Offer more than the gateway can do, and compare what it does with its capacity before and after."""
    plan = Plan(
        parks=parks,
        rows=rows,
        seed=seed,
        poisson=not fixed,
        workers=workers,
        prefill_s=prefill_s,
        flags=_flags(serve_flag),
    )
    with _bench(engine, plan) as bench:
        before = _capacity(bench, known, search_s)
        callers = bench.callers(_connections(rows, parks))
        run = bench.arrive(callers, [1.0] * parks, before * factor, seconds)
        show_run(bench.console, f"{factor:g} × its capacity", run.outcome, run.looks)
        _show_minutes(bench.console, run.outcome)
        after = _capacity(bench, known, search_s)
        goodput = run.acknowledged_a_second
        bench.console.print(
            f"goodput / capacity: {goodput / before:.2f} of that before the run, {goodput / after:.2f} of that after it"
        )
        _settle(bench, run)


@app.command()
def noisy(
    engine: EngineOption = EngineName.SQLITE,
    parks: ParksOption = 64,
    rows: RowsOption = 1,
    noise_rows: Annotated[int, typer.Option(min=1, max=10_000, help="Rows in each request of the noisy park.")] = 1,
    seconds: SecondsOption = 20.0,
    noise: Annotated[float, typer.Option(min=0.1, help="How many times the capacity one park alone offers.")] = 2.0,
    others: Annotated[
        float, typer.Option(min=0.01, help="What all other parks together offer, of the capacity.")
    ] = 0.25,
    prefill_s: PrefillOption = PREFILL_S,
    search_s: SearchOption = SEARCH_S,
    known: CapacityOption = None,
    seed: SeedOption = 1,
    fixed: FixedOption = False,
    workers: WorkersOption = 1,
    serve_flag: FlagOption = None,
) -> None:
    """Let one park flood the gateway, and see whether the others are served."""
    plan = Plan(
        parks=parks,
        rows=rows,
        seed=seed,
        poisson=not fixed,
        workers=workers,
        prefill_s=prefill_s,
        flags=_flags(serve_flag),
    )
    with _bench(engine, plan) as bench:
        found = _capacity(bench, known, search_s)
        quiet_callers = bench.callers(_connections(rows, 12 * parks), _connections(noise_rows, 3))
        a_park = others / (parks - 1)
        for title, loud in (("without the noisy park", 0.0), ("with it", noise)):
            # Offered in requests of its own size, so that the noise is in rows, which is what costs.
            share = loud * rows / noise_rows
            callers = [bench.resized(quiet_callers[0], noise_rows), *quiet_callers[1:]]
            weights = [share, *[a_park] * (parks - 1)]
            run = bench.arrive(callers, weights, found * sum(weights), seconds)
            first, *rest = run.outcome.ledgers
            groups = {"the noisy park": [first], "the others": rest} if loud else {"the others": rest}
            show_run(bench.console, title, run.outcome, run.looks, groups)
            _settle(bench, run)


@app.command()
def soak(
    engine: EngineOption = EngineName.SQLITE,
    parks: ParksOption = 64,
    rows: RowsOption = 1,
    seconds: SecondsOption = 3600.0,
    factor: Annotated[float, typer.Option(min=0.01, help="Which part of its capacity is offered.")] = 0.5,
    prefill_s: PrefillOption = PREFILL_S,
    search_s: SearchOption = SEARCH_S,
    known: CapacityOption = None,
    seed: SeedOption = 1,
    fixed: FixedOption = False,
    workers: WorkersOption = 1,
    serve_flag: FlagOption = None,
) -> None:
    """Push for long, and see whether memory and descriptors stay as they are."""
    plan = Plan(
        parks=parks,
        rows=rows,
        seed=seed,
        poisson=not fixed,
        workers=workers,
        prefill_s=prefill_s,
        flags=_flags(serve_flag),
    )
    with _bench(engine, plan) as bench:
        found = _capacity(bench, known, search_s)
        run = bench.arrive(bench.callers(_connections(rows, 12 * parks)), [1.0] * parks, found * factor, seconds)
        show_run(bench.console, f"{factor:g} × its capacity", run.outcome, run.looks)
        show_soak(bench.console, run.looks)
        _settle(bench, run)


def _capacity(bench: LoadBench, known: float | None, search_s: float) -> float:
    found = bench.search_capacity(search_s) if known is None else known
    bench.console.print(f"capacity: {found:,.0f} requests a second{'' if known is None else ', as given'}")
    return found


def _flags(given: list[str] | None) -> tuple[str, ...]:
    return tuple(given or ())


def _connections(rows: int, parks: int) -> int:
    """How many each of so many parks has."""
    return max(1, min(CONNECTIONS_MAX, ROWS_AT_ONCE_MAX // rows) // parks)


def _show_minutes(console: Console, outcome: Outcome) -> None:
    """What was acknowledged in each minute: a mean would hide a slow end."""
    whole = outcome.by_second[: int(outcome.elapsed_s)]
    minutes = [whole[first : first + 60] for first in range(0, len(whole), 60)]
    console.print("acknowledged/s by minute: " + ", ".join(f"{sum(one) / len(one):,.0f}" for one in minutes))


def _settle(bench: LoadBench, run: Run) -> None:
    bench.settle(run)
    if any(one.without_retry_after for one in run.outcome.ledgers):
        raise BenchError("A refusal that wants to be sent again later did not say when.")


@contextmanager
def _bench(engine: EngineName, plan: Plan) -> Iterator[LoadBench]:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH_CHARS)
    try:
        with engine_named(engine.value) as made, under_load(made, plan, console) as bench:
            yield bench
    except BenchError as error:
        print(f"bench.load: {error}", file=sys.stderr)
        raise typer.Exit(1) from None


if __name__ == "__main__":
    app()
