"""Looks at a server while it is under load: memory, descriptors, processor time."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Final

from bench.servers import Server

_TICKS_A_SECOND: Final = os.sysconf("SC_CLK_TCK")
# Of the words behind the name in /proc/PID/stat.
_USER, _SYSTEM = 11, 12


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the process that takes pushes."""

    at_s: float
    resident_bytes: int
    descriptors: int
    cpu_s: float


def look_at(server: Server) -> Look:
    """How it is now."""
    stat = Path(f"/proc/{server.pid}/stat").read_text(encoding="ascii", errors="replace")
    words = stat.rpartition(")")[2].split()
    ticks = int(words[_USER]) + int(words[_SYSTEM])
    descriptors = sum(1 for _ in Path(f"/proc/{server.pid}/fd").iterdir())
    return Look(perf_counter(), server.resident_bytes(), descriptors, ticks / _TICKS_A_SECOND)
