"""Says whether the spool has room: while it is full, reading pauses, and new rows stay in the source."""

from __future__ import annotations

from typing import Final

import structlog

from vipgate.agent.spool import Spool
from vipgate.agent.status import Status
from vipgate.i18n import tr

log = structlog.get_logger()

FULL_WARNING: Final = 0.8
# How long the file is not looked at again, and how much must be free for that: far more than is read in that time.
ROOM_S: Final = 0.2
ROOM_BYTES: Final = 16 * 2**20


class SpoolSpace:
    """The limit of the spool. Reports in the status and the log when it is nearly reached."""

    def __init__(self, spool: Spool, bytes_max: int, status: Status) -> None:
        self._spool = spool
        self._bytes_max = bytes_max
        self._status = status
        self._room_until_s = 0.0

    def is_full(self, now_s: float, now_us: int) -> bool:
        """Whether the spool has reached its limit."""
        if now_s < self._room_until_s:
            return False
        if self._spool.used_bytes() >= FULL_WARNING * self._bytes_max:
            self._spool.truncate_wal()
        used_bytes = self._spool.used_bytes()
        share = used_bytes / self._bytes_max
        trouble = "" if share < FULL_WARNING else tr("{share:.0%} of spool.bytes_max are in use", share=share)
        was_full = self._status.is_in_trouble("spool")
        self._status.tell("spool", trouble, now_us)
        if trouble and not was_full:
            log.warning("spool fills up", used_share=round(share, 2), bytes_max=self._bytes_max)
        has_room = used_bytes + ROOM_BYTES < FULL_WARNING * self._bytes_max
        self._room_until_s = now_s + ROOM_S if has_room else 0.0
        return share >= 1.0
