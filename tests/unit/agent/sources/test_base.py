"""Cursors on the disk: what is read back binds exactly as what was read from the park."""

from __future__ import annotations

from datetime import UTC, date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vipgate.agent.sources.base import dump_cursor, load_cursor
from vipgate.errors import UsageError

VALUES = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(),
    st.binary(),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.datetimes(),
    st.datetimes(timezones=st.just(UTC)),
    st.dates(),
    st.uuids(),
)


@given(st.lists(VALUES, min_size=1, max_size=2))
def test_cursor_comes_back_from_the_disk_as_it_was(values: list[object]) -> None:
    cursor = tuple(values)
    back = load_cursor(dump_cursor(cursor))
    assert back == cursor
    assert [type(one) for one in back] == [type(one) for one in cursor]


def test_cursor_of_another_type_is_refused_with_a_remedy() -> None:
    with pytest.raises(UsageError, match="choose columns of times, numbers or text"):
        dump_cursor((timedelta(seconds=1),))
    assert load_cursor('[{"date":"2024-01-31"},{"uuid":"00000000-0000-0000-0000-000000000005"}]') == (
        date(2024, 1, 31),
        UUID(int=5),
    )
