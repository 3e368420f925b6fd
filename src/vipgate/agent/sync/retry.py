"""What to do next about the line and about rows that were refused: (state, answer, now, chance) → next step. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

RETRY_S_MIN: Final = 0.5
RETRY_S_MAX: Final = 120.0
# While a person has to mend something, asking more often helps nobody.
NO_ACCESS_RETRY_S: Final = 30.0
# So many rows refused one after the other, none accepted between: then it is not the rows.
BARE_REJECTIONS_MAX: Final = 20
# A copy of a request may still arrive this many times the timeout after it was answered or given up.
SETTLE_TIMEOUTS: Final = 2.0

T = TypeVar("T")


def retry_delay_s(failures: int, chance: float, retry_after_s: float | None = None) -> float:
    """How long to wait after so many failures in a row: doubling, with jitter (`chance` in 0 … 1), never less than asked."""
    delay_s = min(RETRY_S_MAX, RETRY_S_MIN * 2.0 ** min(failures - 1, 16)) * (0.5 + chance / 2)
    return max(delay_s, retry_after_s or 0.0)


@dataclass(slots=True)
class PlatformState:
    """How the line is doing. Seconds are of a clock that only goes forward."""

    failures: int = 0
    until_s: float = 0.0
    trouble: str = ""
    is_mending: bool = False
    bare_refusals: int = 0

    def free_slots(self, now_s: float, in_flight: int, in_flight_max: int) -> int:
        """How many requests may be begun: none while waiting, one to try, all while all is well."""
        if now_s < self.until_s:
            return 0
        return max(0, (1 if self.failures else in_flight_max) - in_flight)

    def record_ok(self) -> None:
        """An answer came that only a platform which takes this park's pushes gives; one more refusal of every row is none."""
        if self.bare_refusals < BARE_REJECTIONS_MAX:
            self.failures, self.until_s, self.trouble, self.is_mending = 0, 0.0, "", False

    def record_failure(self, now_s: float, chance: float, reason: str, retry_after_s: float | None = None) -> None:
        """It did not work this time."""
        # What was in flight at the same time has failed for the same reason.
        if now_s >= self.until_s:
            self.failures += 1
        self.until_s = max(self.until_s, now_s + retry_delay_s(max(1, self.failures), chance, retry_after_s))
        self.trouble, self.is_mending = reason, False

    def is_waiting(self, now_s: float, chance: float, reason: str) -> None:
        """The platform does not let this park in: a person has to mend it."""
        self.failures += 1
        self.until_s = now_s + NO_ACCESS_RETRY_S * (0.75 + chance / 2)
        self.trouble, self.is_mending = reason, True

    def record_bare_rejection(self, now_s: float, chance: float, reason: str) -> None:
        """One row alone was refused without a word about which member is wrong."""
        # It stays at its bound until something is stored or named: one row at a time is risked, not twenty.
        self.bare_refusals = min(self.bare_refusals + 1, BARE_REJECTIONS_MAX)
        if self.bare_refusals == BARE_REJECTIONS_MAX:
            self.is_waiting(now_s, chance, f"the platform refuses every row: {reason}")

    def accepts(self) -> None:
        """Rows were stored, or what is wrong was named."""
        self.bare_refusals = 0
        self.record_ok()


def part_refused(rows: Sequence[T], named: Sequence[int]) -> tuple[list[T], list[list[T]]]:
    """Rows that are refused for good, and the lists to send instead.

    Where the platform has named rows these are refused and the rest goes on; else the list is halved until one row is left.
    """
    wrong = {index for index in named if index < len(rows)}
    if wrong:
        rest = [row for index, row in enumerate(rows) if index not in wrong]
        return [rows[index] for index in sorted(wrong)], [rest] if rest else []
    if len(rows) == 1:
        return list(rows), []
    return [], halves(rows)


def halves(rows: Sequence[T]) -> list[list[T]]:
    """Two lists in place of one of at least two."""
    middle = (len(rows) + 1) // 2
    return [list(rows[:middle]), list(rows[middle:])]
