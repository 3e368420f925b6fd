"""The shared_metrics: what one process writes another reads, counts go on after a death, and no metric lies in another's cells."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from vipgate.admin.prometheus import of_shared_metrics
from vipgate.errors import RequestError
from vipgate.support.metrics import (
    ANSWER_CODES,
    BODY_BYTES,
    COMMIT_ROWS,
    COMMIT_SECONDS,
    CONNECTIONS,
    FAMILIES,
    HEARTBEAT_LATE_S,
    MASKED_SEARCHES,
    QUEUE_ROWS,
    REQUEST_SECONDS,
    REQUESTS,
    ROWS,
    SLOT_BYTES,
    STORE_ERROR_S,
    TEXT_BYTES_MAX,
    AdminRecorder,
    SharedMetrics,
    WorkerRecorder,
)

NOW_S = 1_795_492_800.0
NOW_US = int(NOW_S * 1e6)


def _below(kind: type[RequestError]) -> Iterator[type[RequestError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _below(child)


def test_every_refusal_has_a_cell() -> None:
    assert {kind.code for kind in _below(RequestError)} <= set(ANSWER_CODES)


def test_cells_and_text_of_a_slot_do_not_overlap() -> None:
    shared_metrics = SharedMetrics(2)
    shared_metrics.cells(1)[-1] = 7.0
    shared_metrics.text(0)[:] = b"\xff" * len(shared_metrics.text(0))
    assert len(shared_metrics.cells(0)) * 8 + len(shared_metrics.text(0)) <= SLOT_BYTES
    assert not any(shared_metrics.cells(0))
    assert [cell for cell in shared_metrics.cells(1) if cell] == [7.0]


def test_each_count_lands_in_its_own_metric() -> None:
    shared_metrics = SharedMetrics(1)
    recorder = WorkerRecorder(shared_metrics, 0)
    recorder.answered("401", 100, 0.003)
    recorder.committed(2, (5, 3, 1), 0.02)
    recorder.heartbeat(NOW_US, 4, (2, 200))
    AdminRecorder(shared_metrics).answered(418, 0.5)
    AdminRecorder(shared_metrics).searched("missed")
    everyone = range(2)
    assert shared_metrics.total(REQUESTS, everyone) == [float(code == "401") for code in ANSWER_CODES]
    assert shared_metrics.total(ROWS, everyone) == [5, 3, 1]
    assert shared_metrics.total(MASKED_SEARCHES, everyone) == [0, 1, 0]
    assert shared_metrics.total(BODY_BYTES, everyone) == [100]
    assert (shared_metrics.value(CONNECTIONS, 0), shared_metrics.value(QUEUE_ROWS, 0)) == (4, 200)
    assert shared_metrics.total(COMMIT_ROWS, everyone)[-1] == 9
    assert shared_metrics.total(COMMIT_SECONDS, everyone)[-1] == pytest.approx(0.02)
    shown = {
        sample.name: sample.value for family in of_shared_metrics(shared_metrics, NOW_S) for sample in family.samples
    }
    assert shown["vipgate_admin_requests_total"] == 1
    assert shown["vipgate_queue_rows"] == 200


@pytest.mark.parametrize(
    ("seconds", "bucket"), [(0.0, "0.001"), (0.001, "0.001"), (0.0011, "0.0025"), (30.0, "30.0"), (31.0, "+Inf")]
)
def test_value_on_a_bound_belongs_to_the_bucket_that_it_ends(seconds: float, bucket: str) -> None:
    shared_metrics = SharedMetrics(1)
    WorkerRecorder(shared_metrics, 0).answered("1001", 0, seconds)
    family = next(one for one in of_shared_metrics(shared_metrics, NOW_S) if one.name == REQUEST_SECONDS.name)
    buckets = {one.labels["le"]: one.value for one in family.samples if one.name.endswith("_bucket")}
    assert next(bound for bound, count in buckets.items() if count) == bucket
    assert buckets["+Inf"] == 1


def test_worker_that_is_started_again_goes_on_counting_and_begins_its_gauges_anew() -> None:
    shared_metrics = SharedMetrics(1)
    first = WorkerRecorder(shared_metrics, 0)
    first.answered("1001", 10, 0.1)
    first.store_error("disk full", NOW_US)
    first.heartbeat(NOW_US, 9, (9, 9))
    WorkerRecorder(shared_metrics, 0).answered("1001", 10, 0.1)
    assert shared_metrics.total(REQUESTS, range(1))[0] == 2
    assert shared_metrics.value(CONNECTIONS, 0) == 0
    assert shared_metrics.store_error(0, NOW_S) is None


def test_trouble_is_told_until_a_commit_or_a_while_without_one() -> None:
    shared_metrics = SharedMetrics(1)
    recorder = WorkerRecorder(shared_metrics, 0)
    recorder.store_error("库满 " * 1_000, NOW_US)
    told = shared_metrics.store_error(0, NOW_S + STORE_ERROR_S)
    assert told is not None
    assert told.startswith("库满 库满")
    assert len(told.encode("utf-8", "replace")) <= TEXT_BYTES_MAX + 3
    assert shared_metrics.store_error(0, NOW_S + STORE_ERROR_S + 1) is None
    recorder.store_error("shorter", NOW_US)
    assert shared_metrics.store_error(0, NOW_S) == "shorter"
    recorder.store_error(None, NOW_US)
    assert shared_metrics.store_error(0, NOW_S) is None


def test_only_who_beats_in_time_lives() -> None:
    shared_metrics = SharedMetrics(3)
    for slot, late_s in ((0, 0.0), (1, HEARTBEAT_LATE_S + 1)):
        WorkerRecorder(shared_metrics, slot).heartbeat(NOW_US - int(late_s * 1e6), 1, (0, 0))
    assert shared_metrics.alive_workers(NOW_S) == [0]
    WorkerRecorder(shared_metrics, 0).clear_heartbeat()
    assert shared_metrics.alive_workers(NOW_S) == []


def test_another_process_reads_and_writes_the_same_shared_metrics() -> None:
    shared_metrics = SharedMetrics(2)
    WorkerRecorder(shared_metrics, 0).answered("1001", 10, 0.1)
    program = (
        "import sys; from vipgate.support.metrics import *; shared_metrics = SharedMetrics(2, sys.argv[1]); "
        "print(shared_metrics.total(REQUESTS, range(2))[0]); WorkerRecorder(shared_metrics, 1).answered('1001', 10, 0.1)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, shared_metrics.handle],
        pass_fds=shared_metrics.descriptors,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "1.0\n"
    assert shared_metrics.total(REQUESTS, range(2))[0] == 2


def test_names_and_help_are_there_once() -> None:
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)
    assert all(family.help.endswith(".") for family in FAMILIES)


def test_gateway_loads_none_of_what_only_the_inside_process_needs() -> None:
    program = "import sys, vipgate.gateway.supervisor; print(*{'starlette', 'uvicorn', 'jinja2', 'argon2'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"
