"""Starts, restarts and stops the admin process from the gateway.

The gateway never waits for it: `check` does not block. The process ends when its standard input closes, so it ends with a
killed gateway too (docs/decisions/011-admin-process.md).
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

from vipgate.gateway.admin_launch import STOP, AdminConfig, LaunchMessage, encode, share_listener
from vipgate.support.background import Backoff, Repeated, start_thread
from vipgate.support.metrics import ADMIN_HEARTBEAT, SharedMetrics

log = structlog.get_logger()

CHECK_INTERVAL_S: Final = 0.5
STOP_S: Final = 6.0
# A hanging process may hold SQLite's write lock: it is killed before writers time out (15 s).
HANG_TIMEOUT_S: Final = 12.0
START_TIMEOUT_S: Final = 60.0
# -P: do not import modules from the current folder.
_COMMAND: Final = (sys.executable, "-P", "-m", "vipgate.admin.main")


class AdminProcess:
    """Controls the admin process on one listening socket. Not thread-safe."""

    def __init__(
        self, config: AdminConfig, listener: socket.socket, shared_metrics: SharedMetrics, clock_s: Callable[[], float]
    ) -> None:
        self._config = config
        self._listener = listener
        self._shared_metrics = shared_metrics
        self._clock_s = clock_s
        self._process: subprocess.Popen[bytes] | None = None
        self._since_s = 0.0
        self._backoff = Backoff()
        self._stopping = False
        # `check` for callers that must survive its errors.
        self.repeated = Repeated("check of the admin process", self.check, clock_s)

    def check(self) -> None:
        """Starts the process where it does not run and its pause is over; kills a hanging one."""
        if self._stopping:
            return
        process = self._process
        if process is not None and process.poll() is not None:
            self._kill(process)
            self._put_off("admin process died", exit_status=process.returncode)
        elif process is not None and self._hangs():
            log.warning("admin process hangs", process=process.pid)
            process.kill()
        if self._process is None and self._clock_s() >= self._backoff.due_s:
            self._start()

    def request_stop(self) -> None:
        """Makes the process stop soon; it is not restarted."""
        self._stopping = True
        if self._process is not None and self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.write(STOP)

    def wait(self, within_s: float = STOP_S) -> None:
        """Waits up to `within_s` for the process to end, then kills it."""
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
        """Closes the inherited handles in a forked worker: only the parent may keep the process alive."""
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
        message = LaunchMessage(
            config=self._config,
            listener=share_listener(self._listener, process.pid),
            metrics=self._shared_metrics.handle,
        )
        # Fits into the pipe, so it does not block. The next `check` finds a process that is dead already.
        with suppress(OSError):
            if process.stdin is not None:
                process.stdin.write(encode(message))

    def _hangs(self) -> bool:
        heartbeat_s = self._shared_metrics.value(ADMIN_HEARTBEAT, self._shared_metrics.workers)
        since_s = self._clock_s() - max(heartbeat_s, self._since_s)
        return since_s > (HANG_TIMEOUT_S if heartbeat_s > self._since_s else START_TIMEOUT_S)

    def _manner(self) -> dict[str, Any]:
        """Popen options: its own process group, so that Ctrl-C reaches the gateway only; inherited descriptors."""
        if sys.platform == "win32":
            return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        return {"process_group": 0, "pass_fds": (self._listener.fileno(), *self._shared_metrics.descriptors)}

    def _kill(self, process: subprocess.Popen[bytes]) -> None:
        if process.stdin is not None:
            process.stdin.close()
        self._process = None

    def _put_off(self, event: str, **why: object) -> None:
        now_s = self._clock_s()
        log.warning(event, again_in_s=self._backoff.failed(now_s, now_s - self._since_s), **why)


class AdminProcessThread:
    """Controls the admin process in a thread, next to an event loop."""

    def __init__(self, admin_process: AdminProcess) -> None:
        self._process = admin_process
        self._stopping = threading.Event()
        self._thread = start_thread(self._run, "vipgate-admin")

    def _run(self) -> None:
        self._process.repeated.take()
        while not self._stopping.wait(CHECK_INTERVAL_S):
            self._process.repeated.take()
        self._process.request_stop()
        self._process.wait()

    def stop(self) -> None:
        """Stops the admin process and waits for it, up to STOP_S."""
        self._stopping.set()
        self._thread.join()


def _environment() -> dict[str, str]:
    """The environment without our settings: the launch message has them, and the master key must not be in it."""
    return {name: text for name, text in os.environ.items() if not name.startswith("VIPGATE_")}
