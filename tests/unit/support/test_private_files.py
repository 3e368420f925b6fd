"""Files and folders for their own user alone: how they are made, and how looser ones are found."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from vipgate.support.private_files import find_exposed, make_folder, open_private, reserve_file, write_file

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows has no such modes")
STRANGER = 54_321
ELSEWHERE = "keep these files in a folder of your own with mode 0700"


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct, autouse=True)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_folder_and_its_missing_parents_are_private_and_those_that_exist_stay(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    make_folder(tmp_path / "a" / "b" / "c")
    assert [mode_of(tmp_path / name) for name in ("a", "a/b", "a/b/c", ".")] == [0o700, 0o700, 0o700, 0o755]
    make_folder(tmp_path / "a")
    (tmp_path / "file").touch()
    for name in ("file", "file/deeper"):
        with pytest.raises(OSError, match="file"):
            make_folder(tmp_path / name)


def test_file_that_a_library_will_fill_is_private_and_one_that_exists_stays(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "behind")
    for name in ("new", "link"):
        reserve_file(tmp_path / name)
        assert mode_of(tmp_path / name) == 0o600
    (tmp_path / "new").write_text("kept")
    (tmp_path / "new").chmod(0o640)
    reserve_file(tmp_path / "new")
    assert ((tmp_path / "new").read_text(), mode_of(tmp_path / "new")) == ("kept", 0o640)


def test_lock_that_sqlite_holds_survives(tmp_path: Path) -> None:
    """POSIX drops a process's locks on a file when any descriptor of it is closed, even one that took none."""
    path = tmp_path / "a.db"
    reserve_file(path)
    other = f"import sqlite3; sqlite3.connect({str(path)!r}, timeout=0).execute('BEGIN IMMEDIATE')"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        reserve_file(path)
        done = subprocess.run([sys.executable, "-c", other], capture_output=True, text=True, check=False)
    assert "database is locked" in done.stderr


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_file_is_written_whole_with_just_its_mode(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "note"
    path.write_text("a longer text from before")
    path.chmod(0o666)
    write_file(path, b"new", mode)
    assert (path.read_bytes(), mode_of(path)) == (b"new", mode)
    assert [one.name for one in tmp_path.iterdir()] == ["note"]


def test_file_that_cannot_be_put_in_its_place_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "taken" / "deep").mkdir(parents=True)
    with pytest.raises(OSError, match="taken"):
        write_file(tmp_path / "taken", b"new")
    assert [one.name for one in tmp_path.iterdir()] == ["taken"]


def test_opener_makes_a_private_file(tmp_path: Path) -> None:
    with open(tmp_path / "log", "w", encoding="utf-8", opener=open_private) as file:
        file.write("line")
    assert mode_of(tmp_path / "log") == 0o600


@pytest.mark.parametrize(
    ("kind", "mode", "owner", "remedy"),
    [
        ("file", 0o600, None, None),
        ("file", 0o400, None, None),
        ("file", 0o640, None, "chmod 600 {path}"),
        ("file", 0o604, None, "chmod 600 {path}"),
        ("file", 0o620, None, "chmod 600 {path}"),
        ("folder", 0o700, None, None),
        ("folder", 0o755, None, "chmod 700 {path}"),
        ("folder", 0o710, None, "chmod 700 {path}"),
        ("folder", 0o1777, None, ELSEWHERE),
        # How a service gets at a key of root's: by its group.
        ("file", 0o640, STRANGER, None),
        ("file", 0o644, STRANGER, "chmod o= {path}"),
        ("folder", 0o750, STRANGER, None),
        ("folder", 0o755, STRANGER, ELSEWHERE),
    ],
)
def test_what_others_may_reach_is_found_with_its_remedy(
    tmp_path: Path, kind: str, mode: int, owner: int | None, remedy: str | None
) -> None:
    if owner is not None and os.geteuid() != 0:
        pytest.skip("only root gives files away")
    path = tmp_path / "it"
    path.mkdir() if kind == "folder" else path.touch()
    if owner is not None:
        os.chown(path, owner, owner)
    path.chmod(mode)
    found = list(find_exposed([path, tmp_path / "missing"]))
    assert [one.remedy for one in found] == ([] if remedy is None else [remedy.format(path=path)])
    assert all(f"mode {mode:04o}" in one.text for one in found)
