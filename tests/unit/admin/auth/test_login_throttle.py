"""The throttle of logins, against a model without a bound, and under floods of invented names and networks."""

from __future__ import annotations

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vipgate.admin.auth.login_throttle import DELAY_S_MAX, FAILURES_MAX, FORGOTTEN_S, Failures, LoginThrottle

KEPT = 20
KEYS = st.integers(0, 7)
STEPS = st.lists(st.tuples(st.sampled_from(["add", "take back", "forget"]), KEYS, st.floats(0, 900)), max_size=80)


@given(STEPS)
def test_counts_are_those_of_a_list_of_failures_where_the_table_is_not_full(
    steps: list[tuple[str, int, float]],
) -> None:
    failures: Failures[int] = Failures(free=3, kept_max=8)
    model: dict[int, tuple[int, float]] = {}
    now_s = 0.0
    for what, key, pause_s in steps:
        now_s += pause_s
        held, at_s = model.get(key, (0, now_s))
        if what == "add":
            failures.add(key, now_s)
            model[key] = (1 if now_s - at_s > FORGOTTEN_S else held + 1, now_s)
        elif what == "take back":
            failures.take_back(key)
            model[key] = (max(0, held - 1), at_s)
        else:
            failures.forget(key)
            model.pop(key, None)
        held, at_s = model.get(key, (0, now_s))
        due_s = 0.0 if held < 3 else at_s + min(DELAY_S_MAX, 2.0 ** (min(held, FAILURES_MAX) - 3)) - now_s
        assert failures.wait_s(key, now_s) == pytest.approx(max(0.0, due_s))


@given(guilt=st.integers(2, 50), flood=st.lists(st.integers(0, 10**6), max_size=200), now_s=st.floats(0, FORGOTTEN_S))
def test_flood_of_keys_that_failed_less_pushes_no_real_one_out(guilt: int, flood: list[int], now_s: float) -> None:
    failures: Failures[int] = Failures(free=5, kept_max=KEPT)
    for _ in range(guilt):
        failures.add(-1, 0.0)
    before_s = failures.wait_s(-1, now_s)
    tried: dict[int, int] = {}
    for key in flood:
        if tried.get(key, 0) < min(guilt, FAILURES_MAX) - 1:
            tried[key] = tried.get(key, 0) + 1
            failures.add(key, now_s)
        assert len(failures) <= KEPT
    assert failures.wait_s(-1, now_s) == before_s


@given(st.lists(st.tuples(st.integers(0, 300), st.floats(0, 5)), max_size=300))
def test_who_has_just_failed_is_counted_however_full_the_table_is(steps: list[tuple[int, float]]) -> None:
    failures: Failures[int] = Failures(free=1, kept_max=KEPT)
    for key in range(KEPT):
        failures.add(key - 1_000, 0.0)
        failures.add(key - 1_000, 0.0)
    now_s = 0.0
    for key, pause_s in steps:
        now_s += pause_s
        failures.add(key, now_s)
        assert failures.wait_s(key, now_s) > 0


def test_time_that_is_over_makes_room_before_anything_that_still_counts() -> None:
    failures: Failures[str] = Failures(free=1, kept_max=2)
    for _ in range(9):
        failures.add("long ago", 0.0)
    failures.add("now", FORGOTTEN_S)
    failures.add("just now", FORGOTTEN_S + 1)
    assert failures.wait_s("now", FORGOTTEN_S) > 0
    assert failures.wait_s("long ago", 1.0) == 0


ATTEMPTS = st.lists(
    st.tuples(
        st.sampled_from(["owner", "other", "invented"]),
        st.one_of(
            st.just("2001:db8:0:1::bad"),
            st.integers(0, 2**48).map(lambda n: f"2001:db8:{n >> 32:x}:{(n >> 16) & 0xFFFF:x}::{n & 0xFFFF:x}"),
            st.integers(0, 2**24).map(lambda n: f"10.{n >> 16}.{(n >> 8) & 255}.{n & 255}"),
        ),
    ),
    max_size=150,
)


@given(ATTEMPTS)
def test_no_flood_keeps_out_whoever_logged_in_from_his_network_before(attempts: list[tuple[str, str]]) -> None:
    """Also one from the network itself, as long as nobody there guesses at this very name."""
    throttle, numbers = LoginThrottle(KEPT), count()
    throttle.attempt("owner", "2001:db8:0:1::1", 0.0)
    throttle.passed("owner", "2001:db8:0:1::1")
    for name, peer in attempts:
        if name == "owner" and peer.startswith("2001:db8:0:1:"):
            continue
        throttle.attempt(f"{name}{next(numbers)}" if name == "invented" else name, peer, 1.0)
    assert throttle.attempt("owner", "2001:db8:0:1::2", 1.0) == 0


def test_name_is_guessed_at_no_faster_from_thousands_of_networks_with_names_invented_between() -> None:
    throttle, numbers, now_s, guesses = LoginThrottle(KEPT), count(), 0.0, 0
    while now_s < 1_000:
        guesses += throttle.attempt("admin", f"2001:db8:0:{next(numbers) % 2**16:x}::1", now_s) == 0
        for _ in range(5):
            number = next(numbers)
            throttle.attempt(f"n{number}", f"2001:db8:1:{number % 2**16:x}::1", now_s)
        now_s += 1
    # Five are free, the next wait 1, 2, 4, … s.
    assert guesses <= LoginThrottle.FREE_OF_NAME + 11


def test_guesses_wait_no_longer_than_the_bound_and_are_forgotten_after_a_quiet_hour() -> None:
    throttle, now_s, longest_s = LoginThrottle(), 0.0, 0.0
    for _ in range(60):
        wait_s = throttle.attempt("name", "peer", now_s)
        longest_s = max(longest_s, wait_s)
        now_s += wait_s
    assert longest_s == DELAY_S_MAX
    now_s += DELAY_S_MAX + FORGOTTEN_S
    assert [throttle.attempt("name", "peer", now_s) for _ in range(5)] == [0] * 5


def test_logins_are_remembered_within_a_bound() -> None:
    throttle = LoginThrottle(KEPT)
    for number in range(3 * KEPT):
        throttle.passed(f"n{number}", "peer")
    assert len(throttle._known) == KEPT
