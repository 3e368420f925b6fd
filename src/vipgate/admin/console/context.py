"""What all pages of the console share: database pool, clock, templates. Made once, by `build_console`."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

import anyio.to_thread
from jinja2 import Environment

from vipgate.admin.auth.login_throttle import LoginThrottle
from vipgate.admin.auth.plate_search_limit import MaskedSearches
from vipgate.admin.console.daily_totals import DailyTotalsCache
from vipgate.admin.console.park_status import ParkStatusCache
from vipgate.errors import ServiceUnavailable
from vipgate.i18n import LocalizedText
from vipgate.protocol.seqno import SeqnoGenerator
from vipgate.store.async_pool import DatabasePool
from vipgate.store.interfaces.ledger import Retention
from vipgate.support.vault import Vault

T = TypeVar("T")
HASHING_MAX: Final = 8
# Anyone may send passwords: half of the queue is for users who logged in from their network before.
HASHING_OF_STRANGERS_MAX: Final = HASHING_MAX // 2
_HASHING = LocalizedText(
    "同时登录的人过多；请几秒后重试", "too many people are logging in at once; try again in a few seconds"
)


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """Settings of the console. `secure`: the admin port is behind TLS.

    `charge_types_allow_private`: a park's gateway may have a private address.
    """

    secure: bool = False
    charge_types_allow_private: bool = False
    retention: Retention = field(default_factory=Retention)


class PasswordHashPool:
    """Runs password hashing, which is slow and takes memory, one at a time, in a thread."""

    def __init__(self) -> None:
        self._waiting = 0
        self._one = threading.Lock()

    async def run(self, fn: Callable[[], T], waiting_max: int = HASHING_MAX) -> T:
        """Returns `fn()`. Raises ServiceUnavailable if `waiting_max` calls are queued or running."""
        if self._waiting >= waiting_max:
            raise ServiceUnavailable(_HASHING, retry_after_s=3)
        self._waiting += 1
        try:
            return await anyio.to_thread.run_sync(self._alone, fn)
        finally:
            self._waiting -= 1

    def _alone(self, fn: Callable[[], T]) -> T:
        with self._one:
            return fn()


@dataclass(frozen=True, slots=True)
class Context:
    """Dependencies of the console. `new_secret(n)` returns a URL-safe secret of n random bytes."""

    databases: DatabasePool
    vault: Vault
    settings: ConsoleSettings
    clock_us: Callable[[], int]
    new_secret: Callable[[int], str]
    templates: Environment
    style_tag: str
    park_status: ParkStatusCache
    daily_totals: DailyTotalsCache
    searches: MaskedSearches
    seqno_generator: SeqnoGenerator
    throttle: LoginThrottle = field(default_factory=LoginThrottle)
    hashing: PasswordHashPool = field(default_factory=PasswordHashPool)
    # Parks whose charge types are being fetched.
    asked: set[str] = field(default_factory=set)
