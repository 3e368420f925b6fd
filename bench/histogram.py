"""Latencies in the buckets of HdrHistogram: 1,024 to each power of two, so that no figure is off by more than 0.1 %."""

from __future__ import annotations

from array import array
from typing import Final

_BITS: Final = 10
_EXACT: Final = 2 << _BITS
# 2**36 µs are 19 hours.
_SHIFT_MAX: Final = 36 - _BITS - 1


class Histogram:
    """Whole numbers from 0 on, each counted in constant time and memory. What is too large counts as the largest there is."""

    def __init__(self) -> None:
        self._counts = array("q", bytes(8 * ((_SHIFT_MAX + 2) << _BITS)))
        self.count = 0
        self.largest = 0

    def add(self, value: int) -> None:
        """One more of `value`."""
        self.count += 1
        if value > self.largest:
            self.largest = value
        if value < _EXACT:
            self._counts[max(value, 0)] += 1
            return
        shift = min(value.bit_length() - _BITS - 1, _SHIFT_MAX)
        self._counts[(shift << _BITS) + min(value >> shift, _EXACT - 1)] += 1

    def merge(self, other: Histogram) -> None:
        """All of `other` too."""
        self.count += other.count
        self.largest = max(self.largest, other.largest)
        for place, count in enumerate(other._counts):
            if count:
                self._counts[place] += count

    def percentile(self, percent: float) -> int:
        """The value that `percent` of all do not exceed, rounded up within its bucket; 0 where there is none."""
        wanted = self.count * percent / 100
        seen = 0
        for place, count in enumerate(self._counts):
            seen += count
            if count and seen >= wanted:
                return min(_highest(place), self.largest)
        return 0


def _highest(place: int) -> int:
    """The largest value that falls into a bucket."""
    if place < _EXACT:
        return place
    shift = (place >> _BITS) - 1
    return ((place - (shift << _BITS) + 1) << shift) - 1
