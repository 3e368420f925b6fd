"""What the measurements found, in figures that a report can print. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median

from bench.closed import Timing


@dataclass(frozen=True, slots=True)
class Sample:
    """Speed and latency of one run, or of the median run."""

    a_second: float
    p50_ms: float
    p99_ms: float


def sample(timing: Timing, rows_a_request: int = 1) -> Sample:
    """The figures of one run."""
    speed = timing.answers_a_second * rows_a_request
    return Sample(speed, timing.percentile_ms(50), timing.percentile_ms(99))


def median_sample(samples: Iterable[Sample]) -> Sample:
    """Each figure's median over the rounds."""
    rounds = list(samples)
    return Sample(
        median(one.a_second for one in rounds),
        median(one.p50_ms for one in rounds),
        median(one.p99_ms for one in rounds),
    )


@dataclass(frozen=True, slots=True)
class Speed:
    """One line of the table of speeds; None where that one was not measured."""

    what: str
    gateway: Sample | None = None
    peer: Sample | None = None
    floor: Sample | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """One figure that is no speed, ready to print."""

    what: str
    figure: str


@dataclass(frozen=True, slots=True)
class Target:
    """A ratio and what it should be."""

    what: str
    ratio: float
    bound: float
    at_least: bool

    @property
    def is_met(self) -> bool:
        return self.ratio >= self.bound if self.at_least else self.ratio <= self.bound


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
