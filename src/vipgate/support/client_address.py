"""Who is calling, where proxies of one's own stand in between: theirs is the word on it, nobody else's."""

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
    """The addresses of one's own proxies; none by default, and then nothing that a caller says counts."""

    def __init__(self, networks: tuple[IPv4Network | IPv6Network, ...] = ()) -> None:
        self._networks = networks
        self.is_trusted: Callable[[str], bool] = lru_cache(_REMEMBERED_MAX)(self._listed)

    def __bool__(self) -> bool:
        return bool(self._networks)

    def client_address(self, peer: str, forwarded: str | None) -> str:
        """The last address on the way here that is no proxy of ours: `peer`, or one that `X-Forwarded-For` names.

        Read from its end: each proxy of ours adds whom it was called by. What stands before a stranger's address is hearsay.
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
    """The proxies of the setting `trusted_proxies`. Raises OperatorError."""
    try:
        return TrustedProxies(tuple(ip_network(entry.strip()) for entry in text.split(",") if entry.strip()))
    except ValueError as error:
        raise UsageError(
            f"Setting trusted_proxies: {error}; write addresses or networks such as 10.0.0.7,10.1.0.0/16."
        ) from None


@lru_cache(_REMEMBERED_MAX)
def quota_key(caller: str) -> str:
    """What stands for one caller where room is shared out: an address, of IPv6 the half that a line is given as a whole."""
    address = _address_of(caller) if ":" in caller else None
    return str(IPv6Network((address, _IPV6_PREFIX_BITS), strict=False)) if isinstance(address, IPv6Address) else caller


def is_local(peer: str) -> bool:
    """Whether `peer`, an address as the system writes it, is this very machine."""
    return peer.startswith("127.") or peer == "::1"


def _address_of(hop: str) -> Address | None:
    """The address in one entry, with or without its port."""
    text = hop.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    return parse_address(text)


def parse_address(text: str) -> Address | None:
    """The address without its zone, IPv4 inside IPv6 as IPv4; None where it is none."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def normalize_peer(peername: object) -> str:
    """The address in what a transport calls its peer name, without the port; IPv4 inside IPv6 as IPv4."""
    if not isinstance(peername, tuple) or not peername:
        return ""
    text = str(peername[0]).partition("%")[0]
    return str(parse_address(text) or text)
