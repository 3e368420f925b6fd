"""One POST to an address that a member of the staff typed in: it cannot be led into the own network, nor be held up.

The host is resolved once and the connection made to the very address that was checked: a name that points elsewhere a
moment later gains nothing. No redirects, no proxies, and one deadline for everything after the look-up, which has the bounds
of the system's resolver.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import urlsplit

import httpcore

from vipgate.errors import VipgateError, Words, shorten

URL_CHARS_MAX: Final = 2048
ADDRESSES_TRIED_MAX: Final = 4
CONNECT_S_MAX: Final = 5.0
TOTAL_S_MAX: Final = 15.0
ANSWER_BYTES_MAX: Final = 2 * 1024 * 1024

_PORTS: Final = {"http": 80, "https": 443}
_NAT64: Final = IPv6Network("64:ff9b::/96")
_SITE_LOCAL: Final = IPv6Network("fec0::/10")
Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Sequence[str]]


class OutwardTrouble(VipgateError):
    """The address cannot be asked, or did not answer."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


@dataclass(frozen=True, slots=True)
class Target:
    """A URL in its parts: `host` without brackets, `place` as the Host header wants it."""

    scheme: str
    host: str
    port: int
    place: str
    path: str


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back: every status but a redirect, and the whole body."""

    status: int
    content_type: str
    body: bytes


def one_line(text: str) -> str:
    """`text` for a message that every terminal, page and database takes: cut, on one line, printable."""
    return shorten("".join(letter if letter.isprintable() else " " for letter in text))


def read_url(text: str) -> Target:
    """The parts of an http or https URL. Raises OutwardTrouble that says what is wrong with it."""
    url = text.strip()
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url or len(url) > URL_CHARS_MAX:
        raise _bad_url(text)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _bad_url(text) from None
    if parts.scheme not in _PORTS or not parts.hostname or parts.username is not None or parts.fragment or port == 0:
        raise _bad_url(text)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    place = name if port in (None, _PORTS[parts.scheme]) else f"{name}:{port}"
    return Target(parts.scheme, parts.hostname, port or _PORTS[parts.scheme], place, path)


def _bad_url(text: str) -> OutwardTrouble:
    return OutwardTrouble(
        Words(
            f'网关地址应为 http:// 或 https:// 加主机名, 可带端口和路径, 收到 "{one_line(text)}"',
            "the gateway's address must be http:// or https://, a host, and if need be a port and a path, "
            f'got "{one_line(text)}"',
        )
    )


def resolve_host(host: str, port: int) -> Sequence[str]:
    """The addresses of `host`, as the system's resolver gives them. Raises OSError."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def is_public(address: Address) -> bool:
    """Whether `address` is one of the Internet at large, and nothing of the own machine or network hides in it."""
    inner = _embedded(address)
    if inner is not None:
        return is_public(inner)
    inward = address.is_private or address.is_loopback or address.is_link_local or address.is_reserved
    return address.is_global and not inward and not _is_nowhere(address) and address not in _SITE_LOCAL


def _embedded(address: Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 address leads to: mapped, 6to4, Teredo, NAT64."""
    if isinstance(address, IPv4Address):
        return None
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def _is_nowhere(address: Address) -> bool:
    """No server can be there, whatever an operator allows."""
    inner = _embedded(address) or address
    return inner.is_multicast or inner.is_unspecified


def checked_addresses(target: Target, *, allow_private: bool, resolve: Resolve) -> list[str]:
    """The addresses of `target` that may be connected to, the first few. Raises OutwardTrouble where one may not."""
    try:
        found = list(dict.fromkeys(resolve(target.host, target.port)))[:ADDRESSES_TRIED_MAX]
    except (OSError, UnicodeError):
        found = []
    if not found:
        raise OutwardTrouble(
            Words(
                f"找不到主机 {target.host}; 请检查地址或域名解析",
                f"there is no host {target.host}; mend the address or the name service",
            )
        )
    for text in found:
        address = ip_address(text)
        if _is_nowhere(address) or not (allow_private or is_public(address)):
            raise OutwardTrouble(
                Words(
                    f"主机 {target.host} 的地址 {text} 不是公网地址, 不予访问; 内网网关须由管理员允许",
                    f"{target.host} is {text}, which is not a public address; "
                    "an administrator must allow gateways of the own network",
                )
            )
    return found


def post(
    target: Target,
    addresses: Sequence[str],
    body: bytes,
    clock_s: Callable[[], float],
    *,
    total_s: float = TOTAL_S_MAX,
) -> Answered:
    """Posts JSON to `target` at one of its checked `addresses`. Raises OutwardTrouble."""
    deadline = _Deadline(clock_s, clock_s() + total_s)
    headers: list[tuple[str | bytes, str | bytes]] = [
        ("Host", target.place),
        ("Content-Type", "application/json; charset=UTF-8"),
        ("Accept", "application/json"),
        ("Accept-Encoding", "identity"),
    ]
    url = f"{target.scheme}://{target.place}{target.path}"
    pinned = _PinnedBackend(addresses, deadline)
    context = ssl.create_default_context() if target.scheme == "https" else None
    try:
        with (
            httpcore.ConnectionPool(ssl_context=context, network_backend=pinned, max_connections=1) as pool,
            pool.stream("POST", url, headers=headers, content=body) as response,
        ):
            return _read(response, target)
    except httpcore.TimeoutException:
        raise OutwardTrouble(
            Words(
                f"{target.place} 未在 {total_s:g} 秒内答完; 请检查网关是否在线",
                f"{target.place} did not answer in full within {total_s:g} s; see whether the gateway is up",
            )
        ) from None
    except (httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise OutwardTrouble(
            Words(
                f"无法从 {target.place} 得到回答: {one_line(str(error))}; 请检查地址, 端口和证书",
                f"no answer from {target.place}: {one_line(str(error))}; check address, port and certificate",
            )
        ) from None


def _read(response: httpcore.Response, target: Target) -> Answered:
    if 300 <= response.status < 400:
        raise OutwardTrouble(
            Words(
                f"{target.place} 要求转到别处 (HTTP {response.status}), 不予跟随; 请填最终地址",
                f"{target.place} redirects (HTTP {response.status}), which is not followed; give the final address",
            )
        )
    body = bytearray()
    for chunk in response.iter_stream():
        body += chunk
        if len(body) > ANSWER_BYTES_MAX:
            raise OutwardTrouble(
                Words(
                    f"{target.place} 的回答超过 {ANSWER_BYTES_MAX} 字节; 请检查地址是否为停车场网关",
                    f"the answer of {target.place} is over {ANSWER_BYTES_MAX} bytes; is this the park's gateway?",
                )
            )
    types = [text for name, text in response.headers if name.lower() == b"content-type"]
    return Answered(response.status, types[0].decode("latin-1") if types else "", bytes(body))


class _Deadline:
    """One end for all that a request waits for, however often it waits."""

    def __init__(self, clock_s: Callable[[], float], at_s: float) -> None:
        self._clock_s = clock_s
        self._at_s = at_s

    def left_s(self) -> float:
        """How long there is still to wait. Raises httpcore.TimeoutException where that is over."""
        left_s = self._at_s - self._clock_s()
        if left_s <= 0:
            raise httpcore.ReadTimeout
        return left_s


class _PinnedBackend(httpcore.NetworkBackend):
    """Connects to addresses that were checked, whatever the URL's host; that one is still who the certificate must name."""

    def __init__(self, addresses: Sequence[str], deadline: _Deadline) -> None:
        self._addresses = addresses
        self._deadline = deadline
        self._system = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,  # noqa: ARG002 - the base class's signature
        port: int,
        timeout: float | None = None,  # noqa: ARG002
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to the first address that takes one."""
        failure: httpcore.TimeoutException | httpcore.NetworkError | None = None
        for address in self._addresses:
            left_s = min(CONNECT_S_MAX, self._deadline.left_s())
            try:
                stream = self._system.connect_tcp(address, port, left_s, local_address, socket_options)
            except (httpcore.ConnectTimeout, httpcore.ConnectError) as error:
                failure = error
            else:
                return _HurriedStream(stream, self._deadline)
        raise failure or httpcore.ConnectError("no address")


class _HurriedStream(httpcore.NetworkStream):
    """A connection on which nobody waits beyond the deadline, however slowly the bytes drip."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        """See the base class."""
        return self._stream.read(max_bytes, self._deadline.left_s())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        """See the base class."""
        self._stream.write(buffer, self._deadline.left_s())

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        """See the base class."""
        tls = self._stream.start_tls(ssl_context, server_hostname, self._deadline.left_s())
        return _HurriedStream(tls, self._deadline)

    def close(self) -> None:
        """See the base class."""
        self._stream.close()

    def get_extra_info(self, info: str) -> object:
        """See the base class."""
        return self._stream.get_extra_info(info)
