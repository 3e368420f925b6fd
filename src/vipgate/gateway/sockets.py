"""The listening sockets of a server, opened once: its processes share them."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass

from vipgate.errors import UsageError
from vipgate.gateway.http.server import BACKLOG
from vipgate.gateway.settings import Settings
from vipgate.protocol.envelope import PUSH_PATH

try:
    import resource
except ImportError:  # Windows, which has no such limit.
    resource = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class ListenSockets:
    """Where car parks push, and where staff look."""

    public: socket.socket
    admin: socket.socket | None

    @property
    def public_port(self) -> int:
        """The port that was taken."""
        return int(self.public.getsockname()[1])

    @property
    def admin_port(self) -> int | None:
        """The port that was taken."""
        return None if self.admin is None else int(self.admin.getsockname()[1])

    def admin_url(self, settings: Settings) -> str:
        """Where staff find the admin port; ends with a slash."""
        if settings.admin_url:
            return settings.admin_url.rstrip("/") + "/"
        return f"http://{_shown(settings.admin_host)}:{self.admin_port}/"


def listen(settings: Settings, announce: Callable[[str], None]) -> ListenSockets:
    """Opens the sockets and says where they are. Raises OperatorError where an address is not to be had."""
    raise_descriptor_limit(settings.connections_max)
    outside = _open(settings.host, settings.port, "port")
    inside = None
    port = int(outside.getsockname()[1])
    if settings.inside:
        wanted = settings.admin_port
        if wanted is None:
            wanted = port + 1 if _is_free(settings.admin_host, port + 1) else 0
        try:
            inside = _open(settings.admin_host, wanted, "admin-port")
        except UsageError:
            outside.close()
            raise
    listeners = ListenSockets(outside, inside)
    scheme = "http" if settings.tls_cert is None else "https"
    announce(f"outside  {scheme}://{_shown(settings.host)}:{port}{PUSH_PATH}")
    if inside is not None:
        announce(f"inside   http://{_shown(settings.admin_host)}:{listeners.admin_port}/")
    return listeners


def _open(host: str, port: int, flag: str) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address, family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"Cannot listen on {host}:{port}: {reason}; choose another --{flag}.") from None


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
