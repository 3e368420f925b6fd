"""A real agent whose source or parts fail in ways that nobody foresaw: it goes on, or ends with a status, and says so."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import openpyxl  # type: ignore[import-untyped]
import pytest
from bench.park import make_park, write_config
from bench.records import SECRET

from support.fault_injection import WORD, sabotaged
from support.hostile_workbooks import HEADER, xlsx
from support.odd_platform import STORED, OddPlatform, platform

WAIT_S = 60.0
CONFIG = """
[platform]
url = "http://127.0.0.1:{port}"
park_uuid = "park-a"
secret = "{secret}"
timeout_s = 1

[source]
file = "续费.xlsx"
poll_s = 0.2

[map]
plate = "车牌号"
plate_color = {{ constant = 1 }}
charge_type = {{ constant = "A" }}
vip_type = {{ constant = 1 }}
quantity = {{ constant = 1 }}
pay_partner = "订单号"
pay_type = {{ constant = 1 }}

[log]
file = "agent.log"
"""
FAR = HEADER + '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'


class Park:
    """A folder with a configuration, and the agent's commands on it."""

    def __init__(self, folder: Path, config: Path) -> None:
        self.folder, self.config = folder, config
        self.environment: dict[str, str] = {}
        self.process: subprocess.Popen[str] | None = None

    def words(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "vipgate", "agent", arguments[0], str(self.config), *arguments[1:]]

    def do(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | self.environment
        return subprocess.run(
            self.words(*arguments), capture_output=True, text=True, timeout=WAIT_S, check=False, env=environment
        )

    def status(self) -> dict[str, Any]:
        """What `status` shows; it is a command of its own, in which nothing fails."""
        done = subprocess.run(self.words("status", "--format", "json"), capture_output=True, text=True, check=False)
        return dict(json.loads(done.stdout)) if done.returncode == 0 else {"trouble": None, "running": None}

    def troubles(self, *, over: bool = False) -> dict[str, str]:
        """Those that last, or are over, as the agent wrote them last: a command for each look would take long."""
        with suppress(sqlite3.Error), closing(sqlite3.connect(self.config.with_suffix(".spool"), timeout=10)) as db:
            [text] = db.execute("SELECT value FROM meta WHERE name = 'status'").fetchone()
            found = json.loads(text)["troubles"]
            return {part: one["reason"] for part, one in found.items() if (one["over_us"] is not None) == over}
        return {}

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        with (self.folder / "errors").open("w") as errors:
            process = subprocess.Popen(self.words("run"), stderr=errors, env=os.environ | self.environment)
        try:
            yield process
            assert process.poll() is None, (self.folder / "errors").read_text()
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(WAIT_S) == 0

    def said(self) -> str:
        files = (self.folder / "agent.log", self.folder / "errors")
        return "".join(file.read_text(encoding="utf-8") for file in files if file.exists())

    def write(self, orders: int) -> None:
        """The park's own program writes its sheet."""
        book = openpyxl.Workbook()
        book.active.append(["车牌号", "订单号"])
        for number in range(orders):
            book.active.append(["粤B12345", f"XF{number}"])
        book.save(self.folder / "new.xlsx")
        (self.folder / "new.xlsx").replace(self.folder / "续费.xlsx")


def until(happened: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + WAIT_S
    while not happened():
        assert time.monotonic() < deadline_s
        time.sleep(0.1)


@pytest.fixture
def odd() -> Iterator[OddPlatform]:
    with platform(lambda _: STORED).running() as one:
        yield one


@pytest.fixture
def sheet(tmp_path: Path, odd: OddPlatform) -> Park:
    config = tmp_path / "park.toml"
    config.write_text(CONFIG.format(port=odd.port, secret=SECRET), encoding="utf-8")
    made = Park(tmp_path, config)
    made.write(3)
    return made


@pytest.fixture
def database(tmp_path: Path, odd: OddPlatform) -> Park:
    make_park(tmp_path, 50)
    return Park(tmp_path, write_config(tmp_path, odd.port, "park-a", lag_s=0))


@pytest.mark.parametrize(
    ("rows", "sheets", "told"),
    [
        (FAR, 1, "is too large: its cells lie in 1048576 rows and 16384 columns, the farthest in XFD1048576"),
        ("", 0, "it has no sheet; save it again"),
    ],
    ids=["a far cell", "no sheet"],
)
def test_workbook_that_cannot_be_read_is_told_with_its_time_and_waited_for(
    sheet: Park, odd: OddPlatform, rows: str, sheets: int, told: str
) -> None:
    with sheet.running():
        until(lambda: len(odd.held) == 3)
        xlsx(sheet.folder / "new.xlsx", rows, sheets=sheets).replace(sheet.folder / "续费.xlsx")
        until(lambda: any(told in reason for reason in sheet.troubles().values()))
        assert sheet.status()["trouble_since"].startswith("20")
        sheet.write(4)
        until(lambda: len(odd.held) == 4)
        until(lambda: not sheet.troubles())
        shown = sheet.status()
        assert shown["trouble"] is None
        assert told in shown["past_trouble"]
        assert shown["past_trouble_since"] <= shown["past_trouble_over"]
    assert told in sheet.said()


def test_every_command_that_reads_such_a_workbook_says_what_is_too_large_and_ends(
    sheet: Park, odd: OddPlatform
) -> None:
    path = xlsx(sheet.folder / "续费.xlsx", FAR)
    push = [
        sys.executable, "-m", "vipgate", "push", str(path), "--url", odd.url, "--park", "p", "--secret", "env:S", "--yes",
    ]  # fmt: skip
    init = [
        *sheet.words("init")[:5], str(sheet.folder / "made.toml"), "--url", odd.url, "--park-uuid", "p",
        "--secret", "env:S", "--source", str(path),
    ]  # fmt: skip
    for words in (sheet.words("run", "--once"), sheet.words("check"), push, init):
        done = subprocess.run(
            words, capture_output=True, text=True, timeout=WAIT_S, check=False, env=os.environ | {"S": SECRET}
        )
        assert done.returncode == 1, words
        assert "is too large" in done.stdout + done.stderr, words
        assert "delete the cells beyond the table" in done.stdout + done.stderr, words
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("kind", ["error", "panic"])
@pytest.mark.parametrize(
    "target",
    [
        "vipgate.agent.sources.sql:DatabaseSource.page",
        "vipgate.agent.sources.sql:DatabaseSource.__init__",
        "vipgate.agent.mapping.reader:Reader.read",
        "vipgate.agent.client:Client.send",
    ],
)
def test_fault_that_nobody_foresaw_is_logged_shown_and_tried_again(
    database: Park, odd: OddPlatform, target: str, kind: str
) -> None:
    database.environment = sabotaged(database.folder, target, times=4, kind=kind)
    with database.running():
        until(lambda: len(odd.held) == 50)
        until(lambda: any(WORD in reason for reason in database.troubles(over=True).values()))
        until(lambda: not database.troubles())
        assert WORD in str(database.status()["past_trouble"])
    faults = [json.loads(line) for line in database.said().splitlines() if '"ended by a fault"' in line]
    assert faults
    assert all("Traceback" in one["exception"] and WORD in one["exception"] for one in faults)


@pytest.mark.parametrize(
    "target",
    [
        "vipgate.agent.sources.sql:DatabaseSource.page",
        "vipgate.agent.mapping.reader:Reader.read",
        "vipgate.agent.client:Client.send",
    ],
)
def test_run_once_ends_with_a_status_where_such_a_fault_kept_it_from_its_work(database: Park, target: str) -> None:
    database.environment = sabotaged(database.folder, target, kind="panic")
    done = database.do("run", "--once")
    assert done.returncode == 1
    assert f"Panic: {WORD}" in done.stderr.splitlines()[-2] + done.stderr.splitlines()[-1]
    assert WORD in (database.status()["past_trouble"] or "") + (database.status()["trouble"] or "")


@pytest.mark.parametrize("away", ["platform", "source"])
def test_run_once_says_what_is_away_and_gives_up_after_its_time(database: Park, odd: OddPlatform, away: str) -> None:
    text = database.config.read_text(encoding="utf-8")
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    if away == "platform":
        text = text.replace(odd.url, f"http://127.0.0.1:{port}")
    else:
        text = text.replace("sqlite:///park.db", f"postgresql://nobody@127.0.0.1:{port}/park")
    # Its reasons are in a file: standard error has them all the same.
    database.config.write_text(text + '[log]\nfile = "agent.log"\n', encoding="utf-8")
    done = database.do("run", "--once", "--give-up-after-s", "2")
    assert done.returncode == 1
    *early, reason, end = done.stderr.splitlines()
    assert str(port) in reason
    assert early[0].endswith("; trying again")
    assert end.startswith("Gave up after 2 s without progress.")
    assert "Gave up after 2 s" in (database.folder / "agent.log").read_text(encoding="utf-8")
    assert "Gave up after 2 s" in database.status()["trouble"]


@pytest.mark.parametrize("kind", ["error", "panic"])
def test_agent_that_ends_by_a_fault_leaves_status_log_and_exit_status(sheet: Park, kind: str) -> None:
    sheet.environment = sabotaged(sheet.folder, "vipgate.agent.sync.source_reader:SourceReader.take", kind=kind)
    done = sheet.do("run")
    assert done.returncode == 1
    assert WORD in done.stderr
    status = sheet.status()
    assert f"the agent ended: {'ValueError' if kind == 'error' else 'Panic'}: {WORD}" in status["trouble"]
    assert status["running"] is False
    assert any(json.loads(line)["event"] == "the process ended by a fault" for line in sheet.said().splitlines())


def test_thread_that_reads_is_not_the_end_of_the_process_when_it_ends_for_good(database: Park) -> None:
    """Where even the retries fail, the loop ends and says so."""
    database.environment = sabotaged(database.folder, "vipgate.agent.sync.source_thread:retry_delay_s")
    done = database.do("run", "--once")
    assert done.returncode == 0
    database.environment = sabotaged(database.folder, "vipgate.agent.sync.source_thread:SourceThread._run")
    (database.folder / database.config.name).with_suffix(".spool").unlink()
    done = database.do("run")
    assert done.returncode == 1
    assert "The reading of the source has ended: ValueError" in done.stderr
