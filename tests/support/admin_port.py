"""What the tests of the admin port share: its process, its answers, its metrics, its log."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from bench.cluster import Server

from support.gateway_process import PARK, Gateway
from vipgate.cli.sample import sample_renewals
from vipgate.protocol.envelope import encode_renewals

WAIT_S = 30.0
UNTIL_US = 1_795_492_800_000_000
PROCESS = "vipgate.admin.main"


def eventually(happened: Callable[[], bool], what: str) -> None:
    deadline_s = time.monotonic() + WAIT_S
    while not happened():
        if time.monotonic() > deadline_s:
            pytest.fail(f"not after {WAIT_S} s: {what}")
        time.sleep(0.02)


def inside_of(gateway: Gateway) -> psutil.Process | None:
    """The admin process that runs now."""
    assert gateway.process is not None
    for child in psutil.Process(gateway.process.pid).children():
        # One that ends meanwhile is none that runs.
        with suppress(psutil.NoSuchProcess):
            if child.status() != psutil.STATUS_ZOMBIE and PROCESS in child.cmdline():
                return child
    return None


def get(gateway: Gateway, path: str, **headers: str) -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection("127.0.0.1", gateway.admin_port, timeout=WAIT_S)
    try:
        connection.request("GET", path, headers={name.replace("_", "-"): text for name, text in headers.items()})
        response = connection.getresponse()
        return response.status, {name.lower(): text for name, text in response.getheaders()}, response.read().decode()
    finally:
        connection.close()


def answers(gateway: Gateway) -> bool:
    """Whether the admin port answers, in time: a process that is started just now has not got that far."""
    try:
        return get(gateway, "/healthz")[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def metric(gateway: Gateway, name: str) -> float:
    """One sample of /metrics, by its whole name with labels."""
    status, _, text = get(gateway, "/metrics")
    assert status == 200
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    assert found, f"{name} is not among:\n{text}"
    return float(found[1])


def log_of(gateway: Gateway) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (gateway.home / "log").read_text(encoding="utf-8").splitlines()]


def body_of(rows: int, first: int = 1) -> bytes:
    return encode_renewals(PARK, list(sample_renewals(rows, first, until_us=UNTIL_US, first=first)))


def on_postgres(home: Path, server: Server) -> Gateway:
    url = server.make_database(f"test-{home.name}-{os.getpid()}")
    return Gateway(home, {"VIPGATE_DATABASE": url, "VIPGATE_SHUTDOWN_TIMEOUT_S": "5"}, admin=True)


def welcomed(gateway: Gateway) -> str:
    """The line with the link to the first account: after it the admin process has written all that it wants to write."""
    assert gateway.process is not None
    assert gateway.process.stdout is not None
    return gateway.process.stdout.readline()


def is_free(port: int) -> bool:
    try:
        with socket.create_server(("127.0.0.1", port)):
            return True
    except OSError:
        return False


def is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
