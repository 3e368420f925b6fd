"""Who may push: what the store knows of a park, remembered for half a second, and its rate. Never longer: commands change it."""

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

from vipgate.errors import (
    Forbidden,
    RateLimited,
)
from vipgate.i18n import LocalizedText
from vipgate.protocol.authentication import ParkSecrets
from vipgate.store.interfaces.ledger import ParkAccess
from vipgate.support.client_address import parse_address
from vipgate.support.token_bucket import TokenBucket
from vipgate.support.vault import Vault

TTL_S: Final = 0.5
# From this age on it is read again, while it still holds.
REFRESH_AFTER_S: Final = 0.2
PARKS_CACHED_MAX: Final = 20_000
# A park that was not read for so long has not pushed either: its bucket is full again, and nothing is lost with it.
AT_REST_S: Final = 120.0
PARKS_PER_READ_MAX: Final = 100

# Reads what the store knows of some parks; unknown ones are left out. Raises StoreError.
Read = Callable[[Sequence[str]], Mapping[str, ParkAccess]]


@dataclass(slots=True)
class ParkPolicy:
    """What decides whether a request of one park is let in. `keys` is None for a park that is unknown or disabled."""

    access: ParkAccess | None
    secrets: ParkSecrets | None
    networks: tuple[IPv4Network | IPv6Network, ...]
    bucket: TokenBucket | None
    read_at_s: float

    def check(self, peer: str, now_s: float) -> None:
        """Raises NotAllowed or TooOften for a verified request from `peer`."""
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
    """Admissions by park_uuid. Lives on the event loop; `submit` runs a job beside it, where `read` asks the store.

    A park that pushes all the time is read again before its time is over, so that none of its requests waits for it. What was
    read is remembered beside the loop: under load a turn takes long, and an answer that had to wait for some would be old when
    it is there. It counts from before it was asked for: a store may take long to say what was so when it began.
    """

    def __init__(
        self,
        read: Read,
        submit: Callable[[Callable[[], None]], object],
        vault: Vault,
        clock_s: Callable[[], float],
        *,
        reads_at_once: int = 1,
    ) -> None:
        self._read = read
        self._submit = submit
        self._vault = vault
        self._clock_s = clock_s
        self._reads_left = reads_at_once
        self._parks: dict[str, ParkPolicy] = {}
        # Names that no park has. Anybody can invent them, so they have a table of their own and push no park out of the other.
        self._strangers: dict[str, ParkPolicy] = {}
        self._caching = threading.Lock()
        # Parks to be read, and those that are being read too, each with who waits for it.
        self._wanted: dict[str, _Lookup] = {}
        self._asked: dict[str, _Lookup] = {}
        # Those whose list could not be read: each gets a read of its own.
        self._alone: deque[str] = deque()

    def get_cached(self, park_uuid: str) -> ParkPolicy | None:
        """The admission, where it was read a moment ago."""
        found = self._parks.get(park_uuid) or self._strangers.get(park_uuid)
        if found is None:
            return None
        age_s = self._clock_s() - found.read_at_s
        if age_s >= REFRESH_AFTER_S and park_uuid not in self._asked:
            self._ask(park_uuid)
        return found if age_s < TTL_S else None

    async def load(self, park_uuid: str) -> ParkPolicy:
        """The admission, read anew. Raises StoreError, and OperatorError for a park whose secret cannot be opened."""
        asked = self._asked.get(park_uuid) or self._ask(park_uuid)
        return await asyncio.shield(asked)

    def _ask(self, park_uuid: str) -> _Lookup:
        asked: _Lookup = asyncio.get_running_loop().create_future()
        # Nobody may wait for it.
        asked.add_done_callback(lambda done: done.exception())
        self._asked[park_uuid] = self._wanted[park_uuid] = asked
        self._begin_reads()
        return asked

    def _begin_reads(self) -> None:
        while self._reads_left and (self._wanted or self._alone):
            parks = list(islice(self._wanted, PARKS_PER_READ_MAX)) or [self._alone.popleft()]
            for park_uuid in parks:
                self._wanted.pop(park_uuid, None)
            self._reads_left -= 1
            self._submit(partial(self._look_up, parks, asyncio.get_running_loop()))

    def _look_up(self, park_uuids: Sequence[str], loop: asyncio.AbstractEventLoop) -> None:
        """Beside the loop: reads, remembers, and tells who waits."""
        answers = self._answers(park_uuids)
        # The loop has ended where the process ends: nobody waits any more.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(self._end_read, park_uuids, answers)

    def _answers(self, park_uuids: Sequence[str]) -> dict[str, ParkPolicy | Exception]:
        asked_s = self._clock_s()
        try:
            found = self._read(park_uuids)
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to those who wait
            # Of a list nobody knows whose it is.
            return dict.fromkeys(park_uuids, error) if len(park_uuids) == 1 else {}
        return {one: self._remember_or_not(one, found.get(one), asked_s) for one in park_uuids}

    def _end_read(self, park_uuids: Sequence[str], answers: Mapping[str, ParkPolicy | Exception]) -> None:
        self._reads_left += 1
        # One that cannot be reached, or read, must not take the others of its list with it, nor keep them waiting.
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
        except Exception as error:  # noqa: BLE001 - a read that does not end would be the last one there is
            return error

    def _remember(self, park_uuid: str, access: ParkAccess | None, asked_s: float) -> ParkPolicy:
        before = self._parks.get(park_uuid)
        admission = ParkPolicy(access, None, (), None, asked_s)
        if access is not None and access.enabled:
            if before is not None and before.access == access:
                admission.secrets, admission.networks = before.secrets, before.networks
            else:
                admission.secrets = self._secrets(access)
                admission.networks = tuple(ip_network(entry) for entry in access.allow_list)
            admission.bucket = _bucket(access.rate_per_minute, before, asked_s)
        self._parks.pop(park_uuid, None)
        self._strangers.pop(park_uuid, None)
        (self._strangers if access is None else self._parks)[park_uuid] = admission
        self._make_room(asked_s)
        return admission

    def _make_room(self, now_s: float) -> None:
        """Forgets what was read longest ago, but no park that may have used its bucket: of these there are only real ones."""
        while len(self._strangers) > PARKS_CACHED_MAX:
            del self._strangers[next(iter(self._strangers))]
        while len(self._parks) > PARKS_CACHED_MAX:
            longest = next(iter(self._parks))
            if now_s - self._parks[longest].read_at_s < AT_REST_S:
                break
            del self._parks[longest]

    def _secrets(self, access: ParkAccess) -> ParkSecrets:
        previous = access.previous_secret
        return ParkSecrets(
            self._vault.open(access.secret, access.park_uuid),
            None if previous is None else self._vault.open(previous, access.park_uuid),
            access.require_hmac,
            access.charset,
        )


def _bucket(rate_per_minute: int | None, before: ParkPolicy | None, now_s: float) -> TokenBucket | None:
    """The park's bucket; one that is in use goes on."""
    if rate_per_minute is None:
        return None
    if before is not None and before.bucket is not None and before.bucket.burst == rate_per_minute:
        return before.bucket
    return TokenBucket(rate_per_minute, 60 / rate_per_minute, now_s)
