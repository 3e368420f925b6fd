"""The admin port, by real processes: it may die, hang or be late, and the gateway takes pushes all the same."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from bench.cluster import Server, running_server

from support.admin_port import (
    PROCESS,
    WAIT_S,
    answers,
    body_of,
    eventually,
    get,
    inside_of,
    is_alive,
    is_free,
    log_of,
    metric,
    on_postgres,
    welcomed,
)
from support.gateway_process import PARK, Gateway
from vipgate.cli.sample import PAGE_BODY


@pytest.fixture
def own(own: Gateway) -> Gateway:
    own.admin = True
    return own


@pytest.fixture(scope="module")
def postgres() -> Iterator[Server]:
    with running_server("max_connections=60") as server:
        yield server


# ---- dying and hanging ---------------------------------------------------------------------------------------------------


def test_inside_process_that_is_killed_comes_back(own: Gateway) -> None:
    own.start()
    eventually(lambda: answers(own), "the admin port")
    for _ in range(2):
        victim = inside_of(own)
        assert victim is not None
        victim.kill()
        eventually(lambda gone=victim: inside_of(own) not in (None, gone), "another")  # type: ignore[misc]
        assert answers(own)
    assert own.push(PAGE_BODY).code == "1001"
    assert own.stop() == 0
    assert [line["again_in_s"] for line in log_of(own) if line["event"] == "admin process died"] == [0.5, 1.0]


def test_inside_process_that_cannot_start_is_tried_again_and_costs_no_push(own: Gateway) -> None:
    broken = own.home / "broken" / "jinja2"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('broken on purpose')\n")
    own.settings["PYTHONPATH"] = os.pathsep.join([str(broken.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    own.start()
    eventually(lambda: (own.home / "log").read_text().count("admin process died") >= 2, "two tries")
    assert own.push(PAGE_BODY).code == "1001"
    shutil.rmtree(broken)
    eventually(lambda: answers(own), "the admin port")
    assert own.stop() == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_killed_gateway_takes_the_inside_process_with_it_and_the_ports_are_free(
    tmp_path: Path, postgres: Server, workers: int
) -> None:
    gateway = on_postgres(tmp_path, postgres) if workers > 1 else Gateway(tmp_path, admin=True)
    gateway.add_park(PARK)
    gateway.start("--workers", str(workers))
    eventually(lambda: answers(gateway), "the admin port")
    inside = inside_of(gateway)
    assert inside is not None
    ports = ("--port", str(gateway.port), "--admin-port", str(gateway.admin_port))
    gateway.kill()
    eventually(lambda: not is_alive(inside), "the end of it")
    # Workers look for their parent once a second; a process's threads let go of what it had open one after another.
    eventually(lambda: is_free(int(ports[1])) and is_free(int(ports[3])), "both ports")
    gateway.start(*ports)
    assert gateway.push(PAGE_BODY).code == "1001"
    eventually(lambda: answers(gateway), "the admin port")
    assert gateway.stop() == 0


def test_push_goes_through_while_the_inside_process_stands_still(own: Gateway) -> None:
    own.start()
    assert welcomed(own)
    inside = inside_of(own)
    assert inside is not None
    inside.suspend()
    waiting = [socket.create_connection(("127.0.0.1", own.admin_port)) for _ in range(20)]
    for number in range(20):
        waiting[number].sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        assert own.push(body_of(100, 1 + number * 100)).code == "1001"
    assert own.stop() == 0
    assert not inside.is_running()
    for one in waiting:
        one.close()


def test_inside_process_that_hangs_is_made_to_end_and_lets_go_of_the_store(own: Gateway) -> None:
    own.start()
    assert welcomed(own)
    inside = inside_of(own)
    assert inside is not None
    # As if it stood still in the middle of a write: the gateway waits for the lock that SQLite has but once.
    inside.suspend()
    eventually(lambda: inside_of(own) not in (None, inside), "another")
    assert answers(own)
    assert own.stop() == 0
    assert "admin process hangs" in [line["event"] for line in log_of(own)]


def test_server_without_an_inside_port_has_no_inside_process(own: Gateway) -> None:
    command = [sys.executable, "-m", "vipgate", "serve", "--port", "0", "--no-admin"]
    process = subprocess.Popen(command, env=own.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline().startswith("public")
    assert '"serving"' in process.stderr.readline()
    assert psutil.Process(process.pid).children() == []
    process.send_signal(signal.SIGTERM)
    told, _ = process.communicate(timeout=WAIT_S)
    assert (process.returncode, told) == (0, "")


def test_ctrl_c_is_the_gateway_s_to_follow_and_both_end_in_good_order(own: Gateway) -> None:
    command = [sys.executable, "-m", "vipgate", "serve", "--port", "0"]
    with (own.home / "log").open("w") as log:
        process = subprocess.Popen(
            command, env=own.environment, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True
        )
    own.process = process
    assert process.stdout is not None
    own.outside, own.inside = (process.stdout.readline().split()[-1] for _ in range(2))
    assert welcomed(own)
    inside = inside_of(own)
    assert inside is not None
    # As a terminal does it: to all of the foreground's group.
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=WAIT_S)
    own.process = None
    assert process.returncode == 0
    assert not inside.is_running()
    assert {line["level"] for line in log_of(own)} == {"info"}


def test_inside_process_does_not_live_on_for_workers_that_hang(tmp_path: Path, postgres: Server) -> None:
    gateway = on_postgres(tmp_path, postgres)
    gateway.start("--workers", "2")
    eventually(lambda: answers(gateway), "the admin port")
    inside = inside_of(gateway)
    assert inside is not None
    inside.kill()
    eventually(lambda: inside_of(gateway) not in (None, inside), "another")
    assert gateway.process is not None
    workers = [one for one in psutil.Process(gateway.process.pid).children() if PROCESS not in one.cmdline()]
    # One that was forked while an admin process ran has inherited the end of its line.
    workers[0].kill()
    eventually(lambda: len(workers_beside(gateway, workers[0])) == 2, "two workers again")
    hanging = workers_beside(gateway, workers[0])
    inside = inside_of(gateway)
    assert inside is not None
    assert answers(gateway)
    for one in hanging:
        one.suspend()
    gateway.kill()
    ended = time.monotonic() + 5.0
    while is_alive(inside) and time.monotonic() < ended:
        time.sleep(0.02)
    lived_on = is_alive(inside)
    for one in hanging:
        one.kill()
    assert not lived_on


def workers_beside(gateway: Gateway, gone: psutil.Process) -> list[psutil.Process]:
    """The workers that run now."""
    assert gateway.process is not None
    found = []
    for one in psutil.Process(gateway.process.pid).children():
        # It may end while it is looked at.
        with suppress(psutil.NoSuchProcess):
            if one != gone and is_alive(one) and PROCESS not in one.cmdline():
                found.append(one)
    return found


# ---- the first account -----------------------------------------------------------------------------------------------------


def test_link_to_the_first_account_is_printed_once_and_kept_nowhere(own: Gateway) -> None:
    own.start()
    line = welcomed(own)
    found = re.fullmatch(r"welcome  (http://127\.0\.0\.1:\d+/welcome/([\w-]{32}))\n", line)
    assert found, line
    victim = inside_of(own)
    assert victim is not None
    victim.kill()
    eventually(lambda: inside_of(own) not in (None, victim), "another")
    assert answers(own)
    assert get(own, f"/welcome/{found[2]}")[0] == 200
    assert own.process is not None
    assert own.process.stdout is not None
    places = [Path(f"/proc/{own.process.pid}/cmdline"), Path(f"/proc/{own.process.pid}/environ")]
    inside = inside_of(own)
    assert inside is not None
    places += [Path(f"/proc/{inside.pid}/cmdline"), Path(f"/proc/{inside.pid}/environ")]
    places += [path for path in own.home.rglob("*") if path.is_file()]
    assert not [place for place in places if found[2].encode() in place.read_bytes()]
    own.process.send_signal(signal.SIGTERM)
    assert own.process.stdout.read() == ""
    assert any(line.get("path") == "/welcome/{secret}" for line in log_of(own))


def test_link_makes_one_account_and_no_second(own: Gateway) -> None:
    own.start()
    path = "/welcome/" + welcomed(own).split("/")[-1].strip()
    assert make_account(own, path, "first") == 303
    assert make_account(own, path, "second") != 303
    assert own.stop() == 0
    own.start()
    eventually(lambda: answers(own), "the admin port")
    time.sleep(0.5)
    assert own.process is not None
    assert own.process.stdout is not None
    own.process.send_signal(signal.SIGTERM)
    assert own.process.stdout.read() == ""


def make_account(gateway: Gateway, path: str, name: str) -> int:
    """Sends the form of the link as a browser does; the status."""
    password = "correct horse battery"
    form = f"name={name}&password={password}&again={password}".replace(" ", "+")
    connection = http.client.HTTPConnection("127.0.0.1", gateway.admin_port, timeout=WAIT_S)
    try:
        sent = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
        connection.request("POST", path, form, sent)
        return connection.getresponse().status
    finally:
        connection.close()


# ---- readiness ---------------------------------------------------------------------------------------------------------------


def test_worker_that_stands_still_is_told(own: Gateway) -> None:
    own.start()
    eventually(lambda: answers(own), "the admin port")
    assert get(own, "/readyz")[0] == 200
    assert own.process is not None
    # The admin process answers on, the gateway does not.
    psutil.Process(own.process.pid).suspend()
    eventually(lambda: get(own, "/readyz")[0] == 503, "not ready")
    status, headers, text = get(own, "/readyz")
    assert (status, headers["retry-after"]) == (503, "5")
    assert json.loads(text) == {
        "status": "unavailable",
        "reason": "no worker of this server shows a sign of life; see its log",
    }
    psutil.Process(own.process.pid).resume()
    eventually(lambda: get(own, "/readyz")[0] == 200, "ready again")


def test_store_that_takes_nothing_is_told_with_its_reason(own: Gateway) -> None:
    own.start()
    eventually(lambda: answers(own), "the admin port")
    with sqlite3.connect(own.home / "vipgate.db") as database:
        database.execute("CREATE TRIGGER full BEFORE INSERT ON renewal BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    assert own.push(PAGE_BODY).code == "503"
    status, _, text = get(own, "/readyz")
    assert status == 503
    assert "disk full" in json.loads(text)["reason"]
    assert metric(own, 'vipgate_store_unavailable{worker="0"}') == 1
    with sqlite3.connect(own.home / "vipgate.db") as database:
        database.execute("DROP TRIGGER full")
    assert own.push(PAGE_BODY).code == "1001"
    assert get(own, "/readyz")[0] == 200
    assert metric(own, 'vipgate_store_unavailable{worker="0"}') == 0
