"""What staff and other systems look for in the ledger, and what they find: questions, pages, cursors. The verbs of a Browse."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from vipgate.i18n import LocalizedText
from vipgate.store.interfaces.ledger import (
    HISTORY_MAX,
    Generation,
    Park,
    RequestLogEntry,
    StoredRecord,
    SupersededRecord,
)

SIGNATURES_SCANNED_MAX: Final = 1_000
# A search that no index answers looks at so many records for one page at most; the page says how far it came.
SCAN_ROWS_MAX: Final = 10_000
PAGE_ITEMS_MAX: Final = 1_000
# More times of one held replace are not counted.
HELD_TIMES_MAX: Final = 1_000
VEHICLE_RECORDS_MAX: Final = 100
# So many records are looked at for one page of vehicles with a pass that ends soon: most have none.
ENDING_ROWS_MAX: Final = 1_000
CardKind = Literal["plate", "card_no", "card_id"]
CARD_KINDS: Final[tuple[CardKind, ...]] = ("plate", "card_no", "card_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordQuery:
    """Which current records are wanted, newest change first. None leaves a member open.

    Without `park_uuid` all parks are looked through, which needs `plate`, `pay_partner` or `card`: those have an index.
    `plate` is folded; `plate_prefix` makes it the beginning of one. `card` is a card's number or id. Receipt and payment
    lie in `since_us` ≤ t < `until_us` and `paid_since_us` ≤ t < `paid_until_us`; `flags`: any of these FLAG_*.
    """

    park_uuid: str | None = None
    plate: str | None = None
    plate_prefix: bool = False
    pay_partner: str | None = None
    card: str | None = None
    charge_type: str | None = None
    vip_type: int | None = None
    pay_type: int | None = None
    since_us: int | None = None
    until_us: int | None = None
    paid_since_us: int | None = None
    paid_until_us: int | None = None
    flags: int = 0


@dataclass(frozen=True, slots=True)
class RecordPageCursor:
    """Where a page of records ended: the position and park of the last one that was looked at."""

    position: int
    park_uuid: str


@dataclass(frozen=True, slots=True)
class RecordHit:
    """A record and its park."""

    park_uuid: str
    stored: StoredRecord


@dataclass(frozen=True, slots=True)
class RecordPage:
    """Up to `limit` records, fewer where the bound on looking was reached first. `next` is None where there is no more."""

    items: list[RecordHit]
    next: RecordPageCursor | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLogQuery:
    """Which requests are wanted, newest first. `strangers`: those that no park was proved for. `refused`: all but 1001."""

    park_uuid: str | None = None
    strangers: bool = False
    code: str | None = None
    refused: bool = False
    since_us: int | None = None
    until_us: int | None = None


@dataclass(frozen=True, slots=True)
class RequestLogPage:
    """Requests; `next` is the seqno of the last one that was looked at, None where there is no more."""

    items: list[RequestLogEntry]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vehicle:
    """What is known of one plate or card of a park: its newest records, newest change first, VEHICLE_RECORDS_MAX at most."""

    park_uuid: str
    kind: CardKind
    key: str
    records: list[StoredRecord]


@dataclass(frozen=True, slots=True)
class VehiclePage:
    """Vehicles out of `looked_at`; `next` is the last plate that was looked at, None where there is no more."""

    items: list[Vehicle]
    looked_at: int
    next: str | None


@dataclass(frozen=True, slots=True)
class ChangedVehicles:
    """Vehicles, newest change first; `next` is where the look at a park's records ended, None where there is no more."""

    items: list[Vehicle]
    next: RecordPageCursor | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A record as it is now, at the place of its last change."""

    position: int
    stored: StoredRecord


@dataclass(frozen=True, slots=True)
class ChangePage:
    """Changes of one park's current generation behind a position, oldest first."""

    generation: int
    items: list[Change]
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyMoney:
    """Records and money of one Beijing day (days since 1970-01-01) and pay type, of one park or of all."""

    day: int
    pay_type: int
    inserted: int
    updated: int
    pay_value_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyAnswers:
    """Requests of one Beijing day by code. `park_uuid` is None for strangers, and where all parks are added up."""

    day: int
    park_uuid: str | None
    code: str
    requests: int
    received: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeType:
    """One charge type of a park (charge-types.md); times as the park said them, in its local time."""

    id: str
    name: str
    desc: str
    vip_type: int | None
    price_fen: int | None
    extra_days: int | None
    create_time: str
    update_time: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeTypes:
    """What a park answered last: the list, when it was fetched, and what was wrong with the newest try."""

    address: str | None
    items: list[ChargeType]
    fetched_us: int | None
    tried_us: int | None
    trouble: LocalizedText | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkDetails:
    """What the console and the retention need of a park beyond `Park`."""

    park_uuid: str
    position: int
    retention_days: int | None
    charge_address: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldReplace:
    """A `complete=1` that is held for the operator's yes, however often it came; `seqno` is of the time whose body is kept.

    `first_us`, `last_us` and `times`, HELD_TIMES_MAX at most, are of the journal since it was carried out last, and know of
    those that were dismissed too. `allowed_until_us`: till then the next one with this body goes through; it may be over.
    """

    park_uuid: str
    park_name: str
    body_sha256: str
    seqno: str
    times: int
    first_us: int
    last_us: int
    body_bytes: int
    allowed_until_us: int | None

    def is_allowed(self, now_us: int) -> bool:
        """Whether the yes to it stands."""
        return self.allowed_until_us is not None and now_us < self.allowed_until_us

    @property
    def more_times(self) -> bool:
        """Whether it may have come more often than was counted."""
        return self.times >= HELD_TIMES_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class Signatures:
    """How a park signed lately. `hmac` and `md5` are counted in its newest SIGNATURES_LOOKED_MAX requests; the rest is exact.

    `md5_us`: when MD5 signed a push last, None where it signed none. `pushed`: whether anything was pushed at all.
    """

    hmac: int
    md5: int
    md5_us: int | None
    pushed: bool


class QueryStore(Protocol):
    """Reading for people and other systems; the ledger's own verbs are in `Store`. One thread at a time. Raises StoreError."""

    def records(self, query: RecordQuery, before: RecordPageCursor | None, limit: int) -> RecordPage:
        """A page of current records, newest change first, that come after `before`.

        Raises ValueError for a query over all parks that no index answers, or that thousands of records answer.
        """

    def vehicles(self, park_uuid: str, after: tuple[CardKind, str] | None, limit: int) -> list[Vehicle]:
        """A park's plates, in order, behind `after`. A record has a plate until it is erased: no card is left for itself."""

    def vehicles_ending(self, park_uuid: str, after: str, since_us: int, until_us: int, limit: int) -> VehiclePage:
        """Plates, in order, behind `after`, of which a record ends in `since_us` ≤ t < `until_us`: of ENDING_ROWS_MAX records."""

    def vehicles_by_change(self, park_uuid: str, before: RecordPageCursor | None, looked_max: int) -> ChangedVehicles:
        """A park's plates in the order of their newest change, out of `looked_max` records that come after `before`.

        For those from whom plates are hidden: the order of plates would tell what the mask hides.
        """

    def vehicle(self, park_uuid: str | None, plate_or_card: str) -> list[Vehicle]:
        """One plate (folded) or card in a park or in all, out of its newest PAGE_ITEMS_MAX records.

        A card's records count for the card, whatever their plates. An empty text names none. Raises ValueError as `records` does.
        """

    def request_log(self, query: RequestLogQuery, before: str | None, limit: int) -> RequestLogPage:
        """A page of requests, newest first, with seqnos below `before`."""

    def replays_of(self, park_uuid: str, seqno: str) -> list[str]:
        """The seqnos of requests that sent the refused request `seqno` again from the console, oldest first, 100 at most."""

    def changes(self, park_uuid: str, generation: int | None, after: int, limit: int) -> ChangePage | None:
        """Changes of the current generation behind position `after`; from its beginning where `generation` is another one.

        None where there is no such park.
        """

    def money_by_day(self, park_uuid: str | None, since_day: int, until_day: int) -> list[DailyMoney]:
        """Rollups of `since_day` ≤ day < `until_day`, of one park or added up over all, by day and pay type."""

    def answers_by_day(self, park_uuid: str | None, since_day: int, until_day: int) -> list[DailyAnswers]:
        """The same of answers, by day and code."""

    def answers_by_park(self, since_day: int, until_day: int) -> list[DailyAnswers]:
        """The answers of every park and of strangers, each day and code apart."""

    def daily_totals(self, since_day: int, until_day: int) -> int:
        """A number that grows with every change of the rollups of these days: tells whether what was read still holds.

        It is the sum of their counters, inserted, updated and requests, over all parks and strangers: nothing takes from them.
        """

    def search_parks(self, text: str, after: str, limit: int) -> list[Park]:
        """Parks of which the name or the uuid contains `text`, in the order of park_uuid, behind `after`."""

    def held_replaces(self, park_uuid: str | None, since_us: int, limit: int) -> list[HeldReplace]:
        """What parks that are guarded sent since and is held still; what was new to the operator last comes first."""

    def signatures(self, park_uuid: str, since_us: int) -> Signatures:
        """How the park signed since."""

    def park_details(self, park_uuid: str) -> ParkDetails | None:
        """The rest of a park's settings."""

    def flagged(self, park_uuid: str | None) -> dict[int, int]:
        """How many current records carry each FLAG_*; counted up to 10,000 each."""

    def charge_types(self, park_uuid: str) -> ChargeTypes:
        """The park's charge types as they were fetched last."""

    def is_park_complete(self, park_uuid: str) -> Iterator[StoredRecord]:
        """All current records of a park, oldest change first, as they were at one moment, in constant memory."""

    def history_of(
        self, park_uuid: str, pay_partner: str, before: int | None = None, limit: int = HISTORY_MAX
    ) -> list[SupersededRecord]:
        """See `Store.history`."""

    def generations_of(self, park_uuid: str) -> list[Generation]:
        """The park's generations that are still there, newest first."""

    def parks_for_charge_types(self, before_us: int, limit: int) -> Sequence[str]:
        """Parks with an address whose charge types were last asked for before `before_us`."""
