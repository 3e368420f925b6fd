"""The status page."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.agent_page import OpenPage, make_park, open_page
from vipgate.agent.service_unit import service_commands
from vipgate.agent.status import Status, Sweep, save_status
from vipgate.clock import clock_us


@pytest.fixture
def page(tmp_path: Path) -> OpenPage:
    return open_page(make_park(tmp_path))


def note(page: OpenPage, status: Status) -> None:
    spool = page.spool()
    with spool.transaction():
        save_status(spool, status)
    spool.close()


def test_before_the_first_run_it_offers_to_start_and_makes_no_spool(page: OpenPage) -> None:
    shown = page.get("/")
    assert "has not run yet" in shown
    assert 'action="' + page.context.base + '/start"' in shown
    assert not page.context.config_path.with_suffix(".spool").exists()


def test_figures_requests_and_chart_are_those_of_the_status(page: OpenPage) -> None:
    status = Status(at_us=clock_us(), is_snapshot_done=True, sweep=Sweep(total=9, begun_us=1, ended_us=2))
    status.note_request(clock_us(), "20261130000000000001", 9, "")
    status.note_request(clock_us(), "20261130000000000002", 4, "400 row[0].plate: <wrong>")
    status.acknowledged = 1234
    status.note_interval(clock_us())
    note(page, status)
    shown = page.get("/")
    assert "The 9 rows of the source were read and compared" in shown
    assert "stored (1001)" in shown
    assert "20261130000000000001" in shown
    assert "400 row[0].plate: &lt;wrong&gt;" in shown
    assert "1,234" in shown
    assert re.search(r'<meta http-equiv="refresh" content="5; url=', shown)
    assert "http-equiv" not in page.get("/?still=1")


def test_trouble_is_shown_with_its_time(page: OpenPage) -> None:
    status = Status(at_us=clock_us())
    status.tell("platform", "cannot connect to http://user:pass@h/; look at the network", clock_us())
    note(page, status)
    shown = page.get("/")
    assert "look at the network" in shown
    assert "pass@" not in shown


def test_wrong_configuration_is_explained(page: OpenPage) -> None:
    page.context.config_path.write_text("[platform]\nurl = 1\n")
    shown = page.get("/", status=409)
    assert "platform.url" in shown
    assert "/setup" in shown


def test_agent_in_the_background_needs_a_log_file(page: OpenPage) -> None:
    text = page.context.config_path.read_text(encoding="utf-8")
    page.context.config_path.write_text(text.partition("[log]")[0], encoding="utf-8")
    assert "needs a log file" in page.post("/start", status=409)


def test_start_that_fails_says_why(page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vipgate.agent.page.agent_process.STARTED_S", 60.0)
    text = page.context.config_path.read_text(encoding="utf-8")
    page.context.config_path.write_text(text.replace('table = "续费记录"', 'table = "nothing"'), encoding="utf-8")
    assert "nothing" in page.post("/start", status=409)


def test_rows_that_a_filter_leaves_out_are_not_said_to_be_sent(page: OpenPage) -> None:
    status = Status(at_us=clock_us(), is_snapshot_done=True, sweep=Sweep(total=9, begun_us=1, ended_us=2))
    note(page, status)
    assert "pass the filters" not in page.get("/")
    with page.context.config_path.open("a", encoding="utf-8") as file:
        file.write('\n[[filter]]\ncolumn = "支付方式"\nin = ["微信"]\n')
    assert "to be sent (those that pass the filters) is on the platform" in page.get("/")


def start_child(page: OpenPage, program: str) -> subprocess.Popen[bytes]:
    """A process in place of the agent that the page has started; ready once it has written a line."""
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert child.stdout
    child.stdout.readline()
    page.context.process._process = child
    return child


def test_agent_that_was_stopped_is_not_shown_as_running(page: OpenPage) -> None:
    note(page, Status(at_us=clock_us(), is_snapshot_done=True))
    start_child(page, "import time; print(flush=True); time.sleep(60)")
    shown = page.get("/")
    assert ">Running<" in shown
    assert page.post("/stop") == "/?done=stopped"
    shown = page.get("/?done=stopped")
    assert ">Not running<" in shown
    assert "The agent was stopped" in shown
    assert "another window" not in shown
    assert 'action="' + page.context.base + '/start"' in shown


def test_agent_that_takes_long_to_end_is_shown_as_ending(page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vipgate.agent.page.agent_process.STOP_S", 0.1)
    note(page, Status(at_us=clock_us(), is_snapshot_done=True))
    child = start_child(
        page, "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    )
    assert page.post("/stop") == "/?done=stopping"
    shown = page.get("/")
    assert ">Ending<" in shown
    assert "/stop" not in shown
    assert 'http-equiv="refresh"' in shown
    child.kill()
    child.wait()
    assert ">Not running<" in page.get("/")


def test_page_says_what_a_restart_of_the_machine_ends_and_the_command_against_it(
    page: OpenPage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    commands = html.escape("\n".join(service_commands(page.context.config_path)), quote=True).replace("&#x27;", "&#39;")
    assert commands in page.get("/")
    start_child(page, "import time; print(flush=True); time.sleep(60)")
    shown = page.get("/")
    assert "a restart of the machine ends it unless the service is installed" in shown
    assert commands in shown
    monkeypatch.setattr("vipgate.agent.page.views.overview.UNIT_FOLDER", tmp_path)
    (tmp_path / "vipgate-agent-park.service").touch()
    shown = page.get("/")
    assert "ends it" not in shown
    page.post("/stop")


def test_settings_that_the_running_agent_does_not_know_are_said(page: OpenPage) -> None:
    note(page, Status(at_us=clock_us(), is_snapshot_done=True))
    spool = page.spool()
    with spool.transaction():
        spool.set_setting({"snapshot_mapping": page.context.config().mapping_fingerprint})
    assert "it runs by the former mapping" not in page.get("/")
    path = page.context.config_path
    path.write_text(path.read_text(encoding="utf-8").replace('{ "月卡" = 1 }', '{ "月卡" = 5 }'), encoding="utf-8")
    assert "it runs by the former mapping" in page.get("/")
    with spool.transaction():
        save_status(spool, Status(at_us=1))
    spool.close()
    assert "it runs by the former mapping" not in page.get("/")
