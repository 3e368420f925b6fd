"""How many connections of one address may be open at once: as many as are still free for all.

One alone gets half of the room, n that want all of it get 1/(n + 1) each, and whoever comes from elsewhere finds some
(docs/decisions/017-connection-quota.md). No clock, no socket.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from vipgate.i18n import LocalizedText
from vipgate.support.client_address import quota_key

FULL: Final = LocalizedText("连接过多; 请稍后重试", "too many connections; try again later")
TOO_MANY_OF_ONE: Final = LocalizedText(
    "来自同一地址的连接过多; 请减少同时打开的连接, 用完继续复用; 如经代理转发, 请平台运营方将其地址写入设置 trusted_proxies",
    "too many connections from this address; open fewer at once and use them again, "
    "or, where it is a proxy, have the platform's operator name it in the setting trusted_proxies",
)


@dataclass(frozen=True, slots=True)
class ConnectionSlot:
    """One connection's place, until it leaves. No network: it is held against no address."""

    quota: ConnectionQuota
    network: str | None

    def release(self) -> None:
        """The connection has ended. To be called once."""
        self.quota.release(self.network)


class ConnectionQuota:
    """The places for connections, shared out by address. Addresses for which `may_fill` holds may have all of them."""

    def __init__(self, places_max: int, may_fill: Callable[[str], bool]) -> None:
        self._is_exempt = may_fill
        self._taken: dict[str, int] = {}
        self.free = places_max

    def acquire(self, peer: str) -> ConnectionSlot | None:
        """A place for a connection from `peer`; None where it has none."""
        if self.free <= 0:
            return None
        network = None if self._is_exempt(peer) else quota_key(peer)
        if network is not None:
            taken = self._taken.get(network, 0)
            if taken >= self.free:
                return None
            self._taken[network] = taken + 1
        self.free -= 1
        return ConnectionSlot(self, network)

    def release(self, network: str | None) -> None:
        """Gives back a place that `enter` gave to a connection of `network`."""
        self.free += 1
        if network is not None:
            self._taken[network] -= 1
            if not self._taken[network]:
                del self._taken[network]

    def rejection_reason(self) -> LocalizedText:
        """What to say to whom `enter` has just given none."""
        return TOO_MANY_OF_ONE if self.free > 0 else FULL
