"""The gateway on a real PostgreSQL: several processes at once, and a server that stops, dies, fills up or hands over."""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest
from bench.cluster import Server, running_server

from support.gateway_process import Gateway, send
from vipgate.cli.sample import sample_renewals
from vipgate.protocol.envelope import encode_renewals
from vipgate.protocol.renewal import Renewal
from vipgate.store.interfaces.ledger import Filter

PARKS = [f"park-{number}" for number in range(4)]
UNTIL_US = 1_795_492_800_000_000
WAIT_S = 30.0


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_server("max_connections=40", "superuser_reserved_connections=3") as one:
        yield one


@pytest.fixture
def gateway(tmp_path: Path, server: Server) -> Iterator[Gateway]:
    if server.process is None:
        server.start()
    url = server.make_database(f"test-{tmp_path.name}-{os.getpid()}")
    yield from _gateway(tmp_path, url)


def _gateway(home: Path, url: str) -> Iterator[Gateway]:
    made = Gateway(home, {"VIPGATE_DATABASE": url, "VIPGATE_SHUTDOWN_TIMEOUT_S": "5"}, admin=True)
    for park_uuid in PARKS:
        made.add_park(park_uuid)
    yield made
    if made.process is not None:
        made.kill()


@dataclass
class Load:
    """Clients that push without end and remember what was acknowledged."""

    gateways: list[Gateway]
    acknowledged: list[tuple[str, str, list[Renewal]]] = field(default_factory=list)
    refusals: list[dict[str, Any]] = field(default_factory=list)
    sent: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, clients: int) -> None:
        for number in range(clients):
            one = threading.Thread(target=self._push, args=(number,), daemon=True)
            self._threads.append(one)
            one.start()

    def stop(self) -> None:
        self._stop.set()
        for one in self._threads:
            one.join(WAIT_S)
            assert not one.is_alive()

    def wait_for_more(self, count: int = 20) -> None:
        """Until so many more are acknowledged."""
        goal = len(self.acknowledged) + count
        eventually(lambda: len(self.acknowledged) >= goal, f"{count} more acknowledged")

    def _push(self, number: int) -> None:
        chance = random.Random(number)
        gateway = self.gateways[number % len(self.gateways)]
        first = 1 + number * 1_000_000
        while not self._stop.is_set():
            connection = gateway.connect()
            with suppress(OSError, http.client.HTTPException):
                while not self._stop.is_set():
                    rows = list(
                        sample_renewals(chance.choice((1, 1, 2, 30, 200)), first, until_us=UNTIL_US, first=first)
                    )
                    first += len(rows)
                    self._send(connection, chance.choice(PARKS), rows)
            connection.close()
            time.sleep(0.02)

    def _send(self, connection: http.client.HTTPConnection, park_uuid: str, rows: list[Renewal]) -> None:
        with self._lock:
            self.sent += 1
        answer = send(connection, encode_renewals(park_uuid, rows))
        if answer.code == "1001":
            assert answer.envelope["payload"]["inserted"] == len(rows)
            self.acknowledged.append((answer.envelope["seqno"], park_uuid, rows))
        else:
            self.refusals.append({"status": answer.status, **answer.headers, **answer.envelope})
            time.sleep(0.05)

    def check(self) -> None:
        """What was acknowledged is there, once, whole, in every book; what was not is there whole or not at all."""
        with self.gateways[0].store() as store:
            held: dict[tuple[str, str], Any] = {}
            for park_uuid in PARKS:
                records = list(store.iter_records(park_uuid, Filter()))
                of_park = {(park_uuid, one.renewal.pay_partner): one for one in records}
                assert len(of_park) == len(records), "a record twice"
                assert len({one.position for one in records}) == len(records)
                held |= of_park
                park = store.find_park(park_uuid)
                assert park is not None
                assert park.records == len(records)
                counted = sum(new for new, _, _ in store.daily(park_uuid).values())
                assert counted == len(records)
            for seqno, park_uuid, rows in self.acknowledged:
                there = [held.get((park_uuid, row.pay_partner)) for row in rows]
                assert [one and one.renewal for one in there] == rows, "an acknowledged record is lost"
                assert {one.seqno for one in there if one} == {seqno}
                entry = store.request_log_entry(seqno)
                assert entry is not None
                assert (entry.park_uuid, entry.inserted) == (park_uuid, len(rows))
            journaled = {seqno for seqno, _, _ in self.acknowledged}
            sizes = Counter(one.seqno for one in held.values())
            for seqno in sizes.keys() - journaled:
                entry = store.request_log_entry(seqno)
                assert entry is not None
                assert entry.inserted == sizes[seqno], "half a request"


def eventually(happened: Callable[[], bool], what: str) -> None:
    deadline_s = time.monotonic() + WAIT_S
    while not happened():
        if time.monotonic() > deadline_s:
            pytest.fail(f"not after {WAIT_S} s: {what}")
        time.sleep(0.02)


def readiness(gateway: Gateway) -> tuple[int, str, dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", gateway.admin_port, timeout=WAIT_S)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        return response.status, response.getheader("Retry-After") or "", json.loads(response.read())
    finally:
        connection.close()


def workers_of(gateway: Gateway) -> list[psutil.Process]:
    """The processes that take pushes: all children but the admin process and those that are dead."""
    assert gateway.process is not None
    children = psutil.Process(gateway.process.pid).children()
    alive = [one for one in children if one.status() != psutil.STATUS_ZOMBIE]
    return [one for one in alive if "vipgate.admin.main" not in one.cmdline()]


# ---- several processes -------------------------------------------------------------------------------------------------


def test_two_machines_of_two_workers_write_the_same_parks_together(gateway: Gateway, tmp_path: Path) -> None:
    other = Gateway(gateway.home, gateway.settings)
    gateway.start("--workers", "2")
    other.start("--workers", "2")
    load = Load([gateway, other])
    load.start(12)
    load.wait_for_more(300)
    load.stop()
    assert len(workers_of(gateway)) == len(workers_of(other)) == 2
    assert gateway.stop() == 0
    assert other.stop() == 0
    assert not load.refusals, load.refusals[0]
    load.check()
    served = {json.loads(line).get("worker") for line in (gateway.home / "log").read_text().splitlines()}
    assert served >= {0, 1}


def test_worker_that_is_killed_is_started_again_and_nothing_is_lost(gateway: Gateway) -> None:
    gateway.start("--workers", "2")
    eventually(lambda: len(workers_of(gateway)) == 2, "two workers")
    load = Load([gateway])
    load.start(8)
    for _ in range(3):
        load.wait_for_more(30)
        victim = random.Random(len(load.acknowledged)).choice(workers_of(gateway))
        victim.kill()
        eventually(lambda gone=victim: not gone.is_running() or gone not in workers_of(gateway), "a worker gone")  # type: ignore[misc]
        eventually(lambda: len(workers_of(gateway)) == 2, "two workers again")
    load.wait_for_more(30)
    load.stop()
    assert gateway.stop() == 0
    load.check()
    assert "worker died" in (gateway.home / "log").read_text()


def test_workers_end_with_their_parent(gateway: Gateway) -> None:
    gateway.start("--workers", "2")
    eventually(lambda: len(workers_of(gateway)) == 2, "two workers")
    workers = workers_of(gateway)
    gateway.kill()
    eventually(lambda: not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in workers), "the end")


def test_secret_changed_on_one_machine_counts_on_the_other_within_a_second(gateway: Gateway) -> None:
    gateway.start("--workers", "2")
    body = encode_renewals(PARKS[0], list(sample_renewals(1, 1, until_us=UNTIL_US)))
    assert gateway.push(body).code == "1001"
    assert gateway.command("park", "disable", PARKS[0]).returncode == 0
    time.sleep(1.0)
    assert {gateway.push(body).code for _ in range(8)} == {"401"}


def test_master_key_of_another_machine_is_told_before_anything_is_served(gateway: Gateway) -> None:
    with tempfile.TemporaryDirectory() as home:
        other = Gateway(Path(home), gateway.settings)
        for flags in ((), ("--workers", "2")):
            done = other.command("serve", "--port", "0", *flags)
            assert done.returncode == 1
            assert "another master key" in done.stderr


# ---- a server in trouble --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["stop", "kill"])
def test_server_that_goes_and_comes_back_under_load_costs_nothing_acknowledged(
    gateway: Gateway, server: Server, way: str
) -> None:
    gateway.start("--workers", "2")
    assert readiness(gateway)[0] == 200
    load = Load([gateway])
    load.start(8)
    for _ in range(2):
        load.wait_for_more(40)
        before = len(load.refusals)
        server.stop() if way == "stop" else server.kill()
        eventually(lambda seen=before: len(load.refusals) >= seen + 10, "refusals")  # type: ignore[misc]
        status, retry_after, told = readiness(gateway)
        assert (status, retry_after) == (503, "5")
        assert "postgresql://" in told["reason"]
        server.start()
        load.wait_for_more(40)
    eventually(lambda: readiness(gateway)[0] == 200, "ready again")
    load.stop()
    assert gateway.stop() == 0
    assert {(one["status"], one["code"]) for one in load.refusals} == {(503, "503")}
    assert all(int(one["retry-after"]) > 0 and one["hint"] for one in load.refusals)
    load.check()


def test_hand_over_to_the_standby_loses_nothing_acknowledged(tmp_path: Path) -> None:
    with running_server("max_connections=40") as primary:
        folder = Path(tempfile.mkdtemp(prefix="vipgate-pg-"))
        standby = Server(folder / "data", ["max_connections=40"], standby_of=primary)
        standby.start()
        # With a synchronous standby, what was committed is there too.
        primary.stop()
        primary.start("synchronous_standby_names=*")
        one, other = (urlsplit(server.url()).netloc.rpartition("@")[2] for server in (standby, primary))
        with psycopg.connect(primary.url(), autocommit=True) as db:
            db.execute('CREATE DATABASE "test-over"')
        for gateway in _gateway(tmp_path, f"postgresql://postgres@{one},{other}/test-over"):
            gateway.start()
            load = Load([gateway])
            load.start(6)
            load.wait_for_more(40)
            primary.kill()
            standby.promote()
            load.wait_for_more(40)
            load.stop()
            assert gateway.stop() == 0
            load.check()
        standby.kill()


def test_server_without_a_connection_left_is_waited_for(gateway: Gateway, server: Server) -> None:
    gateway.start()
    load = Load([gateway])
    load.start(4)
    load.wait_for_more(20)
    server.stop()
    server.start("superuser_reserved_connections=0", "reserved_connections=0", "max_connections=12")
    with psycopg.connect(server.url(), autocommit=True) as db:
        crowd = _take_every_connection(server.url(), db)
        try:
            before = len(load.refusals)
            eventually(lambda: len(load.refusals) > before + 5, "refusals")
            eventually(lambda: "max_connections" in readiness(gateway)[2].get("reason", ""), "the reason")
        finally:
            for one in crowd:
                one.close()
    load.wait_for_more(20)
    load.stop()
    gateway.stop()
    load.check()
    server.stop()


def _take_every_connection(url: str, db: psycopg.Connection[Any]) -> list[psycopg.Connection[Any]]:
    """All that are left beside `db`, and those of the gateway as well: it is thrown out until none of its own are left."""
    crowd: list[psycopg.Connection[Any]] = []

    def taken() -> bool:
        db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'vipgate'")
        try:
            crowd.append(psycopg.connect(url))
        except psycopg.OperationalError:
            found = db.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'vipgate'").fetchone()
            return found == (0,)
        return False

    eventually(taken, "every connection taken")
    return crowd


def test_full_disk_is_told_and_overcome(gateway: Gateway, server: Server) -> None:
    gateway.start()
    rows = 2_000
    acknowledged = 0
    server.limit_files(17 * 1024 * 1024)
    try:
        for number in range(100):
            batch = list(sample_renewals(rows, number, until_us=UNTIL_US, first=1 + number * rows))
            answer = gateway.push(encode_renewals(PARKS[number % 2], batch))
            if answer.code != "1001":
                break
            acknowledged += rows
        assert (answer.status, answer.code) == (503, "503")
        assert int(answer.headers["retry-after"]) > 0
        status, _, told = readiness(gateway)
        assert status == 503
        assert "disk" in told["reason"], told
    finally:
        server.limit_files(None)
    assert gateway.push(encode_renewals(PARKS[number % 2], batch)).envelope["payload"]["inserted"] == rows
    assert readiness(gateway)[0] == 200
    with gateway.store() as store:
        assert (
            sum(sum(1 for _ in store.iter_records(park_uuid, Filter())) for park_uuid in PARKS) == acknowledged + rows
        )


def test_commands_work_on_postgres_too(gateway: Gateway) -> None:
    assert "postgresql://" in gateway.command("migrate").stdout
    assert "pg_dump" in gateway.command("backup", "copy.db").stderr
    gateway.start()
    body = encode_renewals(PARKS[0], list(sample_renewals(5, 1, until_us=UNTIL_US)))
    answer = gateway.push(body)
    assert answer.code == "1001"
    exported = gateway.command("export", PARKS[0]).stdout.splitlines()
    assert len(exported) == 5
    shown = json.loads(gateway.command("request", answer.envelope["seqno"], "--format", "json").stdout)
    assert shown["inserted"] == 5
    assert gateway.process is not None
    gateway.process.send_signal(signal.SIGINT)
    assert gateway.process.wait(WAIT_S) == 0


def test_running_installation_moves_from_a_file_to_the_server(gateway: Gateway, tmp_path: Path, server: Server) -> None:
    to = server.make_database(f"test-moved-{os.getpid()}")
    old = Gateway(tmp_path)
    old.add_park(PARKS[0])
    old.start()
    file = f"sqlite:///{tmp_path / 'vipgate.db'}"
    rows = list(sample_renewals(3_000, 1, until_us=UNTIL_US))
    assert old.push(encode_renewals(PARKS[0], rows[:2_000])).code == "1001"
    first = old.command("copy", file, to)
    assert first.returncode == 0, first.stderr
    assert "stop the server" in first.stderr
    assert old.push(encode_renewals(PARKS[0], rows[1_000:])).code == "1001"
    old.stop()
    second = old.command("copy", file, to)
    assert second.returncode == 0, second.stderr
    assert "1000 renewal" in second.stdout
    assert "3000 renewal" in second.stdout
    assert "the same in both" in second.stdout
    new = Gateway(tmp_path, {"VIPGATE_DATABASE": to})
    new.start()
    assert new.push(encode_renewals(PARKS[0], rows)).envelope["payload"]["unchanged"] == 3_000
    new.stop()
    assert "there is no database" in old.command("copy", "sqlite:///nowhere.db", to).stderr.lower()
    assert "vipgate backup" in old.command("copy", to, file).stderr
