"""Protocol for searches by staff and other systems, with its queries, pages and cursors."""

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
# Records that a search without an index reads for one page; the page's cursor says how far it came.
SCAN_ROWS_MAX: Final = 10_000
PAGE_ITEMS_MAX: Final = 1_000
# Repeats of one held replace are counted up to this.
HELD_TIMES_MAX: Final = 1_000
VEHICLE_RECORDS_MAX: Final = 100
# Records read for one page of vehicles whose pass ends soon: few vehicles match.
ENDING_ROWS_MAX: Final = 1_000
# Pages of a card's records that one look-up of a vehicle reads while card entries are behind.
CARD_PAGES_MAX: Final = 10
CardKind = Literal["plate", "card_no", "card_id"]
CARD_KINDS: Final[tuple[CardKind, ...]] = ("plate", "card_no", "card_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordQuery:
    """Selects current records, newest change first. None: any value.

    Without `park_uuid` the search covers all parks and needs `plate`, `pay_partner` or `card`, which have an index.
    `plate` is normalized; `plate_prefix` makes it a prefix. `card` is a card's number or id. Receipt and payment lie in
    `since_us` ≤ t < `until_us` and `paid_since_us` ≤ t < `paid_until_us`; `flags`: any of these FLAG_*.
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
    """Where a page of records ended: position and park of the last record read."""

    position: int
    park_uuid: str


class CardsBehind(ValueError):
    """So many records are new that a search by card cannot read all of those without a card entry.

    `by_plate`: what a look-up of a plate or card has found by the plate, which needs no card entry.
    """

    def __init__(self, by_plate: Sequence[Vehicle] = ()) -> None:
        super().__init__()
        self.by_plate = list(by_plate)

    words = LocalizedText(
        "新收到的记录过多, 卡号索引尚未跟上; 请指定车场, 或几分钟后重试",
        "so many records are new that their cards are not indexed yet; name one park, or try again in some minutes",
    )


@dataclass(frozen=True, slots=True)
class RecordHit:
    """A record and its park."""

    park_uuid: str
    stored: StoredRecord


@dataclass(frozen=True, slots=True)
class RecordPage:
    """Up to `limit` records, fewer if the read limit was reached first. `next` is None at the end."""

    items: list[RecordHit]
    next: RecordPageCursor | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLogQuery:
    """Selects requests, newest first. `strangers`: without a proved park. `refused`: every code but 1001."""

    park_uuid: str | None = None
    strangers: bool = False
    code: str | None = None
    refused: bool = False
    since_us: int | None = None
    until_us: int | None = None


@dataclass(frozen=True, slots=True)
class RequestLogPage:
    """Requests; `next` is the seqno of the last one read, None at the end."""

    items: list[RequestLogEntry]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vehicle:
    """One plate or card of a park with its records, newest change first, at most VEHICLE_RECORDS_MAX."""

    park_uuid: str
    kind: CardKind
    key: str
    records: list[StoredRecord]


@dataclass(frozen=True, slots=True)
class VehiclePage:
    """The matches among `looked_at` vehicles; `next` is the last plate read, None at the end."""

    items: list[Vehicle]
    looked_at: int
    next: str | None


@dataclass(frozen=True, slots=True)
class ChangedVehicles:
    """Vehicles, newest change first; `next` is where reading the park's records stopped, None at the end."""

    items: list[Vehicle]
    next: RecordPageCursor | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A current record at the position of its last change."""

    position: int
    stored: StoredRecord


@dataclass(frozen=True, slots=True)
class ChangePage:
    """Changes of a park's current generation after a position, oldest first."""

    generation: int
    items: list[Change]
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyMoney:
    """Record counts and amount of one Beijing day (days since 1970-01-01) and pay type, of one park or of all."""

    day: int
    pay_type: int
    inserted: int
    updated: int
    pay_value_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyAnswers:
    """Requests of one Beijing day and code. `park_uuid` is None for requests without a proved park and for sums over all parks."""

    day: int
    park_uuid: str | None
    code: str
    requests: int
    received: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeType:
    """One charge type of a park (charge-types.md); times as the park sent them, in its local time."""

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
    """A park's stored charge types: the list, when it was fetched, and the error of the latest attempt."""

    address: str | None
    items: list[ChargeType]
    fetched_us: int | None
    tried_us: int | None
    trouble: LocalizedText | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkDetails:
    """Settings of a park that are not in `Park`, for the console and the retention."""

    park_uuid: str
    position: int
    retention_days: int | None
    charge_address: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldReplace:
    """A `complete=1` held for approval, with its repeats; `seqno` is the request whose body is kept.

    `first_us`, `last_us` and `times` (at most HELD_TIMES_MAX) count its requests in the log since this body last took effect,
    dismissed ones included. `allowed_until_us`: when the approval of this body expires; may be past.
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
        """Whether its approval is valid."""
        return self.allowed_until_us is not None and now_us < self.allowed_until_us

    @property
    def more_times(self) -> bool:
        """Whether `times` reached its limit, so that there may be more."""
        return self.times >= HELD_TIMES_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class Signatures:
    """How a park signed in a period. `hmac` and `md5` count its newest SIGNATURES_SCANNED_MAX requests; the rest is exact.

    `md5_us`: the last push signed with MD5 in the period, None if there is none. `pushed`: whether the park pushed in it.
    """

    hmac: int
    md5: int
    md5_us: int | None
    pushed: bool


class QueryStore(Protocol):
    """Searches for staff and other systems; the ledger itself is `Store`. One thread at a time. Raises StoreError."""

    def records(self, query: RecordQuery, before: RecordPageCursor | None, limit: int) -> RecordPage:
        """A page of current records after the cursor `before`, newest change first.

        Raises ValueError for a query over all parks that has no index or matches too many records, and CardsBehind for one by
        card while more than SCAN_ROWS_MAX records have no card entry yet. In one park such a search has more pages.
        """

    def vehicles(self, park_uuid: str, after: tuple[CardKind, str] | None, limit: int) -> list[Vehicle]:
        """A park's plates after `after`, in order. Cards are not listed: a record without a plate is erased and has no card."""

    def vehicles_ending(self, park_uuid: str, after: str, since_us: int, until_us: int, limit: int) -> VehiclePage:
        """Plates after `after`, in order, with a record that ends in `since_us` ≤ t < `until_us`. Reads ENDING_ROWS_MAX records."""

    def vehicles_by_change(self, park_uuid: str, before: RecordPageCursor | None, looked_max: int) -> ChangedVehicles:
        """A park's plates by newest change, from `looked_max` records after `before`.

        For users who see masked plates: the alphabetical order would reveal what the mask hides.
        """

    def vehicle(self, park_uuid: str | None, plate_or_card: str) -> list[Vehicle]:
        """One normalized plate or card in a park or in all, from its newest PAGE_ITEMS_MAX records.

        A card's records belong to the card, whatever their plates. An empty text matches nothing.
        Raises ValueError like `records`, and CardsBehind, with what was found by plate, if more than CARD_PAGES_MAX pages would
        have to be read.
        """

    def request_log(self, query: RequestLogQuery, before: str | None, limit: int) -> RequestLogPage:
        """A page of requests, newest first, with seqnos below `before`."""

    def replays_of(self, park_uuid: str, seqno: str) -> list[str]:
        """The seqnos of the console's replays of the rejected request `seqno`, oldest first, at most 100."""

    def changes(self, park_uuid: str, generation: int | None, after: int, limit: int) -> ChangePage | None:
        """Changes of the current generation after position `after`; from its start if `generation` is another one.

        None if there is no such park.
        """

    def money_by_day(self, park_uuid: str | None, since_day: int, until_day: int) -> list[DailyMoney]:
        """Rollups of `since_day` ≤ day < `until_day` by day and pay type, of one park or summed over all."""

    def answers_by_day(self, park_uuid: str | None, since_day: int, until_day: int) -> list[DailyAnswers]:
        """Answer counts of the same days by day and code, of one park or summed over all."""

    def answers_by_park(self, since_day: int, until_day: int) -> list[DailyAnswers]:
        """Answer counts by day, park and code; requests without a proved park included."""

    def daily_totals(self, since_day: int, until_day: int) -> int:
        """A number that grows with every change of these days' rollups; a cache is valid while it stays the same.

        It is the sum of the counters inserted, updated and requests over all parks and strangers. None of them ever shrinks.
        """

    def search_parks(self, text: str, after: str, limit: int) -> list[Park]:
        """Parks whose name or uuid contains `text`, after `after`, by park_uuid."""

    def held_replaces(self, park_uuid: str | None, since_us: int, limit: int) -> list[HeldReplace]:
        """Replaces that are still held and were sent since `since_us`; the newest kept body first."""

    def signatures(self, park_uuid: str, since_us: int) -> Signatures:
        """How the park has signed since `since_us`."""

    def park_details(self, park_uuid: str) -> ParkDetails | None:
        """A park's further settings; None if unknown."""

    def flagged(self, park_uuid: str | None) -> dict[int, int]:
        """Number of current records with each FLAG_*, counted up to 10,000 each."""

    def charge_types(self, park_uuid: str) -> ChargeTypes:
        """The park's charge types from the last fetch."""

    def iter_park(self, park_uuid: str) -> Iterator[StoredRecord]:
        """All current records of a park, oldest change first, from one snapshot, in constant memory."""

    def history_of(
        self, park_uuid: str, pay_partner: str, before: int | None = None, limit: int = HISTORY_MAX
    ) -> list[SupersededRecord]:
        """See `Store.history`."""

    def generations_of(self, park_uuid: str) -> list[Generation]:
        """The park's generations that are not purged, newest first."""

    def parks_for_charge_types(self, before_us: int, limit: int) -> Sequence[str]:
        """Parks with a gateway address whose charge types were last requested before `before_us`."""
