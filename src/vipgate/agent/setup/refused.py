"""Groups refused rows by their reason: one wrong code refuses hundreds of rows. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from vipgate.agent.models import Rejection


@dataclass(frozen=True, slots=True)
class RefusedRows:
    """Rows that are refused for one reason; `first` is the first of them."""

    first: Rejection
    count: int

    @property
    def reason(self) -> str:
        """Why they are refused."""
        return self.first.reason


def group_refused(dead: Iterable[Rejection]) -> list[RefusedRows]:
    """The reasons, those of the most rows first; reasons of as many rows stay in the order of the source."""
    firsts: dict[str, Rejection] = {}
    counts: dict[str, int] = {}
    for one in dead:
        firsts.setdefault(one.reason, one)
        counts[one.reason] = counts.get(one.reason, 0) + 1
    groups = [RefusedRows(first, counts[reason]) for reason, first in firsts.items()]
    return sorted(groups, key=lambda group: -group.count)
