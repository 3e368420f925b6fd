"""A real gateway process on a home of its own, and the shortest client that can push to it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from support.fork_server import run_vipgate
from vipgate.clock import clock_us
from vipgate.protocol.authentication import signed_headers
from vipgate.protocol.envelope import PUSH_PATH
from vipgate.store.interfaces.ledger import Retention, Store
from vipgate.store.open import open_store
from vipgate.support.vault import load_vault

PARK = "49f0cc52-e8c7-41e3-b54d-af666b8cc11a"
SECRET = "5f0c-secret-of-the-tests"
START_S = 20
STOP_S = 30


@dataclass
class Answer:
    """What came back: status, headers in lower case, and the envelope."""

    status: int
    headers: dict[str, str]
    envelope: dict[str, Any]

    @property
    def code(self) -> str:
        return str(self.envelope["code"])


@dataclass
class Gateway:
    """One `vipgate serve` after another on the same home."""

    home: Path
    settings: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[str] | None = None
    outside: str = ""
    inside: str = ""
    # Half of what a start costs is the process of the admin port.
    admin: bool = False

    @property
    def environment(self) -> dict[str, str]:
        clean = {name: text for name, text in os.environ.items() if not name.startswith("VIPGATE_")}
        return clean | {"VIPGATE_HOME": str(self.home), **self.settings}

    @property
    def port(self) -> int:
        return urlsplit(self.outside).port or 0

    @property
    def admin_port(self) -> int:
        return urlsplit(self.inside).port or 0

    def start(self, *flags: str) -> Gateway:
        admin = [] if self.admin else ["--no-admin"]
        command = [sys.executable, "-m", "vipgate", "serve", "--port", "0", *admin, *flags]
        with (self.home / "log").open("a") as log:
            self.process = subprocess.Popen(
                command, env=self.environment, cwd=self.home, stdout=subprocess.PIPE, stderr=log, text=True
            )
        assert self.process.stdout is not None
        self.outside = self.process.stdout.readline().strip().split()[-1]
        self.inside = self.process.stdout.readline().strip().split()[-1] if self.admin else ""
        return self

    def stop(self) -> int:
        """SIGTERM, as an operator does; the exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self._ended()

    def kill(self) -> None:
        """SIGKILL: nothing in the process gets to finish."""
        assert self.process is not None
        self.process.kill()
        self._ended()

    def _ended(self) -> int:
        assert self.process is not None
        assert self.process.stdout is not None
        status = self.process.wait(STOP_S)
        self.process.stdout.close()
        self.process = None
        return status

    @contextmanager
    def store(self) -> Iterator[Store]:
        """The database, as a command of the operator opens it."""
        url = self.settings.get("VIPGATE_DATABASE", f"sqlite:///{self.home / 'vipgate.db'}")
        store = open_store(url, clock_us, Retention())
        yield store
        store.close()

    def add_park(self, park_uuid: str, secret: str = SECRET) -> None:
        sealed = load_vault(None, self.home / "master.key").seal(secret, park_uuid)
        with self.store() as store:
            assert store.add_park(park_uuid, "", sealed, clock_us())

    def command(self, *arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        """Runs `vipgate …` on this home."""
        return run_vipgate(arguments, self.home, self.environment, given)

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def push(self, body: bytes, secret: str = SECRET, **headers: str) -> Answer:
        """One push on a connection of its own."""
        connection = self.connect()
        try:
            return send(connection, body, secret, **headers)
        finally:
            connection.close()


def send(connection: http.client.HTTPConnection, body: bytes, secret: str = SECRET, **headers: str) -> Answer:
    """One push on a connection that stays open."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    connection.request("POST", PUSH_PATH, body, signed_headers(body, secret) | named)
    response = connection.getresponse()
    envelope = json.loads(response.read())
    return Answer(response.status, {name.lower(): text for name, text in response.getheaders()}, envelope)
