"""What the measurements found, in figures that a report can print. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Self

from bench.closed import Timing
from bench.cpu import CpuTimes


@dataclass(frozen=True, slots=True)
class Spread:
    """Median, least and most of several rounds."""

    middle: float
    least: float
    most: float

    @classmethod
    def of(cls, figures: Iterable[float]) -> Self:
        """The spread of at least one figure."""
        rounds = list(figures)
        return cls(median(rounds), min(rounds), max(rounds))


@dataclass(frozen=True, slots=True)
class Sample:
    """One run: rows a second, latency of a request, and, where it was read, the processor time of each row in µs."""

    a_second: float
    p50_ms: float
    p99_ms: float
    rows_a_request: int = 1
    cpu_us: CpuTimes | None = None


def sample(timing: Timing, rows_a_request: int = 1, used: CpuTimes | None = None) -> Sample:
    """The figures of one run; `used` is the processor time that it took in all."""
    rows = len(timing.latencies_ns) * rows_a_request
    speed = timing.answers_a_second * rows_a_request
    a_row = None if used is None else used.scaled(1e6 / rows)
    return Sample(speed, timing.percentile_ms(50), timing.percentile_ms(99), rows_a_request, a_row)


def median_sample(samples: Iterable[Sample]) -> Sample:
    """Each figure's median over the rounds."""
    rounds = list(samples)
    return Sample(
        median(one.a_second for one in rounds),
        median(one.p50_ms for one in rounds),
        median(one.p99_ms for one in rounds),
        rounds[0].rows_a_request,
    )


def cpu_spread(samples: Sequence[Sample], figure: Callable[[CpuTimes], float]) -> Spread | None:
    """The spread of one of the processor times; None where they were not read."""
    read = [figure(one.cpu_us) for one in samples if one.cpu_us is not None]
    return Spread.of(read) if read else None


def pair_ratios(ours: Sequence[Sample], theirs: Sequence[Sample]) -> Spread:
    """How many times faster we were, round by round: both ran one after the other in each."""
    return Spread.of(one.a_second / other.a_second for one, other in zip(ours, theirs, strict=True))


@dataclass(frozen=True, slots=True)
class Speed:
    """One line of the table of speeds: the rounds of each; empty where that one was not measured."""

    what: str
    gateway: Sequence[Sample] = ()
    peer: Sequence[Sample] = ()
    floor: Sequence[Sample] = ()


@dataclass(frozen=True, slots=True)
class Fact:
    """One figure that is no speed, ready to print."""

    what: str
    figure: str


@dataclass(frozen=True, slots=True)
class Target:
    """A ratio, or another figure, and what it should be."""

    what: str
    found: float
    bound: float
    at_least: bool

    @property
    def is_met(self) -> bool:
        return self.found >= self.bound if self.at_least else self.found <= self.bound


@dataclass(frozen=True, slots=True)
class Findings:
    """All that was found."""

    speeds: Sequence[Speed] = field(default_factory=list)
    facts: Sequence[Fact] = field(default_factory=list)
    targets: Sequence[Target] = field(default_factory=list)


def together(parts: Iterable[Findings]) -> Findings:
    """The findings of several measurements as one."""
    found = list(parts)
    return Findings(
        [one for part in found for one in part.speeds],
        [one for part in found for one in part.facts],
        [one for part in found for one in part.targets],
    )
