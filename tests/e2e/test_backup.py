"""The nightly back-up as the timer runs it, and what it is for: a gateway that starts from a copy."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from e2e.conftest import PARK
from e2e.running import Gateway
from vipgate.sample import sample_renewals
from vipgate.wire import encode_renewals

SCRIPT = Path(__file__).parents[2] / "deploy" / "backup.sh"
BODIES = [encode_renewals(PARK, [row]) for row in sample_renewals(2, 1, until_us=1_795_492_800_000_000)]

pytestmark = pytest.mark.skipif(shutil.which("sh") is None, reason="needs a shell")


def back_up(gateway: Gateway, folder: Path) -> subprocess.CompletedProcess[str]:
    program = gateway.home / "vipgate"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m vipgate "$@"\n')
    program.chmod(0o755)
    environment = gateway.environment | {"VIPGATE": str(program)}
    command = ["sh", str(SCRIPT), str(folder), "14"]
    return subprocess.run(
        command, env=environment, cwd=gateway.home, capture_output=True, text=True, timeout=60, check=False
    )


def test_copy_made_beside_a_running_gateway_serves_with_the_key_alone(own: Gateway, tmp_path: Path) -> None:
    own.start()
    assert own.push(BODIES[0]).code == "1001"
    old = tmp_path / "vipgate-20260101T000000Z.db"
    old.touch()
    os.utime(old, (0, 0))
    kept = tmp_path / "somebody-elses.db"
    kept.touch()
    os.utime(kept, (0, 0))
    done = back_up(own, tmp_path)
    assert done.returncode == 0, done.stderr
    assert ": 1 parks" in done.stdout
    assert own.push(BODIES[1]).code == "1001"
    own.stop()
    [copy] = tmp_path.glob("vipgate-*")
    assert kept.exists()

    home = tmp_path / "restored"
    home.mkdir()
    shutil.copy(copy, home / "vipgate.db")
    shutil.copy(own.home / "master.key", home / "master.key")
    restored = Gateway(home).start()
    assert [restored.push(body).envelope["payload"]["inserted"] for body in BODIES] == [0, 1]
    assert restored.stop() == 0


def test_backup_that_cannot_be_written_fails_the_service(own: Gateway, tmp_path: Path) -> None:
    done = back_up(own, tmp_path / "nowhere")
    assert done.returncode != 0
    assert "nowhere" in done.stderr
