"""Who is sent away comes back later the more there are of them; refusals stay a part of what is served, whatever is offered."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from vipgate.gateway.limits.retry_after import (
    LATEST_S,
    SERVED_A_RETURN,
    SOONEST_S,
    Returns,
)


@dataclass
class Time:
    now_s: float = 1_000.0

    def __call__(self) -> float:
        return self.now_s


def serve(returns: Returns, time: Time, a_second: int, seconds: int, busy: float = 1.0) -> None:
    """So many a second, for which the store is busy for a part of the time."""
    for _ in range(10 * seconds):
        time.now_s += 0.1
        returns.served(a_second // 10, 0.1 * busy)


def test_before_anything_was_served_all_may_come_soon() -> None:
    returns = Returns(Time())
    assert [returns.next_s() for _ in range(1_000)] == [SOONEST_S] * 1_000


def test_few_refusals_may_come_soon() -> None:
    time = Time()
    returns = Returns(time)
    serve(returns, time, 1_000, 3)
    asked = []
    for _ in range(200):
        time.now_s += SERVED_A_RETURN / 1_000
        asked.append(returns.next_s())
    assert asked == [SOONEST_S] * 200


@pytest.mark.parametrize("a_second", [80, 1_000, 8_000])
def test_returns_are_spread_over_the_time_that_serving_takes(a_second: int) -> None:
    time = Time()
    returns = Returns(time)
    serve(returns, time, a_second, 3)
    span_s = 10
    many = span_s * a_second // SERVED_A_RETURN
    waits = [returns.next_s() for _ in range(many)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (SOONEST_S, SOONEST_S + span_s)
    # In each second as many as in any other.
    counts = [waits.count(second) for second in range(SOONEST_S + 1, SOONEST_S + span_s + 1)]
    assert max(counts) - min(counts) <= 1


def test_quiet_is_not_taken_for_slow() -> None:
    time = Time()
    returns = Returns(time)
    serve(returns, time, 10, 3, busy=0.01)
    assert max(returns.next_s() for _ in range(900)) <= SOONEST_S + 900 * SERVED_A_RETURN / 1_000 + 1


def test_who_asks_once_it_goes_faster_does_not_stand_behind_what_was_promised_before() -> None:
    time = Time()
    returns = Returns(time)
    serve(returns, time, 10, 3)
    assert [returns.next_s() for _ in range(1_000)][-1] == LATEST_S
    serve(returns, time, 3_000, 3)
    assert returns.next_s() == SOONEST_S


def test_nobody_waits_for_longer_than_the_bound() -> None:
    time = Time()
    returns = Returns(time)
    serve(returns, time, 100, 3)
    assert max(returns.next_s() for _ in range(10_000)) == LATEST_S
    time.now_s += LATEST_S
    assert returns.next_s() == SOONEST_S


def test_callers_who_come_back_when_they_may_cause_a_bounded_part_of_refusals() -> None:
    """A thousand of them, none of whom is ever served, beside others who are: 800 a second."""
    time = Time()
    returns = Returns(time)
    serve(returns, time, 800, 3)
    back_s = [time.now_s] * 1_000
    refused = 0
    for _ in range(200):
        serve(returns, time, 800, 1)
        for caller, at_s in enumerate(back_s):
            if at_s <= time.now_s:
                refused += 1
                back_s[caller] = time.now_s + returns.next_s()
    # The first thousand came before anything was known of them.
    assert (refused - 1_000) / (200 * 800) < 1.2 / SERVED_A_RETURN
