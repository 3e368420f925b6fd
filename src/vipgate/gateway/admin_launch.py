"""What the admin process is told when it starts: plain values, one line of JSON on its standard input."""

from __future__ import annotations

import base64
import socket
import sys
from dataclasses import dataclass, field
from typing import Final

import msgspec

from vipgate.store.interfaces.ledger import Retention

MESSAGE_BYTES_MAX: Final = 64 * 1024
# What its parent sends where it shall come to an end; where the line breaks instead, the parent is gone.
STOP: Final = b"stop\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminConfig:
    """What the admin process needs of the settings, and the secret of the link that makes the first account."""

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
    """The same with the socket and the board, by what the process has inherited or may open."""

    config: AdminConfig
    listener: str
    metrics: str


def encode(handed: LaunchMessage) -> bytes:
    """The line that is sent."""
    return msgspec.json.encode(handed) + b"\n"


def decode(line: bytes) -> LaunchMessage:
    """What the line says."""
    return msgspec.json.decode(line, type=LaunchMessage)


def share_listener(listener: socket.socket, pid: int) -> str:
    """The socket as the process `pid` finds it: the descriptor that it inherits, or on Windows a copy made for it."""
    if sys.platform == "win32":
        return base64.b64encode(listener.share(pid)).decode("ascii")
    return str(listener.fileno())


def take_listener(shared: str) -> socket.socket:
    """The other half, in the admin process."""
    if sys.platform == "win32":
        return socket.fromshare(base64.b64decode(shared))
    return socket.socket(fileno=int(shared))
