"""A cursor is proposed only if its time sorts and its second column tells rows of one time apart."""

# ruff: noqa: DTZ001 - the times of a park have no zone
from __future__ import annotations

from datetime import datetime

import pytest

from vipgate.agent.mapping.guess_cursor import guess_cursor

TIME = "2026-09-01 08:00:00"


@pytest.mark.parametrize(
    ("columns", "row", "key", "cursor"),
    [
        (["park_id", "id", "updated_at"], [7, None, TIME], (), ("updated_at", "id")),
        (["park_id", "user_id", "updated_at"], [7, None, TIME], (), None),
        (["更新时间", "编号"], [TIME, None], (), ("更新时间", "编号")),
        (["updated_at", "ticket"], [TIME, None], ("ticket",), ("updated_at", "ticket")),
        (["updated_at", "lot", "nr"], [TIME, 1, None], ("lot", "nr"), None),
        (["updated_at", "id"], [datetime(2026, 9, 1), None], (), ("updated_at", "id")),
        (["updated_at", "id"], [1_788_220_800, None], (), ("updated_at", "id")),
        (["updated_at", "id"], ["2026-9-1 8:00", None], (), None),
        (["updated_at", "id"], ["01/09/2026 08:00", None], (), None),
        (["updated_at", "id"], [TIME, 3], (), None),
        (["created_at", "id"], [TIME, None], (), None),
    ],
)
def test_cursor_is_proposed_only_if_it_works(
    columns: list[str], row: list[object], key: tuple[str, ...], cursor: tuple[str, str] | None
) -> None:
    """None in a row stands for a number that differs from row to row."""
    rows = [[number if value is None else value for value in row] for number in range(1, 250)]
    found = guess_cursor(columns, rows, key)
    assert found.columns == cursor
    assert bool(found.note) == (cursor is None and "updated_at" in columns)


def test_id_that_is_missing_somewhere_is_none() -> None:
    assert guess_cursor(["updated_at", "id"], [[TIME, 1], [TIME, None]]).columns is None
