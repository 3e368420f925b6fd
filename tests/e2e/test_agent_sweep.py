"""The sweep on a real gateway: what no cursor tells is found, counted and sent, and what cannot be told apart is named."""

# ruff: noqa: S608 - statements of the park's own program
from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from bench.park import insert_now, make_park, write_config
from bench.records import SECRET

from support.fault_injection import sabotaged
from support.fork_server import run_vipgate
from support.gateway_process import Gateway
from vipgate.protocol.renewal import Renewal
from vipgate.store.interfaces.ledger import Filter

PARK = "park-a"
WAIT_S = 30.0
END_S_MAX = 5.0
ROWS = 60
COPY = "订单号, 车牌号, 颜色, 卡号, 套餐, 类型, 数量, 支付方式, 实收, 收费时间, 开始时间, 结束时间, 收费员"


@dataclass
class Park:
    """One park's folder: its database, and an agent that sweeps all the time."""

    folder: Path
    gateway: Gateway
    config: Path

    def change(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.folder / "park.db", timeout=30)) as db, db:
            for one in statements:
                db.execute(one)

    def edit(self, before: str, after: str) -> None:
        text = self.config.read_text(encoding="utf-8")
        assert before in text
        self.config.write_text(text.replace(before, after), encoding="utf-8")

    def agent(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run_vipgate(["agent", *command.split(), str(self.config), *arguments], Path.cwd())

    def status(self) -> dict[str, Any]:
        done = self.agent("status", "--format", "json")
        return dict(json.loads(done.stdout)) if done.returncode == 0 else {}

    def dead(self) -> dict[int, dict[str, Any]]:
        lines = self.agent("dead list", "--format", "jsonl").stdout.splitlines()
        return {one["source"]["编号"]: one for one in map(json.loads, lines)}

    def held(self) -> dict[str, Renewal]:
        with self.gateway.store() as store:
            return {one.renewal.pay_partner: one.renewal for one in store.iter_records(PARK, Filter())}

    def quantity(self, number: int) -> int | None:
        one = self.held().get(order(number))
        return None if one is None else one.quantity

    def replaced(self, number: int) -> list[int]:
        """The quantities that the record had before."""
        with self.gateway.store() as store:
            return [one.stored.renewal.quantity for one in store.history(PARK, order(number))]

    @contextmanager
    def running(self, environment: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
        words = [sys.executable, "-m", "vipgate", "agent", "run", str(self.config)]
        with (self.folder / "errors").open("w") as errors:
            process = subprocess.Popen(words, stderr=errors, env=os.environ | dict(environment or {}))
        try:
            yield process
            assert process.poll() is None, (self.folder / "errors").read_text()
        finally:
            process.send_signal(signal.SIGTERM)
            began_s = time.monotonic()
            assert process.wait(WAIT_S) == 0
            assert time.monotonic() - began_s < END_S_MAX


def order(number: int) -> str:
    return f"XF{number:012}"


def until(happened: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + WAIT_S
    while not happened():
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


@pytest.fixture
def park(tmp_path: Path) -> Iterator[Park]:
    gateway = Gateway(tmp_path)
    gateway.add_park(PARK, SECRET)
    gateway.start()
    folder = tmp_path / "park"
    folder.mkdir(0o700)
    make_park(folder, ROWS)
    made = Park(folder, gateway, write_config(folder, gateway.port, PARK, lag_s=0))
    made.edit("[platform]\n", "[platform]\ntimeout_s = 1\n")
    made.edit("poll_s = 1\n", "poll_s = 0.1\nsweep_share = 1\nsweep_every_s = 0.5\n")
    yield made
    if gateway.process is not None:
        gateway.kill()


def seldom(park: Park) -> None:
    """Has the sweep come so seldom that only the cursor or a new key can tell."""
    park.edit("sweep_every_s = 0.5", "sweep_every_s = 600")


def test_change_without_a_new_time_is_found_sent_and_counted(park: Park) -> None:
    with park.running():
        until(lambda: len(park.held()) == ROWS)
        park.change("UPDATE 续费记录 SET 数量 = 77 WHERE 编号 = 5")
        until(lambda: park.quantity(5) == 77)
        until(lambda: park.status()["sweep_found"] == {"missed by the cursor": 1})
        [warning] = park.status()["warnings"]
        assert "更新时间" in warning
        assert "not to be trusted" in warning


@pytest.mark.parametrize("has_key", [True, False])
def test_later_runs_show_the_snapshot_as_it_is(park: Park, has_key: bool) -> None:
    if not has_key:
        park.edit('table = "续费记录"', 'query = "SELECT * FROM 续费记录"')
    for _ in range(2):
        assert park.agent("run", "--once").returncode == 0
        status = park.status()
        assert (status["snapshot_done"], status["snapshot_total"], status["sweep_total"]) == (ROWS, ROWS, ROWS)


def test_row_without_a_time_is_sent_at_once_by_its_new_key(park: Park) -> None:
    seldom(park)
    # SQLite cannot drop NOT NULL from a column.
    park.change(
        "CREATE TABLE new AS SELECT * FROM 续费记录", "DROP TABLE 续费记录",
        f"CREATE TABLE 续费记录 (编号 INTEGER PRIMARY KEY, {COPY}, 更新时间 TEXT)", "INSERT INTO 续费记录 SELECT * FROM new",
    )  # fmt: skip
    with park.running():
        until(lambda: len(park.held()) == ROWS)
        until(lambda: park.status().get("snapshot_acknowledged") is True)
        park.change(
            f"INSERT INTO 续费记录 SELECT 99, 'XF{99:012}', {COPY.partition(', ')[2]}, NULL FROM 续费记录 WHERE 编号 = 1"
        )
        until(lambda: order(99) in park.held())
    assert park.status()["sweep_found"] == {}


def test_rows_dated_later_than_now_are_sent_and_named(park: Park) -> None:
    seldom(park)
    with park.running():
        until(lambda: park.status().get("snapshot_acknowledged") is True)
        park.change("UPDATE 续费记录 SET 更新时间 = '2099-01-01 00:00:00', 数量 = 71 WHERE 编号 = 3")
        until(lambda: park.quantity(3) == 71)
        # The position does not follow it.
        later = insert_now(park.folder / "park.db", 500)
        until(lambda: later in park.held())
        park.change("UPDATE 续费记录 SET 数量 = 72 WHERE 编号 = 3")
        until(lambda: park.quantity(3) == 72)
        until(lambda: bool(park.status()["warnings"]))
        [warning] = park.status()["warnings"]
        assert "2099-01-01 00:00:00" in warning
        park.change("UPDATE 续费记录 SET 更新时间 = datetime('now', '+8 hours') WHERE 编号 = 3")
        until(lambda: park.status()["warnings"] == [])
    assert park.status()["read_to"] < '["2099'


def test_ties_and_changes_within_one_second_are_read_through(park: Park) -> None:
    seldom(park)
    with park.running():
        until(lambda: park.status().get("snapshot_acknowledged") is True)
        now = "datetime('now', '+8 hours')"
        numbers = "WITH RECURSIVE n(i) AS (SELECT 1001 UNION ALL SELECT i + 1 FROM n WHERE i < 5500)"
        rest = COPY.partition(", ")[2]
        park.change(
            f"{numbers} INSERT INTO 续费记录 SELECT i, printf('XF%012d', i), {rest}, (SELECT {now}) FROM n, 续费记录 WHERE 编号 = 1"
        )
        until(lambda: len(park.held()) == ROWS + 4_500)
        # More than two pages have one time; the last of them changes again under it.
        park.change("UPDATE 续费记录 SET 数量 = 73 WHERE 编号 = 5400")
        until(lambda: park.quantity(5_400) == 73)
        # The older of two revisions lies pages before the newer one, and has the greater key.
        park.change(
            f"UPDATE 续费记录 SET 订单号 = '{order(1_001)}' WHERE 编号 = 1500",
            "UPDATE 续费记录 SET 数量 = 74, 更新时间 = datetime('now', '+8 hours', '+1 second') WHERE 编号 = 1001",
        )
        until(lambda: park.quantity(1_001) == 74)
    before = park.replaced(1_001)
    assert park.agent("run", "--once").returncode == 0
    assert park.quantity(1_001) == 74
    assert park.replaced(1_001) == before


def test_of_revisions_the_newest_is_sent_and_never_an_older_one_after_it(park: Park) -> None:
    def revise(number: int, quantity: int, at: str) -> str:
        columns = f"{number}, '{order(7)}', {COPY.partition(', ')[2].replace('数量', str(quantity))}, {at}"
        return f"INSERT INTO 续费记录 SELECT {columns} FROM 续费记录 WHERE 编号 = 7"

    park.change(revise(200, 74, "'2024-03-01 00:00:00'"), revise(201, 75, "'2024-02-01 00:00:00'"))
    with park.running():
        until(lambda: park.quantity(7) == 74)
        park.change("UPDATE 续费记录 SET 数量 = 76 WHERE 编号 = 201")
        last = park.status()["sweep_ended"]
        until(lambda: park.status()["sweep_ended"] not in (None, last))
        park.change(revise(202, 78, "datetime('now', '+8 hours')"))
        until(lambda: park.quantity(7) == 78)
    assert park.agent("run", "--once").returncode == 0
    assert park.dead() == {}
    assert {75, 76}.isdisjoint(park.replaced(7))


def test_rows_that_nothing_tells_apart_are_named_and_one_is_sent(park: Park) -> None:
    park.edit('cursor = ["更新时间", "编号"]', 'cursor = "更新时间"')
    rest = COPY.partition(", ")[2].replace("数量", "74")
    park.change(f"INSERT INTO 续费记录 SELECT 300, 'XF{8:012}', {rest}, 更新时间 FROM 续费记录 WHERE 编号 = 8")
    first = park.quantity(8)
    for _ in range(2):
        assert park.agent("run", "--once").returncode == 3
        assert park.quantity(8) not in (first, 74)
        [letter] = park.dead().values()
        assert (letter["place"], letter["pay_partner"]) == ("编号=300", order(8))
        assert "编号=8" in letter["reason"]
    # Once it has an order number of its own, it is sent.
    park.change(f"UPDATE 续费记录 SET 订单号 = '{order(300)}' WHERE 编号 = 300")
    assert park.agent("run", "--once").returncode == 0
    assert park.quantity(300) == 74
    assert park.dead() == {}


def test_row_without_an_order_number_is_named_each_time_it_loses_it(park: Park) -> None:
    for _ in range(2):
        park.change("UPDATE 续费记录 SET 订单号 = '' WHERE 编号 = 9")
        assert park.agent("run", "--once").returncode == 3
        assert park.dead().keys() == {9}
        park.change(f"UPDATE 续费记录 SET 订单号 = '{order(9)}' WHERE 编号 = 9")
        assert park.agent("run", "--once").returncode == 0


def test_read_that_hangs_stops_neither_sending_nor_the_end(park: Park) -> None:
    assert park.agent("run", "--once").returncode == 0
    park.gateway.kill()
    with park.running():
        waiting = insert_now(park.folder / "park.db", 700)
        until(lambda: park.status()["backlog"] == 1)
    park.gateway.start()
    park.edit(
        park.config.read_text(encoding="utf-8").split('url = "')[1].split('"')[0],
        f"http://127.0.0.1:{park.gateway.port}",
    )
    hangs = sabotaged(park.folder, "vipgate.agent.sources.sql:DatabaseSource.page", kind="hang")
    with park.running(hangs):
        until(lambda: waiting in park.held())
        until(lambda: "page by page for" in (park.status()["doing"] or ""))


@pytest.mark.parametrize("user", ["nobody_has_this_name", "reads_nothing"])
def test_login_that_is_refused_ends_once_with_a_status_and_a_remedy(park: Park, postgres: str, user: str) -> None:
    with psycopg.connect(postgres, autocommit=True) as db:
        db.execute("CREATE TABLE IF NOT EXISTS 续费记录 (编号 INTEGER PRIMARY KEY, 更新时间 TIMESTAMP)")
        if user == "reads_nothing":
            db.execute("DROP ROLE IF EXISTS reads_nothing")
            db.execute("CREATE ROLE reads_nothing LOGIN PASSWORD 'right'")
    address = psycopg.conninfo.conninfo_to_dict(postgres)
    target = f"{address.get('host', 'localhost')}:{address.get('port', 5432)}/{address['dbname']}"
    park.edit("sqlite:///park.db", f"postgresql://{user}:wrong@{target}")
    done = park.agent("run", "--once")
    assert done.returncode not in (0, 3)
    assert "Traceback" not in done.stderr
    assert ("grant it SELECT" if user == "reads_nothing" else "password") in done.stderr
