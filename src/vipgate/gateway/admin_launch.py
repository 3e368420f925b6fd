"""The launch message of the admin process: one line of JSON on its standard input."""

from __future__ import annotations

import base64
import socket
import sys
from dataclasses import dataclass, field
from typing import Final

import msgspec

from vipgate.store.interfaces.ledger import Retention

MESSAGE_BYTES_MAX: Final = 64 * 1024
# The parent sends this to stop the process; end of file instead means that the parent is gone.
STOP: Final = b"stop\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminConfig:
    """Settings for the admin process, and the secret in the link for creating the first account."""

    database_url: str = field(repr=False)
    retention: Retention
    master_key: str | None = field(repr=False)
    key_file: str
    url: str
    secure: bool
    db_connections: int
    charge_types_allow_private: bool
    masked_searches_per_hour: int
    workers: int
    trusted_proxies: str
    invitation: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchMessage:
    """The config with handles of the listening socket and the shared metrics."""

    config: AdminConfig
    listener: str
    metrics: str


def encode(handed: LaunchMessage) -> bytes:
    """Encodes the message as one line."""
    return msgspec.json.encode(handed) + b"\n"


def decode(line: bytes) -> LaunchMessage:
    """Decodes a line."""
    return msgspec.json.decode(line, type=LaunchMessage)


def share_listener(listener: socket.socket, pid: int) -> str:
    """Returns a handle of the socket for process `pid`: the inherited descriptor, or on Windows a duplicate."""
    if sys.platform == "win32":
        return base64.b64encode(listener.share(pid)).decode("ascii")
    return str(listener.fileno())


def take_listener(shared: str) -> socket.socket:
    """Opens the socket of `share_listener` in the admin process."""
    if sys.platform == "win32":
        return socket.fromshare(base64.b64decode(shared))
    return socket.socket(fileno=int(shared))
