"""What the probes and the metrics say while nodes of a cluster do not answer."""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from prometheus_client.core import Metric
from starlette.applications import Starlette

from support.store_database import Clock
from vipgate.admin.probes import build_probes
from vipgate.admin.prometheus import PrometheusExporter, of_cluster
from vipgate.admin.readiness import Readiness
from vipgate.store.async_pool import DatabasePool
from vipgate.store.interfaces.ledger import Retention, Unreachable
from vipgate.store.open_database import open_database
from vipgate.store.sqlite.store import SqliteStore
from vipgate.support.metrics import SharedMetrics, WorkerRecorder

AWAY = Unreachable(("w1:5432",), 12)


def test_ready_gateway_says_which_parks_it_cannot_serve(memory_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SqliteStore, "unreachable", lambda _: AWAY)
    clock = Clock()
    metrics = SharedMetrics(1)
    WorkerRecorder(metrics, 0).heartbeat(clock(), 0, (0, 0))
    url = f"sqlite:///{memory_path / 'vipgate.db'}"
    with closing(DatabasePool(lambda: open_database(url, clock, Retention()), 1)) as databases:
        readiness = Readiness(metrics, databases, clock)
        probes = build_probes(readiness, PrometheusExporter(metrics, databases, clock), databases)

        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(Starlette(routes=probes))
            async with httpx.AsyncClient(transport=transport, base_url="http://inside.test") as client:
                return await client.get("/readyz")

        answer = asyncio.run(asked())
    assert answer.status_code == 200, "the parks on the other nodes need this gateway"
    assert answer.json() == {
        "status": "ok",
        "unreachable": "w1:5432 does not answer; the 12 parks on it get 503 until it is back",
    }


@pytest.mark.parametrize(("unreachable", "nodes", "parks"), [(None, 0, 0), (AWAY, 1, 12)])
def test_metrics_count_nodes_and_parks_that_cannot_be_reached(
    unreachable: Unreachable | None, nodes: int, parks: int
) -> None:
    found: list[Metric] = list(of_cluster(unreachable))
    assert {one.name: one.samples[0].value for one in found} == {
        "vipgate_cluster_nodes_unreachable": nodes,
        "vipgate_cluster_parks_unreachable": parks,
    }
