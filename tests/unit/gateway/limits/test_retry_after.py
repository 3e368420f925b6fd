"""Who is sent away comes back later the more there are of them; refusals stay a part of what is served, whatever is offered."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from vipgate.gateway.limits.retry_after import (
    RETRY_AFTER_S_MAX,
    RETRY_AFTER_S_MIN,
    SERVED_PER_RETRY,
    RetryAfterScheduler,
)


@dataclass
class Time:
    now_s: float = 1_000.0

    def __call__(self) -> float:
        return self.now_s


def serve(returns: RetryAfterScheduler, time: Time, a_second: int, seconds: int, busy: float = 1.0) -> None:
    """So many a second, for which the store is busy for a part of the time."""
    for _ in range(10 * seconds):
        time.now_s += 0.1
        returns.record_served(a_second // 10, 0.1 * busy)


def test_before_anything_was_served_all_may_come_soon() -> None:
    returns = RetryAfterScheduler(Time())
    assert [returns.next_retry_after_s() for _ in range(1_000)] == [RETRY_AFTER_S_MIN] * 1_000


def test_few_refusals_may_come_soon() -> None:
    time = Time()
    returns = RetryAfterScheduler(time)
    serve(returns, time, 1_000, 3)
    asked = []
    for _ in range(200):
        time.now_s += SERVED_PER_RETRY / 1_000
        asked.append(returns.next_retry_after_s())
    assert asked == [RETRY_AFTER_S_MIN] * 200


@pytest.mark.parametrize("a_second", [80, 1_000, 8_000])
def test_returns_are_spread_over_the_time_that_serving_takes(a_second: int) -> None:
    time = Time()
    returns = RetryAfterScheduler(time)
    serve(returns, time, a_second, 3)
    span_s = 10
    many = span_s * a_second // SERVED_PER_RETRY
    waits = [returns.next_retry_after_s() for _ in range(many)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (RETRY_AFTER_S_MIN, RETRY_AFTER_S_MIN + span_s)
    # In each second as many as in any other.
    counts = [waits.count(second) for second in range(RETRY_AFTER_S_MIN + 1, RETRY_AFTER_S_MIN + span_s + 1)]
    assert max(counts) - min(counts) <= 1


def test_quiet_is_not_taken_for_slow() -> None:
    time = Time()
    returns = RetryAfterScheduler(time)
    serve(returns, time, 10, 3, busy=0.01)
    assert (
        max(returns.next_retry_after_s() for _ in range(900)) <= RETRY_AFTER_S_MIN + 900 * SERVED_PER_RETRY / 1_000 + 1
    )


def test_who_asks_once_it_goes_faster_does_not_stand_behind_what_was_promised_before() -> None:
    time = Time()
    returns = RetryAfterScheduler(time)
    serve(returns, time, 10, 3)
    assert [returns.next_retry_after_s() for _ in range(1_000)][-1] == RETRY_AFTER_S_MAX
    serve(returns, time, 3_000, 3)
    assert returns.next_retry_after_s() == RETRY_AFTER_S_MIN


def test_nobody_waits_for_longer_than_the_bound() -> None:
    time = Time()
    returns = RetryAfterScheduler(time)
    serve(returns, time, 100, 3)
    assert max(returns.next_retry_after_s() for _ in range(10_000)) == RETRY_AFTER_S_MAX
    time.now_s += RETRY_AFTER_S_MAX
    assert returns.next_retry_after_s() == RETRY_AFTER_S_MIN


def test_callers_who_come_back_when_they_may_cause_a_bounded_part_of_refusals() -> None:
    """A thousand of them, none of whom is ever served, beside others who are: 800 a second."""
    time = Time()
    returns = RetryAfterScheduler(time)
    serve(returns, time, 800, 3)
    back_s = [time.now_s] * 1_000
    refused = 0
    for _ in range(200):
        serve(returns, time, 800, 1)
        for caller, at_s in enumerate(back_s):
            if at_s <= time.now_s:
                refused += 1
                back_s[caller] = time.now_s + returns.next_retry_after_s()
    # The first thousand came before anything was known of them.
    assert (refused - 1_000) / (200 * 800) < 1.2 / SERVED_PER_RETRY
