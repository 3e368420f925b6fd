"""A stream is read to its end before its rows are used: then nothing of the park's database is held."""

# ruff: noqa: DTZ001 - the times of a park have no zone
from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal

import pytest

from vipgate.agent.sources.base import SourceRow, SourceUnavailable
from vipgate.agent.sources.postgres_time import InfiniteTimestamp
from vipgate.agent.sync import set_aside as module
from vipgate.agent.sync.set_aside import set_aside
from vipgate.i18n import LocalizedText

VALUES = (
    1, 2.5, None, "车牌", b"\xff", Decimal("1.50"), datetime(2026, 9, 9, 8), date(2026, 9, 9), InfiniteTimestamp("infinity"),
)  # fmt: skip


@pytest.mark.parametrize("bytes_max", [0, 1_000_000])
def test_pages_are_the_same_in_memory_and_on_the_disk(monkeypatch: pytest.MonkeyPatch, bytes_max: int) -> None:
    monkeypatch.setattr(module, "MEMORY_BYTES_MAX", bytes_max)
    problem = LocalizedText("错", "wrong")
    pages = [[SourceRow(f"row {one}", VALUES, (one,), problem)] * 3 for one in range(20)]
    assert list(set_aside(iter(pages))) == pages
    assert list(set_aside(iter(list[int]()))) == []


def test_all_is_read_before_the_first_page_and_an_error_comes_before_any() -> None:
    read: list[int] = []

    def pages(*, fails: bool) -> Iterator[int]:
        for one in range(3):
            read.append(one)
            yield one
        if fails:
            raise SourceUnavailable("gone")

    assert next(set_aside(pages(fails=False))) == 0
    assert read == [0, 1, 2]
    with pytest.raises(SourceUnavailable):
        next(set_aside(pages(fails=True)))
