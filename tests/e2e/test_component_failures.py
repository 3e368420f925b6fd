"""Every thread and task of a real gateway is made to fail: it ends with status 1, or goes on, and the log says why either way."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import cycle
from pathlib import Path
from typing import Any

import psutil
import pytest

from support.admin_port import answers, eventually
from support.certificates import write_pair
from support.fault_injection import WORD, sabotaged
from support.gateway_process import Gateway
from vipgate.cli.sample import PAGE_BODY, PAGE_PARK_UUID, PAGE_SECRET

END_S = 40.0
NEEDED = [
    "vipgate.gateway.group_commit:GroupCommitter._step",
    "vipgate.gateway.http.server:HttpServer._tick",
    "vipgate.gateway.http.tls_listener:TlsListener._accept",
    "vipgate.gateway.worker:_send_heartbeats",
    "vipgate.gateway.worker:_watch",
]
GOES_ON = [
    "vipgate.gateway.group_commit:GroupCommitter._run_maintenance",
    "vipgate.gateway.admin_process:AdminProcess.check",
    "vipgate.admin.main:_invite",
    "vipgate.admin.main:run_nightly",
    "vipgate.gateway.worker:_renew",
]
INSIDE = ["vipgate.admin.main:_send_heartbeats", "vipgate.admin.main:_watch_parent"]


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    made = Gateway(tmp_path, admin=True)
    made.add_park(PAGE_PARK_UUID, PAGE_SECRET)
    yield made
    if made.process is not None:
        made.kill()


def log_of(gateway: Gateway) -> str:
    return (gateway.home / "log").read_text(encoding="utf-8")


def events(gateway: Gateway, event: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in log_of(gateway).splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == event]


def blamed(gateway: Gateway) -> list[dict[str, Any]]:
    """What the log says ended by the fault of the test, each with its traceback."""
    return [
        one
        for one in events(gateway, "ended by a fault")
        if WORD in one["exception"] and "Traceback" in one["exception"]
    ]


@pytest.mark.parametrize(("target", "kind"), list(zip(NEEDED, cycle(["error", "panic"]), strict=False)))
def test_end_of_a_part_that_is_needed_ends_the_gateway_with_a_status_and_a_reason(
    gateway: Gateway, tmp_path: Path, target: str, kind: str
) -> None:
    write_pair(tmp_path / "cert.pem", tmp_path / "key.pem", 1)
    gateway.settings |= sabotaged(tmp_path, target, kind=kind)
    gateway.start("--tls-cert", str(tmp_path / "cert.pem"), "--tls-key", str(tmp_path / "key.pem"))
    assert gateway.process is not None
    assert gateway.process.wait(END_S) == 1
    assert blamed(gateway)
    assert "ended by a fault" in log_of(gateway).splitlines()[-1]
    assert log_of(gateway).splitlines()[-1].startswith("error: ")


def test_fault_while_it_is_read_who_a_park_is_ends_the_gateway_too(gateway: Gateway, tmp_path: Path) -> None:
    gateway.settings |= sabotaged(tmp_path, "vipgate.gateway.park_access:ParkAccessCache._look_up", kind="panic")
    gateway.start("--shutdown-timeout-s", "1")
    with suppress(OSError):
        gateway.push(PAGE_BODY, PAGE_SECRET)
    assert gateway.process is not None
    assert gateway.process.wait(END_S) == 1
    assert blamed(gateway)


@pytest.mark.parametrize("target", GOES_ON)
def test_part_that_can_be_begun_again_is_and_the_gateway_takes_pushes(
    gateway: Gateway, tmp_path: Path, target: str
) -> None:
    kind = "error" if target.startswith("vipgate.gateway.group_commit") else "panic"
    gateway.settings |= sabotaged(tmp_path, target, times=1, kind=kind)
    if target.startswith("vipgate.gateway.group_commit"):
        gateway.settings |= sabotaged(tmp_path, "vipgate.store.sqlite.store:SqliteStore.run_maintenance", times=1)
    gateway.start()
    eventually(lambda: answers(gateway), "the admin port")
    eventually(lambda: bool(blamed(gateway) or events(gateway, "maintenance failed")), "a line in the log")
    assert gateway.push(PAGE_BODY, PAGE_SECRET).code == "1001"
    assert gateway.stop() == 0


@pytest.mark.parametrize("target", INSIDE)
def test_inside_process_without_a_part_that_it_needs_is_started_again(
    gateway: Gateway, tmp_path: Path, target: str
) -> None:
    gateway.settings |= sabotaged(tmp_path, target)
    gateway.start()
    eventually(lambda: len(events(gateway, "admin process died")) >= 2, "two deaths")
    assert {one["exit_status"] for one in events(gateway, "admin process died")} == {1}
    assert blamed(gateway)
    assert gateway.push(PAGE_BODY, PAGE_SECRET).code == "1001"
    assert gateway.stop() == 0


def test_worker_that_lacks_a_part_is_started_again(tmp_path: Path, postgres: str) -> None:
    gateway = Gateway(
        tmp_path, {"VIPGATE_DATABASE": postgres} | sabotaged(tmp_path, "vipgate.gateway.worker:_send_heartbeats")
    )
    gateway.start("--workers", "2")
    try:
        eventually(lambda: len(events(gateway, "worker died")) >= 3, "three deaths")
        assert {one["exit_status"] for one in events(gateway, "worker died")} == {1}
        assert blamed(gateway)
    finally:
        assert gateway.stop() == 0


def test_supervisor_that_fails_takes_its_workers_along(tmp_path: Path, postgres: str) -> None:
    gateway = Gateway(
        tmp_path, {"VIPGATE_DATABASE": postgres} | sabotaged(tmp_path, "vipgate.gateway.supervisor:Supervisor._reap")
    )
    gateway.start("--workers", "2")
    assert gateway.process is not None
    children = psutil.Process(gateway.process.pid).children(recursive=True)
    assert gateway.process.wait(END_S) == 1
    until(lambda: not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children))
    assert WORD in log_of(gateway)
    assert events(gateway, "the process ended by a fault")


def until(happened: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + END_S
    while not happened():
        assert time.monotonic() < deadline_s
        time.sleep(0.05)
