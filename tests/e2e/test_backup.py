"""The nightly back-up as the timer runs it, and what it is for: a gateway that starts from a copy.

Whatever goes wrong ends with a status that systemd sees, and older copies stay.
"""

from __future__ import annotations

import re
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest
from filelock import FileLock

from support.gateway_process import PARK, Gateway
from vipgate.cli.sample import sample_renewals
from vipgate.protocol.envelope import encode_renewals

SCRIPT = Path(__file__).parents[2] / "deploy" / "backup.sh"
DRILL = SCRIPT.with_name("restore-drill.sh")
BODIES = [encode_renewals(PARK, [row]) for row in sample_renewals(2, 1, until_us=1_795_492_800_000_000)]
LARGE = encode_renewals(PARK, sample_renewals(3_000, 1, until_us=1_795_492_800_000_000))
OLD = "vipgate-20260101T000000Z.db"
# Names that are nearly the command's own.
FOREIGN = (
    "somebody-elses.db", "vipgate-20260101T000000Z.db.gz", "vipgate-20260101.db", "vipgate-20261301T000000Z.db",
    "old-vipgate-20260101T000000Z.db", "vipgate-before-upgrade.db", ".vipgate-backup-notes", "vipgate.db",
)  # fmt: skip

pytestmark = pytest.mark.skipif(shutil.which("sh") is None, reason="needs a shell")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the copies go; it has an old one."""
    made = tmp_path / "copies"
    made.mkdir(0o700)
    (made / OLD).touch(0o600)
    return made


def program_of(gateway: Gateway) -> str:
    """This vipgate as one file."""
    program = gateway.home / "vipgate"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m vipgate "$@"\n')
    program.chmod(0o755)
    return str(program)


def run_script(
    gateway: Gateway, folder: Path, before: Callable[[], None] | None = None
) -> subprocess.CompletedProcess[str]:
    """deploy/backup.sh as the service calls it; `before` runs in the new process first."""
    environment = gateway.environment | {"VIPGATE": program_of(gateway)}
    command = ["sh", str(SCRIPT), str(folder), "14"]
    return subprocess.run(
        command, env=environment, cwd=gateway.home, capture_output=True, text=True, timeout=60, check=False,
        preexec_fn=before,
    )  # fmt: skip


def copies_in(folder: Path) -> list[str]:
    """All that is there but the lock."""
    return sorted(path.name for path in folder.iterdir() if path.name != ".vipgate-backup.lock")


def fill(gateway: Gateway) -> None:
    gateway.start()
    assert gateway.push(LARGE).code == "1001"
    gateway.stop()


def test_copy_made_beside_a_running_gateway_serves_with_the_key_alone(own: Gateway, folder: Path) -> None:
    own.start()
    assert own.push(BODIES[0]).code == "1001"
    done = run_script(own, folder)
    assert done.returncode == 0, done.stderr
    assert f"{PARK}  1 records\nverified: 1 parks, " in done.stdout
    assert own.push(BODIES[1]).code == "1001"
    own.stop()
    [copy] = copies_in(folder)
    assert re.fullmatch(r"vipgate-\d{8}T\d{6}Z\.db", copy)
    assert copy != OLD

    home = folder / "restored"
    home.mkdir()
    shutil.copy(folder / copy, home / "vipgate.db")
    shutil.copy(own.home / "master.key", home / "master.key")
    restored = Gateway(home).start()
    assert [restored.push(body).envelope["payload"]["inserted"] for body in BODIES] == [0, 1]
    assert restored.stop() == 0


# ---- the restore drill -----------------------------------------------------------------------------------------------


def drill(own: Gateway, folder: Path, key: Path, *live: str, port: int) -> subprocess.CompletedProcess[str]:
    """deploy/restore-drill.sh, with the live gateway's settings in its environment."""
    environment = own.environment | {
        "VIPGATE": program_of(own),
        "VIPGATE_DATABASE": f"sqlite:///{own.home / 'vipgate.db'}",
        "DRILL_PORT": str(port),
        "TMPDIR": str(folder.parent),
    }
    command = ["sh", str(DRILL), str(folder), str(key), *live]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


def free_port() -> int:
    """A port for pushes; the next one is for staff."""
    while True:
        with socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            port = int(one.getsockname()[1])
            with suppress(OSError, OverflowError):
                other.bind(("127.0.0.1", port + 1))
                return port


def copied(own: Gateway, folder: Path) -> None:
    fill(own)
    assert run_script(own, folder).returncode == 0


def remains_of(folder: Path) -> list[Path]:
    return list(folder.parent.glob("tmp.*"))


def test_drill_proves_the_newest_copy_and_touches_nothing_of_the_live_ledger(own: Gateway, folder: Path) -> None:
    copied(own, folder)
    live = folder.parent / "parks.jsonl"
    command = [sys.executable, "-m", "vipgate", "park", "list", "--format", "jsonl"]
    live.write_bytes(subprocess.run(command, env=own.environment, capture_output=True, check=True).stdout)
    before = (own.home / "vipgate.db").read_bytes()
    done = drill(own, folder, own.home / "master.key", str(live), port=free_port())
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("must have pushed since the copy:\nrestore drill: good, 1 parks\n")
    assert (own.home / "vipgate.db").read_bytes() == before
    assert not remains_of(folder)


def damage_copy(_own: Gateway, folder: Path) -> None:
    [copy] = (path for path in folder.glob("vipgate-*.db") if path.name != OLD)
    with copy.open("rb+") as file:
        file.seek(copy.stat().st_size // 2 // 8192 * 8192)
        file.write(b"\xa5" * 8192)


def another_key(own: Gateway, _folder: Path) -> None:
    (own.home / "master.key").write_text("A" * 43 + "=\n")


def no_copy(_own: Gateway, folder: Path) -> None:
    for path in folder.glob("vipgate-*.db"):
        path.unlink()


def empty_copy(_own: Gateway, folder: Path) -> None:
    (folder / "vipgate-20991231T000000Z.db").touch(0o600)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [(damage_copy, "damaged"), (another_key, "key of that time"), (no_copy, "no copy"), (empty_copy, "")],
)
def test_drill_fails_where_the_copy_or_the_key_is_no_good(
    own: Gateway, folder: Path, spoil: Callable[[Gateway, Path], None], told: str
) -> None:
    copied(own, folder)
    spoil(own, folder)
    done = drill(own, folder, own.home / "master.key", port=free_port())
    assert done.returncode != 0, done.stdout
    assert told in done.stderr
    assert "good" not in done.stdout
    assert not remains_of(folder)


# ---- what may go wrong -----------------------------------------------------------------------------------------------


def damage_page(own: Gateway) -> None:
    """The page in the middle of the ledger is no page any more: what a failing disk does."""
    with (own.home / "vipgate.db").open("rb+") as file:
        file.seek((own.home / "vipgate.db").stat().st_size // 2 // 8192 * 8192)
        file.write(b"\xa5" * 8192)


def damage_header(own: Gateway) -> None:
    (own.home / "vipgate.db").write_bytes(b"\0" * 100_000)


def lose_it(own: Gateway) -> None:
    for path in own.home.glob("vipgate.db*"):
        path.unlink()


@pytest.mark.parametrize(
    ("damage", "told"),
    [(damage_page, "damaged"), (damage_header, "damaged"), (lose_it, "no database")],
    ids=["a page", "the header", "the file is gone"],
)
def test_damaged_ledger_fails_the_service_and_deletes_no_copy(
    own: Gateway, folder: Path, damage: Callable[[Gateway], None], told: str
) -> None:
    fill(own)
    damage(own)
    done = run_script(own, folder)
    assert done.returncode == 1, done.stdout
    assert told in done.stderr
    assert copies_in(folder) == [OLD]
    assert not list(own.home.glob("vipgate.db")) or damage is not lose_it, "an empty database was made"


def test_damaged_copy_fails_the_service_and_deletes_no_copy(own: Gateway, folder: Path) -> None:
    """One letter in the copy, after it was written: flipped in a real run of the command."""
    fill(own)
    flip = (
        "import sys, sqlite3\n"
        "from vipgate.cli import main\n"
        "from vipgate.store.sqlite import backup\n"
        "def damage(file):\n"
        "    data = bytearray(file.read_bytes())\n"
        "    place = data.rindex('粤'.encode())\n"
        "    data[place + 3] ^= 1\n"
        "    file.write_bytes(data)\n"
        "backup._sync = damage\n"
        f"sys.argv = ['vipgate', 'backup', {str(folder)!r}, '--keep-days', '14']\n"
        "main()\n"
    )
    command = [sys.executable, "-c", flip]
    done = subprocess.run(command, env=own.environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1, done.stdout
    assert "not the same as the ledger" in done.stderr
    assert copies_in(folder) == [OLD]


def test_disk_that_is_full_fails_the_service_and_leaves_nothing_behind(own: Gateway, folder: Path) -> None:
    fill(own)
    assert (own.home / "vipgate.db").stat().st_size > 200_000
    done = run_script(own, folder, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)))
    assert done.returncode == 1
    assert ".part" in done.stderr
    assert "check the disk" in done.stderr
    assert copies_in(folder) == [OLD]


@pytest.mark.parametrize("folder_name", ["nowhere", "a-file", "/proc"])
def test_folder_that_cannot_be_written_fails_the_service(own: Gateway, tmp_path: Path, folder_name: str) -> None:
    (tmp_path / "a-file").touch()
    done = run_script(own, tmp_path / folder_name)
    assert done.returncode == 1
    assert folder_name in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a-file"]


def test_what_a_killed_run_left_is_cleaned_by_the_next(own: Gateway, folder: Path) -> None:
    fill(own)
    die = (
        "import os, signal, sys\n"
        "from vipgate.cli import main\n"
        "from vipgate.store.sqlite import backup\n"
        "backup._sync = lambda file: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"sys.argv = ['vipgate', 'backup', {str(folder)!r}, '--keep-days', '14']\n"
        "main()\n"
    )
    killed = subprocess.run([sys.executable, "-c", die], env=own.environment, timeout=60, check=False)
    assert killed.returncode == -signal.SIGKILL
    [left, old] = copies_in(folder)
    assert (left.startswith(".vipgate-backup-"), left.endswith(".part"), old) == (True, True, OLD)
    done = run_script(own, folder)
    assert done.returncode == 0, done.stderr
    assert f"{left}, which an interrupted back-up had left" in done.stderr
    [copy] = copies_in(folder)
    assert copy != OLD


def test_files_of_others_stay(own: Gateway, folder: Path, tmp_path: Path) -> None:
    for name in FOREIGN:
        (folder / name).touch(0o600)
    another = "vipgate-20260104T000000Z.db"
    (folder / another).touch(0o600)
    folders = {"vipgate-20260102T000000Z.db", ".vipgate-backup-mine.part", f"{another}-wal"}
    for name in folders:
        (folder / name).mkdir()
    (folder / "vipgate-20260103T000000Z.db").symlink_to(tmp_path / "elsewhere")
    (folder / f"{OLD}-wal").touch(0o600)
    kept = {*FOREIGN, *folders, "vipgate-20260103T000000Z.db"}
    done = run_script(own, folder)
    assert done.returncode == 0, done.stderr
    assert f"deleted {folder / OLD}\n" in done.stdout
    assert set(copies_in(folder)) >= kept
    assert len(copies_in(folder)) == len(kept) + 1


def test_copies_that_are_young_enough_stay(own: Gateway, folder: Path) -> None:
    assert own.command("backup", str(folder), "--keep-days", "36500").returncode == 0
    assert len(copies_in(folder)) == 2
    assert OLD in copies_in(folder)


def test_copy_that_is_served_is_not_deleted(own: Gateway, folder: Path) -> None:
    """Its server would go on answering `1001` into a file that no longer has a name."""
    served = folder / OLD
    shutil.copy(own.home / "vipgate.db", served)
    database = f"sqlite:///{served}"
    by_name = own.command("backup", str(folder), "--keep-days", "3", "--database", database)
    assert by_name.returncode == 0
    assert f"{served} is in use as a ledger" in by_name.stderr
    for copy in copies_in(folder):
        if copy != OLD and copy.endswith("Z.db"):
            (folder / copy).unlink()
    with FileLock(served.with_name(f"{OLD}.lock")):
        by_lock = own.command("backup", str(folder), "--keep-days", "3")
    assert f"{served} is in use as a ledger" in by_lock.stderr
    assert served.exists()


def test_ledger_without_a_park_deletes_no_copy(own: Gateway, folder: Path) -> None:
    """A new, empty database in the place of the right one must not cost the copies of the right one."""
    lose_it(own)
    assert own.command("migrate").returncode == 0
    done = run_script(own, folder)
    assert done.returncode == 0
    assert "no park, so no older copy was deleted" in done.stderr
    assert OLD in copies_in(folder)


def test_second_backup_into_a_folder_waits_for_nobody(own: Gateway, folder: Path) -> None:
    lock = FileLock(folder / ".vipgate-backup.lock")
    with lock:
        (folder / ".vipgate-backup-vipgate-20261130T000000Z.db.part").touch(0o600)
        done = run_script(own, folder)
    assert done.returncode == 1
    assert "Another vipgate backup" in done.stderr
    assert len(copies_in(folder)) == 2


def test_days_without_a_folder_are_refused(own: Gateway, tmp_path: Path) -> None:
    done = own.command("backup", str(tmp_path / "nowhere"), "--keep-days", "3")
    assert done.returncode == 1
    assert "mkdir -m 700" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_copy_into_a_file_can_be_verified_too(own: Gateway, tmp_path: Path) -> None:
    done = own.command("backup", str(tmp_path / "by-hand.db"), "--verify")
    assert done.returncode == 0
    assert "verified: 1 parks" in done.stdout
    with closing(sqlite3.connect(tmp_path / "by-hand.db")) as db:
        assert db.execute("SELECT count(*) FROM park").fetchone() == (1,)
    assert "exists" in own.command("backup", str(tmp_path / "by-hand.db")).stderr
    assert (tmp_path / "by-hand.db").stat().st_mode & 0o777 == 0o600
