"""Runs the client programs in docs/clients as they stand, each where its language is completely installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.gateway_process import Gateway
from vipgate.cli.sample import PAGE_PARK_UUID, PAGE_SECRET

CLIENTS = Path(__file__).parents[2] / "docs" / "clients"
# The command that runs a program, and one that shows whether the language can: a package may lack a part of it.
COMMANDS = {
    "push_example.py": ([sys.executable], [sys.executable, "--version"]),
    "push_example.sh": (["sh"], ["sh", "-c", "command -v curl && command -v md5sum"]),
    "push_example.php": (["php"], ["php", "-r", 'exit(extension_loaded("curl") ? 0 : 1);']),
    "PushExample.java": (["java"], ["javac", "-version"]),
}


def runs(command: list[str]) -> bool:
    return (
        shutil.which(command[0]) is not None
        and subprocess.run(command, capture_output=True, check=False).returncode == 0
    )


@pytest.mark.parametrize("client", COMMANDS)
def test_client_program_is_answered_with_success(tmp_path: Path, client: str) -> None:
    run, probe = COMMANDS[client]
    if not runs(probe):
        pytest.skip(f"{' '.join(probe)} does not succeed on this machine")
    gateway = Gateway(tmp_path)
    gateway.add_park(PAGE_PARK_UUID, PAGE_SECRET)
    gateway.start()
    command = [*run, str(CLIENTS / client), f"http://127.0.0.1:{gateway.port}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert gateway.stop() == 0
    assert '"code":"1001"' in done.stdout, done.stderr
