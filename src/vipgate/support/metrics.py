"""What a server counts, and the board that it is counted on: memory that its processes share, cells and no locks.

Each cell has one thread that writes it. A process that is started again goes on with the cells of the one before.
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
# A process that has not shown a sign of life for so long does not live, or does not get to anything.
HEARTBEAT_LATE_S: Final = 5.0
# Without a push nobody would find out that the store takes them again: readiness believes in it after this time.
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
    """One metric: a cell for each value of its label, or for each bucket, the rest and the sum of a histogram."""

    name: str
    kind: Kind
    help: str
    label: str = ""
    values: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()

    @property
    def width(self) -> int:
        """How many cells it takes."""
        return len(self.bounds) + 2 if self.kind == "histogram" else len(self.values) or 1


REQUESTS: Final = MetricFamily(
    "vipgate_requests", "counter", "Answers on the public port, by code of the envelope.", "code", ANSWER_CODES
)
ROWS: Final = MetricFamily(
    "vipgate_rows", "counter", "Rows of committed pushes, by what became of them.", "outcome",
    ("inserted", "updated", "unchanged"),
)  # fmt: skip
BODY_BYTES: Final = MetricFamily("vipgate_body_bytes", "counter", "Bytes of the bodies that came whole.")
UNLOGGED_REQUESTS: Final = MetricFamily("vipgate_unjournaled", "counter", "Refusals for which the journal had no room.")
REQUEST_SECONDS: Final = MetricFamily(
    "vipgate_request_seconds", "histogram", "From a whole request to its answer.", bounds=_SECONDS
)
COMMIT_REQUESTS: Final = MetricFamily(
    "vipgate_commit_requests", "histogram", "Requests that shared a commit.", bounds=_REQUESTS
)
COMMIT_ROWS: Final = MetricFamily("vipgate_commit_rows", "histogram", "Rows of one commit.", bounds=_ROWS)
COMMIT_SECONDS: Final = MetricFamily("vipgate_commit_seconds", "histogram", "How long a commit took.", bounds=_SECONDS)
QUEUE_REQUESTS: Final = MetricFamily(
    "vipgate_queue_requests", "gauge", "Requests that wait to be begun, or for the commit."
)
QUEUE_ROWS: Final = MetricFamily("vipgate_queue_rows", "gauge", "Rows that wait for the commit.")
CONNECTIONS: Final = MetricFamily("vipgate_connections", "gauge", "Connections to the public port.")
HEARTBEAT: Final = MetricFamily(
    "vipgate_worker_heartbeat_timestamp_seconds", "gauge", "When a worker last showed that its loop turns."
)
STORE_ERROR_AT: Final = MetricFamily("vipgate_commit_trouble", "gauge", "1 while a worker's store takes nothing.")
PID: Final = MetricFamily("vipgate_worker_pid", "gauge", "The process of a worker.")
ADMIN_REQUESTS: Final = MetricFamily(
    "vipgate_admin_requests", "counter", "Answers on the admin port, by HTTP status.", "code", ADMIN_CODES
)
MASKED_SEARCHES: Final = MetricFamily(
    "vipgate_masked_searches", "counter", "Searches by plate or card while plates were hidden, by outcome.",
    "outcome", ("found", "missed", "refused"),
)  # fmt: skip
ADMIN_SECONDS: Final = MetricFamily(
    "vipgate_admin_request_seconds", "histogram", "From the head of a request to the end of its answer.",
    bounds=_SECONDS,
)  # fmt: skip
ADMIN_HEARTBEAT: Final = MetricFamily(
    "vipgate_admin_heartbeat", "gauge", "When the admin process last showed that its loop turns, on the steady clock."
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
    """What the road counts at its edges."""

    def answered(self, code: str, body_bytes: int, seconds: float) -> None:
        """A request has its answer. Event loop."""

    def unlogged(self) -> None:
        """The journal had no room for a refusal. Event loop."""

    def committed(self, requests: int, outcomes: tuple[int, int, int], seconds: float) -> None:
        """A group is through; rows inserted, updated, unchanged. Commit thread."""

    def store_error(self, reason: str | None, now_us: int) -> None:
        """Why the store took nothing of a group, or None: it took some. Commit thread."""


class SharedMetrics:
    """The cells of all processes of one server: a slot for each worker, the last for the admin process."""

    def __init__(self, workers: int, handle: str | None = None) -> None:
        """Makes a board, or opens the one that `handle` names."""
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
        """What a process must inherit to open the board by its handle."""
        return () if sys.platform == "win32" else (int(self.handle),)

    def cells(self, slot: int) -> memoryview[float]:
        """The numbers of a slot."""
        return self._view[slot * SLOT_BYTES : slot * SLOT_BYTES + _CELLS * _CELL_BYTES].cast("d")

    def text(self, slot: int) -> memoryview:
        """The room for a slot's text."""
        end = (slot + 1) * SLOT_BYTES
        return self._view[end - _text_length.size - TEXT_BYTES_MAX : end]

    def total(self, family: MetricFamily, slots: Iterable[int]) -> list[float]:
        """The cells of a metric, added up over `slots`."""
        first = _FIRST[family.name]
        rows = [self.cells(slot)[first : first + family.width].tolist() for slot in slots]
        return [sum(column) for column in zip(*rows, strict=True)] if rows else [0.0] * family.width

    def value(self, family: MetricFamily, slot: int) -> float:
        """A metric's only cell in one slot."""
        return self.cells(slot)[_FIRST[family.name]]

    def alive_workers(self, now_s: float) -> list[int]:
        """The workers that have shown a sign of life in time."""
        return [slot for slot in range(self.workers) if now_s - self.value(HEARTBEAT, slot) <= HEARTBEAT_LATE_S]

    def store_error(self, slot: int, now_s: float) -> str | None:
        """Why a worker's store takes nothing, where it has refused a whole group a moment ago and taken none since."""
        if now_s - self.value(STORE_ERROR_AT, slot) > STORE_ERROR_S:
            return None
        text = bytes(self.text(slot))
        length = min(_text_length.unpack_from(text)[0], TEXT_BYTES_MAX)
        return text[_text_length.size :][:length].decode("utf-8", "replace")


def _anonymous_memory(size: int) -> int:
    """A descriptor of memory that has no name: when the last process is gone, however it went, so is the memory."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("vipgate-board")
    else:
        with tempfile.TemporaryFile(buffering=0) as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, size)
    return descriptor


class _Histogram:
    """Counts how often a value fell between which bounds, and adds the values up."""

    def __init__(self, cells: memoryview[float], family: MetricFamily) -> None:
        self._cells = cells
        self._first = _FIRST[family.name]
        self._sum = self._first + len(family.bounds) + 1
        self._bounds = family.bounds

    def observe(self, value: float) -> None:
        self._cells[self._first + bisect_left(self._bounds, value)] += 1.0
        self._cells[self._sum] += value


class WorkerRecorder:
    """The Meter of one worker, on its slot of the board."""

    def __init__(self, board: SharedMetrics, slot: int) -> None:
        self._cells = cells = board.cells(slot)
        self._text = board.text(slot)
        self._codes = {code: _FIRST[REQUESTS.name] + place for place, code in enumerate(ANSWER_CODES)}
        self._seconds = _Histogram(cells, REQUEST_SECONDS)
        self._commit_requests = _Histogram(cells, COMMIT_REQUESTS)
        self._commit_rows = _Histogram(cells, COMMIT_ROWS)
        self._commit_seconds = _Histogram(cells, COMMIT_SECONDS)
        for family in (QUEUE_REQUESTS, QUEUE_ROWS, CONNECTIONS, STORE_ERROR_AT):
            cells[_FIRST[family.name]] = 0.0
        cells[_FIRST[PID.name]] = float(os.getpid())

    def answered(self, code: str, body_bytes: int, seconds: float) -> None:
        """See `Meter.answered`."""
        cells = self._cells
        cells[self._codes[code]] += 1.0
        cells[_BODY_BYTES] += body_bytes
        self._seconds.observe(seconds)

    def unlogged(self) -> None:
        """See `Meter.unjournaled`."""
        self._cells[_UNLOGGED_REQUESTS] += 1.0

    def committed(self, requests: int, outcomes: tuple[int, int, int], seconds: float) -> None:
        """See `Meter.committed`."""
        for place, rows in enumerate(outcomes):
            self._cells[_ROWS_FIRST + place] += rows
        self._commit_requests.observe(requests)
        self._commit_rows.observe(sum(outcomes))
        self._commit_seconds.observe(seconds)

    def store_error(self, reason: str | None, now_us: int) -> None:
        """See `Meter.trouble`."""
        if reason is not None:
            raw = reason.encode("utf-8", "replace")[:TEXT_BYTES_MAX]
            self._text[: _text_length.size + len(raw)] = _text_length.pack(len(raw)) + raw
        self._cells[_STORE_ERROR_AT] = 0.0 if reason is None else now_us / 1e6

    def heartbeat(self, now_us: int, connections: int, queue: tuple[int, int]) -> None:
        """The event loop turns; so many connections, so many requests and rows in the queue."""
        cells = self._cells
        cells[_FIRST[CONNECTIONS.name]] = connections
        cells[_FIRST[QUEUE_REQUESTS.name]], cells[_FIRST[QUEUE_ROWS.name]] = queue
        cells[_FIRST[HEARTBEAT.name]] = now_us / 1e6

    def clear_heartbeat(self) -> None:
        """The worker ends in good order: nobody need wait to see that it does not live."""
        self._cells[_FIRST[HEARTBEAT.name]] = 0.0


class AdminRecorder:
    """Counts what the admin port answers, and shows that its process lives."""

    def __init__(self, board: SharedMetrics) -> None:
        self._cells = board.cells(board.workers)
        self._codes = {code: _FIRST[ADMIN_REQUESTS.name] + place for place, code in enumerate(ADMIN_CODES)}
        self._seconds = _Histogram(self._cells, ADMIN_SECONDS)

    def answered(self, status: int, seconds: float) -> None:
        """A request has its answer."""
        self._cells[self._codes.get(str(status), self._codes["other"])] += 1.0
        self._seconds.observe(seconds)

    def searched(self, outcome: str) -> None:
        """Somebody from whom plates are hidden searched by one. To be called one at a time, from whichever thread."""
        self._cells[_FIRST[MASKED_SEARCHES.name] + MASKED_SEARCHES.values.index(outcome)] += 1.0

    def heartbeat(self, now_s: float) -> None:
        """The event loop turns. `now_s` by the steady clock, which all processes of a machine share."""
        self._cells[_FIRST[ADMIN_HEARTBEAT.name]] = now_s
