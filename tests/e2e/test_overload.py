"""More than a gateway can do, at the callers' pace: what it acknowledges is stored, what it refuses says when to come back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.arrivals import Arrivals
from bench.cluster import running_server
from bench.proving import prove
from bench.records import SECRET, name_parks
from bench.traffic import Callers, Outcome, Traffic

from support.gateway_process import Gateway

UNTIL_US = 1_795_492_800_000_000
NOISY, *QUIET = name_parks(8, "overload")
SECONDS = 1.5
# The noisy park keeps more requests under way than may wait in all, whatever the machine can do.
ROOM = 16
NOISY_CONNECTIONS = 96
NOISY_A_SECOND = 4_000.0
QUIET_A_SECOND = 4.0


@pytest.fixture(params=["sqlite", "postgres"])
def gateway(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Gateway]:
    if request.param == "sqlite":
        yield from started(Gateway(tmp_path))
        return
    with running_server() as server:
        yield from started(Gateway(tmp_path, {"VIPGATE_DATABASE": server.make_database("overload")}))


def started(gateway: Gateway) -> Iterator[Gateway]:
    gateway.settings["VIPGATE_QUEUE_REQUESTS_MAX"] = str(ROOM)
    for park_uuid in (NOISY, *QUIET):
        gateway.add_park(park_uuid, SECRET)
    gateway.start()
    try:
        yield gateway
    finally:
        gateway.kill()


async def overload(port: int) -> Outcome:
    callers = [Callers(NOISY, NOISY_CONNECTIONS), *[Callers(park_uuid, connections=2) for park_uuid in QUIET]]
    weights = (NOISY_A_SECOND, *[QUIET_A_SECOND] * len(QUIET))
    traffic = Traffic(port, callers, "S", UNTIL_US)
    return await traffic.at_times(Arrivals(a_second=sum(weights), seconds=SECONDS, weights=weights, seed=1))


def test_overload_loses_nothing_starves_nobody_and_says_when_to_come_back(gateway: Gateway) -> None:
    outcome = asyncio.run(overload(gateway.port))
    noisy, *quiet = outcome.ledgers
    assert set(noisy.codes) == {"1001", "503"}
    assert sum(one.without_retry_after + one.unanswered for one in outcome.ledgers) == 0
    assert [set(one.codes) for one in quiet] == [{"1001"}] * len(QUIET)
    assert all(one.codes["1001"] + one.not_sent == one.offered for one in quiet)
    proof = prove(gateway.settings.get("VIPGATE_DATABASE", f"sqlite:///{gateway.home / 'vipgate.db'}"), outcome.ledgers)
    assert (proof.missing, proof.half, proof.stored_anyway) == (0, 0, 0)
    assert proof.acknowledged == sum(one.codes["1001"] for one in outcome.ledgers)
