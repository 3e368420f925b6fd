"""What an agent leaves behind on the machine stays whole and within its bounds: figures, log and spool."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from bench.park import insert_now, make_park, write_config
from prometheus_client.parser import text_string_to_metric_families

from support.fork_server import run_vipgate
from support.odd_platform import STORED, OddPlatform, Reply, platform
from vipgate.agent.prometheus import Metrics
from vipgate.agent.status import Status, Trouble
from vipgate.errors import UsageError

PARK = "park-a"
WAIT_S = 60.0
FIGURES = {
    "vipgate_agent_acknowledged_rows", "vipgate_agent_backlog_rows", "vipgate_agent_lag_seconds", "vipgate_agent_dead_letters",
    "vipgate_agent_snapshot_rows", "vipgate_agent_truth_age_seconds",
    "vipgate_agent_missed_by_cursor", "vipgate_agent_in_trouble", "vipgate_agent_last_look_timestamp_seconds",
}  # fmt: skip


class Agent:
    """A park's folder, and the commands on it."""

    def __init__(self, folder: Path, records: int, odd: OddPlatform) -> None:
        self.folder = folder
        self.database = make_park(folder, records)
        self.config = write_config(folder, odd.port, PARK, lag_s=0)

    def edit(self, before: str, after: str) -> None:
        text = self.config.read_text(encoding="utf-8")
        assert before in text
        self.config.write_text(text.replace(before, after), encoding="utf-8")

    def add(self, tables: str) -> None:
        with self.config.open("a", encoding="utf-8") as file:
            file.write(tables)

    def words(self, *arguments: str) -> list[str]:
        return ["agent", arguments[0], str(self.config), *arguments[1:]]

    def do(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run_vipgate(self.words(*arguments), self.folder, within_s=WAIT_S)

    @contextmanager
    def running(self) -> Iterator[None]:
        with (self.folder / "errors").open("w") as errors:
            process = subprocess.Popen([sys.executable, "-m", "vipgate", *self.words("run")], stderr=errors)
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(WAIT_S) == 0

    def status(self) -> dict[str, Any]:
        """What `status` shows; empty while no agent has written any yet."""
        done = self.do("status", "--format", "json")
        is_early = "There is no spool" in done.stderr or "Nothing is known yet" in done.stderr
        assert done.returncode == 0 or is_early, done.stderr
        return {} if is_early else dict(json.loads(done.stdout))

    def change(self, statement: str) -> None:
        with closing(sqlite3.connect(self.database, timeout=30)) as db, db:
            db.execute(statement)


@pytest.fixture
def odd() -> Iterator[OddPlatform]:
    with platform(lambda _: STORED).running() as one:
        yield one


def eventually(happened: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + WAIT_S
    while not happened():
        assert time.monotonic() < deadline_s
        time.sleep(0.1)


def figures(text: str) -> dict[str, float]:
    """The figures by their names; each is there once, with a sentence, and of this park."""
    families = list(text_string_to_metric_families(text))
    assert {family.name for family in families} == FIGURES
    assert all(family.documentation.endswith(".") and family.type == "gauge" for family in families)
    [*samples] = [sample for family in families for sample in family.samples]
    assert {sample.labels["park_uuid"] for sample in samples} == {PARK}
    assert len(samples) == len(FIGURES)
    return {sample.name: sample.value for sample in samples}


# ---- figures --------------------------------------------------------------------------------------------------------------


def test_file_and_status_say_the_same_when_a_run_has_ended(tmp_path: Path, odd: OddPlatform) -> None:
    agent = Agent(tmp_path, 300, odd)
    agent.add('[metrics]\nfile = "vipgate.prom"\n')
    agent.change("UPDATE 续费记录 SET 类型 = '周卡' WHERE 编号 IN (10, 11)")
    assert agent.do("run", "--once").returncode == 3
    shown = figures((tmp_path / "vipgate.prom").read_text(encoding="utf-8"))
    status = agent.status()
    assert shown["vipgate_agent_acknowledged_rows"] == 298
    assert shown["vipgate_agent_snapshot_rows"] == status["snapshot_done"] == 300
    assert shown["vipgate_agent_dead_letters"] == status["dead_letters"] == 2
    assert shown["vipgate_agent_backlog_rows"] == status["backlog"] == 0
    assert shown["vipgate_agent_lag_seconds"] == status["lag_s"] == 0
    assert (shown["vipgate_agent_in_trouble"], status["trouble"]) == (0, None)
    assert abs(shown["vipgate_agent_last_look_timestamp_seconds"] - time.time()) < WAIT_S
    # Nothing half written is left for the exporter to pick up.
    assert [path.name for path in tmp_path.glob("*.prom*")] == ["vipgate.prom"]


def test_port_answers_while_it_runs_and_tells_of_trouble(tmp_path: Path, odd: OddPlatform) -> None:
    agent = Agent(tmp_path, 300, odd)
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    agent.add(f"[metrics]\nport = {port}\n")

    def asked() -> dict[str, float]:
        return figures(httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=WAIT_S).text)

    with agent.running():
        eventually(lambda: len(odd.held) == 300)
        eventually(lambda: asked()["vipgate_agent_snapshot_rows"] == 300)
        eventually(lambda: asked()["vipgate_agent_in_trouble"] == 0)
        odd.rule = lambda _: Reply.of("503", "busy", status=503)
        insert_now(agent.database, 301)
        eventually(lambda: asked()["vipgate_agent_in_trouble"] == 1)
        eventually(lambda: asked()["vipgate_agent_backlog_rows"] == agent.status()["backlog"] == 1)
        eventually(lambda: asked()["vipgate_agent_lag_seconds"] > 0)
        odd.rule = lambda _: STORED
        eventually(lambda: asked()["vipgate_agent_in_trouble"] == 0)


def test_file_is_another_one_each_time_so_that_nobody_reads_half_of_it(tmp_path: Path) -> None:
    metrics, path = Metrics(PARK), tmp_path / "vipgate.prom"
    metrics.write(path)
    with path.open(encoding="utf-8") as before:
        metrics.update(
            Status(at_us=1_700_000_000_000_000, acknowledged=7, troubles={"spool": Trouble("85% are in use", 1)})
        )
        metrics.write(path)
        assert path.stat().st_ino != os.fstat(before.fileno()).st_ino
        assert figures(before.read())["vipgate_agent_acknowledged_rows"] == 0
    shown = figures(path.read_text(encoding="utf-8"))
    assert shown["vipgate_agent_acknowledged_rows"] == 7
    assert shown["vipgate_agent_last_look_timestamp_seconds"] == 1_700_000_000
    assert shown["vipgate_agent_in_trouble"] == 1


def test_figures_that_cannot_be_written_are_told_and_hold_up_no_record(tmp_path: Path, odd: OddPlatform) -> None:
    agent = Agent(tmp_path, 300, odd)
    agent.add('[metrics]\nfile = "nowhere/vipgate.prom"\n')
    done = agent.do("run", "--once")
    assert done.returncode == 0, done.stderr
    assert len(odd.held) == 300
    assert done.stderr.count(f"cannot write {tmp_path}/nowhere/vipgate.prom: No such file or directory") == 1
    assert "fix metrics.file" in done.stderr


def test_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"Cannot listen on 127.0.0.1:{port}: Address already in use; fix metr"):
            Metrics(PARK).serve("127.0.0.1", port)


# ---- the log --------------------------------------------------------------------------------------------------------------


def test_log_is_begun_anew_at_its_bound_and_old_ones_go(tmp_path: Path, odd: OddPlatform) -> None:
    agent = Agent(tmp_path, 300, odd)
    agent.add('[log]\nfile = "logs/agent.log"\nbytes_max = 4096\nkeep = 2\n')
    agent.edit("[platform]\n", "[platform]\nbatch_rows = 50\n")
    agent.change("UPDATE 续费记录 SET 类型 = '周卡'")
    done = agent.do("run", "--once")
    assert done.returncode == 3
    assert "dead letter" not in done.stderr.replace("300 dead letters", "")
    folder = tmp_path / "logs"
    assert sorted(path.name for path in folder.iterdir()) == ["agent.log", "agent.log.1", "agent.log.2"]
    for path in folder.iterdir():
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        assert lines
        assert {"event", "level", "timestamp"} <= set(lines[0])
        # A line in which Chinese takes more bytes than letters may stand over.
        assert 0 < path.stat().st_size <= 4096 + 512
    last = json.loads((folder / "agent.log").read_text(encoding="utf-8").splitlines()[-1])
    assert (last["event"], last["dead"]) == ("agent ends", 300)


# ---- the spool ------------------------------------------------------------------------------------------------------------

MIB = 1024 * 1024


def used(status: dict[str, Any]) -> int:
    """How many per cent of the bound the status speaks of."""
    found = re.search(r"(\d+)% of spool.bytes_max are in use", str(status.get("trouble")))
    return int(found[1]) if found else 0


def test_spool_that_is_full_stops_the_reading_and_loses_nothing(tmp_path: Path, odd: OddPlatform) -> None:
    agent = Agent(tmp_path, 9_000, odd)
    agent.add(f"[spool]\nbytes_max = {2 * MIB}\n")
    # What was refused is sent once more, as late as a copy of it may arrive: the shorter, the sooner there is room.
    agent.edit("[platform]\n", "[platform]\ntimeout_s = 1\n")
    assert agent.do("run", "--once").returncode == 0
    # Changes wait in the spool, unlike the snapshot.
    agent.change("UPDATE 续费记录 SET 更新时间 = datetime(), 实收 = 实收 + 1")
    odd.rule = lambda _: Reply.of("503", "away", status=503)
    with agent.running():
        eventually(lambda: used(agent.status()) >= 100)
        full = agent.status()
        assert 2_000 <= full["backlog"] < 9_000
        before = len(odd.pushes)
        agent.change("UPDATE 续费记录 SET 实收 = 1.01 WHERE 编号 IN (1, 9000)")
        eventually(lambda: len(odd.pushes) > before + 3)
        # One page may stand over the bound.
        assert agent.status()["backlog"] <= full["backlog"] + 2_000 < 9_000
        assert (tmp_path / "agent.spool").stat().st_size < 4 * MIB
        warnings = (tmp_path / "errors").read_text(encoding="utf-8")
        assert warnings.count('"event": "spool fills up"') == 1
        odd.rule = lambda _: STORED
        eventually(lambda: agent.status()["trouble"] is None)
    # The next run sees what was changed behind the reader's back. A request without an answer in time is sent once more, later.
    eventually(lambda: agent.do("run", "--once").returncode == 0 and agent.status()["backlog"] == 0)
    assert {odd.held[f"XF{number:012}"]["pay_value"] for number in (1, 9_000)} == {101}
