"""Percentiles that are right to a thousandth."""

from __future__ import annotations

import random

import pytest
from bench.histogram import Histogram


@pytest.mark.parametrize("highest", [1, 2_000, 2_047, 2_048, 5_000_000, 2**35])
def test_percentile_is_off_by_a_thousandth_at_most(highest: int) -> None:
    chance = random.Random(highest)
    values = sorted(int(highest ** chance.random()) for _ in range(5_000))
    parts = (Histogram(), Histogram())
    for place, value in enumerate(values):
        parts[place % 2].add(value)
    parts[0].merge(parts[1])
    for percent in (0.1, 50, 99, 99.9, 100):
        exact = values[max(0, -int(-len(values) * percent // 100) - 1)]
        assert exact <= parts[0].percentile(percent) <= exact * 1.001
    assert (parts[0].count, parts[0].largest) == (5_000, values[-1])


def test_nothing_measured_and_what_is_beyond_the_largest_bucket_are_figures_too() -> None:
    found = Histogram()
    assert found.percentile(99) == 0
    found.add(-5)
    found.add(2**60)
    assert found.percentile(50) <= 0
    assert found.percentile(100) > 2**35
