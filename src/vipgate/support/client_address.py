"""Resolves the client address behind trusted reverse proxies."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from vipgate.errors import UsageError

HOPS_MAX: Final = 32
_REMEMBERED_MAX: Final = 4096
_IPV6_PREFIX_BITS: Final = 64

Address = IPv4Address | IPv6Address


class TrustedProxies:
    """The trusted proxies. Without any, X-Forwarded-For is ignored."""

    def __init__(self, networks: tuple[IPv4Network | IPv6Network, ...] = ()) -> None:
        self._networks = networks
        self.is_trusted: Callable[[str], bool] = lru_cache(_REMEMBERED_MAX)(self._listed)

    def __bool__(self) -> bool:
        return bool(self._networks)

    def client_address(self, peer: str, forwarded: str | None) -> str:
        """Returns the last address in the chain that is not a trusted proxy: `peer`, or one of `X-Forwarded-For`.

        Reads the header from its end: each trusted proxy appends its peer; entries before an untrusted address can be forged.
        """
        if not self._networks or forwarded is None or not self.is_trusted(peer):
            return peer
        for hop in reversed(forwarded.split(",")[-HOPS_MAX:]):
            address = _address_of(hop)
            if address is None:
                return peer
            peer = str(address)
            if not self.is_trusted(peer):
                return peer
        return peer

    def _listed(self, peer: str) -> bool:
        address = _address_of(peer)
        return address is not None and any(address in network for network in self._networks)


def parse_trusted_proxies(text: str) -> TrustedProxies:
    """Parses the setting `trusted_proxies`. Raises UsageError."""
    try:
        return TrustedProxies(tuple(ip_network(entry.strip()) for entry in text.split(",") if entry.strip()))
    except ValueError as error:
        raise UsageError(
            f"Setting trusted_proxies: {error}; write addresses or networks such as 10.0.0.7,10.1.0.0/16."
        ) from None


@lru_cache(_REMEMBERED_MAX)
def quota_key(caller: str) -> str:
    """Returns the key of a client for quotas: the IPv4 address or the IPv6 /64 network, which one customer gets as a whole."""
    address = _address_of(caller) if ":" in caller else None
    return str(IPv6Network((address, _IPV6_PREFIX_BITS), strict=False)) if isinstance(address, IPv6Address) else caller


def is_local(peer: str) -> bool:
    """Whether `peer`, an address as the system formats it, is loopback."""
    return peer.startswith("127.") or peer == "::1"


def _address_of(hop: str) -> Address | None:
    """Parses one header entry, with or without a port; None where it is not an address."""
    text = hop.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    return parse_address(text)


def parse_address(text: str) -> Address | None:
    """Parses an address without its zone, IPv4-mapped IPv6 as IPv4; None where it is not one."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def normalize_peer(peername: object) -> str:
    """Returns the address of a transport's peer name, without the port; IPv4-mapped IPv6 as IPv4."""
    if not isinstance(peername, tuple) or not peername:
        return ""
    text = str(peername[0]).partition("%")[0]
    return str(parse_address(text) or text)
