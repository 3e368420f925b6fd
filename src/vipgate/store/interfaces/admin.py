"""What staff change besides who may push: reviews, retention, erasure, charge types; and the Desk, all verbs in one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from vipgate.i18n import LocalizedText
from vipgate.store.interfaces.accounts import (
    AccountStore,
    AuditEntry,
)
from vipgate.store.interfaces.ledger import Store
from vipgate.store.interfaces.queries import (
    ChargeType,
    QueryStore,
)

ERASE_CHUNK_ROWS: Final = 500
RETENTION_DAYS_MAX: Final = 36_500


@dataclass(frozen=True, slots=True)
class ErasureResult:
    """How much of one erasure was done: current records, replaced versions, requests whose hint or body named the plate.

    `left_in_log`: SQLite's write-ahead log still holds what was erased, because a reader needs it. Housekeeping empties it later.
    """

    records: int = 0
    versions: int = 0
    requests: int = 0
    left_in_log: bool = False


class AdminStore(Protocol):
    """Changes by staff, each with its line of the audit log in the same transaction. One thread at a time. Raises StoreError."""

    def set_retention(self, park_uuid: str, days: int | None, entry: AuditEntry) -> bool:
        """How long plates and cards of a park are kept after a record's end or last change; None: for ever. False: no park."""

    def set_charge_address(self, park_uuid: str, address: str | None, entry: AuditEntry) -> bool:
        """Where the park's own gateway answers; None: nowhere. False where there is no such park."""

    def save_charge_types(
        self, park_uuid: str, items: Sequence[ChargeType] | None, trouble: LocalizedText | None, now_us: int
    ) -> None:
        """What a park answered; with `items` None the list before stays and only the try and its trouble are noted."""

    def review(self, park_uuid: str, pay_partner: str, flags: int, entry: AuditEntry) -> bool:
        """Takes `flags` away from a current record; False where it has none of them. Its position moves: others see it."""

    def erase_plate(self, plate: str, park_uuid: str | None, entry: AuditEntry) -> ErasureResult:
        """Empties plate, cards, operator and extra of all records and versions of a folded plate, chunk by chunk.

        Keys, times, money and rollups stay; hints and kept bodies of refused requests that name the plate go. Every changed
        current record gets a new position and revision, so that readers of the changes learn it. The line of the audit log is
        written first; an erasure that was killed is finished by the next. What a park sends again alike
        stays empty, what it changes comes back.
        """

    def erase_expired(self, now_us: int) -> bool:
        """One chunk of what the parks' retentions ask for; whether there may be more. The gateway's housekeeping includes it."""


@dataclass(frozen=True, slots=True)
class Database:
    """One database as the admin port uses it: all its verbs on one connection (SQLite) or pool (PostgreSQL)."""

    store: Store
    queries: QueryStore
    accounts: AccountStore
    admin: AdminStore
    close: Callable[[], None]
