"""Exports metrics to Prometheus: shared metrics of all processes, and park metrics from the store, cached for PARKS_FRESH_US."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

import structlog
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from vipgate.domain.park_health import MARKS, USUAL_DAYS, by_park, park_health
from vipgate.errors import VipgateError
from vipgate.store.async_pool import DatabasePool
from vipgate.store.interfaces.admin import Database
from vipgate.store.interfaces.ledger import Park, Unreachable, business_day
from vipgate.support.background import start_task
from vipgate.support.metrics import (
    ADMIN_HEARTBEAT,
    CONNECTIONS,
    FAMILIES,
    HEARTBEAT,
    PID,
    QUEUE_REQUESTS,
    QUEUE_ROWS,
    STORE_ERROR_AT,
    MetricFamily,
    SharedMetrics,
)

log = structlog.get_logger("vipgate.admin")

PARKS_MAX: Final = 2_000
PARKS_FRESH_US: Final = 15_000_000
PARKS_S_MAX: Final = 5.0
_PARKS_A_READ: Final = 500
_NOT_SHOWN: Final = (PID, ADMIN_HEARTBEAT)
_OF_ALIVE_WORKERS: Final = (QUEUE_REQUESTS, QUEUE_ROWS, CONNECTIONS)


@dataclass(frozen=True, slots=True)
class Parks:
    """Park metrics as last read from the store. `whole` is False if there are PARKS_MAX parks or more."""

    at_us: int
    last_push_us: dict[str, int]
    marks: dict[str, int]
    whole: bool


class PrometheusExporter:
    """Renders the text of `/metrics`."""

    def __init__(self, shared_metrics: SharedMetrics, databases: DatabasePool, clock_us: Callable[[], int]) -> None:
        self._metrics = shared_metrics
        self._databases = databases
        self._clock_us = clock_us
        self._parks: Parks | None = None
        self._query: asyncio.Task[Parks] | None = None
        self._one = asyncio.Lock()

    async def text(self) -> bytes:
        """Returns all metrics. Park metrics are up to PARKS_FRESH_US old, and omitted while the store does not answer."""
        now_us = self._clock_us()
        parks = await self._read_parks_cached(now_us)
        families = [
            *of_shared_metrics(self._metrics, now_us / 1e6),
            *of_parks(parks, now_us),
            *of_cluster(self._databases.unreachable),
            *ProcessCollector(pid=self._first_worker, registry=None).collect(),
            *ProcessCollector("vipgate_admin", registry=None).collect(),
        ]
        return generate_latest(_Collected(families))

    def _first_worker(self) -> int:
        pids = (int(self._metrics.value(PID, slot)) for slot in range(self._metrics.workers))
        return next((pid for pid in pids if pid), 0)

    async def _read_parks_cached(self, now_us: int) -> Parks | None:
        """Reads the parks, one query at a time. After a timeout the query goes on; the next scrape gets its result."""
        async with self._one:
            if self._parks is not None and 0 <= now_us - self._parks.at_us < PARKS_FRESH_US:
                return self._parks
            if self._query is None:
                self._query = start_task(
                    self._databases.run(lambda database: read_parks(database, now_us)),
                    "park metrics query",
                    expected=(VipgateError,),
                )
            done, _ = await asyncio.wait({self._query}, timeout=PARKS_S_MAX)
            if not done:
                log.warning("metrics without parks", reason=f"no answer within {PARKS_S_MAX:g} s")
                return None
            query, self._query = self._query, None
            try:
                self._parks = query.result()
            except VipgateError as error:
                log.warning("metrics without parks", reason=str(error))
                return None
            return self._parks


def read_parks(database: Database, now_us: int) -> Parks:
    """Reads the last push of each enabled park, and the number of parks with each health mark."""
    today = business_day(now_us)
    answers = by_park(database.queries.answers_by_park(today - USUAL_DAYS + 1, today + 1))
    marks: Counter[str] = Counter()
    last_push_us: dict[str, int] = {}
    seen = 0
    for park in _some_parks(database):
        seen += 1
        marks.update(park_health(park, answers.get(park.park_uuid, ()), now_us).marks)
        if park.last_push_us is not None and park.enabled:
            last_push_us[park.park_uuid] = park.last_push_us
    return Parks(now_us, last_push_us, {mark: marks[mark] for mark in MARKS}, seen < PARKS_MAX)


def _some_parks(database: Database) -> Iterator[Park]:
    after = ""
    for _ in range(PARKS_MAX // _PARKS_A_READ):
        page = database.store.reachable_parks(after, _PARKS_A_READ)
        yield from page
        if len(page) < _PARKS_A_READ:
            return
        after = page[-1].park_uuid


def of_parks(parks: Parks | None, now_us: int) -> Iterator[Metric]:
    """Yields the park metrics; `parks` is None while the store does not answer."""
    answers = GaugeMetricFamily("vipgate_store_answers", "1 while the store answers queries about parks, else 0.")
    answers.add_metric([], float(parks is not None))
    yield answers
    if parks is None:
        return
    pushed = GaugeMetricFamily(
        "vipgate_park_last_push_timestamp_seconds",
        "Time of the park's last stored push, Unix seconds.",
        labels=["park_uuid"],
    )
    silent = GaugeMetricFamily(
        "vipgate_park_silent_seconds", "Seconds since the park's last stored push.", labels=["park_uuid"]
    )
    for park_uuid, at_us in parks.last_push_us.items():
        pushed.add_metric([park_uuid], at_us / 1e6)
        silent.add_metric([park_uuid], max(0, now_us - at_us) / 1e6)
    marked = GaugeMetricFamily("vipgate_parks", "Parks by health mark.", labels=["mark"])
    for mark, count in parks.marks.items():
        marked.add_metric([mark], count)
    cut = GaugeMetricFamily("vipgate_parks_cut", f"1 if there are {PARKS_MAX} parks or more: metrics omit the rest.")
    cut.add_metric([], float(not parks.whole))
    yield from (pushed, silent, marked, cut)


def of_cluster(unreachable: Unreachable | None) -> Iterator[Metric]:
    """Yields what a cluster cannot answer for; zeros without a cluster."""
    nodes = GaugeMetricFamily("vipgate_cluster_nodes_unreachable", "Nodes of the cluster that do not answer.")
    nodes.add_metric([], 0 if unreachable is None else len(unreachable.nodes))
    parks = GaugeMetricFamily("vipgate_cluster_parks_unreachable", "Parks on nodes of the cluster that do not answer.")
    parks.add_metric([], 0 if unreachable is None else unreachable.parks)
    yield from (nodes, parks)


def of_shared_metrics(shared_metrics: SharedMetrics, now_s: float) -> Iterator[Metric]:
    """Yields the metrics of all processes from shared memory."""
    alive = shared_metrics.alive_workers(now_s)
    everyone = range(shared_metrics.workers + 1)
    for family in FAMILIES:
        if family is HEARTBEAT:
            yield _by_worker(
                family, [(slot, shared_metrics.value(HEARTBEAT, slot)) for slot in range(shared_metrics.workers)]
            )
        elif family is STORE_ERROR_AT:
            troubled = [(slot, float(shared_metrics.store_error(slot, now_s) is not None)) for slot in alive]
            yield _by_worker(family, troubled, none_is_zero=True)
        elif family not in _NOT_SHOWN:
            cells = shared_metrics.total(family, alive if family in _OF_ALIVE_WORKERS else everyone)
            yield _HOW[family.kind](family, cells)


def _by_worker(family: MetricFamily, values: Iterable[tuple[int, float]], *, none_is_zero: bool = False) -> Metric:
    metric = GaugeMetricFamily(family.name, family.help, labels=["worker"])
    for slot, value in values:
        if value or none_is_zero:
            metric.add_metric([str(slot)], value)
    return metric


def _counter(family: MetricFamily, cells: list[float]) -> Metric:
    metric = CounterMetricFamily(family.name, family.help, labels=[family.label] if family.label else [])
    for place, value in enumerate(cells):
        metric.add_metric([family.values[place]] if family.label else [], value)
    return metric


def _gauge(family: MetricFamily, cells: list[float]) -> Metric:
    return GaugeMetricFamily(family.name, family.help, value=cells[0])


def _histogram(family: MetricFamily, cells: list[float]) -> Metric:
    bounds = [*map(floatToGoString, family.bounds), "+Inf"]
    buckets = list(zip(bounds, accumulate(cells[:-1]), strict=True))
    return HistogramMetricFamily(family.name, family.help, buckets=buckets, sum_value=cells[-1])


_HOW: Final = {"counter": _counter, "gauge": _gauge, "histogram": _histogram}


class _Collected(Collector):
    """Hands finished metrics to the library through its collector interface."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families
