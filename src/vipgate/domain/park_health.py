"""Derives a park's health from its counters: never pushed, silent, rejected, old secret. No clock, no store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from vipgate.store.interfaces.ledger import BEIJING_OFFSET_US, DAY_US, Park, business_day
from vipgate.store.interfaces.queries import DailyAnswers

Mark = Literal["never", "silent", "rejected", "old_secret", "disabled"]
MARKS: Final[tuple[Mark, ...]] = ("rejected", "silent", "never", "old_secret", "disabled")
# The usual gap is measured over this many business days, including today.
USUAL_DAYS: Final = 14
SILENT_S_MIN: Final = 12 * 3600.0
SILENT_GAPS: Final = 3
REFUSALS_MIN: Final = 3
REFUSED_SHARE_MIN: Final = 0.1


@dataclass(frozen=True, slots=True)
class Health:
    """Health of a park. `quiet_s` is None before its first push, `usual_gap_s` if the last USUAL_DAYS had no push."""

    marks: frozenset[Mark]
    quiet_s: float | None
    usual_gap_s: float | None
    rejected_share: float


def park_health(park: Park, days: Sequence[DailyAnswers], now_us: int) -> Health:
    """The health of `park` from its answer counts; `days` must be of this park. Days before the last USUAL_DAYS are ignored."""
    quiet_s = None if park.last_push_us is None else max(0, now_us - park.last_push_us) / 1_000_000
    gap_s = _usual_gap_s(park, days, now_us)
    share, rejected = _refused(days, business_day(now_us))
    return Health(_marks(park, quiet_s, gap_s, rejected=rejected), quiet_s, gap_s, share)


def _marks(park: Park, quiet_s: float | None, gap_s: float | None, *, rejected: bool) -> frozenset[Mark]:
    """A disabled park has only that mark: no pushes are expected of it."""
    if not park.enabled:
        return frozenset({"disabled"})
    holds: dict[Mark, bool] = {
        "never": quiet_s is None,
        "silent": quiet_s is not None and quiet_s > silent_after_s(gap_s),
        "rejected": rejected,
        "old_secret": park.has_previous_secret and park.secret_used == "previous",
    }
    return frozenset(mark for mark, held in holds.items() if held)


def silent_after_s(usual_gap_s: float | None) -> float:
    """After how many seconds without a push a park counts as silent: longer than a night and its usual gaps."""
    return SILENT_S_MIN if usual_gap_s is None else max(SILENT_S_MIN, SILENT_GAPS * usual_gap_s)


def by_park(days: Iterable[DailyAnswers]) -> dict[str, list[DailyAnswers]]:
    """Groups answer counts by park; requests without a proved park are left out."""
    found: dict[str, list[DailyAnswers]] = {}
    for one in days:
        if one.park_uuid is not None:
            found.setdefault(one.park_uuid, []).append(one)
    return found


def _usual_gap_s(park: Park, days: Sequence[DailyAnswers], now_us: int) -> float | None:
    """The mean time between stored pushes, up to the last one.

    The silence since then does not count: otherwise a park that pushed once and fell silent would count as usual.
    """
    first_day = business_day(now_us) - USUAL_DAYS + 1
    pushes = sum(one.requests for one in days if one.day >= first_day and one.code == "1001")
    if not pushes:
        return None
    since_us = max(first_day * DAY_US - BEIJING_OFFSET_US, park.created_us)
    until_us = now_us if park.last_push_us is None else min(park.last_push_us, now_us)
    return max(0, until_us - since_us) / 1_000_000 / pushes


def _refused(days: Sequence[DailyAnswers], today: int) -> tuple[float, bool]:
    """The share of rejections in the answers of today and yesterday, and whether they are too many.

    They also are if every answer of the newest day is a rejection: a park that broke this morning worked yesterday.
    """
    recent = [one for one in days if one.day in (today, today - 1)]
    share, refusals = _share(recent)
    newest = max((one.day for one in recent), default=today)
    newest_share, newest_refusals = _share([one for one in recent if one.day == newest])
    often = refusals >= REFUSALS_MIN and share >= REFUSED_SHARE_MIN
    return share, often or (newest_refusals >= REFUSALS_MIN and newest_share == 1)


def _share(answers: Iterable[DailyAnswers]) -> tuple[float, int]:
    """The share and the number of rejections. `429` does not count: the same push succeeds a little later."""
    total = refusals = 0
    for one in answers:
        total += one.requests
        refusals += one.requests if one.code.startswith("4") and one.code != "429" else 0
    return refusals / total if total else 0.0, refusals
