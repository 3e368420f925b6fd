"""Sends one POST to a URL that staff entered, safe against SSRF and slow servers.

Resolves the host once and connects to the checked address, against DNS rebinding. No redirects, no proxies, one deadline for
everything after the lookup, which has the timeout of the system's resolver.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

import httpcore

from vipgate.errors import VipgateError, truncate
from vipgate.i18n import LocalizedText

URL_CHARS_MAX: Final = 2048
ADDRESSES_TRIED_MAX: Final = 4
CONNECT_S_MAX: Final = 5.0
TOTAL_S_MAX: Final = 15.0
ANSWER_BYTES_MAX: Final = 2 * 1024 * 1024

_PORTS: Final = {"http": 80, "https": 443}
_NAT64: Final = IPv6Network("64:ff9b::/96")
# Special in IANA's registries, but not in every Python release.
_SPECIAL: Final = tuple(
    ip_network(text) for text in ("192.0.0.0/24", "64:ff9b:1::/48", "3fff::/20", "5f00::/16", "fec0::/10")
)
# What `charge_types_allow_private` allows: RFC 1918, shared address space (RFC 6598), unique local addresses (RFC 4193).
_PRIVATE: Final = tuple(
    ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)
# Cloud metadata services at addresses that are not link-local: Alibaba, Azure, AWS, Google, Oracle.
_METADATA: Final = tuple(
    ip_network(text)
    for text in ("100.100.100.200", "168.63.129.16", "fd00:ec2::/32", "fd20:ce::254", "fd00:c1::a9fe:a9fe")
)
_MEDIA_TYPE: Final = re.compile(r"[a-z]{1,20}/[a-z0-9.+-]{1,60}(?![^;\s])", re.ASCII | re.IGNORECASE).match
Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Sequence[str]]


class FetchError(VipgateError):
    """The URL is not allowed, or the server did not respond."""

    def __init__(self, words: LocalizedText) -> None:
        super().__init__(words.en)
        self.words = words


@dataclass(frozen=True, slots=True)
class ParsedUrl:
    """A parsed URL: `host` without brackets, `authority` for the Host header."""

    scheme: str
    host: str
    port: int
    authority: str
    path: str


@dataclass(frozen=True, slots=True)
class FetchResponse:
    """A complete response; any status except redirects."""

    status: int
    content_type: str
    body: bytes

    @property
    def about(self) -> LocalizedText:
        """Describes the response for error messages, without its body: that may be another service's."""
        media = _MEDIA_TYPE(self.content_type)
        summary, size = f"HTTP {self.status}, {media[0] if media else '-'}", len(self.body)
        return LocalizedText(f"{summary}, {size} 字节", f"{summary}, {size} bytes")


def sanitize(text: str) -> str:
    """Makes `text` safe for messages: truncated, on one line, printable."""
    return truncate("".join(letter if letter.isprintable() else " " for letter in text))


def parse_url(text: str) -> ParsedUrl:
    """Parses an http or https URL. Raises FetchError that says what is wrong with it."""
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
    return ParsedUrl(parts.scheme, parts.hostname, port or _PORTS[parts.scheme], place, path)


def _bad_url(text: str) -> FetchError:
    return FetchError(
        LocalizedText(
            f'网关地址应为 http:// 或 https:// 加主机名, 可带端口和路径, 收到 "{sanitize(text)}"',
            "the gateway's address must be http:// or https://, a host, and if need be a port and a path, "
            f'got "{sanitize(text)}"',
        )
    )


def resolve_host(host: str, port: int) -> Sequence[str]:
    """Resolves `host` with the system's resolver. Raises OSError."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def is_public(address: Address) -> bool:
    """Whether `address` is public, and embeds no address of this machine or network."""
    inner = _embedded(address)
    if inner is not None:
        return is_public(inner)
    inward = address.is_private or address.is_loopback or address.is_link_local or address.is_reserved
    nowhere = address.is_multicast or address.is_unspecified or _is_in(_SPECIAL, address)
    return address.is_global and not inward and not nowhere and not _is_in(_METADATA, address)


def is_private(address: Address) -> bool:
    """Whether `address` is a private address that may be allowed: never loopback, link-local or cloud metadata."""
    plain = (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
    return _is_in(_PRIVATE, plain) and not _is_in(_METADATA, plain)


def _is_in(networks: tuple[IPv4Network | IPv6Network, ...], address: Address) -> bool:
    return any(address in network for network in networks)


def _embedded(address: Address) -> IPv4Address | None:
    """Returns the IPv4 address embedded in an IPv6 address (mapped, 6to4, Teredo, NAT64), or None."""
    if isinstance(address, IPv4Address):
        return None
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def checked_addresses(target: ParsedUrl, *, allow_private: bool, resolve: Resolve) -> list[str]:
    """Resolves `target` to at most ADDRESSES_TRIED_MAX allowed addresses. Raises FetchError where one is not allowed."""
    try:
        found = list(dict.fromkeys(resolve(target.host, target.port)))[:ADDRESSES_TRIED_MAX]
    except (OSError, UnicodeError):
        found = []
    if not found:
        raise FetchError(
            LocalizedText(
                f"找不到主机 {target.host}; 请检查地址或域名解析",
                f"there is no host {target.host}; fix the address or the name service",
            )
        )
    for text in found:
        address = ip_address(text)
        if not (is_public(address) or (allow_private and is_private(address))):
            raise _not_asked(target.host, text, allowable=is_private(address))
    return found


def _not_asked(host: str, address: str, *, allowable: bool) -> FetchError:
    """Makes the error for a forbidden address. `allowable`: the setting would permit it."""
    if allowable:
        zh = "内网网关须由平台运维设置 charge_types_allow_private"
        en = "for gateways of the own network the operator sets charge_types_allow_private"
    else:
        zh = "本机, 链路本地, 云元数据等地址在任何设置下都不访问; 请填写网关自己的地址"
        en = "this machine, link-local, cloud metadata and the like are never asked; give the gateway's own address"
    return FetchError(
        LocalizedText(
            f"主机 {host} 的地址 {address} 不是公网地址, 不予访问; {zh}",
            f"{host} is {address}, which is not a public address; {en}",
        )
    )


def post(
    target: ParsedUrl,
    addresses: Sequence[str],
    body: bytes,
    clock_s: Callable[[], float],
    *,
    total_s: float = TOTAL_S_MAX,
) -> FetchResponse:
    """Posts JSON to `target` at one of its checked `addresses`. Raises FetchError."""
    deadline = _Deadline(clock_s, clock_s() + total_s)
    headers: list[tuple[str | bytes, str | bytes]] = [
        ("Host", target.authority),
        ("Content-Type", "application/json; charset=UTF-8"),
        ("Accept", "application/json"),
        ("Accept-Encoding", "identity"),
    ]
    url = f"{target.scheme}://{target.authority}{target.path}"
    pinned = _PinnedBackend(addresses, deadline)
    context = ssl.create_default_context() if target.scheme == "https" else None
    try:
        with (
            httpcore.ConnectionPool(ssl_context=context, network_backend=pinned, max_connections=1) as pool,
            pool.stream("POST", url, headers=headers, content=body) as response,
        ):
            return _read(response, target)
    except httpcore.TimeoutException:
        raise FetchError(
            LocalizedText(
                f"{target.authority} 未在 {total_s:g} 秒内答完; 请检查网关是否在线",
                f"{target.authority} did not answer in full within {total_s:g} s; see whether the gateway is up",
            )
        ) from None
    except httpcore.ProtocolError:
        # The error text may quote the response, which may be another service's.
        raise FetchError(
            LocalizedText(
                f"{target.authority} 的回答不是完整的 HTTP 应答; 请检查地址和端口是否为停车场网关",
                f"{target.authority} did not answer with whole HTTP; see whether address and port are the park's gateway",
            )
        ) from None
    except httpcore.NetworkError as error:
        raise FetchError(
            LocalizedText(
                f"无法从 {target.authority} 得到回答: {sanitize(str(error))}; 请检查地址, 端口和证书",
                f"no answer from {target.authority}: {sanitize(str(error))}; check address, port and certificate",
            )
        ) from None


def _read(response: httpcore.Response, target: ParsedUrl) -> FetchResponse:
    if 300 <= response.status < 400:
        raise FetchError(
            LocalizedText(
                f"{target.authority} 要求转到别处 (HTTP {response.status}), 不予跟随; 请填最终地址",
                f"{target.authority} redirects (HTTP {response.status}), which is not followed; give the final address",
            )
        )
    body = bytearray()
    for chunk in response.iter_stream():
        body += chunk
        if len(body) > ANSWER_BYTES_MAX:
            raise FetchError(
                LocalizedText(
                    f"{target.authority} 的回答超过 {ANSWER_BYTES_MAX} 字节; 请检查地址是否为停车场网关",
                    f"the answer of {target.authority} is over {ANSWER_BYTES_MAX} bytes; is this the park's gateway?",
                )
            )
    types = [text for name, text in response.headers if name.lower() == b"content-type"]
    return FetchResponse(response.status, types[0].decode("latin-1") if types else "", bytes(body))


class _Deadline:
    """One deadline for all waits of a request."""

    def __init__(self, clock_s: Callable[[], float], at_s: float) -> None:
        self._clock_s = clock_s
        self._at_s = at_s

    def left_s(self) -> float:
        """Returns the remaining seconds. Raises httpcore.ReadTimeout after the deadline."""
        left_s = self._at_s - self._clock_s()
        if left_s <= 0:
            raise httpcore.ReadTimeout
        return left_s


class _PinnedBackend(httpcore.NetworkBackend):
    """Connects to the checked addresses only; the certificate must still match the URL's host."""

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
        """Connects to the first reachable address."""
        failure: httpcore.TimeoutException | httpcore.NetworkError | None = None
        for address in self._addresses:
            left_s = min(CONNECT_S_MAX, self._deadline.left_s())
            try:
                stream = self._system.connect_tcp(address, port, left_s, local_address, socket_options)
            except (httpcore.ConnectTimeout, httpcore.ConnectError) as error:
                failure = error
            else:
                return _DeadlineStream(stream, self._deadline)
        raise failure or httpcore.ConnectError("no address")


class _DeadlineStream(httpcore.NetworkStream):
    """A connection whose reads and writes end at the deadline, however slow the server is."""

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
        return _DeadlineStream(tls, self._deadline)

    def close(self) -> None:
        """See the base class."""
        self._stream.close()

    def get_extra_info(self, info: str) -> object:
        """See the base class."""
        return self._stream.get_extra_info(info)
