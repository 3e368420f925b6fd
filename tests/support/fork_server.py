"""Starts `vipgate …` processes quickly: one helper has imported everything and forks a real process for each command.

Run as a program it is that helper: it reads one JSON line a command, and tells of each process its id, then how it ended.
"""

from __future__ import annotations

import atexit
import faulthandler
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, Self

LOOK_S: Final = 0.01
START_S_MAX: Final = 30.0


@dataclass(slots=True)
class Process:
    """One command. `status` is as `subprocess` counts it: negative for a signal."""

    started: Future[int] = field(default_factory=Future)
    ended: Future[int] = field(default_factory=Future)

    @property
    def pid(self) -> int:
        return self.started.result(START_S_MAX)

    def signal(self, number: signal.Signals) -> None:
        """To the process, if it is still there."""
        if not self.ended.done():
            os.kill(self.pid, number)

    def wait(self, within_s: float) -> int:
        return self.ended.result(within_s)


class ForkServer:
    """The helper. Several threads may start commands at once."""

    def __enter__(self) -> Self:
        clean: Mapping[str, str] = {name: text for name, text in os.environ.items() if not name.startswith("VIPGATE_")}
        self._helper = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=clean
        )
        assert self._helper.stdout is not None
        # Not before it has imported everything.
        self._helper.stdout.readline()
        self._processes: dict[int, Process] = {}
        self._lock = threading.Lock()
        self._number = 0
        self._reader = threading.Thread(target=self._listen, name="fork_server", daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes.values():
            process.signal(signal.SIGKILL)
        assert self._helper.stdin is not None
        self._helper.stdin.close()
        self._helper.wait(10)
        self._reader.join(5)

    def start(
        self,
        arguments: Sequence[str],
        folder: Path,
        output: str,
        *,
        environment: Mapping[str, str] | None = None,
        source: str = os.devnull,
    ) -> Process:
        """Runs `vipgate ARGUMENTS` in `folder`; what it prints goes to `output`.out and `output`.err there.

        `environment` in place of the helper's; `source` is the file that it reads as standard input.
        """
        process = Process()
        with self._lock:
            self._number += 1
            self._processes[self._number] = process
            command = {
                "number": self._number,
                "arguments": list(arguments),
                "folder": str(folder),
                "output": output,
                "environment": None if environment is None else dict(environment),
                "source": source,
            }
            assert self._helper.stdin is not None
            self._helper.stdin.write(json.dumps(command) + "\n")
            self._helper.stdin.flush()
        return process

    def _listen(self) -> None:
        assert self._helper.stdout is not None
        for line in self._helper.stdout:
            word = json.loads(line)
            process = self._processes[word["number"]]
            if "status" in word:
                process.ended.set_result(word["status"])
            else:
                process.started.set_result(word["pid"])


@cache
def _shared_fork_server() -> ForkServer:
    fork_server = ForkServer()
    fork_server.__enter__()
    atexit.register(fork_server.__exit__)
    return fork_server


def run_vipgate(
    arguments: Sequence[str],
    folder: Path,
    environment: Mapping[str, str] | None = None,
    given: str | None = None,
    within_s: float = 60,
) -> subprocess.CompletedProcess[str]:
    """`vipgate ARGUMENTS` in a process of its own, as subprocess.run tells of it; `given` is its standard input."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        (home / "in").write_text(given or "", encoding="utf-8")
        process = _shared_fork_server().start(
            arguments, folder, str(home / "told"), environment=environment or os.environ, source=str(home / "in")
        )
        try:
            status = process.wait(within_s)
        except TimeoutError:
            process.signal(signal.SIGKILL)
            raise
        told = [(home / f"told.{end}").read_text(encoding="utf-8") for end in ("out", "err")]
    return subprocess.CompletedProcess(list(arguments), status, *told)


def _help() -> None:
    """The helper's loop; ends with its standard input."""
    import vipgate.agent.sources.sql  # noqa: F401 - every agent needs it
    from vipgate.cli.app import command_line, main

    command_line()

    print("ready", flush=True)  # noqa: T201
    running: dict[int, int] = {}
    waiting = b""
    while True:
        readable, _, _ = select.select([0], [], [], LOOK_S)
        if readable:
            data = os.read(0, 65_536)
            if not data:
                return
            *lines, waiting = (waiting + data).split(b"\n")
            for line in lines:
                command = json.loads(line)
                pid = os.fork()
                if pid == 0:
                    _become(command, main)
                running[pid] = command["number"]
                print(json.dumps({"number": command["number"], "pid": pid}), flush=True)  # noqa: T201
        for pid in list(running):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                word = {"number": running.pop(pid), "status": os.waitstatus_to_exitcode(status)}
                print(json.dumps(word), flush=True)  # noqa: T201


def _become(command: Mapping[str, Any], main: Any) -> None:
    """In the child: becomes the command, and does not come back."""
    status = 70
    try:
        if command["environment"] is not None:
            os.environ.clear()
            os.environ.update(command["environment"])
            time.tzset()
        os.chdir(command["folder"])
        for descriptor, end in ((1, "out"), (2, "err")):
            file = os.open(f"{command['output']}.{end}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            os.dup2(file, descriptor)
        os.dup2(os.open(command["source"], os.O_RDONLY), 0)
        # SIGABRT shows on standard error where every thread is.
        faulthandler.enable()
        sys.argv = ["vipgate", *command["arguments"]]
        main()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    _help()
