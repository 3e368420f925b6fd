"""Whether a row that was read is news: one line for each case."""

from __future__ import annotations

import pytest

from vipgate.agent.models import OutboxRow, Rejection, Version
from vipgate.agent.sources.base import dump_cursor
from vipgate.agent.sync.verdict import Verdict, judge

SAME, NEWS, SHARED, OLDER = Verdict.SAME, Verdict.NEWS, Verdict.SHARED, Verdict.OLDER


def row(text: str, *place: object) -> OutboxRow:
    return OutboxRow("a", text.encode(), "row 1", row_id=dump_cursor(place).encode() if place else b"")


def known(text: str, *place: object) -> Version:
    one = row(text, *place)
    return Version(one.hash, one.row_id)


@pytest.mark.parametrize(
    ("before", "has_key", "verdict"),
    [
        (None, True, NEWS),
        (None, False, NEWS),
        # The contents decide, whatever row they are of.
        (known("new", 7), True, SAME),
        (known("new", 8), True, SAME),
        (known("new"), False, SAME),
        # What the same row is now counts.
        (known("old", 7), True, NEWS),
        # Another row of the source has the order number.
        (known("old", 8), True, SHARED),
        (known("old", 6), True, SHARED),
        # Known from a time when rows had no key, or another one.
        (known("old"), True, NEWS),
        (known("old", "2026-09-09 08:00:00"), True, NEWS),
        (known("old", 7, 7), True, NEWS),
        # Without a key the cursor tells.
        (known("old", 7), False, NEWS),
        (known("old", 6), False, NEWS),
        (known("old", 8), False, OLDER),
        (known("old"), False, NEWS),
        (known("old", "2026-09-09 08:00:00"), False, NEWS),
    ],
)
def test_row_is_judged_by_what_is_known_of_its_record(
    before: Version | None,
    has_key: bool,
    verdict: Verdict,
) -> None:
    assert judge(row("new", 7), before, has_key=has_key) is verdict


def test_row_without_an_id_is_news_if_it_differs() -> None:
    assert judge(row("new"), known("old", 7), has_key=False) is NEWS
    assert judge(row("new"), known("old"), has_key=False) is NEWS


def test_rejection_is_news_once_for_each_reason() -> None:
    first = Rejection("a", "a", "row 1", "no plate", source="{}", row_id=b"[7]")
    other = Rejection("a", "a", "row 1", "no money", source="{}", row_id=b"[7]")
    before = Version(first.hash, first.row_id)
    assert judge(first, before, has_key=True) is SAME
    assert judge(other, before, has_key=True) is NEWS
