"""How much is measured, and what the gateway should reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is measured."""

    rounds: int
    batch_parks: int
    singles_a_park: int
    singles_s: float
    full_records: int
    looked_up_records: int
    completes: int
    held: int
    held_s: float
    console_records: int
    console_looks: int


FULL: Final = Plan(
    rounds=5,
    batch_parks=32,
    singles_a_park=1_800,
    singles_s=3.0,
    full_records=1_000_000,
    looked_up_records=10_000_000,
    completes=7,
    held=1_000,
    held_s=3.0,
    console_records=5_000_000,
    console_looks=200,
)
QUICK: Final = Plan(
    rounds=1,
    batch_parks=16,
    singles_a_park=600,
    singles_s=1.0,
    full_records=200_000,
    looked_up_records=200_000,
    completes=3,
    held=1_000,
    held_s=1.5,
    console_records=200_000,
    console_looks=30,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Goals:
    """What the gateway should reach on one kind of database. `…_us`: processor time of a row, the database server's with it."""

    of_floor: float
    of_peer_batches: float
    of_peer_singles: float
    batch_row_us: float
    single_row_us: float | None


SQLITE_GOALS: Final = Goals(of_floor=0.7, of_peer_batches=3.5, of_peer_singles=13, batch_row_us=14, single_row_us=210)
POSTGRES_GOALS: Final = Goals(of_floor=0.8, of_peer_batches=2.5, of_peer_singles=8, batch_row_us=21, single_row_us=None)
