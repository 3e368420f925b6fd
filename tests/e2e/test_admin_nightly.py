"""The night in the admin process: it asks the parks for their charge types by itself, once, while it serves."""

from __future__ import annotations

import http.client
import os
import socket
import sys
from contextlib import closing
from pathlib import Path

import pytest

from support.admin_port import eventually
from support.park_gateway import DONE, PARK, ROW, SECRET, ParkGateway, sends
from support.rerouting import NEAR, NEAR_PATH
from vipgate.clock import clock_s, clock_us
from vipgate.gateway.admin_launch import AdminConfig
from vipgate.gateway.admin_process import AdminProcess
from vipgate.store.interfaces.accounts import AuditEntry
from vipgate.store.interfaces.admin import Database
from vipgate.store.interfaces.ledger import Retention
from vipgate.store.interfaces.queries import ChargeTypes
from vipgate.store.open_database import open_database
from vipgate.support.metrics import SharedMetrics
from vipgate.support.vault import Vault

KEY = "a master key of the night's test"
AWAY = "park-away"
# The very process, on a machine where it is half a second before its minute of the night, in the network of NEAR_PATH.
BEFORE_THE_NIGHT = """
import os, random
from vipgate.admin import main as process
from vipgate.admin.nightly import seconds_to_night

real_us = process.clock_us
minute = random.Random(os.getpid()).randrange(60)
ahead_us = round(seconds_to_night(real_us(), minute) * 1e6) - 500_000
process.clock_us = lambda: real_us() + ahead_us
process.main()
"""


def with_address(database: Database, park_uuid: str, port: int) -> None:
    assert database.store.add_park(park_uuid, "", Vault(KEY).seal(SECRET, park_uuid), 1)
    entry = AuditEntry(
        at_us=1, who="command", action="park.charge_address", park_uuid=park_uuid, subject="", detail="", peer=""
    )
    assert database.admin.set_charge_address(park_uuid, f"http://{NEAR}:{port}/gateway/1.0/dispatch", entry)


def test_inside_process_asks_the_parks_in_the_night_and_serves_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vipgate.gateway.admin_process._COMMAND", (sys.executable, "-P", "-c", BEFORE_THE_NIGHT))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(NEAR_PATH), *sys.path)))
    listener, url = socket.create_server(("127.0.0.1", 0)), f"sqlite:///{tmp_path / 'vipgate.db'}"
    port = listener.getsockname()[1]
    spec = AdminConfig(
        database_url=url, retention=Retention(), master_key=KEY, key_file=str(tmp_path / "none"), url="http://inside/",
        secure=False, db_connections=1, charge_types_allow_private=True, workers=1, trusted_proxies="", invitation="i",
        masked_searches_per_hour=20,
    )  # fmt: skip
    with (
        closing(open_database(url, clock_us, Retention())) as database,
        closing(listener),
        ParkGateway(sends({**DONE, "row": [ROW]})) as gateway,
    ):
        with_address(database, PARK, gateway.port)
        with_address(database, AWAY, 1)
        process = AdminProcess(spec, listener, SharedMetrics(1), clock_s)
        process.check()
        try:
            eventually(lambda: tried(database, PARK) and tried(database, AWAY), "both parks are asked")
            answered = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            answered.request("GET", "/healthz")
            assert answered.getresponse().status == 200
        finally:
            process.request_stop()
            process.wait()
        assert [one.name for one in database.queries.charge_types(PARK).items] == [ROW["name"]]
        assert len(gateway.requests) == 1
        trouble = database.queries.charge_types(AWAY).trouble
        assert trouble is not None
        assert NEAR in trouble.en


def tried(database: Database, park_uuid: str) -> bool:
    told: ChargeTypes = database.queries.charge_types(park_uuid)
    return told.tried_us is not None
