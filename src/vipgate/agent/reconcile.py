"""Compares the source with the platform: by sums first, then record by record where they differ.

Both sides are read live; a change meanwhile may show up as a difference that is gone the next time.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Annotated, Any, Final, NamedTuple, TypeVar

import msgspec

from vipgate.agent.models import OutboxRow
from vipgate.agent.sources.base import CursorValue, is_newer
from vipgate.agent.sync.in_flight import BloomFilter
from vipgate.errors import VipgateError
from vipgate.i18n import tr
from vipgate.protocol.digest import DigestSum, bucket_of, bucket_place, record_digest
from vipgate.protocol.renewal import Renewal, anonymized

BUCKETS: Final = 256
MONTHS_MAX: Final = 1_200
# Listed records held in memory at once.
LISTED_MAX: Final = 200_000
WANTED_MAX: Final = 4_096
SHOWN_MAX: Final = 1_000


class SourceRecord(NamedTuple):
    """A record as the source has it. `cursor` says which of several rows is newest; `row` is what the agent would send."""

    renewal: Renewal
    cursor: CursorValue | None = None
    row: OutboxRow | None = None


Ask = Callable[[dict[str, object]], dict[str, Any]]
Rows = Callable[[], Iterator[SourceRecord]]
Repair = Callable[[SourceRecord], None]
Place = tuple[str, int]
Sums = dict[Place, DigestSum]
T = TypeVar("T")


class NotOffered(VipgateError):
    """The platform has no digest path: both sides cannot be compared."""


class OddAnswer(VipgateError):
    """The platform's digest answer does not match docs/digest.md."""


@dataclass(frozen=True, slots=True)
class Month:
    """The sums of one month on both sides."""

    month: str
    here: DigestSum
    there: DigestSum

    @property
    def is_alike(self) -> bool:
        """Whether both sides hold the same records of this month."""
        return self.here == self.there


@dataclass(slots=True)
class Difference:
    """The differing records. Lists hold the first SHOWN_MAX order numbers; counts include all.

    `erased_count`: equal except for personal data that the platform has erased. Sending these again changes nothing.
    """

    missing: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)
    only_there: list[str] = field(default_factory=list)
    missing_count: int = 0
    different_count: int = 0
    only_there_count: int = 0
    erased_count: int = 0


@dataclass(slots=True)
class Report:
    """All months in order, and the differences in those that differ."""

    months: list[Month]
    difference: Difference

    @property
    def is_alike(self) -> bool:
        """Whether both sides hold the same."""
        difference = self.difference
        return not (difference.missing_count or difference.different_count or difference.only_there_count)


def compare(
    rows: Rows, ask: Ask, repair: Repair = lambda _: None, extra: Callable[[str], None] = lambda _: None
) -> Report:
    """Compares both sides. Calls `rows` once for the sums, and once per group of differing records.

    `repair` gets every record that the platform lacks or has in another version. Of rows with one order number the newest by
    the cursor counts, or any where none is: the sums count each row, and the comparison of records corrects them.
    `extra` gets the order number of each record that only the platform has.
    Raises NotOffered, OddAnswer.
    """
    here, several = _tally(rows())
    there = {line.month: line.tally for line in _read(ask({}), _Months).months}
    months = {name: Month(name, tally, there.get(name, DigestSum())) for name, tally in _by_month(here).items()}
    months |= {name: Month(name, DigestSum(), there[name]) for name in there.keys() - months.keys()}
    unlike = [name for name in sorted(months) if not months[name].is_alike]
    asked = set(unlike)
    sums = _Sums({place: here[place] for place in here if place[0] in asked}, _bucket_sums(unlike, ask))
    difference = Difference()
    for group in _groups(sums):
        _compare_records(group, rows, several, ask, repair, extra, difference, sums)
    here_months, there_months = _by_month(sums.here), _by_month(sums.there)
    months |= {
        name: Month(name, here_months.get(name, DigestSum()), there_months.get(name, DigestSum())) for name in unlike
    }
    return Report([months[name] for name in sorted(months)], difference)


class _Line(msgspec.Struct):
    """Sums of a month or bucket, as the platform sends them."""

    month: str
    count: int
    pay_value: int
    digest: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$")]
    bucket: int = 0

    @property
    def tally(self) -> DigestSum:
        return DigestSum(self.count, self.pay_value, int(self.digest, 16))


class _Months(msgspec.Struct):
    months: list[_Line]


class _Buckets(msgspec.Struct):
    buckets: list[_Line]


class _Records(msgspec.Struct):
    records: list[tuple[str, Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$")]]]
    next: int | None


def _read(answer: dict[str, Any], kind: type[T]) -> T:
    try:
        return msgspec.convert(answer, kind)
    except msgspec.ValidationError as error:
        raise OddAnswer(
            tr(
                "The platform's digest path answers otherwise than docs/digest.md has it: {reason}; ask its operator.",
                reason=error,
            )
        ) from None


@dataclass(slots=True)
class _Sums:
    """Sums by place (month, bucket) of the months that differ."""

    here: Sums
    there: Sums

    def unlike(self) -> list[Place]:
        """The places where the sides differ."""
        places = self.here.keys() | self.there.keys()
        return [place for place in places if self.here.get(place, DigestSum()) != self.there.get(place, DigestSum())]

    def records(self, place: Place) -> int:
        """How many records the comparison of `place` holds in memory."""
        return max(self.here.get(place, DigestSum()).count, self.there.get(place, DigestSum()).count)


def _tally(rows: Iterable[SourceRecord]) -> tuple[Sums, set[str]]:
    """The sums, and the order numbers that several rows have (and one in a thousand others)."""
    found: Sums = {}
    met, several = BloomFilter(), set[str]()
    for record in rows:
        renewal = record.renewal
        found.setdefault(bucket_place(renewal, BUCKETS), DigestSum()).add(renewal)
        if met.add(renewal.pay_partner):
            several.add(renewal.pay_partner)
    return found, several


def _by_month(sums: Mapping[Place, DigestSum]) -> dict[str, DigestSum]:
    found: dict[str, DigestSum] = {}
    for (month, _), tally in sums.items():
        found.setdefault(month, DigestSum()).join(tally)
    return found


def _bucket_sums(months: Sequence[str], ask: Ask) -> Sums:
    """The platform's sums for each bucket of these months."""
    found: Sums = {}
    for start in range(0, len(months), MONTHS_MAX):
        answer = ask({"months": months[start : start + MONTHS_MAX], "buckets": BUCKETS})
        found |= {(line.month, line.bucket): line.tally for line in _read(answer, _Buckets).buckets}
    return found


def _groups(sums: _Sums) -> Iterator[list[Place]]:
    """Groups differing places so that the lists of each group fit into memory.

    The months of a bucket stay together: a record whose month changed is one difference, not one surplus and one missing.
    """
    group: list[Place] = []
    listed = 0
    by_bucket = sorted(sums.unlike(), key=lambda place: (place[1], place[0]))
    for _, found in groupby(by_bucket, key=lambda place: place[1]):
        places = list(found)
        more = sum(map(sums.records, places))
        if group and (listed + more > LISTED_MAX or len(group) + len(places) > WANTED_MAX):
            yield group
            group, listed = [], 0
        group += places
        listed += more
    if group:
        yield group


class _Version(NamedTuple):
    """What is kept of a record of the source."""

    place: Place
    pay_value: int
    digest: int
    erased_there: bool


def _compare_records(
    group: Sequence[Place],
    rows: Rows,
    several: Container[str],
    ask: Ask,
    repair: Repair,
    extra: Callable[[str], None],
    difference: Difference,
    sums: _Sums,
) -> None:
    there = _listed(group, ask)
    here, wrong = _newest_versions(group, rows(), several, there)
    difference.erased_count += sum(version.erased_there for version in here.values())
    only_there = [pay_partner for pay_partner in there if pay_partner not in here]
    for pay_partner in only_there:
        difference.only_there_count += 1
        extra(pay_partner)
        _show(pay_partner, difference.only_there)
    for pay_partner, record in wrong.items():
        if pay_partner in there:
            difference.different_count += 1
            _show(pay_partner, difference.different)
        else:
            difference.missing_count += 1
            _show(pay_partner, difference.missing)
        repair(record)
    _put_right(sums, group, here.values(), {bucket_of(one, BUCKETS) for one in (*only_there, *wrong)})


def _listed(group: Sequence[Place], ask: Ask) -> dict[str, int]:
    """Reads the platform's digests of these buckets, by order number. A later page wins: its versions are newer."""
    found: dict[str, int] = {}
    after = 0
    while True:
        question = {"buckets": BUCKETS, "wanted": [list(place) for place in group], "after": after}
        page = _read(ask(question), _Records)
        found.update((pay_partner, int(digest, 16)) for pay_partner, digest in page.records)
        if page.next is None:
            return found
        if page.next <= after:
            raise OddAnswer(
                tr(
                    "The platform's list of records does not go on: next is {next} after {after}.",
                    next=page.next,
                    after=after,
                )
            )
        after = page.next


def _newest_versions(
    group: Sequence[Place], rows: Iterable[SourceRecord], several: Container[str], there: Mapping[str, int]
) -> tuple[dict[str, _Version], dict[str, SourceRecord]]:
    """The source's records in these places by order number, and those missing or different on the platform."""
    places, buckets = set(group), {bucket for _, bucket in group}
    here: dict[str, _Version] = {}
    wrong: dict[str, SourceRecord] = {}
    newest: dict[str, SourceRecord] = {}

    def take(record: SourceRecord) -> None:
        pay_partner, place = record.renewal.pay_partner, bucket_place(record.renewal, BUCKETS)
        if place not in places and pay_partner not in there:
            # In a month that matches.
            return
        here[pay_partner] = version = _version(place, record.renewal, there.get(pay_partner))
        if there.get(pay_partner) != version.digest:
            wrong[pay_partner] = record

    for record in rows:
        pay_partner = record.renewal.pay_partner
        if bucket_of(pay_partner, BUCKETS) not in buckets:
            continue
        if pay_partner not in several:
            take(record)
        elif pay_partner not in newest or _replaces(record, newest[pay_partner], there.get(pay_partner)):
            newest[pay_partner] = record
    for record in newest.values():
        take(record)
    return here, wrong


def _replaces(record: SourceRecord, before: SourceRecord, there: int | None) -> bool:
    """Whether `record` counts instead of `before`: it is newer or, if nothing tells, what the platform has."""
    newer = is_newer(record.cursor, before.cursor)
    return there == record_digest(record.renewal) if newer is None else newer


def _version(place: Place, renewal: Renewal, there: int | None) -> _Version:
    """The record as the platform should hold it: complete, or anonymized if the platform has erased it."""
    whole = record_digest(renewal)
    erased_there = there not in (None, whole) and there == record_digest(anonymized(renewal))
    digest = there if there is not None and erased_there else whole
    return _Version(place, renewal.pay_value_fen or 0, digest, erased_there)


def _put_right(sums: _Sums, group: Sequence[Place], here: Iterable[_Version], unlike: set[int]) -> None:
    """Corrects the sums: each order number counts once; buckets whose records all match have equal sums."""
    exact: Sums = {}
    for version in here:
        exact.setdefault(version.place, DigestSum()).join(DigestSum(1, version.pay_value, version.digest))
    for place in group:
        sums.here[place] = exact.get(place, DigestSum())
        if place[1] not in unlike:
            sums.there[place] = sums.here[place]


def _show(pay_partner: str, shown: list[str]) -> None:
    if len(shown) < SHOWN_MAX:
        shown.append(pay_partner)
