"""Metrics of all server processes in shared memory, without locks.

Only one thread writes each cell. A restarted process continues the cells of its predecessor.
"""

from __future__ import annotations

import mmap
import os
import struct
import sys
import tempfile
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, Protocol

Kind = Literal["counter", "gauge", "histogram"]

SLOT_BYTES: Final = 4096
TEXT_BYTES_MAX: Final = 1000
HEARTBEAT_S: Final = 1.0
# A process without a heartbeat for this long counts as dead or hanging.
HEARTBEAT_LATE_S: Final = 5.0
# Store errors expire: without pushes nothing would show that the store works again.
STORE_ERROR_S: Final = 5.0

ANSWER_CODES: Final = ("1001", "400", "401", "403", "404", "405", "413", "429", "500", "503")
ADMIN_CODES: Final = (
    "200", "204", "302", "303", "304", "307", "400", "401", "403", "404", "405", "409", "413", "422", "429", "500",
    "501", "503", "other",
)  # fmt: skip
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_REQUESTS: Final = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 512.0)
_ROWS: Final = (1.0, 10.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0, 5_000.0, 10_000.0)


@dataclass(frozen=True, slots=True)
class MetricFamily:
    """One metric: a cell per label value, or per histogram bucket plus the +Inf bucket and the sum."""

    name: str
    kind: Kind
    help: str
    label: str = ""
    values: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()

    @property
    def width(self) -> int:
        """The number of cells."""
        return len(self.bounds) + 2 if self.kind == "histogram" else len(self.values) or 1


REQUESTS: Final = MetricFamily(
    "vipgate_requests", "counter", "Responses on the public port, by envelope code.", "code", ANSWER_CODES
)
ROWS: Final = MetricFamily(
    "vipgate_rows", "counter", "Rows of committed pushes, by outcome.", "outcome",
    ("inserted", "updated", "unchanged"),
)  # fmt: skip
BODY_BYTES: Final = MetricFamily("vipgate_body_bytes", "counter", "Bytes of completely received bodies.")
UNLOGGED_REQUESTS: Final = MetricFamily(
    "vipgate_unlogged_requests", "counter", "Rejections that were not written to the request log."
)
REQUEST_SECONDS: Final = MetricFamily(
    "vipgate_request_seconds", "histogram", "Time from a complete request to its response.", bounds=_SECONDS
)
COMMIT_REQUESTS: Final = MetricFamily("vipgate_commit_requests", "histogram", "Requests per commit.", bounds=_REQUESTS)
COMMIT_ROWS: Final = MetricFamily("vipgate_commit_rows", "histogram", "Rows per commit.", bounds=_ROWS)
COMMIT_SECONDS: Final = MetricFamily("vipgate_commit_seconds", "histogram", "Duration of a commit.", bounds=_SECONDS)
QUEUE_REQUESTS: Final = MetricFamily("vipgate_queue_requests", "gauge", "Requests waiting for processing or commit.")
QUEUE_ROWS: Final = MetricFamily("vipgate_queue_rows", "gauge", "Rows waiting for commit.")
CONNECTIONS: Final = MetricFamily("vipgate_connections", "gauge", "Open connections on the public port.")
HEARTBEAT: Final = MetricFamily(
    "vipgate_worker_heartbeat_timestamp_seconds", "gauge", "Time of the last heartbeat of a worker's event loop."
)
STORE_ERROR_AT: Final = MetricFamily(
    "vipgate_store_unavailable", "gauge", "1 while a worker's store rejects all commits."
)
PID: Final = MetricFamily("vipgate_worker_pid", "gauge", "Process id of a worker.")
ADMIN_REQUESTS: Final = MetricFamily(
    "vipgate_admin_requests", "counter", "Responses on the admin port, by HTTP status.", "code", ADMIN_CODES
)
MASKED_SEARCHES: Final = MetricFamily(
    "vipgate_masked_searches", "counter", "Searches by plate or card with masked plates, by outcome.",
    "outcome", ("found", "missed", "rejected"),
)  # fmt: skip
ADMIN_SECONDS: Final = MetricFamily(
    "vipgate_admin_request_seconds", "histogram", "Time from the head of a request to the end of its response.",
    bounds=_SECONDS,
)  # fmt: skip
ADMIN_HEARTBEAT: Final = MetricFamily(
    "vipgate_admin_heartbeat", "gauge", "Monotonic time of the last heartbeat of the admin process."
)

FAMILIES: Final = (
    REQUESTS, ROWS, BODY_BYTES, UNLOGGED_REQUESTS, REQUEST_SECONDS, COMMIT_REQUESTS, COMMIT_ROWS, COMMIT_SECONDS,
    QUEUE_REQUESTS, QUEUE_ROWS, CONNECTIONS, HEARTBEAT, STORE_ERROR_AT, PID, ADMIN_REQUESTS, ADMIN_SECONDS,
    ADMIN_HEARTBEAT, MASKED_SEARCHES,
)  # fmt: skip
_FIRST: Final = {family.name: sum(one.width for one in FAMILIES[:place]) for place, family in enumerate(FAMILIES)}
_BODY_BYTES: Final = _FIRST[BODY_BYTES.name]
_UNLOGGED_REQUESTS: Final = _FIRST[UNLOGGED_REQUESTS.name]
_ROWS_FIRST: Final = _FIRST[ROWS.name]
_STORE_ERROR_AT: Final = _FIRST[STORE_ERROR_AT.name]
_CELLS: Final = sum(family.width for family in FAMILIES)
_CELL_BYTES: Final = 8
_text_length = struct.Struct("=I")


class MetricsRecorder(Protocol):
    """The metrics that the push pipeline records."""

    def answered(self, code: str, body_bytes: int, seconds: float) -> None:
        """Records a response. Called on the event loop."""

    def unlogged(self) -> None:
        """Counts a rejection that was not logged. Called on the event loop."""

    def committed(self, requests: int, outcomes: tuple[int, int, int], seconds: float) -> None:
        """Records a committed group; `outcomes`: rows inserted, updated, unchanged. Called in the commit thread."""

    def store_error(self, reason: str | None, now_us: int) -> None:
        """Records why the store rejected a whole group, or None after a success. Called in the commit thread."""


class SharedMetrics:
    """The shared memory of all processes of one server: a slot per worker, the last for the admin process."""

    def __init__(self, workers: int, handle: str | None = None) -> None:
        """Creates the memory, or opens the one of `handle`."""
        self.workers = workers
        size = (workers + 1) * SLOT_BYTES
        if sys.platform == "win32":
            self.handle = handle or f"vipgate-{os.getpid()}-{os.urandom(8).hex()}"
            self._memory = mmap.mmap(-1, size, tagname=self.handle)
        else:
            descriptor = _anonymous_memory(size) if handle is None else int(handle)
            self.handle = str(descriptor)
            self._memory = mmap.mmap(descriptor, size)
        self._view = memoryview(self._memory)

    @property
    def descriptors(self) -> tuple[int, ...]:
        """The descriptors that a process must inherit to open the memory by its handle."""
        return () if sys.platform == "win32" else (int(self.handle),)

    def cells(self, slot: int) -> memoryview[float]:
        """Returns the cells of a slot."""
        return self._view[slot * SLOT_BYTES : slot * SLOT_BYTES + _CELLS * _CELL_BYTES].cast("d")

    def text(self, slot: int) -> memoryview:
        """Returns the text area of a slot."""
        end = (slot + 1) * SLOT_BYTES
        return self._view[end - _text_length.size - TEXT_BYTES_MAX : end]

    def total(self, family: MetricFamily, slots: Iterable[int]) -> list[float]:
        """Returns the cells of a metric, summed over `slots`."""
        first = _FIRST[family.name]
        rows = [self.cells(slot)[first : first + family.width].tolist() for slot in slots]
        return [sum(column) for column in zip(*rows, strict=True)] if rows else [0.0] * family.width

    def value(self, family: MetricFamily, slot: int) -> float:
        """Returns a metric's only cell in one slot."""
        return self.cells(slot)[_FIRST[family.name]]

    def alive_workers(self, now_s: float) -> list[int]:
        """Returns the workers with a recent heartbeat."""
        return [slot for slot in range(self.workers) if now_s - self.value(HEARTBEAT, slot) <= HEARTBEAT_LATE_S]

    def store_error(self, slot: int, now_s: float) -> str | None:
        """Returns why a worker's store rejected its last group, within STORE_ERROR_S; else None."""
        if now_s - self.value(STORE_ERROR_AT, slot) > STORE_ERROR_S:
            return None
        text = bytes(self.text(slot))
        length = min(_text_length.unpack_from(text)[0], TEXT_BYTES_MAX)
        return text[_text_length.size :][:length].decode("utf-8", "replace")


def _anonymous_memory(size: int) -> int:
    """Returns a descriptor of anonymous memory, which the system frees with the last process."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("vipgate-shared_metrics")
    else:
        with tempfile.TemporaryFile(buffering=0) as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, size)
    return descriptor


class _Histogram:
    """Writes one histogram: counts per bucket, and the sum of values."""

    def __init__(self, cells: memoryview[float], family: MetricFamily) -> None:
        self._cells = cells
        self._first = _FIRST[family.name]
        self._sum = self._first + len(family.bounds) + 1
        self._bounds = family.bounds

    def observe(self, value: float) -> None:
        self._cells[self._first + bisect_left(self._bounds, value)] += 1.0
        self._cells[self._sum] += value


class WorkerRecorder:
    """The MetricsRecorder of one worker, in its slot of the shared memory."""

    def __init__(self, shared_metrics: SharedMetrics, slot: int) -> None:
        self._cells = cells = shared_metrics.cells(slot)
        self._text = shared_metrics.text(slot)
        self._codes = {code: _FIRST[REQUESTS.name] + place for place, code in enumerate(ANSWER_CODES)}
        self._seconds = _Histogram(cells, REQUEST_SECONDS)
        self._commit_requests = _Histogram(cells, COMMIT_REQUESTS)
        self._commit_rows = _Histogram(cells, COMMIT_ROWS)
        self._commit_seconds = _Histogram(cells, COMMIT_SECONDS)
        for family in (QUEUE_REQUESTS, QUEUE_ROWS, CONNECTIONS, STORE_ERROR_AT):
            cells[_FIRST[family.name]] = 0.0
        cells[_FIRST[PID.name]] = float(os.getpid())

    def answered(self, code: str, body_bytes: int, seconds: float) -> None:
        """See `MetricsRecorder.answered`."""
        cells = self._cells
        cells[self._codes[code]] += 1.0
        cells[_BODY_BYTES] += body_bytes
        self._seconds.observe(seconds)

    def unlogged(self) -> None:
        """See `MetricsRecorder.unlogged`."""
        self._cells[_UNLOGGED_REQUESTS] += 1.0

    def committed(self, requests: int, outcomes: tuple[int, int, int], seconds: float) -> None:
        """See `MetricsRecorder.committed`."""
        for place, rows in enumerate(outcomes):
            self._cells[_ROWS_FIRST + place] += rows
        self._commit_requests.observe(requests)
        self._commit_rows.observe(sum(outcomes))
        self._commit_seconds.observe(seconds)

    def store_error(self, reason: str | None, now_us: int) -> None:
        """See `MetricsRecorder.store_error`."""
        if reason is not None:
            raw = reason.encode("utf-8", "replace")[:TEXT_BYTES_MAX]
            self._text[: _text_length.size + len(raw)] = _text_length.pack(len(raw)) + raw
        self._cells[_STORE_ERROR_AT] = 0.0 if reason is None else now_us / 1e6

    def heartbeat(self, now_us: int, connections: int, queue: tuple[int, int]) -> None:
        """Records a heartbeat, the open connections, and the queued requests and rows."""
        cells = self._cells
        cells[_FIRST[CONNECTIONS.name]] = connections
        cells[_FIRST[QUEUE_REQUESTS.name]], cells[_FIRST[QUEUE_ROWS.name]] = queue
        cells[_FIRST[HEARTBEAT.name]] = now_us / 1e6

    def clear_heartbeat(self) -> None:
        """Marks the worker as stopped, without waiting for its heartbeat to expire."""
        self._cells[_FIRST[HEARTBEAT.name]] = 0.0


class AdminRecorder:
    """Records metrics and heartbeat of the admin process."""

    def __init__(self, shared_metrics: SharedMetrics) -> None:
        self._cells = shared_metrics.cells(shared_metrics.workers)
        self._codes = {code: _FIRST[ADMIN_REQUESTS.name] + place for place, code in enumerate(ADMIN_CODES)}
        self._seconds = _Histogram(self._cells, ADMIN_SECONDS)

    def answered(self, status: int, seconds: float) -> None:
        """Records a response."""
        self._cells[self._codes.get(str(status), self._codes["other"])] += 1.0
        self._seconds.observe(seconds)

    def searched(self, outcome: str) -> None:
        """Counts a search with masked plates. Not thread-safe: make one call at a time."""
        self._cells[_FIRST[MASKED_SEARCHES.name] + MASKED_SEARCHES.values.index(outcome)] += 1.0

    def heartbeat(self, now_s: float) -> None:
        """Records a heartbeat. `now_s` is monotonic time, which all processes of a machine share."""
        self._cells[_FIRST[ADMIN_HEARTBEAT.name]] = now_s
