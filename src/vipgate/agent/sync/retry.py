"""Decides when to send again and which rows: (state, answer, now, chance) → next step. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from vipgate.i18n import tr

RETRY_S_MIN: Final = 0.5
RETRY_S_MAX: Final = 120.0
# Retrying more often does not help while an operator has to fix something.
NO_ACCESS_RETRY_S: Final = 30.0
# After so many single-row rejections in a row, the rows are not the cause.
BARE_REJECTIONS_MAX: Final = 20
# A copy of a request may still arrive this many timeouts after it was answered or given up.
SETTLE_TIMEOUTS: Final = 2.0

T = TypeVar("T")


def retry_delay_s(failures: int, chance: float, retry_after_s: float | None = None) -> float:
    """Seconds to wait after `failures` in a row: doubles, with jitter (`chance` in 0 … 1), at least `retry_after_s`."""
    delay_s = min(RETRY_S_MAX, RETRY_S_MIN * 2.0 ** min(failures - 1, 16)) * (0.5 + chance / 2)
    return max(delay_s, retry_after_s or 0.0)


@dataclass(slots=True)
class PlatformState:
    """State of the connection to the platform. Times are seconds of a monotonic clock."""

    failures: int = 0
    until_s: float = 0.0
    trouble: str = ""
    is_mending: bool = False
    bare_refusals: int = 0

    def free_slots(self, now_s: float, in_flight: int, in_flight_max: int) -> int:
        """How many requests may start: none while waiting, one after a failure, otherwise all free slots."""
        if now_s < self.until_s:
            return 0
        return max(0, (1 if self.failures else in_flight_max) - in_flight)

    def record_ok(self) -> None:
        """Resets failures after an answer that proves access, unless the platform rejects every row."""
        if self.bare_refusals < BARE_REJECTIONS_MAX:
            self.failures, self.until_s, self.trouble, self.is_mending = 0, 0.0, "", False

    def record_failure(self, now_s: float, chance: float, reason: str, retry_after_s: float | None = None) -> None:
        """Records a failed request."""
        # Requests in flight at the same time failed for the same reason: count them once.
        if now_s >= self.until_s:
            self.failures += 1
        self.until_s = max(self.until_s, now_s + retry_delay_s(max(1, self.failures), chance, retry_after_s))
        self.trouble, self.is_mending = reason, False

    def record_access_denied(self, now_s: float, chance: float, reason: str) -> None:
        """Records that the platform denies access: an operator has to fix it."""
        self.failures += 1
        self.until_s = now_s + NO_ACCESS_RETRY_S * (0.75 + chance / 2)
        self.trouble, self.is_mending = reason, True

    def record_bare_rejection(self, now_s: float, chance: float, reason: str) -> None:
        """Records the rejection of a single row without a hint which member is wrong."""
        # Stays at the limit until a row is stored or an error named: then one row at a time is risked, not twenty.
        self.bare_refusals = min(self.bare_refusals + 1, BARE_REJECTIONS_MAX)
        if self.bare_refusals == BARE_REJECTIONS_MAX:
            self.record_access_denied(now_s, chance, tr("the platform refuses every row: {reason}", reason=reason))

    def accepts(self) -> None:
        """Records that rows were stored, or that the platform named errors."""
        self.bare_refusals = 0
        self.record_ok()


def part_refused(rows: Sequence[T], named: Sequence[int]) -> tuple[list[T], list[list[T]]]:
    """Returns the rows rejected for good, and the batches to send instead.

    Rows that the platform named are rejected and the rest is sent; without names the batch is halved, down to one row.
    """
    wrong = {index for index in named if index < len(rows)}
    if wrong:
        rest = [row for index, row in enumerate(rows) if index not in wrong]
        return [rows[index] for index in sorted(wrong)], [rest] if rest else []
    if len(rows) == 1:
        return list(rows), []
    return [], halves(rows)


def halves(rows: Sequence[T]) -> list[list[T]]:
    """Splits at least two rows into two halves."""
    middle = (len(rows) + 1) // 2
    return [list(rows[:middle]), list(rows[middle:])]
