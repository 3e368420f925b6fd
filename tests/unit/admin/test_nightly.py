"""The hour of the night, in which the admin process does what it does once a day."""

from __future__ import annotations

import pytest

from vipgate.admin.nightly import seconds_to_night

HOUR_US = 3_600_000_000

# 2026-11-25 00:00 UTC is 08:00 in Beijing.
MORNING_US = 1_795_564_800_000_000


@pytest.mark.parametrize(
    ("hours", "minute", "wait_h"),
    [(0, 0, 19.0), (19, 0, 24.0), (18.75, 30, 0.75), (18.5, 30, 1.0), (20.5, 30, 23.0), (19.5, 30, 24.0)],
)
def test_night_is_at_three_in_beijing(hours: float, minute: int, wait_h: float) -> None:
    assert seconds_to_night(MORNING_US + int(hours * HOUR_US), minute) == wait_h * 3600
