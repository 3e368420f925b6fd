"""When requests arrive and which park sends each: a fixed rhythm or a Poisson process, the same for the same seed. No clock."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

_DRAWN: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """`a_second` requests for `seconds`; parks are drawn by weight. `poisson`: by chance, else one after the same time each."""

    a_second: float
    seconds: float
    weights: Sequence[float]
    seed: int
    poisson: bool = True

    def schedule(self) -> Iterator[tuple[int, int]]:
        """The nanosecond since the start and the park's number of each, in order."""
        chance = random.Random(self.seed)
        until_ns = int(self.seconds * 1e9)
        gap_ns = 1e9 / self.a_second
        cumulated, parks = list(accumulate(self.weights)), range(len(self.weights))
        due_ns = 0.0
        while True:
            for park in chance.choices(parks, cum_weights=cumulated, k=_DRAWN):
                due_ns += chance.expovariate(1.0) * gap_ns if self.poisson else gap_ns
                if due_ns >= until_ns:
                    return
                yield int(due_ns), park
