"""What the road, the console and the commands may ask of a database: typed verbs, never "run this SQL".

A store is used by one thread at a time. Its errors are StoreError and its branches; no driver's error leaves it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

import msgspec

from vipgate.errors import (
    RequestError,
    StoreError,
)
from vipgate.i18n import LocalizedText
from vipgate.protocol.charset import Charset
from vipgate.protocol.renewal import Renewal
from vipgate.store.interfaces.accounts import AuditEntry

DAY_US: Final = 86_400_000_000
# Car parks of this interface live in one zone without summer time: a business day is a Beijing day.
BEIJING_OFFSET_US: Final = 8 * 3_600_000_000
# Later than any instant that a filter can name.
INSTANT_US_MAX: Final = 2**62
# Versions of one record that are read at once.
HISTORY_MAX: Final = 1_000
# The greatest that its column takes: nobody can ask for more than there can be.
REVISION_MAX: Final = 2**31 - 1
SecretUsed = Literal["current", "previous"]


def business_day(instant_us: int) -> int:
    """The Beijing day of an instant, in days since 1970-01-01."""
    return (instant_us + BEIJING_OFFSET_US) // DAY_US


class RequestOrigin(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How a request came in: for the journal only. `replay_of`: the seqno of the refused request that staff sent again by it."""

    received_us: int
    peer: str
    body_bytes: int
    body_sha256: str
    replay_of: str | None = None


class Push(msgspec.Struct, frozen=True, gc=False):
    """A verified request on its way into the ledger; each `pay_partner` is there once. `webhook_id` where HMAC signed it."""

    seqno: str
    park_uuid: str
    renewals: Sequence[Renewal]
    received: int
    complete: bool
    secret_used: SecretUsed
    origin: RequestOrigin
    webhook_id: str | None = None


class RejectedRequest(msgspec.Struct, frozen=True, gc=False):
    """A request that was refused, on its way into the journal.

    `park_uuid` is None unless the signature proved it; `claimed` is what the request said. `body` is kept for an
    authenticated park, so that the operator can look at it and send it again. `generation`, of a held replace alone: the
    park's last stock when it was held, so that one with the same body that began a later stock ends its waiting.
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
    """What a push did to the ledger."""

    inserted: int
    updated: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class ParkAccess:
    """What the gateway must know to let a park in; secrets still sealed. `require_hmac`: MD5 does not do.

    `charset` is the one in which the park writes.
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

    `hold_replaces`: a `complete=1` that was stored before and is not signed with time is held for the operator's yes.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkChange:
    """What to change on a park; None leaves a member as it is. A rate of 0 lifts the limit."""

    name: str | None = None
    enabled: bool | None = None
    allow_list: tuple[str, ...] | None = None
    rate_per_minute: int | None = None
    require_hmac: bool | None = None
    hold_replaces: bool | None = None
    charset: Charset | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """One whole stock of a park. The current one has no `ended_us`."""

    generation: int
    current: bool
    records: int
    seqno: str | None
    started_us: int
    ended_us: int | None


class StoredRecord(msgspec.Struct, frozen=True, gc=False):
    """A record in the ledger. `seqno` is of the request that wrote this revision, `position` its place among the park's changes."""

    renewal: Renewal
    revision: int
    seqno: str
    position: int


@dataclass(frozen=True, slots=True)
class SupersededRecord:
    """A version that was replaced, and the seqno of the request that replaced it."""

    stored: StoredRecord
    replaced_seqno: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which records are wanted. Receipt `since_us` ≤ t < `until_us`; `plate` is folded."""

    plate: str | None = None
    since_us: int | None = None
    until_us: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLogEntry:
    """All that the journal knows of one request."""

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
    """How long things are kept, and how much of them."""

    generation_days: int = 30
    request_log_days: int = 400
    refused_days: int = 30
    refused_bodies_max: int = 50
    refused_bytes_max: int = 32 * 1024 * 1024
    strangers_max: int = 100_000
    chunk_rows: int = field(default=500)


class Store(Protocol):
    """The ledger. One thread at a time.

    A verb with `deed` writes this line of the audit log in the same transaction as the change, and none without a change.
    """

    @property
    def where(self) -> str:
        """Which database this is, for people: without its password."""

    @property
    def schema(self) -> int:
        """The number of the last migration."""

    def commit(self, group: Sequence[Push | RejectedRequest]) -> list[PushResult | RequestError | StoreError]:
        """Stores all of `group`, in order, in one durable transaction; where that fails, each on its own.

        The answer for each is its outcome, or why it alone could not be stored. A `complete=1` may be refused in the light of
        earlier ones (store/replacing.py): nothing of it is stored then, not even its line of the journal.
        """

    def run_maintenance(self, now_us: int, retention: Retention) -> bool:
        """Deletes one small chunk of what is past its time; whether there may be more."""

    def park_access(self, park_uuid: str) -> ParkAccess | None:
        """What is needed to let `park_uuid` in; None where it is unknown."""

    def park_accesses(self, park_uuids: Sequence[str]) -> dict[str, ParkAccess]:
        """The same for some parks, by their park_uuid, in one question; unknown ones are left out."""

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
        """Registers a park; False where it is already there."""

    def find_park(self, park_uuid: str) -> Park | None:
        """One park."""

    def list_parks(self, after: str, limit: int) -> list[Park]:
        """Up to `limit` parks whose park_uuid follows `after`, in order."""

    def change_park(self, park_uuid: str, change: ParkChange, entry: AuditEntry | None = None) -> bool:
        """Changes a park; False where it is unknown."""

    def allow_replace(self, park_uuid: str, body_sha256: str, now_us: int, entry: AuditEntry | None = None) -> bool:
        """Lets the next held `complete=1` with this body through, once; False where the park is unknown.

        The yes ends after a day, and with any `complete=1` of the park that is carried out.
        """

    def disallow_replace(self, park_uuid: str, body_sha256: str, entry: AuditEntry | None = None) -> bool:
        """Takes a yes back; False where there is none to this body."""

    def dismiss_replace(self, park_uuid: str, body_sha256: str, entry: AuditEntry | None = None) -> bool:
        """Drops what is kept of a held `complete=1`, and the yes to it; False where nothing is. Sent again, it is held anew."""

    def rotate_secret(self, park_uuid: str, secret: bytes, now_us: int, entry: AuditEntry | None = None) -> bool:
        """Makes `secret` the current one and keeps the one before; False where a previous one is still valid."""

    def retire_secret(self, park_uuid: str, entry: AuditEntry | None = None) -> bool:
        """Ends the previous secret; False where there is none."""

    def generations(self, park_uuid: str) -> list[Generation]:
        """The park's generations that are still there, newest first."""

    def restore(self, park_uuid: str, generation: int, now_us: int, entry: AuditEntry | None = None) -> bool:
        """Makes `generation` the current one; False where it is not there."""

    def iter_records(self, park_uuid: str, wanted: Filter) -> Iterator[StoredRecord]:
        """The park's current records that pass `wanted`, as they were at one moment, in constant memory."""

    def recent(self, park_uuid: str, plate: str | None, before: int | None, limit: int) -> list[StoredRecord]:
        """Up to `limit` current records, of one plate where it is given, newest change first, with positions below `before`."""

    def find_record(self, park_uuid: str, pay_partner: str) -> StoredRecord | None:
        """The current record of an order number."""

    def history(
        self, park_uuid: str, pay_partner: str, before: int | None = None, limit: int = HISTORY_MAX
    ) -> list[SupersededRecord]:
        """The newest replaced versions of a current record with revisions below `before`, oldest first.

        `limit` and HISTORY_MAX at most; for the ones before them ask with the first one's revision.
        """

    def daily(self, park_uuid: str) -> dict[tuple[int, int], tuple[int, int, int]]:
        """By business day and pay type: records inserted, records updated, and by how many fen the money grew."""

    def daily_answers(self, park_uuid: str) -> dict[tuple[int, str], tuple[int, int]]:
        """By business day and code: requests, and the rows they brought."""

    def request_log_entry(self, seqno: str) -> RequestLogEntry | None:
        """What is known of the request `seqno`."""

    def refused_body(self, seqno: str) -> bytes | None:
        """The kept body of a refused request."""

    def ping(self) -> None:
        """Raises StoreUnavailable where the store cannot answer."""

    def close(self) -> None:
        """Lets go of the database."""


OpenStore = Callable[[], Store]
