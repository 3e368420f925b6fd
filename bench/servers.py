"""Starts the gateway or the peer as a process of its own on a fresh home, watches its memory, and stops it."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from bench import peer
from bench.closed import HOST
from bench.cpu import CpuTimes, read_cpu
from bench.engines import Engine, opened
from bench.forking import BenchError
from bench.records import SECRET
from vipgate.clock import clock_us
from vipgate.store.interfaces.ledger import Store
from vipgate.support.vault import Vault, load_vault

START_S: Final = 30.0
STOP_S: Final = 30.0
LOG_SHOWN_CHARS: Final = 1_000

_ROOT: Final = Path(__file__).resolve().parents[1]
# Written to clear_refs, it sets the peak of the resident memory back to what is resident now.
_RESET_PEAK: Final = "5"


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs, the URL of its database, and the process of the database server, if there is one."""

    port: int
    pid: int
    home: Path
    database: str
    database_pid: int | None = None

    def cpu(self) -> CpuTimes:
        """The processor time that it and its database server have used so far."""
        return read_cpu(self.pid, self.database_pid)

    def reset_peak(self) -> int:
        """Forgets the peak so far; what is resident now, in bytes."""
        Path(f"/proc/{self.pid}/clear_refs").write_text(_RESET_PEAK, encoding="ascii")
        return self.resident_bytes()

    def resident_bytes(self) -> int:
        """What is resident now."""
        return self._memory_bytes("VmRSS")

    def peak_bytes(self) -> int:
        """The most that was resident since."""
        return self._memory_bytes("VmHWM")

    def _memory_bytes(self, name: str) -> int:
        found = memory_bytes(self.pid, name)
        if found is None:
            raise BenchError(f"The system does not report {name} of a process; the memory cannot be measured here.")
        return found


def memory_bytes(pid: int, name: str) -> int | None:
    """What the system says of a process by one of the names of `/proc/PID/status`; None if it does not, or it has ended."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    found = re.search(rf"^{name}:\s+(\d+) kB$", status, re.MULTILINE)
    return None if found is None else int(found[1]) * 1024


Prepare = Callable[[Store], None]


@contextmanager
def gateway(
    engine: Engine,
    park_uuids: Sequence[str],
    prepare: Prepare | None = None,
    *,
    workers: int = 1,
    flags: Sequence[str] = (),
) -> Iterator[Server]:
    """A real `vipgate serve` with these parks; `prepare` may fill its store before it starts."""
    with tempfile.TemporaryDirectory(prefix="vipgate-bench-") as folder, engine.fresh(Path(folder)) as url:
        home = Path(folder)
        with opened(url) as store:
            for park_uuid in park_uuids:
                add_park(store, home, park_uuid)
            if prepare is not None:
                prepare(store)
        with serving(home, url, "--workers", str(workers), *flags, database_pid=engine.server_pid) as server:
            yield server


def serving(home: Path, url: str, *flags: str, database_pid: int | None = None) -> AbstractContextManager[Server]:
    """A real `vipgate serve` on a home and a database that are there."""
    return _running(["-m", "vipgate", "serve", "--host", HOST, "--port", "0", *flags], home, url, database_pid)


def gateway_of_two(engine: Engine, park_uuids: Sequence[str]) -> AbstractContextManager[Server]:
    """The same with two processes."""
    return gateway(engine, park_uuids, workers=2)


@contextmanager
def peer_server(engine: Engine, park_uuids: Sequence[str]) -> Iterator[Server]:
    """The peer with these parks."""
    with tempfile.TemporaryDirectory(prefix="vipgate-bench-") as folder, engine.fresh(Path(folder)) as url:
        peer.create_database(url, park_uuids, SECRET)
        with _running(["-m", "bench.peer", url], Path(folder), url, engine.server_pid) as server:
            yield server


def add_park(store: Store, home: Path, park_uuid: str) -> None:
    """Registers a park under the secret that all of the bench's parks have."""
    vault: Vault = load_vault(None, home / "master.key")
    store.add_park(park_uuid, "", vault.seal(SECRET, park_uuid), clock_us())


@contextmanager
def _running(arguments: Sequence[str], home: Path, url: str, database_pid: int | None) -> Iterator[Server]:
    """A Python process that prints its address as the last word of its first line, until the block ends."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith("VIPGATE_")}
    environment |= {"VIPGATE_HOME": str(home), "VIPGATE_DATABASE": url}
    log = home / "server.log"
    with log.open("wb") as log_file:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            env=environment,
            cwd=_ROOT,
            stdout=subprocess.PIPE,
            stderr=log_file,
            text=True,
        )
    try:
        yield Server(_announced_port(process, log), process.pid, home, url, database_pid)
        if process.poll() is not None:
            raise BenchError(f"The server ended while it was measured: {_tail(log)}")
    finally:
        _stop(process)


def _announced_port(process: subprocess.Popen[str], log: Path) -> int:
    """The port in the server's first line, once it answers there."""
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        process.wait(STOP_S)
        raise BenchError(f"The server did not start: {_tail(log)}")
    port = urlsplit(line.split()[-1]).port or 0
    connection = http.client.HTTPConnection(HOST, port, timeout=START_S)
    try:
        # Whatever it answers to this, it answers: the peer listens before it is ready.
        connection.request("GET", "/healthz")
        connection.getresponse().read()
    except OSError as error:
        raise BenchError(f"The server does not answer on port {port} ({error}): {_tail(log)}") from None
    finally:
        connection.close()
    return port


def _tail(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-LOG_SHOWN_CHARS:]


def _stop(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
