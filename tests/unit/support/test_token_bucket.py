"""A token bucket against a list of the moments at which something was taken."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vipgate.support.token_bucket import TokenBucket

BURST, REFILL_S = 5, 3.0


@given(st.lists(st.floats(0, 20), max_size=60))
def test_no_stretch_of_time_gets_more_than_the_burst_and_what_comes_back_in_it(pauses_s: list[float]) -> None:
    bucket, now_s = TokenBucket(BURST, REFILL_S, 0.0), 0.0
    taken: list[float] = []
    for pause_s in pauses_s:
        now_s += pause_s
        if bucket.wait_s(now_s) == 0:
            taken.append(now_s)
    for first, since_s in enumerate(taken):
        for last, until_s in enumerate(taken[first:], first):
            assert last - first + 1 <= BURST + (until_s - since_s) / REFILL_S + 1e-6


@given(st.lists(st.floats(0, 20), max_size=60))
def test_who_waits_as_long_as_was_said_is_let_in(pauses_s: list[float]) -> None:
    bucket, now_s = TokenBucket(BURST, REFILL_S, 0.0), 0.0
    for pause_s in pauses_s:
        now_s += pause_s
        wait_s = bucket.wait_s(now_s)
        if wait_s:
            now_s += wait_s + 1e-6
            assert bucket.wait_s(now_s) == 0


@given(st.lists(st.floats(-100, 20), max_size=60))
def test_clock_that_jumps_back_gives_nothing_and_it_fills_up_again(pauses_s: list[float]) -> None:
    bucket, now_s = TokenBucket(BURST, REFILL_S, 0.0), 0.0
    forward_s = sum(pause for pause in pauses_s if pause > 0)
    let_in = 0
    for pause_s in pauses_s:
        now_s += pause_s
        let_in += bucket.wait_s(now_s) == 0
    assert let_in <= BURST + forward_s / REFILL_S + 1e-6
    assert bucket.is_full(now_s + BURST * REFILL_S)
