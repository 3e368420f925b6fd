"""Tracks copies of earlier requests that may still arrive, and what may be sent before they have.

The gateway stores what arrives last, and a proxy may delay or repeat a request even after it was answered. So a version
counts as *exposed* for a while after it was sent. A record acknowledged while another of its versions is exposed is sent again
when that time is over. After a kill it is unknown what was sent: then everything counts as exposed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Final

from vipgate.agent.models import OutboxRow
from vipgate.agent.spool import Spool
from vipgate.agent.sync.retry import SETTLE_TIMEOUTS

# Of the longest timeout that can be configured.
WINDOW_US_MAX: Final = round(600 * (SETTLE_TIMEOUTS + 1) * 1_000_000)
# 8 MiB: among a million order numbers, one in a thousand is a false positive.
SEEN_BITS: Final = 1 << 26


class InFlightTracker:
    """Tracks exposure: of changes row by row, of the snapshot and of a replace as a whole."""

    def __init__(self, spool: Spool, clock_us: Callable[[], int], timeout_s: float) -> None:
        self._spool = spool
        self._clock_us = clock_us
        self._settle_us = round(timeout_s * SETTLE_TIMEOUTS * 1_000_000)
        # From sending: the time an answer may take, plus the time a copy may be late.
        self.window_us = self._settle_us + round(timeout_s * 1_000_000)
        self._all_until_us = 0
        self._snapshot_until_us = 0
        self._snapshot_hold_us = 0
        self._replace_until_us = 0
        self._replace_hash = b""

    def begin(self) -> None:
        """Loads the state of the previous run. The caller provides the transaction."""
        now_us = self._clock_us()
        self._spool.load_in_flight()
        self._replace_until_us = int(self._spool.get_setting("replace_until_us") or 0)
        self._snapshot_until_us = int(self._spool.get_setting("snapshot_exposed_us") or 0)
        self._all_until_us = int(self._spool.get_setting("all_exposed_us") or 0)
        if self._spool.get_setting("running"):
            self._all_until_us = now_us + self.window_us
            self._snapshot_until_us = self._all_until_us
        self._snapshot_hold_us = self._snapshot_until_us
        # The run before may have had a longer timeout.
        self.clock_was_set_back(max(self.window_us, WINDOW_US_MAX))

    def clock_was_set_back(self, window_us: int | None = None) -> None:
        """Brings back times that lie farther in the future than any request can. The caller provides the transaction.

        A computer that believed for a while to be in 2099 would otherwise send nothing until then.
        """
        now_us = self._clock_us()
        until_us = now_us + (window_us or self.window_us)
        self._all_until_us = min(self._all_until_us, until_us)
        self._snapshot_until_us = min(self._snapshot_until_us, until_us)
        self._snapshot_hold_us = min(self._snapshot_hold_us, until_us)
        self._replace_until_us = min(self._replace_until_us, until_us)
        self._spool.limit_times(now_us, until_us)

    def end(self) -> None:
        """Saves what may still arrive for the next run. The caller provides the transaction."""
        self._spool.save_in_flight()
        self._spool.set_setting({
            "running": None, "snapshot_exposed_us": str(self._snapshot_until_us), "all_exposed_us": str(self._all_until_us),
        })  # fmt: skip

    # ---- what may be sent --------------------------------------------------------------------------------------------

    def holds_all(self) -> bool:
        """Whether a copy of the replace may still arrive: it would delete everything sent since."""
        return self._clock_us() < self._replace_until_us

    def hold_s(self) -> float:
        """Seconds until `holds_all` and `holds_snapshot` end."""
        return max(0.0, (max(self._replace_until_us, self._snapshot_hold_us) - self._clock_us()) / 1e6)

    def holds_snapshot(self) -> bool:
        """Whether snapshot rows of an earlier run may still arrive, perhaps with older versions of records."""
        return self._clock_us() < self._snapshot_hold_us

    def may_replace(self, rows: Sequence[OutboxRow]) -> bool:
        """Whether neither an earlier request nor a replace with other rows can arrive after this replace."""
        now_us = self._clock_us()
        before_us = max(self._all_until_us, self._snapshot_until_us, self._spool.in_flight_until_us())
        return now_us >= before_us and (now_us >= self._replace_until_us or _hash(rows) == self._replace_hash)

    # ---- what is sent ------------------------------------------------------------------------------------------------

    def sending(self, rows: Sequence[OutboxRow], *, snapshot: bool, replace: bool) -> None:
        """Notes a request before it is sent; for a replace, the caller provides a transaction."""
        until_us = self._clock_us() + self.window_us
        if replace:
            self._replace_hash = _hash(rows)
        self._extend(rows, until_us, snapshot=snapshot, replace=replace)

    def unanswered(self, rows: Sequence[OutboxRow], *, snapshot: bool, replace: bool) -> None:
        """Notes that a request ended without an answer, perhaps later than its timeout."""
        self._extend(rows, self._clock_us() + self._settle_us, snapshot=snapshot, replace=replace)

    def _extend(self, rows: Sequence[OutboxRow], until_us: int, *, snapshot: bool, replace: bool) -> None:
        if replace:
            self._replace_until_us = max(self._replace_until_us, until_us)
            self._spool.set_setting({"replace": "tried", "replace_until_us": str(self._replace_until_us)})
        elif snapshot:
            self._snapshot_until_us = max(self._snapshot_until_us, until_us)
        else:
            self._spool.mark_in_flight(rows, until_us)

    def send_again(self, acknowledged: Sequence[OutboxRow]) -> int:
        """Queues rows again that an older copy may overtake. Returns their number. The caller provides the transaction."""
        now_us = self._clock_us()
        keys = [row.pay_partner for row in acknowledged]
        exposed = self._spool.in_flight(keys)
        # The snapshot may have sent a record until it was read as a change.
        read = self._spool.read_times(keys) if now_us < self._snapshot_until_us else {}
        again: dict[int, list[OutboxRow]] = {}
        for row in acknowledged:
            version, until_us = exposed.get(row.pay_partner, (row.hash, 0))
            wait_us = max(
                self._all_until_us,
                until_us if version != row.hash else 0,
                read.get(row.pay_partner, (0, -self.window_us))[1] + self.window_us,
            )
            if wait_us > now_us:
                again.setdefault(wait_us, []).append(row)
        for wait_us, rows in again.items():
            self._spool.queue_again(rows, wait_us)
        return sum(map(len, again.values()))


class BloomFilter:
    """Order numbers that were met. May report another one as met, never the reverse."""

    def __init__(self) -> None:
        self._bits = bytearray(SEEN_BITS // 8)

    def add(self, key: str) -> bool:
        """Adds `key`. Returns whether it was there already."""
        number = hash(key)
        met = True
        for place in (number % SEEN_BITS, (number >> 32) % SEEN_BITS):
            byte, bit = place >> 3, 1 << (place & 7)
            if not self._bits[byte] & bit:
                self._bits[byte] |= bit
                met = False
        return met


def _hash(rows: Sequence[OutboxRow]) -> bytes:
    return blake2b(b"\n".join(row.row for row in rows)).digest()
