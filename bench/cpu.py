"""Reads from outside how much processor time a server used: by its event loops, its commit threads, and its database server.

Rates drift with the machine by a third within minutes; processor time hardly does.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

# As the gateway names the thread.
COMMIT_THREAD: Final = "vipgate-commit"


@dataclass(frozen=True, slots=True)
class CpuTimes:
    """Processor seconds of a server. `loop`: of main threads, where the event loops run; `other`: of all other threads."""

    loop_s: float
    commit_s: float
    other_s: float
    database_s: float

    @property
    def total_s(self) -> float:
        return self.loop_s + self.commit_s + self.other_s + self.database_s

    def since(self, earlier: CpuTimes) -> CpuTimes:
        """What was used since `earlier`."""
        return CpuTimes(
            self.loop_s - earlier.loop_s,
            self.commit_s - earlier.commit_s,
            self.other_s - earlier.other_s,
            self.database_s - earlier.database_s,
        )

    def scaled(self, factor: float) -> CpuTimes:
        """All figures times `factor`: for the time of one row."""
        return CpuTimes(self.loop_s * factor, self.commit_s * factor, self.other_s * factor, self.database_s * factor)


def read_cpu(server_pid: int, database_pid: int | None) -> CpuTimes:
    """Reads the processor time that a server and its database server have used so far.

    Of a gateway count the processes that take pushes: not its admin process, which is still starting in a short run.
    """
    taken = [process for process in _tree(server_pid) if _commit_threads(process)] or [psutil.Process(server_pid)]
    loop_s = commit_s = total_s = 0.0
    for process in taken:
        used = {thread.id: thread.user_time + thread.system_time for thread in process.threads()}
        loop_s += used[process.pid]
        commit_s += sum(used[thread_id] for thread_id in _commit_threads(process))
        # With that of threads that have ended.
        total_s += sum(process.cpu_times()[:2])
    database_s = 0.0 if database_pid is None else _tree_s(database_pid)
    return CpuTimes(loop_s, commit_s, total_s - loop_s - commit_s, database_s)


def _tree(pid: int) -> list[psutil.Process]:
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]


def _tree_s(pid: int) -> float:
    """The time of a process and its children, also of those that have ended: the system adds theirs to their parent's."""
    used_s = 0.0
    for process in _tree(pid):
        with suppress(psutil.NoSuchProcess):
            used_s += sum(process.cpu_times()[:4])
    return used_s


def _commit_threads(process: psutil.Process) -> list[int]:
    names = Path(f"/proc/{process.pid}/task").glob("*/comm")
    return [int(name.parent.name) for name in names if name.read_text(encoding="utf-8").strip() == COMMIT_THREAD]
