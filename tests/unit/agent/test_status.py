"""What the status keeps for the page: the last requests, and the last hour."""

from __future__ import annotations

from vipgate.agent.status import INTERVAL_US, INTERVALS_KEPT_MAX, REQUESTS_KEPT_MAX, Status


def test_intervals_hold_what_was_acknowledged_in_each_and_the_largest_backlog() -> None:
    status = Status(at_us=0)
    for number in range(INTERVALS_KEPT_MAX + 5):
        for backlog in (3, 9, 1):
            status.count(2, 0.0)
            status.backlog = backlog
            status.note_interval(number * INTERVAL_US + backlog)
    assert len(status.history) == INTERVALS_KEPT_MAX
    assert {(one.sent, one.backlog) for one in status.history} == {(6, 9)}
    assert status.history[-1].number == INTERVALS_KEPT_MAX + 4


def test_last_requests_are_kept_and_their_secrets_are_not() -> None:
    status = Status(at_us=0)
    for number in range(REQUESTS_KEPT_MAX + 3):
        status.note_request(number, f"S{number}", 1, "no answer from http://user:secret@platform.example/")
    assert [one.seqno for one in status.requests] == [f"S{number}" for number in range(3, REQUESTS_KEPT_MAX + 3)]
    assert "secret" not in status.requests[0].reason
