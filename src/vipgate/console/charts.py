"""Bars for a template to draw: where they stand, and the table of figures that says the same. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

STEP: Final = 10
BAR: Final = 8
HEIGHT: Final = 100
BARS_DAILY_MAX: Final = 92

Tone = Literal["one", "two", "red"]


@dataclass(frozen=True, slots=True)
class Series:
    """Values by day under one name, drawn in one tone."""

    name: str
    tone: Tone
    values: dict[int, int]


@dataclass(frozen=True, slots=True)
class Line:
    """One day or week: where it begins, its label, and its figures as texts, their sum last where there are several."""

    x: int
    label: str
    cells: tuple[str, ...]

    @property
    def title(self) -> str:
        """What is shown when one points at the bar: its figures in the order of the legend."""
        return f"{self.label}: {' / '.join(self.cells[:2])}"


@dataclass(frozen=True, slots=True)
class Chart:
    """Stacked bars. `paths` are tone and outline; `top` is the text at the upper end of the scale."""

    legend: tuple[tuple[Tone, str], ...]
    paths: tuple[tuple[Tone, str], ...]
    lines: tuple[Line, ...]
    top: str
    weekly: bool

    @property
    def width(self) -> int:
        """The width of the drawing in its own units."""
        return max(1, len(self.lines)) * STEP


def bars(
    since_day: int,
    until_day: int,
    series: Sequence[Series],
    day_text: Callable[[int], str],
    value_text: Callable[[int], str],
) -> Chart:
    """Bars for `since_day` ≤ day < `until_day`; a bar a week where days would be too thin."""
    days = until_day - since_day
    weekly = days > BARS_DAILY_MAX
    size = 7 if weekly else 1
    starts = range(since_day, until_day, size)
    sums = [
        [sum(one.values.get(day, 0) for day in range(at, min(at + size, until_day))) for one in series] for at in starts
    ]
    top = nice_top(max((sum(max(0, value) for value in stack) for stack in sums), default=0))
    return Chart(
        legend=tuple((one.tone, one.name) for one in series),
        paths=tuple(
            (one.tone, _outline([stack[: place + 1] for stack in sums], top)) for place, one in enumerate(series)
        ),
        lines=tuple(
            Line(place * STEP, day_text(at), _cells(stack, value_text))
            for place, (at, stack) in enumerate(zip(starts, sums, strict=True))
        ),
        top=value_text(top),
        weekly=weekly,
    )


def _cells(stack: list[int], value_text: Callable[[int], str]) -> tuple[str, ...]:
    cells = tuple(map(value_text, stack))
    return cells if len(cells) == 1 else (*cells, value_text(sum(stack)))


def _outline(stacks: list[list[int]], top: int) -> str:
    """The bars of the last value of each stack, on top of the others; what is below nothing is not drawn."""
    parts = []
    for place, stack in enumerate(stacks):
        below = sum(max(0, value) for value in stack[:-1])
        height = max(0, stack[-1]) * HEIGHT / top
        if height > 0:
            y = HEIGHT - below * HEIGHT / top
            parts.append(f"M{place * STEP + (STEP - BAR) // 2} {y:.4g}v-{height:.4g}h{BAR}v{height:.4g}z")
    return "".join(parts)


def nice_top(most: int) -> int:
    """The end of a scale: the least of 1, 2, 3, 4, 5, 6, 8, 10, 20, … that is not below `most`."""
    size = 1
    while True:
        for step in (1, 2, 3, 4, 5, 6, 8):
            if step * size >= most:
                return step * size
        size *= 10
