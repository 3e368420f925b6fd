"""Runs the nightly work between 03:00 and 04:00 Beijing time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from vipgate.store.interfaces.ledger import BEIJING_OFFSET_US, DAY_US

NIGHT_HOUR: Final = 3
# Sleeps in steps: a suspended machine or a changed clock delays the work by one step at most.
WAIT_S_MAX: Final = 600.0
_HOUR_US: Final = 3_600_000_000
_MINUTE_US: Final = 60_000_000


def seconds_to_night(now_us: int, minute: int) -> float:
    """Returns the seconds until the next 03:`minute` in Beijing."""
    due_us = NIGHT_HOUR * _HOUR_US + minute * _MINUTE_US - BEIJING_OFFSET_US
    return (DAY_US - (now_us - due_us) % DAY_US) / 1e6


async def run_nightly(work: Callable[[], Awaitable[None]], clock_us: Callable[[], int], minute: int) -> None:
    """Runs `work` once a night until cancelled."""
    while True:
        left_s = seconds_to_night(clock_us(), minute)
        await asyncio.sleep(min(left_s, WAIT_S_MAX))
        if left_s <= WAIT_S_MAX:
            await work()
