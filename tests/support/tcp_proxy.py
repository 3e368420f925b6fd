"""A line to PostgreSQL that breaks when a test wants it to, and counts how often the client waits for an answer."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from psycopg import conninfo

CHUNK_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Cut:
    """Cut when the client says `mark`: before the server hears of it, or when its answer is on the way."""

    mark: bytes
    after_answer: bool


class Proxy:
    """Passes bytes on, on a port of its own."""

    def __init__(self, url: str) -> None:
        parts = conninfo.conninfo_to_dict(url)
        self._target = (str(parts["host"]), int(str(parts["port"])))
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        self.url = f"postgresql://{parts['user']}@127.0.0.1:{port}/{parts['dbname']}"
        self.cuts = 0
        self.refused = 0
        # How often the client spoke after an answer, or first: the round trips.
        self.round_trips = 0
        self._answered = True
        self._cut: Cut | None = None
        self._refusing = False
        self._open: list[socket.socket] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self._close_all()

    def cut(self, wanted: Cut) -> None:
        """Cuts once."""
        self._cut = wanted

    def refuse(self) -> None:
        """The server seems away: what is open breaks, what comes is closed at once."""
        self._refusing = True
        self._close_all()

    def accept(self) -> None:
        """It is back."""
        self._refusing = False

    def _close_all(self) -> None:
        opened, self._open = self._open, []
        for one in opened:
            _close(one)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._refusing:
                self.refused += 1
                client.close()
                continue
            server = socket.create_connection(self._target)
            self._open += [client, server]
            answered = threading.Event()
            threading.Thread(target=self._up, args=(client, server, answered), daemon=True).start()
            threading.Thread(target=self._down, args=(client, server, answered), daemon=True).start()

    def _up(self, client: socket.socket, server: socket.socket, swallow: threading.Event) -> None:
        with suppress(OSError):
            while data := client.recv(CHUNK_BYTES):
                self.round_trips += self._answered
                self._answered = False
                cut = self._cut
                if cut is not None and cut.mark in data:
                    self._cut = None
                    self.cuts += 1
                    if not cut.after_answer:
                        break
                    swallow.set()
                server.sendall(data)
        _close(client)
        _close(server)

    def _down(self, client: socket.socket, server: socket.socket, swallow: threading.Event) -> None:
        with suppress(OSError):
            while data := server.recv(CHUNK_BYTES):
                if swallow.is_set():
                    break
                self._answered = True
                client.sendall(data)
        _close(client)
        _close(server)


def _close(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
