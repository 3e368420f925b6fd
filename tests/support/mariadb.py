"""A real MariaDB server for tests: Debian's package, in a folder of its own, started, stopped and killed at will."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pymysql
from pymysql.constants import CLIENT
from sqlalchemy.engine import make_url

START_S = 60.0
STOP_S = 60.0
MEMORY = Path("/dev/shm")  # noqa: S108 - a new folder of our own
FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/usr/libexec")


class MariaServer:
    """One server on a loopback port."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = _free_port()
        self.process: subprocess.Popen[bytes] | None = None
        install = [
            _program("mariadb-install-db"), "--no-defaults", f"--datadir={folder / 'data'}", *_user(),
            "--auth-root-authentication-method=normal", "--skip-test-db", "--innodb-log-file-size=8M",
        ]  # fmt: skip
        subprocess.run(install, check=True, capture_output=True, timeout=START_S)

    def start(self) -> None:
        """Starts it, and waits until it takes connections. It knows no time zones by name."""
        command = [
            _program("mariadbd"), "--no-defaults", f"--datadir={self._folder / 'data'}", f"--socket={self._folder / 's'}",
            f"--port={self.port}", "--bind-address=127.0.0.1", *_user(), "--innodb-log-file-size=8M",
            "--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=0", "--default-time-zone=-05:00",
            "--sql-mode=NO_ENGINE_SUBSTITUTION", f"--pid-file={self._folder / 'pid'}",
        ]  # fmt: skip
        log = self._folder / "log"
        with log.open("ab") as file:
            self.process = subprocess.Popen(command, stdout=file, stderr=file, start_new_session=True)
        deadline_s = time.monotonic() + START_S
        while True:
            try:
                connect(self.url("mysql")).close()
                return
            except pymysql.err.OperationalError as error:
                if self.process.poll() is not None or time.monotonic() > deadline_s:
                    raise RuntimeError(log.read_text()[-2000:]) from error
            time.sleep(0.05)

    def stop(self) -> None:
        """Ends it in order."""
        assert self.process is not None
        self.process.terminate()
        self.process.wait(STOP_S)
        self.process = None

    def kill(self) -> None:
        """Ends it as when the machine loses power."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(STOP_S)
            self.process = None

    def url(self, database: str) -> str:
        return f"mysql+pymysql://root@127.0.0.1:{self.port}/{database}"


def connect(url: str) -> pymysql.Connection[Any]:
    """A connection of the park's own program."""
    to = make_url(url)
    return pymysql.connect(
        host=to.host or "", port=to.port or 3306, user=to.username, password=to.password or "", database=to.database,
        autocommit=True, charset="utf8mb4", client_flag=CLIENT.MULTI_STATEMENTS, connect_timeout=2,
    )  # fmt: skip


def run(url: str, *statements: str | bytes) -> list[tuple[Any, ...]]:
    """Runs statements of the park's own program; the rows of the last."""
    link = connect(url)
    try:
        with link.cursor() as cursor:
            for one in statements:
                # Bytes reach the server as they are: programs wrote GBK over connections declared as latin1.
                link.query(one) if isinstance(one, bytes) else cursor.execute(one)
            return list(cursor.fetchall())
    finally:
        link.close()


def emptied(url: str) -> str:
    """`url`, once nothing of an earlier test is left in its database, which must be one for tests."""
    name = make_url(url).database or ""
    assert "test" in name, f"the name of the database {name} must have 'test' in it: everything in it will be deleted"
    run(url, f"DROP DATABASE `{name}`; CREATE DATABASE `{name}` CHARACTER SET utf8mb4")
    return url


def is_installed() -> bool:
    """Whether Debian's mariadb-server is there."""
    return all(shutil.which(name, path=_path()) for name in ("mariadb-install-db", "mariadbd"))


def _user() -> list[str]:
    """Root must be named, and nobody else may be."""
    return ["--user=root"] if os.geteuid() == 0 else []


def _path() -> str:
    return os.pathsep.join([os.environ.get("PATH", ""), *FOLDERS])


def _program(name: str) -> str:
    found = shutil.which(name, path=_path())
    if found is None:
        raise RuntimeError(
            f"{name} is missing: apt-get install mariadb-server, or name a server by VIPGATE_TEST_MARIADB"
        )
    return found


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@contextmanager
def running_server() -> Iterator[MariaServer]:
    """A server that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="vipgate-mariadb-", dir=MEMORY if MEMORY.is_dir() else None))
    server = None
    try:
        server = MariaServer(folder)
        server.start()
        run(server.url("mysql"), "CREATE DATABASE vipgate_test")
        yield server
    finally:
        if server is not None:
            server.kill()
        shutil.rmtree(folder, ignore_errors=True)
