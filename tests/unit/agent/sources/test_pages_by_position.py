"""Rows are read page by page without a key, and none is lost where others are deleted meanwhile."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from vipgate.agent.sources.base import SourceRow, SourceUnavailable
from vipgate.agent.sources.pages_by_position import OVERLAP_ROWS, read_by_position

PAGE_ROWS = 100


def numbers_read(table: list[int], between: Callable[[], None] = lambda: None) -> list[int]:
    """What is read of a table that changes by `between` after the first page."""
    reads: list[tuple[int, int]] = []

    def read_at(start: int, limit: int) -> list[SourceRow]:
        if len(reads) == 1:
            between()
        reads.append((start, limit))
        assert limit <= PAGE_ROWS + OVERLAP_ROWS
        return [SourceRow("", (number,)) for number in table[start : start + limit]]

    return [int(str(row.values[0])) for row in read_by_position(read_at, PAGE_ROWS)]


@pytest.mark.parametrize("rows", [0, 1, 99, 100, 101, 350])
def test_each_row_is_read_once_in_a_table_that_rests(rows: int) -> None:
    assert numbers_read(list(range(rows))) == list(range(rows))


@pytest.mark.parametrize("deleted", [1, OVERLAP_ROWS - 1])
def test_rows_that_move_forward_are_read(deleted: int) -> None:
    table = list(range(350))
    assert numbers_read(table, lambda: table.__delitem__(slice(deleted))) == list(range(350))


def test_last_row_of_a_page_may_change_or_go() -> None:
    table = list(range(350))

    def change() -> None:
        table[99] = -1
        del table[98]

    assert numbers_read(table, change) == [*range(100), -1, *range(100, 350)]


def test_rows_that_move_back_are_not_read_again() -> None:
    table = list(range(350))
    assert numbers_read(table, lambda: table.insert(0, -1)) == list(range(350))


def test_table_that_was_turned_over_is_read_again_from_its_start() -> None:
    table = list(range(350))
    with pytest.raises(SourceUnavailable, match=r"name the columns that identify a row in source\.key"):
        numbers_read(table, lambda: table.__delitem__(slice(100)))
