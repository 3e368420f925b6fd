"""The agent as a service: systemd takes the unit's text, and what the unit starts works in the bare world of a service."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from bench.park import insert_now, make_park, write_config
from bench.records import SECRET

from support.gateway_process import Gateway
from vipgate.agent.service_unit import systemd_unit
from vipgate.protocol.renewal import Renewal
from vipgate.store.interfaces.ledger import Filter

PARK = "park-a"
ROWS = 400
WAIT_S = 60.0
ANALYZE = shutil.which("systemd-analyze")
# What systemd reads in a unit, and what it expands in a command.
ODD_NAME = "停车 场 100%n $HOME"


@dataclass
class Park:
    """A park in a folder whose name a unit has to write with care; its secret stands in a file of variables beside it."""

    config: Path
    gateway: Gateway

    @property
    def folder(self) -> Path:
        return self.config.parent

    def unit(self) -> str:
        words = [sys.executable, "-m", "vipgate", "agent", "install-service", str(self.config), "--print"]
        variables = os.environ | {"PARK_SECRET": SECRET}
        done = subprocess.run(words, capture_output=True, text=True, env=variables, timeout=WAIT_S, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def held(self) -> dict[str, Renewal]:
        with self.gateway.store() as store:
            return {one.renewal.pay_partner: one.renewal for one in store.iter_records(PARK, Filter())}


@pytest.fixture
def park(tmp_path: Path) -> Iterator[Park]:
    gateway = Gateway(tmp_path)
    gateway.add_park(PARK, SECRET)
    gateway.start()
    folder = tmp_path / ODD_NAME
    folder.mkdir()
    make_park(folder, ROWS)
    config = write_config(folder, gateway.port, PARK, lag_s=0).rename(folder / f"{ODD_NAME}.toml")
    text = config.read_text(encoding="utf-8").replace(SECRET, "env:PARK_SECRET")
    config.write_text(text.replace("[platform]\n", "[platform]\ntimeout_s = 1\n"), encoding="utf-8")
    config.with_name(f"{ODD_NAME}.env").write_text(f"# of the park\nPARK_SECRET={SECRET}\n", encoding="utf-8")
    yield Park(config, gateway)
    gateway.kill()


class Unit:
    """Reads a unit as systemd does, and starts its command in the world that a service has."""

    def __init__(self, text: str) -> None:
        self.settings = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)

    def plain(self, name: str) -> str:
        text = self.settings[name].split("%%")
        assert not any("%" in part for part in text), "systemd would put something else in its place"
        return "%".join(text)

    def command(self) -> list[str]:
        words = [word.split("$$") for word in self.words("ExecStart")]
        assert not any("$" in part for parts in words for part in parts), "systemd would put a variable in its place"
        return ["$".join(parts) for parts in words]

    def words(self, name: str) -> list[str]:
        return shlex.split(self.plain(name))

    def start(self, errors: Path) -> subprocess.Popen[bytes]:
        variables = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
        given = self.plain("EnvironmentFile")
        assert given[0] == "-"
        for line in Path(given[1:]).read_text(encoding="utf-8").splitlines():
            if not line.startswith("#"):
                name, value = line.split("=", 1)
                variables[name] = value
        folder = self.plain("WorkingDirectory")
        with errors.open("ab") as file:
            return subprocess.Popen(self.command(), env=variables, cwd=folder, stdin=subprocess.DEVNULL, stderr=file)


def eventually(happened: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + WAIT_S
    while not happened():
        assert time.monotonic() < deadline_s
        time.sleep(0.1)


def test_what_the_unit_starts_works_ends_well_and_goes_on(park: Park) -> None:
    unit, errors = Unit(park.unit()), park.gateway.home / "errors"
    process = unit.start(errors)
    try:
        eventually(lambda: len(park.held()) == ROWS)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(WAIT_S) == 0
    assert park.config.with_suffix(".spool").exists()
    new = insert_now(park.folder / "park.db", ROWS + 1)
    process = unit.start(errors)
    try:
        eventually(lambda: new in park.held())
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(WAIT_S) == 0
    ends = [json.loads(line) for line in errors.read_text(encoding="utf-8").splitlines() if "agent ends" in line]
    first, second = (end["acknowledged"] for end in ends)
    # The snapshot is not sent again.
    assert (first, second) == (ROWS, 1)


def test_unit_is_started_again_for_ever_and_stopped_with_patience(park: Park) -> None:
    unit = Unit(park.unit())
    assert (unit.settings["Restart"], unit.settings["StartLimitIntervalSec"]) == ("always", "0")
    # What is in flight is waited for.
    assert int(unit.settings["TimeoutStopSec"]) >= 60
    assert unit.words("ReadWritePaths") == [str(park.folder), str(park.folder)]
    assert unit.plain("Description").endswith(ODD_NAME)


def test_installed_unit_may_write_the_log_and_the_figures_that_the_configuration_names(park: Park) -> None:
    text = park.config.read_text(encoding="utf-8")
    more = '\n[log]\nfile = "logs/agent.log"\n[metrics]\nfile = "/srv/figures/park.prom"\n'
    park.config.write_text(text + more, encoding="utf-8")
    folders = [str(park.folder), str(park.folder), f"-{park.folder / 'logs'}", "-/srv/figures"]
    assert Unit(park.unit()).words("ReadWritePaths") == folders


def test_unit_may_write_where_log_and_figures_go(tmp_path: Path) -> None:
    config, spool = tmp_path / "park.toml", tmp_path / "spools" / "park.spool"
    unit = Unit(
        systemd_unit(config, spool, "parking", [Path("/var/log/parking $1/agent.log"), Path("/srv/a%b/c.prom")])
    )
    folders = [str(tmp_path / "spools"), str(tmp_path), "-/var/log/parking $1", "-/srv/a%b"]
    assert unit.words("ReadWritePaths") == folders


@pytest.mark.skipif(ANALYZE is None, reason="no systemd on this machine")
@pytest.mark.parametrize("writes", [[], [Path("/var/lib/node exporter/vipgate.prom")]])
def test_unit_is_one_that_systemd_takes(park: Park, writes: list[Path]) -> None:
    text = systemd_unit(park.config, park.config.with_suffix(".spool"), "root", writes) if writes else park.unit()
    path = park.gateway.home / "vipgate-agent-park.service"
    path.write_text(text, encoding="utf-8")
    assert ANALYZE is not None
    done = subprocess.run([ANALYZE, "verify", str(path)], capture_output=True, text=True, timeout=WAIT_S, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
