"""Caches who may push: park access from the store, for half a second since commands change it, and rate limits."""

from __future__ import annotations

import asyncio
import math
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Network, IPv6Network, ip_network
from itertools import islice
from typing import Final

from vipgate.errors import Forbidden, RateLimited
from vipgate.i18n import LocalizedText
from vipgate.protocol.authentication import ParkSecrets
from vipgate.store.interfaces.ledger import ParkAccess
from vipgate.support.client_address import parse_address
from vipgate.support.token_bucket import TokenBucket
from vipgate.support.vault import Vault

TTL_S: Final = 0.5
# From this age on an entry is refreshed, while it is still valid.
REFRESH_AFTER_S: Final = 0.2
# Refreshes wait so long for others: one query for many parks costs little more than for one.
REFRESH_DELAY_S: Final = 0.05
PARKS_CACHED_MAX: Final = 20_000
# A park not read for so long has not pushed either: its bucket is full again and may be dropped.
AT_REST_S: Final = 120.0
PARKS_PER_READ_MAX: Final = 100

# Reads the access of some parks from the store; unknown parks are left out. Raises StoreError.
Read = Callable[[Sequence[str]], Mapping[str, ParkAccess]]


@dataclass(slots=True)
class ParkPolicy:
    """The access rules of one park. `secrets` is None for a park that is unknown or disabled."""

    access: ParkAccess | None
    secrets: ParkSecrets | None
    networks: tuple[IPv4Network | IPv6Network, ...]
    bucket: TokenBucket | None
    read_at_s: float

    def check(self, peer: str, now_s: float) -> None:
        """Applies allow list and rate limit to a verified request from `peer`. Raises Forbidden, RateLimited."""
        if self.networks and not self._listed(peer):
            raise Forbidden(
                LocalizedText(
                    f"地址 {peer} 不在该车场的允许列表中; 请平台运营方添加",
                    f"address {peer} is not on the park's allow list; ask the platform's operator to add it",
                )
            )
        wait_s = self.bucket.wait_s(now_s) if self.bucket is not None else 0.0
        if self.bucket is not None and wait_s > 0:
            retry_after_s = math.ceil(wait_s)
            rate = self.bucket.burst
            raise RateLimited(
                LocalizedText(
                    f"该车场每分钟最多 {rate} 次请求; 请 {retry_after_s} 秒后重试, 或合并为更大的批次",
                    f"at most {rate} requests a minute for this park; try again in {retry_after_s} s, or send larger batches",
                ),
                retry_after_s=retry_after_s,
            )

    def _listed(self, peer: str) -> bool:
        address = parse_address(peer)
        return address is not None and any(address in network for network in self.networks)


_Lookup = asyncio.Future[ParkPolicy]


class ParkAccessCache:
    """Caches park policies by park_uuid. Runs on the event loop; `submit` runs a job in a thread, where `read` queries the store.

    A park that pushes all the time is refreshed before its entry expires, so that none of its requests waits. Results enter
    the cache from the thread: under load a tick of the loop takes long, and a result that waited for it would be stale. An
    entry's age counts from before its query, which may take long.
    """

    def __init__(
        self,
        read: Read,
        submit: Callable[[Callable[[], None]], object],
        vault: Vault,
        clock_s: Callable[[], float],
        *,
        reads_at_once: int = 1,
        refresh_delay_s: float = REFRESH_DELAY_S,
    ) -> None:
        self._read = read
        self._submit = submit
        self._vault = vault
        self._clock_s = clock_s
        self._reads_left = reads_at_once
        self._refresh_delay_s = refresh_delay_s
        self._refresh_is_due = False
        self._parks: dict[str, ParkPolicy] = {}
        # Unknown parks. Anyone can invent names, so they have their own table and evict no real park.
        self._strangers: dict[str, ParkPolicy] = {}
        self._caching = threading.Lock()
        # Futures by park: not yet read; and all pending, including those being read.
        self._wanted: dict[str, _Lookup] = {}
        self._asked: dict[str, _Lookup] = {}
        # Parks of a failed batch read: each is read alone.
        self._alone: deque[str] = deque()

    def get_cached(self, park_uuid: str) -> ParkPolicy | None:
        """Returns the cached policy, or None where it is missing or expired."""
        found = self._parks.get(park_uuid) or self._strangers.get(park_uuid)
        if found is None:
            return None
        age_s = self._clock_s() - found.read_at_s
        if age_s >= REFRESH_AFTER_S and park_uuid not in self._asked:
            self._ask(park_uuid)
            self._refresh_soon()
        return found if age_s < TTL_S else None

    async def load(self, park_uuid: str) -> ParkPolicy:
        """Reads the policy from the store. Raises StoreError, and UsageError where a secret cannot be decrypted."""
        asked = self._asked.get(park_uuid) or self._ask(park_uuid)
        self._begin_reads()
        return await asyncio.shield(asked)

    def _ask(self, park_uuid: str) -> _Lookup:
        asked: _Lookup = asyncio.get_running_loop().create_future()
        # Retrieves the exception: there may be no waiter.
        asked.add_done_callback(lambda done: done.exception())
        self._asked[park_uuid] = self._wanted[park_uuid] = asked
        return asked

    def _refresh_soon(self) -> None:
        if not self._refresh_is_due:
            self._refresh_is_due = True
            asyncio.get_running_loop().call_later(self._refresh_delay_s, self._refresh)

    def _refresh(self) -> None:
        self._refresh_is_due = False
        self._begin_reads()

    def _begin_reads(self) -> None:
        while self._reads_left and (self._wanted or self._alone):
            parks = list(islice(self._wanted, PARKS_PER_READ_MAX)) or [self._alone.popleft()]
            for park_uuid in parks:
                self._wanted.pop(park_uuid, None)
            self._reads_left -= 1
            self._submit(partial(self._look_up, parks, asyncio.get_running_loop()))

    def _look_up(self, park_uuids: Sequence[str], loop: asyncio.AbstractEventLoop) -> None:
        """In a thread: reads the parks, caches their policies, and wakes the waiters."""
        answers = self._answers(park_uuids)
        # At exit the loop is closed: there is no waiter.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(self._end_read, park_uuids, answers)

    def _answers(self, park_uuids: Sequence[str]) -> dict[str, ParkPolicy | Exception]:
        asked_s = self._clock_s()
        try:
            found = self._read(park_uuids)
        except Exception as error:  # noqa: BLE001 - the waiters raise it
            # In a batch the cause may be any of its parks.
            return dict.fromkeys(park_uuids, error) if len(park_uuids) == 1 else {}
        return {one: self._remember_or_not(one, found.get(one), asked_s) for one in park_uuids}

    def _end_read(self, park_uuids: Sequence[str], answers: Mapping[str, ParkPolicy | Exception]) -> None:
        self._reads_left += 1
        # One unreadable park must not fail or delay the others of its batch.
        self._alone.extend(park_uuid for park_uuid in park_uuids if park_uuid not in answers)
        for park_uuid, answer in answers.items():
            asked = self._asked.pop(park_uuid, None)
            if asked is None or asked.done():
                continue
            if isinstance(answer, Exception):
                asked.set_exception(answer)
            else:
                asked.set_result(answer)
        self._begin_reads()

    def _remember_or_not(self, park_uuid: str, access: ParkAccess | None, asked_s: float) -> ParkPolicy | Exception:
        try:
            with self._caching:
                return self._remember(park_uuid, access, asked_s)
        except Exception as error:  # noqa: BLE001 - an unfinished read would block all later ones
            return error

    def _remember(self, park_uuid: str, access: ParkAccess | None, asked_s: float) -> ParkPolicy:
        before = self._parks.get(park_uuid)
        policy = ParkPolicy(access, None, (), None, asked_s)
        if access is not None and access.enabled:
            if before is not None and before.access == access:
                policy.secrets, policy.networks = before.secrets, before.networks
            else:
                policy.secrets = self._secrets(access)
                policy.networks = tuple(ip_network(entry) for entry in access.allow_list)
            policy.bucket = _bucket(access.rate_per_minute, before, asked_s)
        self._parks.pop(park_uuid, None)
        self._strangers.pop(park_uuid, None)
        (self._strangers if access is None else self._parks)[park_uuid] = policy
        self._make_room(asked_s)
        return policy

    def _make_room(self, now_s: float) -> None:
        """Evicts the oldest entries, but no real park whose bucket may be in use."""
        while len(self._strangers) > PARKS_CACHED_MAX:
            del self._strangers[next(iter(self._strangers))]
        while len(self._parks) > PARKS_CACHED_MAX:
            oldest = next(iter(self._parks))
            if now_s - self._parks[oldest].read_at_s < AT_REST_S:
                break
            del self._parks[oldest]

    def _secrets(self, access: ParkAccess) -> ParkSecrets:
        previous = access.previous_secret
        return ParkSecrets(
            self._vault.open(access.secret, access.park_uuid),
            None if previous is None else self._vault.open(previous, access.park_uuid),
            access.require_hmac,
            access.charset,
        )


def _bucket(rate_per_minute: int | None, before: ParkPolicy | None, now_s: float) -> TokenBucket | None:
    """Returns the park's bucket; keeps an existing one of the same rate."""
    if rate_per_minute is None:
        return None
    if before is not None and before.bucket is not None and before.bucket.burst == rate_per_minute:
        return before.bucket
    return TokenBucket(rate_per_minute, 60 / rate_per_minute, now_s)
