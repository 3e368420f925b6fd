"""Limits the open connections of one address to a fair share (docs/decisions/017-connection-quota.md). No clock, no socket."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from vipgate.gateway.limits.fair_share import has_share
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
    """One open connection in the quota. `network` is None for exempt addresses."""

    quota: ConnectionQuota
    network: str | None

    def release(self) -> None:
        """Returns the slot to the quota. Call it once."""
        self.quota.release(self.network)


class ConnectionQuota:
    """The connection slots, shared between addresses. Addresses for which `may_fill` is true may use all."""

    def __init__(self, places_max: int, may_fill: Callable[[str], bool]) -> None:
        self._is_exempt = may_fill
        self._taken: dict[str, int] = {}
        self.free = places_max

    def acquire(self, peer: str) -> ConnectionSlot | None:
        """Takes a slot for a connection from `peer`; None where its quota is used up."""
        if self.free <= 0:
            return None
        network = None if self._is_exempt(peer) else quota_key(peer)
        if network is not None:
            taken = self._taken.get(network, 0)
            if not has_share(taken, 1, self.free):
                return None
            self._taken[network] = taken + 1
        self.free -= 1
        return ConnectionSlot(self, network)

    def release(self, network: str | None) -> None:
        """Returns a slot that `acquire` gave to `network`."""
        self.free += 1
        if network is not None:
            self._taken[network] -= 1
            if not self._taken[network]:
                del self._taken[network]

    def rejection_reason(self) -> LocalizedText:
        """Explains the None that `acquire` has just returned."""
        return TOO_MANY_OF_ONE if self.free > 0 else FULL
