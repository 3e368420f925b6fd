"""Delays repeated login failures. Time is an argument.

Anyone can create entries, with invented names or from many networks. So a full table drops an entry with the fewest failures,
oldest first: pushing out an entry with n failures takes a table full of entries with at least n.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterator
from typing import Final, Generic, TypeVar

from vipgate.support.client_address import quota_key

FORGOTTEN_S: Final = 3600.0
DELAY_S_MAX: Final = 900.0
KEPT_MAX: Final = 10_000
# Not counted further: the delay reached its maximum long before.
FAILURES_MAX: Final = 40

K = TypeVar("K", bound=Hashable)


class Failures(Generic[K]):
    """Counts failures by key; after FORGOTTEN_S without one, a key starts again at zero."""

    def __init__(self, free: int, kept_max: int = KEPT_MAX) -> None:
        """`free`: number of failures without a delay."""
        self._free = free
        self._kept_max = kept_max
        self._kept: dict[K, tuple[int, float]] = {}
        # Keys by count, the oldest failure first.
        self._by_count: dict[int, OrderedDict[K, None]] = {count: OrderedDict() for count in range(1, FAILURES_MAX + 1)}

    def __len__(self) -> int:
        return len(self._kept)

    def wait_s(self, key: K, now_s: float) -> float:
        """Returns the key's remaining delay in seconds: doubled by each failure, DELAY_S_MAX at most."""
        count, at_s = self._kept.get(key, (0, now_s))
        if count < self._free:
            return 0.0
        return max(0.0, at_s + min(DELAY_S_MAX, 2.0 ** (count - self._free)) - now_s)

    def add(self, key: K, now_s: float) -> None:
        """Counts a failure of the key."""
        count, at_s = self._kept.get(key, (0, now_s))
        self.forget(key)
        self._keep(key, 1 if now_s - at_s > FORGOTTEN_S else min(count + 1, FAILURES_MAX), now_s)
        if len(self._kept) > self._kept_max:
            self.forget(self._least(key, now_s))

    def take_back(self, key: K) -> None:
        """Takes back the key's last failure."""
        count, at_s = self._kept.get(key, (0, 0.0))
        self.forget(key)
        if count > 1:
            self._keep(key, count - 1, at_s)

    def forget(self, key: K) -> None:
        """Removes the key."""
        count, _ = self._kept.pop(key, (0, 0.0))
        if count:
            del self._by_count[count][key]

    def _keep(self, key: K, count: int, at_s: float) -> None:
        self._kept[key] = (count, at_s)
        self._by_count[count][key] = None

    def _least(self, but: K, now_s: float) -> K:
        """Returns an expired key, else the oldest with the fewest failures; never `but`, the newest."""
        oldest = [found for keys in self._by_count.values() if (found := _first(keys, but)) is not None]
        return next((key for key in oldest if now_s - self._kept[key][1] > FORGOTTEN_S), oldest[0])


def _first(keys: OrderedDict[K, None], but: K) -> K | None:
    others: Iterator[K] = (key for key in keys if key != but)
    return next(others, None)


class LoginThrottle:
    """Counts failed logins by account name and by network (for IPv6, the /64).

    A name that has logged in from a network is counted there by the pair of both alone. So failures from other networks, or
    with other names from the same network, cannot lock out its owner.
    """

    FREE_OF_NAME: Final = 5
    FREE_OF_NETWORK: Final = 20

    def __init__(self, kept_max: int = KEPT_MAX) -> None:
        self._names: Failures[str] = Failures(self.FREE_OF_NAME, kept_max)
        self._networks: Failures[str] = Failures(self.FREE_OF_NETWORK, kept_max)
        self._pairs: Failures[tuple[str, str]] = Failures(self.FREE_OF_NAME, kept_max)
        # Only successful logins add entries.
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._kept_max = kept_max

    def knows(self, name: str, peer: str) -> bool:
        """Whether this name has logged in from this network before."""
        return (name, quota_key(peer)) in self._known

    def attempt(self, name: str, peer: str, now_s: float) -> float:
        """Counts an attempt as failed and returns 0, or returns the seconds to wait before this peer may try this name.

        Counts before the password is checked, so that parallel attempts cannot bypass the limit.
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
        """Takes the attempt's failure back after a correct password, and remembers name and network."""
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
