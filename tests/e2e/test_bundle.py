"""The bundle that a technician unpacks: it installs without a network, from what it brings, and only as it was built."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import stat
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "deploy" / "bundle" / "build.py"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
INSTALL_S_MAX = 240
# What a machine of a park has: no index, no proxy, no settings of pip.
BARE = {"PATH": os.environ["PATH"], "LANG": "zh_CN.UTF-8", "HOME": "/nonexistent"}


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the bundles of both systems, with packages for this Python."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, BUILD, "--python", PYTHON, "--folder", folder], check=True, timeout=INSTALL_S_MAX)
    return folder


@pytest.fixture(scope="module")
def linux(archives: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked bundle for Linux."""
    [archive] = archives.glob("*-linux-x64.tar.gz")
    folder = tmp_path_factory.mktemp("园区 A")
    with tarfile.open(archive) as file:
        file.extractall(folder, filter="data")
    [place] = folder.iterdir()
    return place


def install(place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs the bundle's installer, in a network of its own that leads nowhere where the system allows it."""
    alone = ["unshare", "--map-root-user", "--net"]
    if shutil.which("unshare") is None or subprocess.run([*alone, "true"], check=False, capture_output=True).returncode:
        alone = []
    command = [*alone, str(place / "install.sh"), "--no-page", *words]
    return subprocess.run(
        command, env=BARE, check=False, capture_output=True, text=True, timeout=INSTALL_S_MAX, encoding="utf-8"
    )


@pytest.mark.timeout(2 * INSTALL_S_MAX)
def test_bundle_installs_without_index_or_network_and_starts_the_agent(linux: Path) -> None:
    done = install(linux)
    assert done.returncode == 0, done.stderr
    assert "安装完成" in done.stdout
    env = linux / "vipgate" / "bin"
    told = subprocess.run(
        [env / "vipgate", "agent", "--help"], env=BARE, check=True, capture_output=True, text=True, encoding="utf-8"
    )
    assert "install-service" in told.stdout
    # The drivers of the databases are there; pyodbc alone needs the system's unixODBC.
    subprocess.run([env / "python", "-c", "import pymssql, pymysql, psycopg, python_calamine"], env=BARE, check=True)
    assert os.access(linux / "vipgate-page.sh", os.X_OK)
    # What the page writes there is for one user only, so that the check demands nothing of a new installation.
    assert stat.S_IMODE((linux / "park").stat().st_mode) == 0o700
    assert str(linux / "park") in done.stdout
    assert str(env / "vipgate") in done.stdout
    fake = linux / "vipgate-page-test.sh"
    fake.write_text(
        (linux / "vipgate-page.sh").read_text(encoding="utf-8").replace(f'exec "{env / "vipgate"}"', "pwd; exec echo"),
        encoding="utf-8",
    )
    opened = subprocess.run(["sh", fake], env=BARE, check=True, capture_output=True, text=True, encoding="utf-8")
    assert opened.stdout.splitlines() == [str(linux / "park"), "agent page"]
    fake.unlink()


@pytest.mark.timeout(INSTALL_S_MAX)
def test_altered_wheel_is_not_installed(linux: Path, tmp_path: Path) -> None:
    place = tmp_path / "bundle"
    shutil.copytree(linux, place, ignore=shutil.ignore_patterns("vipgate"))
    [wheel] = (place / "wheels").glob("vipgate-*.whl")
    wheel.write_bytes(wheel.read_bytes() + b"\0")
    done = install(place, "--into", str(tmp_path / "env"))
    assert done.returncode == 1
    assert "SHA256SUMS" in done.stdout
    assert not (tmp_path / "env" / "bin" / "vipgate").exists()


def test_python_without_packages_is_refused_with_the_ones_that_have_them(linux: Path, tmp_path: Path) -> None:
    place = tmp_path / "bundle"
    shutil.copytree(linux, place, ignore=shutil.ignore_patterns("vipgate", "wheels"))
    (place / "pythons.txt").write_text("3.99\n", encoding="utf-8")
    done = install(place)
    assert done.returncode == 1
    assert f"这个 Python 是 {PYTHON}" in done.stdout
    assert "3.99" in done.stdout


def test_sums_name_every_file(linux: Path) -> None:
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=linux, check=True)
    named = {line.split(maxsplit=1)[1] for line in (linux / "SHA256SUMS").read_text(encoding="utf-8").splitlines()}
    there = {str(one.relative_to(linux)) for one in linux.rglob("*") if one.is_file()}
    made = {one for one in there if one.startswith(("vipgate/", "vipgate-page", "park/"))}
    assert there - made == named | {"SHA256SUMS"}


def test_bundle_for_windows_has_a_wheel_for_every_pin_and_a_script_that_cmd_reads(archives: Path) -> None:
    [archive] = archives.glob("*-windows-x64.zip")
    with zipfile.ZipFile(archive) as file:
        [top] = {name.partition("/")[0] for name in file.namelist()}
        held = {name.removeprefix(f"{top}/"): file.read(name) for name in file.namelist()}
    wheels = {name.removeprefix("wheels/") for name in held if name.startswith("wheels/")}
    fit = re.compile(rf".*-(py3|py2\.py3|cp{PYTHON.replace('.', '')}|cp\d+-abi3)-?.*(win_amd64|any)\.whl")
    assert {wheel for wheel in wheels if not fit.fullmatch(wheel)} == set()
    pinned = re.findall(r"^([\w.-]+)==(\S+) ", held["requirements.txt"].decode(), re.MULTILINE)
    missing = [
        name
        for name, version in pinned
        if not any(one.startswith(f"{as_in_wheels(name)}-{version}-") for one in wheels)
    ]
    assert missing == []
    assert {"tzdata", "pyodbc", "pymssql", "pymysql", "pip", "vipgate"} <= {name for name, _ in pinned}
    script = held["install.cmd"]
    assert script.isascii()
    assert script.count(b"\n") == script.count(b"\r\n") > 10
    assert "GUIDE.zh.html" in held


def as_in_wheels(name: str) -> str:
    """A package's name as the names of its wheels have it."""
    return re.sub(r"[-_.]+", "_", name).lower()


def test_guides_show_their_pictures_and_lead_nowhere_outside(linux: Path) -> None:
    for page in ("GUIDE.zh.html", "GUIDE.en.html"):
        html = (linux / page).read_text(encoding="utf-8")
        names = set(re.findall(r' id="([^"]+)"', html))
        for target in re.findall(r'<a href="([^"]+)"', html):
            file, _, anchor = unquote(target).partition("#")
            if file.startswith(("http:", "https:")):
                continue
            assert not file or (linux / file).is_file(), target
            assert file or anchor in names, target
        for image in re.findall(r'<img src="([^"]+)"', html):
            assert (linux / image).is_file(), image


@pytest.fixture
def install_py() -> ModuleType:
    """The installer, as a module."""
    spec = importlib.util.spec_from_file_location("bundle_install", BUILD.with_name("install.py"))
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_ctrl_c_ends_the_page_and_the_installer_after_it(
    install_py: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[bool] = []

    class Page:
        """A page that takes a while to end after Ctrl-C."""

        def __init__(self, command: list[str], cwd: Path) -> None:
            assert (command, cwd) == (["vipgate"], tmp_path)

        def wait(self) -> int:
            if not ended:
                ended.append(True)
                raise KeyboardInterrupt
            return 0

    monkeypatch.setattr(install_py.subprocess, "Popen", Page)
    assert install_py.run_page(["vipgate"], tmp_path) == 0
    assert ended


def test_park_of_an_older_bundle_is_opened_where_it_is(
    install_py: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install_py, "HERE", tmp_path)
    assert install_py.park_folder() == tmp_path / "park"
    (tmp_path / "park").chmod(0o755)
    assert stat.S_IMODE(install_py.park_folder().stat().st_mode) == 0o700
    (tmp_path / "park.toml").touch()
    assert install_py.park_folder() == tmp_path
    script = install_py.write_start_script(tmp_path / "vipgate", tmp_path).read_text(encoding="utf-8")
    assert 'cd "$(dirname "$0")/" || exit 1' in script
