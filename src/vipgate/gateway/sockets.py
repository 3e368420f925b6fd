"""The listening sockets of a server, opened once: its processes share them."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass

from vipgate.errors import OperatorError
from vipgate.gateway.http.server import BACKLOG
from vipgate.gateway.settings import Settings
from vipgate.protocol.envelope import PUSH_PATH

try:
    import resource
except ImportError:  # Windows, which has no such limit.
    resource = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Listeners:
    """Where car parks push, and where staff look."""

    outside: socket.socket
    inside: socket.socket | None

    @property
    def outside_port(self) -> int:
        """The port that was taken."""
        return int(self.outside.getsockname()[1])

    @property
    def inside_port(self) -> int | None:
        """The port that was taken."""
        return None if self.inside is None else int(self.inside.getsockname()[1])

    def inside_url(self, settings: Settings) -> str:
        """Where staff find the inside port; ends with a slash."""
        if settings.inside_url:
            return settings.inside_url.rstrip("/") + "/"
        return f"http://{_shown(settings.inside_host)}:{self.inside_port}/"


def listen(settings: Settings, announce: Callable[[str], None]) -> Listeners:
    """Opens the sockets and says where they are. Raises OperatorError where an address is not to be had."""
    raise_descriptor_limit(settings.connections_max)
    outside = _open(settings.host, settings.port, "port")
    inside = None
    port = int(outside.getsockname()[1])
    if settings.inside:
        wanted = settings.inside_port
        if wanted is None:
            wanted = port + 1 if _is_free(settings.inside_host, port + 1) else 0
        try:
            inside = _open(settings.inside_host, wanted, "inside-port")
        except OperatorError:
            outside.close()
            raise
    listeners = Listeners(outside, inside)
    scheme = "http" if settings.tls_cert is None else "https"
    announce(f"outside  {scheme}://{_shown(settings.host)}:{port}{PUSH_PATH}")
    if inside is not None:
        announce(f"inside   http://{_shown(settings.inside_host)}:{listeners.inside_port}/")
    return listeners


def _open(host: str, port: int, flag: str) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address, family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise OperatorError(f"Cannot listen on {host}:{port}: {reason}; choose another --{flag}.") from None


def _is_free(host: str, port: int) -> bool:
    try:
        with socket.create_server((host, port)):
            return True
    except (OSError, OverflowError):
        return False


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def raise_descriptor_limit(connections_max: int) -> None:
    """As many descriptors as the connections need, where the system lets us."""
    if resource is None:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections_max + 256
    if soft != resource.RLIM_INFINITY and soft < wanted:
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
