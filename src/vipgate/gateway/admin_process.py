"""Keeps the admin process running, from the gateway's side: starts it, starts it again when it dies, ends it.

The gateway never waits for it: `look` takes what there is to see. Its standard input is the line of life: the process ends
when that breaks, so a gateway that is killed takes it along (docs/decisions/011-admin-process.md).
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import structlog

from vipgate.gateway.admin_launch import (
    STOP,
    AdminConfig,
    LaunchMessage,
    encode,
    share_listener,
)
from vipgate.support.background import (
    Repeated,
    start_thread,
)
from vipgate.support.metrics import (
    ADMIN_HEARTBEAT,
    SharedMetrics,
)

log = structlog.get_logger()

CHECK_INTERVAL_S: Final = 0.5
# A process that dies at once is started again at this pace, the last for good.
RESTART_PAUSES_S: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
STABLE_AFTER_S: Final = 60.0
STOP_S: Final = 6.0
# One that shows no sign of life is made to end before SQLite's writers lose their patience (15 s): it may hold the lock.
HANG_TIMEOUT_S: Final = 12.0
START_TIMEOUT_S: Final = 60.0
# -P: a folder that happens to be the current one has no say in what is imported.
_COMMAND: Final = (sys.executable, "-P", "-m", "vipgate.admin.main")


class AdminProcess:
    """One admin process after another, on one listening socket. One thread at a time."""

    def __init__(
        self, spec: AdminConfig, listener: socket.socket, board: SharedMetrics, clock_s: Callable[[], float]
    ) -> None:
        self._spec = spec
        self._listener = listener
        self._board = board
        self._clock_s = clock_s
        self._process: subprocess.Popen[bytes] | None = None
        self._since_s = 0.0
        self._due_s = 0.0
        self._deaths = 0
        self._stopping = False
        # `look`, for those who must go on whatever comes of it.
        self.repeated = Repeated("keeper of the admin process", self.check, clock_s)

    def check(self) -> None:
        """Starts the process where it does not run and its pause is over."""
        if self._stopping:
            return
        process = self._process
        if process is not None and process.poll() is not None:
            self._kill(process)
            self._put_off("admin process died", exit_status=process.returncode)
        elif process is not None and self._hangs():
            log.warning("admin process hangs", process=process.pid)
            process.kill()
        if self._process is None and self._clock_s() >= self._due_s:
            self._start()

    def tell_to_stop(self) -> None:
        """It takes no more and ends soon; nothing starts it again."""
        self._stopping = True
        if self._process is not None and self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.write(STOP)

    def wait(self, within_s: float = STOP_S) -> None:
        """Until it has ended, for `within_s` at most; then it is made to."""
        process = self._process
        if process is None:
            return
        try:
            process.wait(within_s)
        except subprocess.TimeoutExpired:
            log.warning("admin process killed", reason=f"it has not ended within {within_s:g} s")
            process.kill()
            process.wait()
        self._kill(process)

    def forget(self) -> None:
        """In a process that was forked: the line of life is the parent's alone."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        self._listener.close()

    def _start(self) -> None:
        self._since_s = self._clock_s()
        try:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and arguments
                _COMMAND, stdin=subprocess.PIPE, bufsize=0, env=_environment(), **self._manner()
            )
        except (OSError, ValueError) as error:
            self._put_off("admin process did not start", reason=str(error))
            return
        self._process = process
        handed = LaunchMessage(
            config=self._spec, listener=share_listener(self._listener, process.pid), metrics=self._board.handle
        )
        # Far less than a pipe holds: this does not wait. A process that is dead already is found by the next look.
        with suppress(OSError):
            if process.stdin is not None:
                process.stdin.write(encode(handed))

    def _hangs(self) -> bool:
        beat_s = self._board.value(ADMIN_HEARTBEAT, self._board.workers)
        since_s = self._clock_s() - max(beat_s, self._since_s)
        return since_s > (HANG_TIMEOUT_S if beat_s > self._since_s else START_TIMEOUT_S)

    def _manner(self) -> dict[str, Any]:
        """A group of its own, so that Ctrl-C reaches the gateway alone; of what is open, the socket and the board."""
        if sys.platform == "win32":
            return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        return {"process_group": 0, "pass_fds": (self._listener.fileno(), *self._board.descriptors)}

    def _kill(self, process: subprocess.Popen[bytes]) -> None:
        if process.stdin is not None:
            process.stdin.close()
        self._process = None

    def _put_off(self, event: str, **why: object) -> None:
        now_s = self._clock_s()
        self._deaths = 0 if now_s - self._since_s >= STABLE_AFTER_S else self._deaths
        pause_s = RESTART_PAUSES_S[min(self._deaths, len(RESTART_PAUSES_S) - 1)]
        self._deaths += 1
        self._due_s = now_s + pause_s
        log.warning(event, again_in_s=pause_s, **why)


class AdminProcessThread:
    """A thread that looks after the admin process, beside an event loop that must not be held up."""

    def __init__(self, keeper: AdminProcess) -> None:
        self._process = keeper
        self._stopping = threading.Event()
        self._thread = start_thread(self._run, "vipgate-inside")

    def _run(self) -> None:
        self._process.repeated.take()
        while not self._stopping.wait(CHECK_INTERVAL_S):
            self._process.repeated.take()
        self._process.tell_to_stop()
        self._process.wait()

    def stop(self) -> None:
        """Ends the admin process and waits for it, within bounds."""
        self._stopping.set()
        self._thread.join()


def _environment() -> dict[str, str]:
    """Without our own settings: they come by the line, and the master key is nobody's to read in an environment."""
    return {name: text for name, text in os.environ.items() if not name.startswith("VIPGATE_")}
