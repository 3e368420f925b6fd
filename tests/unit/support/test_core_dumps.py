"""Processes that hold secrets leave no core, and are not looked into."""

from __future__ import annotations

import subprocess
import sys

import pytest

DUMPABLE = "import ctypes, resource, sys\ndumpable = lambda: ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)\n"


def told(code: str) -> list[str]:
    """What a process of its own prints."""
    done = subprocess.run([sys.executable, "-c", DUMPABLE + code], capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")
def test_process_leaves_no_core_and_is_not_looked_into() -> None:
    asked = (
        "from vipgate.support.core_dumps import forbid_core_dumps\n"
        "before = dumpable()\n"
        "forbid_core_dumps()\n"
        "print(before, dumpable(), *resource.getrlimit(resource.RLIMIT_CORE))\n"
    )
    assert told(asked) == ["1", "0", "0", "0"]


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")
def test_inside_process_is_closed_before_it_is_told_a_secret() -> None:
    asked = (
        "from vipgate.admin import main as process\n"
        "process._read_line = lambda: print(dumpable()) or sys.exit(0)\n"
        "process.main()\n"
    )
    assert told(asked) == ["0"]


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")
def test_gateway_is_closed_before_it_opens_the_vault() -> None:
    asked = (
        "from vipgate.gateway import supervisor as workers\n"
        "from vipgate.gateway.settings import load_settings\n"
        "workers.SharedMetrics = lambda count: print(dumpable()) or sys.exit(0)\n"
        "workers.run_server(load_settings(), print)\n"
    )
    assert told(asked) == ["0"]
