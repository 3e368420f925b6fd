"""Nothing that a command leaves on the disk may be reached by other users of the machine, whatever the umask.

Each command runs for real under umask 000, which takes no right away; then all that lies there is looked at.
"""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from bench.park import make_park, write_config
from bench.records import SECRET as PARK_SECRET

from support.gateway_process import PARK, SECRET, Gateway
from vipgate.agent.prometheus import Metrics
from vipgate.cli import agent_setup
from vipgate.cli.sample import sample_renewals
from vipgate.protocol.envelope import encode_renewals
from vipgate.support.logs import _PrivateFileHandler

WAIT_S = 30.0
BODY = encode_renewals(PARK, sample_renewals(3, 1, until_us=1_795_492_800_000_000))

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows has no such modes")


@pytest.fixture(autouse=True)
def open_umask() -> Iterator[None]:
    """What the test and its processes make gets every right that they ask for."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "root"
    made.mkdir(0o700)
    (made / "tmp").mkdir(0o700)
    return made


def exposed(root: Path) -> dict[str, str]:
    """All below `root` that others have a right to, with its mode."""
    found = {path.relative_to(root): stat.S_IMODE(path.lstat().st_mode) for path in root.rglob("*")}
    assert found, "nothing was made"
    return {str(path): f"{mode:04o}" for path, mode in found.items() if mode & 0o077}


def eventually(happened: Callable[[], object]) -> None:
    deadline_s = time.monotonic() + WAIT_S
    while not happened():
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


def gateway_in(root: Path) -> Gateway:
    """A gateway whose data folder is still to be made, two levels deep; its log is the test's own."""
    made = Gateway(root, {"VIPGATE_HOME": str(root / "data" / "deep"), "TMPDIR": str(root / "tmp")})
    (root / "log").touch(0o600)
    return made


def vipgate(root: Path, *words: str, given: str = "", **variables: str) -> str:
    environment = gateway_in(root).environment | variables
    command = [sys.executable, "-m", "vipgate", *words]
    done = subprocess.run(
        command, env=environment, cwd=root, input=given, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, (words, done.stderr)
    return done.stdout + done.stderr


GATEWAY_COMMANDS = (
    f"park add {PARK} --secret -", "park list", f"export {PARK}", "user add li --role reader --password -",
    "token add --name t --scope metrics",
    "migrate", "backup copies/by-hand.db", "backup copies --verify --keep-days 3", "erase 粤B12345 --yes", "audit", "rekey",
)  # fmt: skip


def test_command_of_the_gateway_makes_nothing_that_others_may_reach(root: Path) -> None:
    (root / "copies").mkdir(0o700)
    for words in GATEWAY_COMMANDS:
        vipgate(root, *words.split(), given=SECRET + "\n")
        assert exposed(root) == {}, words
    made = {re.sub(r"\d{8}T\d{6}(\.\d{6})?Z", "TIME", path.name) for path in root.rglob("*") if path.is_file()}
    kept = {"vipgate.db", "vipgate.db.lock", "master.key", "master.key.until-TIME"}
    assert made >= kept | {"by-hand.db", "vipgate-TIME.db"}


def test_copy_leaves_nothing_that_others_may_reach(root: Path, postgres: str) -> None:
    vipgate(root, "park", "add", PARK, "--secret", "-", given=SECRET + "\n")
    vipgate(root, "copy", f"sqlite:///{root / 'data' / 'deep' / 'vipgate.db'}", postgres)
    assert exposed(root) == {}


def test_gateway_that_serves_has_nothing_that_others_may_reach(root: Path) -> None:
    gateway = gateway_in(root)
    vipgate(root, "park", "add", PARK, "--secret", "-", given=SECRET + "\n")
    gateway.start()
    try:
        assert gateway.push(BODY).code == "1001"
        assert {"vipgate.db", "vipgate.db-wal", "vipgate.db-shm", "vipgate.db.pid", "vipgate.db.lock"} <= {
            path.name for path in root.rglob("*")
        }
        assert exposed(root) == {}
    finally:
        gateway.stop()
    assert exposed(root) == {}


def test_demo_has_nothing_that_others_may_reach(root: Path) -> None:
    command = [sys.executable, "-m", "vipgate", "demo", "--port", "0"]
    environment = gateway_in(root).environment

    def listen() -> None:
        # A shell's background jobs ignore Ctrl-C, and so would this one.
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    with subprocess.Popen(
        command, env=environment, cwd=root, stdout=subprocess.PIPE, text=True, preexec_fn=listen
    ) as demo:
        try:
            assert demo.stdout is not None
            assert any("Serving." in line for line in demo.stdout)
            assert {"gateway.log", "vipgate.db", "vipgate.db-wal"} <= {path.name for path in root.rglob("*")}
            # It all lies in one folder of mode 0700; the modes inside count all the same.
            assert exposed(root) == {}
        finally:
            demo.send_signal(signal.SIGINT)
        assert demo.wait(WAIT_S) == 0


@pytest.fixture
def park(root: Path) -> Path:
    """A park's folder with its records, and nothing of the agent's yet."""
    folder = root / "park"
    folder.mkdir(0o700)
    make_park(folder, 20).chmod(0o600)
    return folder


def test_configuration_that_init_writes_may_be_read_by_nobody_else(root: Path, park: Path) -> None:
    source = ["--source", f"sqlite:///{park / 'park.db'}", "--table", "续费记录"]
    told = ["--url", "http://127.0.0.1:9", "--park-uuid", PARK, "--secret", "env:S"]
    vipgate(root, "agent", "init", "park/new.toml", *told, *source, S=PARK_SECRET)
    assert (park / "new.toml").stat().st_size > 0
    assert exposed(root) == {}


@contextmanager
def running_agent(root: Path, config: Path, spool: Path) -> Iterator[None]:
    words = [sys.executable, "-m", "vipgate", "agent", "run", str(config), "--spool", str(spool)]
    agent = subprocess.Popen(words, cwd=root, env=gateway_in(root).environment)
    try:
        yield
    finally:
        agent.send_signal(signal.SIGTERM)
        agent.wait(WAIT_S)


def test_agent_that_runs_has_nothing_that_others_may_reach_but_its_figures(root: Path, park: Path) -> None:
    config = write_config(park, 9, PARK, lag_s=0)
    log, figures, spool = park / "logs" / "deep" / "agent.log", park / "agent.prom", park / "kept" / "deep" / "a.spool"
    with config.open("a") as file:
        file.write(f'[log]\nfile = "{log}"\nbytes_max = 20000\n[metrics]\nfile = "{figures}"\n')
    with running_agent(root, config, spool):
        eventually(lambda: figures.exists() and log.exists() and log.stat().st_size)
        assert {"a.spool", "a.spool-wal", "a.spool-shm", "a.spool.pid", "a.spool.lock"} <= {
            path.name for path in root.rglob("*")
        }
        # The node exporter is another user. Nobody but the agent may write them.
        assert exposed(root) == {"park/agent.prom": "0644"}
    for command in ("status", "dead list"):
        vipgate(root, "agent", *command.split(), str(config), "--spool", str(spool))
        assert exposed(root) == {"park/agent.prom": "0644"}, command


def test_log_that_begins_anew_is_private_too(tmp_path: Path) -> None:
    with closing(_PrivateFileHandler(tmp_path / "agent.log", maxBytes=1, backupCount=2, encoding="utf-8")) as handler:
        handler.doRollover()
        handler.doRollover()
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["agent.log", "agent.log.1", "agent.log.2"]
    assert exposed(tmp_path) == {}


def test_figures_can_be_read_where_the_service_has_a_strict_umask(tmp_path: Path) -> None:
    os.umask(0o077)
    Metrics("park").write(tmp_path / "agent.prom")
    assert exposed(tmp_path) == {"agent.prom": "0644"}


def test_unit_of_an_agent_can_be_written_by_root_alone(
    park: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    units = tmp_path / "units"
    units.mkdir(0o700)
    monkeypatch.setattr(agent_setup, "UNIT_FOLDER", units)
    agent_setup.install_service(write_config(park, 9, PARK, lag_s=0), user="parking")
    assert exposed(units) == {"vipgate-agent-agent.service": "0644"}
    [unit] = units.iterdir()
    assert "\nUMask=0077\n" in unit.read_text(encoding="utf-8")


# ---- what was made looser earlier ------------------------------------------------------------------------------------


def loosen(root: Path) -> set[str]:
    """Lets others read everything below `root`; the remedies that must be told."""
    for path in root.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return {f"chmod {700 if path.is_dir() else 600} {path}" for path in root.rglob("*")}


def test_serve_tells_what_others_may_reach(root: Path) -> None:
    gateway = gateway_in(root)
    vipgate(root, "park", "add", PARK, "--secret", "-", given=SECRET + "\n")
    (root / "vipgate.toml").write_text('database = "postgresql://u:password@127.0.0.1:9/d"\n', encoding="utf-8")
    home = root / "data" / "deep"
    gateway.settings["VIPGATE_DATABASE"] = f"sqlite:///{home / 'vipgate.db'}"
    (home / "vipgate.db").chmod(0o640)
    (home / "vipgate.db.lock").touch(0o666)
    home.chmod(0o755)
    gateway.start("--config", "vipgate.toml")
    gateway.stop()
    lines = [json.loads(line) for line in (root / "log").read_text(encoding="utf-8").splitlines()]
    told = {(line["mode"], line["remedy"]) for line in lines if line["event"] == "other users can access it"}
    assert told == {
        ("0755", f"chmod 700 {home}"), ("0640", f"chmod 600 {home / 'vipgate.db'}"),
        ("0666", f"chmod 600 {home / 'vipgate.db.lock'}"), ("0666", "chmod 600 vipgate.toml"),
    }  # fmt: skip


def test_settings_file_without_a_secret_may_be_read(root: Path) -> None:
    gateway = gateway_in(root)
    (root / "vipgate.toml").write_text('host = "127.0.0.1"\n', encoding="utf-8")
    gateway.start("--config", "vipgate.toml")
    gateway.stop()
    assert "other users can access it" not in (root / "log").read_text(encoding="utf-8")


def test_agent_tells_what_others_may_reach(root: Path, park: Path) -> None:
    config = write_config(park, 9, PARK, lag_s=0)
    config.with_suffix(".env").write_text("A=b\n", encoding="utf-8")
    spool = park / "kept" / "a.spool"
    with running_agent(root, config, spool):
        eventually(lambda: (spool.parent / "a.spool-wal").exists())
    remedies = loosen(spool.parent) | {f"chmod 600 {config}", f"chmod 600 {config.with_suffix('.env')}"}
    remedies.add(f"chmod 700 {spool.parent}")
    spool.parent.chmod(0o755)
    for path in (config, config.with_suffix(".env")):
        path.chmod(0o640)

    words = [sys.executable, "-m", "vipgate", "agent"]
    check = [*words, "check", str(config), "--spool", str(spool)]
    done = subprocess.run(check, cwd=root, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert set(re.findall(r"→ (chmod .*)", done.stdout)) == remedies

    run = [*words, "run", str(config), "--spool", str(spool)]
    with subprocess.Popen(run, cwd=root, stderr=subprocess.PIPE, text=True) as agent:
        try:
            assert agent.stderr is not None
            # Before anything else.
            lines = [json.loads(agent.stderr.readline()) for _ in remedies]
        finally:
            agent.send_signal(signal.SIGTERM)
    assert {line["remedy"] for line in lines if line["event"] == "other users can access it"} == remedies
