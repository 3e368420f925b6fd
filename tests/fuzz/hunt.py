"""Runs targets on made-up input, and keeps what was found: each fault once, in its smallest form."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

from hypothesis import HealthCheck, Phase, given, seed, settings

from fuzz.targets import Target

RUNS_A_ROUND: Final = 100
SETTINGS: Final = settings(
    deadline=None,
    database=None,
    print_blob=False,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate, Phase.shrink),
)


class Hunt:
    """See above; `finds` counts faults by where they were raised, `runs` inputs by target."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self.runs: Counter[str] = Counter()
        self.finds: Counter[str] = Counter()
        self._folder = folder
        self._say = say

    def go(self, target: Target, first_seed: int, runs: int = RUNS_A_ROUND) -> None:
        """One round: the same target, seed and number of runs try the same input."""
        last = b""

        @seed(first_seed)
        @settings(SETTINGS, max_examples=runs)
        @given(target.made)
        def attempt(data: bytes) -> None:
            nonlocal last
            last = data
            self.runs[target.name] += 1
            target.run(data)

        try:
            attempt()
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
            self._keep(target, first_seed, last, error)

    def _keep(self, target: Target, first_seed: int, data: bytes, error: BaseException) -> None:
        # What does not happen every time comes in a group.
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        place = traceback.extract_tb(error.__traceback__)[-1]
        known = f"{target.name} {type(error).__name__} {Path(place.filename).name}:{place.lineno}"
        self.finds[known] += 1
        if self.finds[known] > 1:
            return
        path = self._folder / f"{target.name}-{first_seed}"
        path.write_bytes(data)
        self._say(f"found: {known}, seed {first_seed}, {path}\n  {str(error)[:600]}\n  {data[:300]!r}")

    def told(self) -> str:
        """Runs and finds so far."""
        runs = ", ".join(f"{name} {count}" for name, count in self.runs.items())
        return f"{sum(self.runs.values())} runs ({runs}), {len(self.finds)} finds"
