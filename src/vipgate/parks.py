"""Who may push: what the store knows of a park, remembered for half a second, and its rate. Never longer: commands change it."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

from vipgate.errors import NotAllowed, TooOften, Words
from vipgate.proxies import read_address
from vipgate.store.interface import ParkAccess
from vipgate.vault import Vault
from vipgate.wire import Keys

REMEMBERED_S: Final = 0.5
PARKS_REMEMBERED_MAX: Final = 20_000


class Bucket:
    """A park's allowance: `rate_per_minute` requests, all at once or spread."""

    def __init__(self, rate_per_minute: int, now_s: float) -> None:
        self.rate_per_minute = rate_per_minute
        self._tokens = float(rate_per_minute)
        self._at_s = now_s

    def wait_s(self, now_s: float) -> float:
        """Takes one request's worth and returns 0, or says how long to wait for it."""
        a_second = self.rate_per_minute / 60
        self._tokens = min(self.rate_per_minute, self._tokens + (now_s - self._at_s) * a_second)
        self._at_s = now_s
        if self._tokens < 1:
            return (1 - self._tokens) / a_second
        self._tokens -= 1
        return 0.0


@dataclass(slots=True)
class Admission:
    """What decides whether a request of one park is let in. `keys` is None for a park that is unknown or disabled."""

    keys: Keys | None
    networks: tuple[IPv4Network | IPv6Network, ...]
    bucket: Bucket | None
    read_at_s: float

    def check(self, peer: str, now_s: float) -> None:
        """Raises NotAllowed or TooOften for a verified request from `peer`."""
        if self.networks and not self._listed(peer):
            raise NotAllowed(
                Words(
                    f"地址 {peer} 不在该车场的允许列表中; 请平台运营方添加",
                    f"address {peer} is not on the park's allow list; ask the platform's operator to add it",
                )
            )
        wait_s = self.bucket.wait_s(now_s) if self.bucket is not None else 0.0
        if self.bucket is not None and wait_s > 0:
            retry_after_s = math.ceil(wait_s)
            rate = self.bucket.rate_per_minute
            raise TooOften(
                Words(
                    f"该车场每分钟最多 {rate} 次请求; 请 {retry_after_s} 秒后重试, 或合并为更大的批次",
                    f"at most {rate} requests a minute for this park; try again in {retry_after_s} s, or send larger batches",
                ),
                retry_after_s=retry_after_s,
            )

    def _listed(self, peer: str) -> bool:
        address = read_address(peer)
        return address is not None and any(address in network for network in self.networks)


class Directory:
    """Admissions by park_uuid. Lives on the event loop; `read` reaches the store off it."""

    def __init__(
        self, read: Callable[[str], Awaitable[ParkAccess | None]], vault: Vault, clock_s: Callable[[], float]
    ) -> None:
        self._read = read
        self._vault = vault
        self._clock_s = clock_s
        self._known: dict[str, Admission] = {}

    def remembered(self, park_uuid: str) -> Admission | None:
        """The admission, where it was read a moment ago."""
        found = self._known.get(park_uuid)
        return found if found is not None and self._clock_s() - found.read_at_s < REMEMBERED_S else None

    async def find(self, park_uuid: str) -> Admission:
        """The admission, read anew. Raises StoreError; the caller keeps requests of one park apart."""
        return self._remember(park_uuid, await self._read(park_uuid))

    def _remember(self, park_uuid: str, access: ParkAccess | None) -> Admission:
        now_s = self._clock_s()
        before = self._known.pop(park_uuid, None)
        admission = Admission(None, (), None, now_s)
        if access is not None and access.enabled:
            previous = access.previous_secret
            admission.keys = Keys(
                self._vault.open(access.secret, park_uuid),
                None if previous is None else self._vault.open(previous, park_uuid),
                access.require_hmac,
            )
            admission.networks = tuple(ip_network(entry) for entry in access.allow_list)
            admission.bucket = _bucket(access.rate_per_minute, before, now_s)
        self._known[park_uuid] = admission
        if len(self._known) > PARKS_REMEMBERED_MAX:
            del self._known[next(iter(self._known))]
        return admission


def _bucket(rate_per_minute: int | None, before: Admission | None, now_s: float) -> Bucket | None:
    """The park's bucket; one that is in use goes on."""
    if rate_per_minute is None:
        return None
    if before is not None and before.bucket is not None and before.bucket.rate_per_minute == rate_per_minute:
        return before.bucket
    return Bucket(rate_per_minute, now_s)
