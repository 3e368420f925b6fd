"""Opens the listening sockets of a server, once; its processes share them."""

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
except ImportError:  # Windows has no such limit.
    resource = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class ListenSockets:
    """The sockets of the public port and, unless disabled, the admin port."""

    public: socket.socket
    admin: socket.socket | None

    @property
    def public_port(self) -> int:
        """The port number in use."""
        return int(self.public.getsockname()[1])

    @property
    def admin_port(self) -> int | None:
        """The port number in use, or None without an admin port."""
        return None if self.admin is None else int(self.admin.getsockname()[1])

    def admin_url(self, settings: Settings) -> str:
        """Returns the URL of the admin port, with a trailing slash."""
        if settings.admin_url:
            return settings.admin_url.rstrip("/") + "/"
        return f"http://{_shown(settings.admin_host)}:{self.admin_port}/"


def listen(settings: Settings, announce: Callable[[str], None]) -> ListenSockets:
    """Opens the sockets and announces their URLs. Raises UsageError where an address is not available."""
    raise_descriptor_limit(settings.connections_max)
    public = _open(settings.host, settings.port, "port")
    admin = None
    port = int(public.getsockname()[1])
    if settings.admin:
        wanted = settings.admin_port
        if wanted is None:
            wanted = port + 1 if _is_free(settings.admin_host, port + 1) else 0
        try:
            admin = _open(settings.admin_host, wanted, "admin-port")
        except UsageError:
            public.close()
            raise
    sockets = ListenSockets(public, admin)
    scheme = "http" if settings.tls_cert is None else "https"
    announce(f"public   {scheme}://{_shown(settings.host)}:{port}{PUSH_PATH}")
    if admin is not None:
        announce(f"admin    http://{_shown(settings.admin_host)}:{sockets.admin_port}/")
    return sockets


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
    """Raises the limit on file descriptors to what the connections need, up to the hard limit."""
    if resource is None:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections_max + 256
    if soft != resource.RLIM_INFINITY and soft < wanted:
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
