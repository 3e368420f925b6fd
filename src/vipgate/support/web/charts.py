"""Computes bar charts for templates: the bars, and a table with the same figures. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

STEP: Final = 10
BAR: Final = 8
HEIGHT: Final = 100
# The table of a longer period is weekly: three tables of ninety days would make the page too large.
FIGURES_DAILY_MAX: Final = 31
WEEK_DAYS: Final = 7

Tone = Literal["one", "two", "red"]


@dataclass(frozen=True, slots=True)
class Series:
    """Values by day, with a name and a tone."""

    name: str
    tone: Tone
    values: dict[int, int]


@dataclass(frozen=True, slots=True)
class Line:
    """One day or week: position, label, and figures as text, with their sum last if there are several."""

    x: int
    width: int
    label: str
    cells: tuple[str, ...]

    @property
    def title(self) -> str:
        """Tooltip of the bar: its figures in the order of the legend."""
        return f"{self.label}: {' / '.join(self.cells[:2])}"


@dataclass(frozen=True, slots=True)
class Chart:
    """Stacked bars, one per day. `paths` are pairs of tone and SVG outline; `top` labels the upper end of the scale."""

    legend: tuple[tuple[Tone, str], ...]
    paths: tuple[tuple[Tone, str], ...]
    lines: tuple[Line, ...]
    top: str
    width: int
    first: str
    last: str
    weekly: bool


def bars(
    since_day: int,
    until_day: int,
    series: Sequence[Series],
    day_text: Callable[[int], str],
    value_text: Callable[[int], str],
) -> Chart:
    """Charts `since_day` ≤ day < `until_day`, at least one day; the table is weekly above FIGURES_DAILY_MAX days."""
    stacks = [[one.values.get(day, 0) for one in series] for day in range(since_day, until_day)]
    top = nice_top(max(sum(max(0, value) for value in stack) for stack in stacks))
    return Chart(
        legend=tuple((one.tone, one.name) for one in series),
        paths=tuple(
            (one.tone, _outline([stack[: place + 1] for stack in stacks], top)) for place, one in enumerate(series)
        ),
        lines=tuple(_lines(stacks, since_day, day_text, value_text)),
        top=value_text(top),
        width=len(stacks) * STEP,
        first=day_text(since_day),
        last=day_text(until_day - 1),
        weekly=len(stacks) > FIGURES_DAILY_MAX,
    )


def _lines(
    stacks: list[list[int]], since_day: int, day_text: Callable[[int], str], value_text: Callable[[int], str]
) -> Iterator[Line]:
    """Yields the table, oldest first; weeks are counted back from the last day, so that the newest is complete."""
    size = WEEK_DAYS if len(stacks) > FIGURES_DAILY_MAX else 1
    begin = 0
    for end in reversed(range(len(stacks), 0, -size)):
        label = day_text(since_day + begin)
        if end - begin > 1:
            label = f"{label} – {day_text(since_day + end - 1)}"
        sums = [sum(values) for values in zip(*stacks[begin:end], strict=True)]
        yield Line(begin * STEP, (end - begin) * STEP, label, _cells(sums, value_text))
        begin = end


def _cells(stack: list[int], value_text: Callable[[int], str]) -> tuple[str, ...]:
    cells = tuple(map(value_text, stack))
    return cells if len(cells) == 1 else (*cells, value_text(sum(stack)))


def _outline(stacks: list[list[int]], top: int) -> str:
    """Outlines the last value of each stack, on top of the others; negative values are not drawn."""
    parts = []
    for place, stack in enumerate(stacks):
        below = sum(max(0, value) for value in stack[:-1])
        height = max(0, stack[-1]) * HEIGHT / top
        if height > 0:
            y = HEIGHT - below * HEIGHT / top
            parts.append(f"M{place * STEP + (STEP - BAR) // 2} {y:.4g}v-{height:.4g}h{BAR}v{height:.4g}z")
    return "".join(parts)


def nice_top(most: int) -> int:
    """Returns the end of the scale: the smallest of 1, 2, 3, 4, 5, 6, 8, 10, 20, … that is at least `most`."""
    size = 1
    while True:
        for step in (1, 2, 3, 4, 5, 6, 8):
            if step * size >= most:
                return step * size
        size *= 10
