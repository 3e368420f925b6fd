"""Makes who guesses passwords wait. Time is an argument.

Everybody can make entries here, by inventing names or by calling from many networks. So a full table forgets the entry with
the fewest failures, the oldest of these: to push out one with n failures takes as many entries with at least n.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterator
from typing import Final, Generic, TypeVar

from vipgate.support.client_address import quota_key

FORGOTTEN_S: Final = 3600.0
DELAY_S_MAX: Final = 900.0
KEPT_MAX: Final = 10_000
# Counted no further: the wait has long been the longest.
FAILURES_MAX: Final = 40

K = TypeVar("K", bound=Hashable)


class Failures(Generic[K]):
    """Counts failures by key and forgets a key after a quiet FORGOTTEN_S."""

    def __init__(self, free: int, kept_max: int = KEPT_MAX) -> None:
        """`free`: so many failures cost no wait."""
        self._free = free
        self._kept_max = kept_max
        self._kept: dict[K, tuple[int, float]] = {}
        # The keys of each count, the one that failed longest ago first.
        self._by_count: dict[int, OrderedDict[K, None]] = {count: OrderedDict() for count in range(1, FAILURES_MAX + 1)}

    def __len__(self) -> int:
        return len(self._kept)

    def wait_s(self, key: K, now_s: float) -> float:
        """How long the key has to wait: twice as long after each failure, up to DELAY_S_MAX."""
        count, at_s = self._kept.get(key, (0, now_s))
        if count < self._free:
            return 0.0
        return max(0.0, at_s + min(DELAY_S_MAX, 2.0 ** (count - self._free)) - now_s)

    def add(self, key: K, now_s: float) -> None:
        """The key failed once more."""
        count, at_s = self._kept.get(key, (0, now_s))
        self.forget(key)
        self._keep(key, 1 if now_s - at_s > FORGOTTEN_S else min(count + 1, FAILURES_MAX), now_s)
        if len(self._kept) > self._kept_max:
            self.forget(self._least(key, now_s))

    def take_back(self, key: K) -> None:
        """Its last failure was none."""
        count, at_s = self._kept.get(key, (0, 0.0))
        self.forget(key)
        if count > 1:
            self._keep(key, count - 1, at_s)

    def forget(self, key: K) -> None:
        """The key begins at nothing again."""
        count, _ = self._kept.pop(key, (0, 0.0))
        if count:
            del self._by_count[count][key]

    def _keep(self, key: K, count: int, at_s: float) -> None:
        self._kept[key] = (count, at_s)
        self._by_count[count][key] = None

    def _least(self, but: K, now_s: float) -> K:
        """Whose time is over, else whose failures are fewest; never `but`, which has just come."""
        oldest = [found for keys in self._by_count.values() if (found := _first(keys, but)) is not None]
        return next((key for key in oldest if now_s - self._kept[key][1] > FORGOTTEN_S), oldest[0])


def _first(keys: OrderedDict[K, None], but: K) -> K | None:
    others: Iterator[K] = (key for key in keys if key != but)
    return next(others, None)


class LoginThrottle:
    """Counts failed logins by account name and by network (of IPv6 the /64 that one line is given).

    Who once logged in under a name from a network is counted by the two together, and by nothing else: neither strangers who
    guess at a name, nor those who guess from the same network, can lock its owner out.
    """

    FREE_OF_NAME: Final = 5
    FREE_OF_NETWORK: Final = 20

    def __init__(self, kept_max: int = KEPT_MAX) -> None:
        self._names: Failures[str] = Failures(self.FREE_OF_NAME, kept_max)
        self._networks: Failures[str] = Failures(self.FREE_OF_NETWORK, kept_max)
        self._pairs: Failures[tuple[str, str]] = Failures(self.FREE_OF_NAME, kept_max)
        # Only logins make entries here: no stranger can.
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._kept_max = kept_max

    def knows(self, name: str, peer: str) -> bool:
        """Whether somebody logged in so before."""
        return (name, quota_key(peer)) in self._known

    def attempt(self, name: str, peer: str, now_s: float) -> float:
        """Counts one attempt as failed and returns 0, or says how long this peer has to wait before it may try this name.

        Counted before the password is checked, so that many attempts at once are no way around.
        """
        network = quota_key(peer)
        if self.knows(name, peer):
            wait_s = self._pairs.wait_s((name, network), now_s)
            if not wait_s:
                self._pairs.add((name, network), now_s)
            return wait_s
        wait_s = max(self._names.wait_s(name, now_s), self._networks.wait_s(network, now_s))
        if not wait_s:
            self._names.add(name, now_s)
            self._networks.add(network, now_s)
        return wait_s

    def passed(self, name: str, peer: str) -> None:
        """The attempt had the right password."""
        network = quota_key(peer)
        if self.knows(name, peer):
            self._pairs.forget((name, network))
        else:
            self._names.forget(name)
            self._networks.take_back(network)
        self._known[(name, network)] = None
        self._known.move_to_end((name, network))
        if len(self._known) > self._kept_max:
            self._known.popitem(last=False)
