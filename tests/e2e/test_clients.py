"""The clients' programs in docs/clients, run as they stand. Those of other languages run wherever their runtime is at hand."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from e2e.running import Gateway
from vipgate.cli.sample import (
    PAGE_PARK_UUID,
    PAGE_SECRET,
)

CLIENTS = Path(__file__).parents[2] / "docs" / "clients"
COMMANDS = {
    "push_example.py": [sys.executable],
    "push_example.sh": ["sh"] if shutil.which("curl") and shutil.which("md5sum") else [],
    "push_example.php": ["php"] if shutil.which("php") else [],
    "PushExample.java": ["java"] if shutil.which("java") else [],
}


@pytest.mark.parametrize("client", [name for name, command in COMMANDS.items() if command])
def test_program_of_the_readme_is_answered_with_success(tmp_path: Path, client: str) -> None:
    gateway = Gateway(tmp_path)
    gateway.add_park(PAGE_PARK_UUID, PAGE_SECRET)
    gateway.start()
    command = [*COMMANDS[client], str(CLIENTS / client), f"http://127.0.0.1:{gateway.port}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert gateway.stop() == 0
    assert '"code":"1001"' in done.stdout, done.stderr
