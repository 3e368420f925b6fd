"""Protocol and records of the ledger for the push pipeline, the console and the commands: typed methods, no SQL.

A store is used by one thread at a time. It raises StoreError and its subclasses, never an error of the driver.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

import msgspec

from vipgate.errors import RequestError, StoreError
from vipgate.i18n import LocalizedText
from vipgate.protocol.charset import Charset
from vipgate.protocol.renewal import Renewal
from vipgate.store.interfaces.accounts import AuditEntry

DAY_US: Final = 86_400_000_000
# All parks are in one time zone without daylight saving: a business day is a Beijing day.
BEIJING_OFFSET_US: Final = 8 * 3_600_000_000
# Later than any instant in a filter.
INSTANT_US_MAX: Final = 2**62
# Versions of one record per read.
HISTORY_MAX: Final = 1_000
# The maximum of the column's type.
REVISION_MAX: Final = 2**31 - 1
SecretUsed = Literal["current", "previous"]


def business_day(instant_us: int) -> int:
    """The Beijing day of an instant, in days since 1970-01-01."""
    return (instant_us + BEIJING_OFFSET_US) // DAY_US


class RequestOrigin(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where a request came from, for the request log. `replay_of`: the seqno of the rejected request that it replays."""

    received_us: int
    peer: str
    body_bytes: int
    body_sha256: str
    replay_of: str | None = None


class Push(msgspec.Struct, frozen=True, gc=False):
    """A verified request to be stored; each `pay_partner` occurs once. `webhook_id` is None unless HMAC signed it."""

    seqno: str
    park_uuid: str
    renewals: Sequence[Renewal]
    received: int
    complete: bool
    secret_used: SecretUsed
    origin: RequestOrigin
    webhook_id: str | None = None


class RejectedRequest(msgspec.Struct, frozen=True, gc=False):
    """A rejected request, to be stored in the request log.

    `park_uuid` is None unless the signature proved it; `claimed` is the unverified one in the request. `body` is kept for an
    authenticated park, so that the operator can inspect and replay it. `generation` is set for a held replace only: the
    park's last generation at that time. A later generation started by the same body ends the hold.
    """

    seqno: str
    park_uuid: str | None
    claimed: str | None
    code: str
    hint: LocalizedText
    origin: RequestOrigin
    body: bytes | None = None
    generation: int | None = None


class PushResult(msgspec.Struct, frozen=True, gc=False):
    """How many rows a push inserted, updated and left unchanged."""

    inserted: int
    updated: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class ParkAccess:
    """What the gateway needs to authenticate a park; secrets are sealed. `require_hmac`: MD5 is rejected.

    `charset` is the park's charset.
    """

    park_uuid: str
    enabled: bool
    secret: bytes
    previous_secret: bytes | None
    allow_list: tuple[str, ...]
    rate_per_minute: int | None
    require_hmac: bool = False
    charset: Charset = "utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Park:
    """A park as the operator sees it. Instants in microseconds since 1970 UTC.

    `hold_replaces`: a repeated `complete=1` without a signed timestamp is held for the operator's approval.
    """

    park_uuid: str
    name: str
    enabled: bool
    generation: int
    records: int
    secret_changed_us: int
    has_previous_secret: bool
    secret_used: SecretUsed | None
    secret_used_us: int | None
    last_push_us: int | None
    allow_list: tuple[str, ...]
    rate_per_minute: int | None
    created_us: int
    require_hmac: bool = False
    hold_replaces: bool = False
    charset: Charset = "utf-8"
    charset_changed_us: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkChange:
    """Changes to a park; None leaves a member as it is. A rate of 0 removes the limit."""

    name: str | None = None
    enabled: bool | None = None
    allow_list: tuple[str, ...] | None = None
    rate_per_minute: int | None = None
    require_hmac: bool | None = None
    hold_replaces: bool | None = None
    charset: Charset | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """One full set of a park's records. The current generation has no `ended_us`."""

    generation: int
    current: bool
    records: int
    seqno: str | None
    started_us: int
    ended_us: int | None


class StoredRecord(msgspec.Struct, frozen=True, gc=False):
    """A record in the ledger. `seqno`: the request that wrote this revision; `position`: its place among the park's changes."""

    renewal: Renewal
    revision: int
    seqno: str
    position: int


@dataclass(frozen=True, slots=True)
class SupersededRecord:
    """A replaced version, and the seqno of the request that replaced it."""

    stored: StoredRecord
    replaced_seqno: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Selects records by receipt, `since_us` ≤ t < `until_us`, and by normalized `plate`. None: any."""

    plate: str | None = None
    since_us: int | None = None
    until_us: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLogEntry:
    """One request in the request log."""

    seqno: str
    park_uuid: str | None
    claimed: str | None
    code: str
    hint: LocalizedText | None
    complete: bool
    generation: int | None
    received: int
    inserted: int
    updated: int
    unchanged: int
    duration_us: int
    secret_used: SecretUsed | None
    origin: RequestOrigin
    body_kept: bool
    webhook_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long data is kept, and how much of it. `strangers_max`: logged requests without a proved park."""

    generation_days: int = 30
    request_log_days: int = 400
    rejected_days: int = 30
    rejected_bodies_max: int = 50
    rejected_bytes_max: int = 32 * 1024 * 1024
    strangers_max: int = 100_000
    chunk_rows: int = field(default=500)


@dataclass(frozen=True, slots=True)
class Unreachable:
    """What a cluster cannot answer for at the moment: nodes, as host:port, and the number of parks on them."""

    nodes: tuple[str, ...]
    parks: int


class Store(Protocol):
    """The ledger. One thread at a time. Raises StoreError.

    A method that takes `entry` writes it to the audit log in the same transaction as the change, and only if there is a change.
    """

    @property
    def where(self) -> str:
        """The name of the database for messages, without a password."""

    @property
    def schema(self) -> int:
        """The number of the last migration."""

    def commit(self, group: Sequence[Push | RejectedRequest]) -> list[PushResult | RequestError | StoreError]:
        """Stores `group`, in order, in one durable transaction; if that fails, each request on its own.

        Returns for each request its result, or the error that kept it from being stored. A `complete=1` may be rejected because
        of earlier ones (store/common/replace_policy.py): then nothing is stored, not even its request log entry.
        """

    def run_maintenance(self, now_us: int, retention: Retention) -> bool:
        """Deletes one small chunk of expired data; True if there may be more."""

    def park_access(self, park_uuid: str) -> ParkAccess | None:
        """The access data of `park_uuid`; None if unknown."""

    def park_accesses(self, park_uuids: Sequence[str]) -> dict[str, ParkAccess]:
        """The access data of several parks in one query, by park_uuid; unknown ones are left out."""

    def add_park(
        self,
        park_uuid: str,
        name: str,
        secret: bytes,
        now_us: int,
        entry: AuditEntry | None = None,
        *,
        charset: Charset = "utf-8",
    ) -> bool:
        """Registers a park; False if it exists."""

    def find_park(self, park_uuid: str) -> Park | None:
        """The park; None if unknown."""

    def list_parks(self, after: str, limit: int) -> list[Park]:
        """Up to `limit` parks whose park_uuid follows `after`, in order. Raises StoreUnavailable while a node does not answer."""

    def reachable_parks(self, after: str, limit: int) -> list[Park]:
        """The same without the parks on nodes of a cluster that do not answer: `unreachable` tells how many."""

    def unreachable(self) -> Unreachable | None:
        """What cannot be reached, as of some seconds ago; None if nothing is missing."""

    def change_park(self, park_uuid: str, change: ParkChange, entry: AuditEntry | None = None) -> bool:
        """Changes a park; False if unknown."""

    def allow_replace(self, park_uuid: str, body_sha256: str, now_us: int, entry: AuditEntry | None = None) -> bool:
        """Approves the next held `complete=1` with this body, once; False if the park is unknown.

        The approval expires after a day, or when any `complete=1` of the park takes effect.
        """

    def disallow_replace(self, park_uuid: str, body_sha256: str, entry: AuditEntry | None = None) -> bool:
        """Withdraws an approval; False if this body has none."""

    def dismiss_replace(self, park_uuid: str, body_sha256: str, entry: AuditEntry | None = None) -> bool:
        """Deletes a held `complete=1` and its approval; False if none is kept. Sent again, it is held again."""

    def rotate_secret(self, park_uuid: str, secret: bytes, now_us: int, entry: AuditEntry | None = None) -> bool:
        """Makes `secret` the current one and keeps the old one as previous; False if a previous one is still valid."""

    def retire_secret(self, park_uuid: str, entry: AuditEntry | None = None) -> bool:
        """Removes the previous secret; False if there is none."""

    def generations(self, park_uuid: str) -> list[Generation]:
        """The park's generations that are not purged, newest first."""

    def restore(self, park_uuid: str, generation: int, now_us: int, entry: AuditEntry | None = None) -> bool:
        """Makes `generation` the current one; False if it does not exist or is being purged."""

    def iter_records(self, park_uuid: str, wanted: Filter) -> Iterator[StoredRecord]:
        """The park's current records that match `wanted`, from one snapshot, in constant memory."""

    def recent(self, park_uuid: str, plate: str | None, before: int | None, limit: int) -> list[StoredRecord]:
        """Up to `limit` current records with positions below `before`, newest change first; `plate` None: any plate."""

    def find_record(self, park_uuid: str, pay_partner: str) -> StoredRecord | None:
        """The current record with this order number."""

    def history(
        self, park_uuid: str, pay_partner: str, before: int | None = None, limit: int = HISTORY_MAX
    ) -> list[SupersededRecord]:
        """The newest replaced versions of a current record with revisions below `before`, oldest first.

        At most `limit` and HISTORY_MAX; pass the first one's revision as `before` to read older ones.
        """

    def daily(self, park_uuid: str) -> dict[tuple[int, int], tuple[int, int, int]]:
        """By business day and pay type: records inserted, records updated, and the change of the amount in fen."""

    def daily_answers(self, park_uuid: str) -> dict[tuple[int, str], tuple[int, int]]:
        """By business day and code: requests, and the rows they carried."""

    def request_log_entry(self, seqno: str) -> RequestLogEntry | None:
        """The log entry of the request `seqno`."""

    def rejected_body(self, seqno: str) -> bytes | None:
        """The kept body of a rejected request."""

    def ping(self) -> None:
        """Raises StoreUnavailable if the store cannot answer."""

    def close(self) -> None:
        """Closes the database."""


OpenStore = Callable[[], Store]
