"""A run with `--once` gives up after an outage that lasts, and only then."""

from __future__ import annotations

from vipgate.agent.sync.outage_limit import OutageLimit

LIMIT_S = 10.0
AWAY = {"platform": "no answer", "source": ""}
WELL = {"platform": "", "source": ""}


def test_outage_that_lasts_is_the_end_with_its_reason() -> None:
    limit = OutageLimit(LIMIT_S)
    assert limit.fault(AWAY, 0, 100.0) is None
    assert limit.fault(AWAY, 0, 109.9) is None
    fault = limit.fault(AWAY, 0, 110.0)
    assert fault is not None
    assert fault.startswith("no answer\nGave up after 10 s without progress.")


def test_outage_that_ended_meanwhile_is_a_new_one() -> None:
    limit = OutageLimit(LIMIT_S)
    assert limit.fault(AWAY, 0, 100.0) is None
    assert limit.fault(WELL, 0, 105.0) is None
    assert limit.fault(AWAY, 0, 106.0) is None
    assert limit.fault(AWAY, 0, 115.9) is None
    assert limit.fault(AWAY, 0, 116.0) is not None


def test_rows_that_are_settled_between_failures_are_progress() -> None:
    limit = OutageLimit(LIMIT_S)
    for second in range(60):
        assert limit.fault(AWAY, second // 5, float(second)) is None


def test_each_part_has_its_own_time() -> None:
    limit = OutageLimit(LIMIT_S)
    assert limit.fault(AWAY, 0, 100.0) is None
    both = {"platform": "no answer", "source": "refused"}
    assert limit.fault(both, 0, 108.0) is None
    assert limit.fault({"source": "refused"}, 0, 112.0) is None
    fault = limit.fault({"source": "refused"}, 0, 118.0)
    assert fault is not None
    assert fault.startswith("refused\n")
