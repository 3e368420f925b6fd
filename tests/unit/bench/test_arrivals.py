"""A schedule that a seed repeats."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from bench.arrivals import Arrivals


def test_schedule_is_the_same_for_the_same_seed_and_keeps_rate_and_weights() -> None:
    arrivals = Arrivals(a_second=1_000, seconds=10, weights=(3.0, 1.0, 0.0), seed=7)
    schedule = list(arrivals.schedule())
    assert schedule == list(arrivals.schedule())
    assert schedule != list(Arrivals(a_second=1_000, seconds=10, weights=(3.0, 1.0, 0.0), seed=8).schedule())
    assert 9_500 < len(schedule) < 10_500
    assert all(before <= after for (before, _), (after, _) in pairwise(schedule))
    parks = Counter(park for _, park in schedule)
    assert 2.7 < parks[0] / parks[1] < 3.3
    assert parks[2] == 0
    # A Poisson process has gaps of all sizes.
    gaps = sorted(after - before for (before, _), (after, _) in pairwise(schedule))
    assert gaps[len(gaps) // 10] < 200_000
    assert gaps[-len(gaps) // 10] > 1_800_000


def test_fixed_rhythm_is_fixed() -> None:
    schedule = list(Arrivals(a_second=100, seconds=1, weights=(1.0,), seed=1, poisson=False).schedule())
    assert [due_ns for due_ns, _ in schedule] == [10_000_000 * place for place in range(1, 100)]
