"""All books of a ledger, read with plain SQL, and what is wrong with them: nothing of the stores' own reading is trusted here.

What was acknowledged must be there in that version or a later one; requests must be whole; sums must be those of a recount.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

import msgspec
import psycopg

from vipgate.protocol.renewal import Renewal
from vipgate.store.interfaces.ledger import business_day
from vipgate.store.open import is_postgres, sqlite_path

SHOWN: Final = 10
_RENEWAL: Final = ", ".join(f"t.{name}" for name in Renewal.__struct_fields__)
# Each begins with the park; on SQLite that is a number and has to be looked up.
_BOOKS: Final = {
    # The park counts the current one.
    "generation": "t.generation, CASE WHEN t.generation = p.generation THEN p.records ELSE t.records END, t.seqno",
    "renewal": f"t.generation, {_RENEWAL}, t.revision, t.seqno, t.position, NULL",
    "renewal_history": f"t.generation, {_RENEWAL}, t.revision, t.seqno, t.position, t.replaced_seqno",
    "request": "t.seqno, t.code, t.generation, t.received, t.inserted, t.updated, t.unchanged, t.received_us, t.body_sha256",
    "daily": "t.day, t.pay_type, t.inserted, t.updated, t.pay_value_fen",
    "daily_answer": "t.day, t.code, t.requests, t.received",
}
_FIELDS: Final = len(Renewal.__struct_fields__)
Rows = Sequence[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Sent:
    """A request that somebody sent."""

    park_uuid: str
    rows: Sequence[Renewal]
    complete: bool


@dataclass
class Diary:
    """What all clients sent, by the digest of the body; seqnos and counts of what was acknowledged; seqnos of 500 and 503."""

    sent: dict[str, Sent] = field(default_factory=dict)
    acknowledged: dict[str, tuple[str, tuple[int, ...]]] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, body: bytes, request: Sent) -> str:
        digest = sha256(body).hexdigest()
        with self.lock:
            self.sent[digest] = request
        return digest

    def acknowledge(self, digest: str, seqno: str, counts: tuple[int, ...]) -> None:
        with self.lock:
            self.acknowledged[seqno] = (digest, counts)

    def refuse(self, seqno: str) -> None:
        with self.lock:
            self.refused.add(seqno)

    @property
    def records(self) -> int:
        """How many records were acknowledged."""
        return sum(len(self.sent[digest].rows) for digest, _ in self.acknowledged.values())


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a record, newest or replaced."""

    renewal: Renewal
    revision: int
    seqno: str
    position: int
    replaced_seqno: str | None


@dataclass(frozen=True, slots=True)
class Answered:
    """A line of the journal."""

    park_uuid: str
    seqno: str
    code: str
    generation: int | None
    counts: tuple[int, ...]
    received_us: int
    digest: str


Place = tuple[str, int, str]


@dataclass
class Books:
    """Everything that is in the ledger."""

    parks: dict[str, tuple[int, int]]
    generations: dict[tuple[str, int], tuple[int, str | None]]
    records: dict[Place, list[Version]]
    journal: dict[str, Answered]
    daily: dict[tuple[str, int, int], tuple[int, int, int]]
    answers: dict[tuple[str, int, str], tuple[int, int]]


def read_books(url: str) -> Books:
    """The books at `url`, once the engine itself finds nothing wrong. Raises AssertionError where it does."""
    if is_postgres(url):
        with psycopg.connect(url) as server:
            server.execute("SET search_path = vipgate")
            _check_indexes(server)
            return _read({name: server.execute(text).fetchall() for name, text in _questions().items()})
    try:
        with closing(sqlite3.connect(sqlite_path(url))) as file:
            found = file.execute("PRAGMA integrity_check").fetchall()
            assert found == [("ok",)], found
            return _read({name: file.execute(text).fetchall() for name, text in _questions().items()})
    except sqlite3.DatabaseError as error:
        raise AssertionError(f"the file cannot be read: {error}") from error


def _questions() -> dict[str, str]:
    """A statement for each book."""
    named = "LEFT JOIN park AS p ON p.park_id = t.park_id"
    books = {
        name: f"SELECT coalesce(p.park_uuid, ''), {columns} FROM {name} AS t {named}"  # noqa: S608
        for name, columns in _BOOKS.items()
    }
    return {"park": "SELECT park_uuid, generation, position FROM park", **books}


def _check_indexes(server: psycopg.Connection[Any]) -> None:
    """Each table holds as many rows by its indexes as by itself."""
    for table in ("renewal", "request", "renewal_history"):
        found = []
        for way in ("on", "off"):
            server.execute(f"SET enable_seqscan = {way}")
            row = server.execute(f"SELECT count(*), count(DISTINCT (park_id, seqno)) FROM {table}").fetchone()  # noqa: S608
            found.append(row)
        assert found[0] == found[1], f"{table}: {found[0]} rows by itself, {found[1]} by its index"
    server.execute("RESET enable_seqscan")


def _read(found: Mapping[str, Rows]) -> Books:
    records: dict[Place, list[Version]] = defaultdict(list)
    for row in (*found["renewal"], *found["renewal_history"]):
        renewal = Renewal(*row[2 : 2 + _FIELDS])
        records[row[0], row[1], renewal.pay_partner].append(Version(renewal, *row[2 + _FIELDS :]))
    for versions in records.values():
        versions.sort(key=lambda one: one.revision)
    journal = {
        row[1]: Answered(row[0], row[1], row[2], row[3], tuple(row[4:8]), row[8], row[9]) for row in found["request"]
    }
    return Books(
        {row[0]: (row[1], row[2]) for row in found["park"]},
        {(row[0], row[1]): (row[2], row[3]) for row in found["generation"]},
        dict(records),
        journal,
        {row[:3]: row[3:] for row in found["daily"]},
        {row[:3]: row[3:] for row in found["daily_answer"]},
    )


@dataclass
class Verdict:
    """What is wrong, and how many acknowledged records are lost.

    `stored_anyway`: requests that got 500 or 503 and are there nevertheless, whole: their commit reached the disk when
    nobody could say so any more. Safe, since the client sends them again.
    """

    faults: list[str] = field(default_factory=list)
    lost: int = 0
    stored_anyway: int = 0

    def told(self) -> str:
        more = f"\n… and {len(self.faults) - SHOWN} more" if len(self.faults) > SHOWN else ""
        return "\n".join(self.faults[:SHOWN]) + more


def judge(books: Books, diary: Diary) -> Verdict:
    """Everything that is wrong with `books`, given what was sent and acknowledged."""
    verdict = Verdict()
    for seqno, (digest, counts) in diary.acknowledged.items():
        verdict.lost += _judge_acknowledged(books, diary.sent[digest], seqno, digest, counts, verdict.faults)
    verdict.stored_anyway = sum(seqno in books.journal for seqno in diary.refused)
    verdict.faults += _half_requests(books, diary)
    verdict.faults += _broken_records(books)
    verdict.faults += _wrong_sums(books)
    return verdict


def _judge_acknowledged(
    books: Books, sent: Sent, seqno: str, digest: str, counts: tuple[int, ...], faults: list[str]
) -> int:
    """How many records of an acknowledged request are lost. Later versions of one have a greater quantity."""
    line = books.journal.get(seqno)
    if line is None:
        faults.append(f"{seqno}: acknowledged, but not in the journal")
        return len(sent.rows)
    if (line.code, line.counts, line.digest) != ("1001", counts, digest):
        faults.append(f"{seqno}: answered {counts}, journaled {line}")
    if sent.complete and books.generations.get((line.park_uuid, line.generation or 0), (0, ""))[1] != seqno:
        faults.append(f"{seqno}: replaced the stock of {line.park_uuid}, but there is no such generation")
    lost = 0
    for row in sent.rows:
        versions = books.records.get((sent.park_uuid, line.generation or 0, row.pay_partner), [])
        there = any(_alike(one.renewal, row) for one in versions)
        if not there or versions[-1].renewal.quantity < row.quantity:
            faults.append(
                f"{seqno}: record {row.pay_partner} of {sent.park_uuid} is lost; there are {len(versions)} versions"
            )
            lost += 1
    return lost


def _alike(held: Renewal, sent: Renewal) -> bool:
    return msgspec.structs.replace(held, flags=0) == msgspec.structs.replace(sent, flags=0)


def _half_requests(books: Books, diary: Diary) -> Iterator[str]:
    """Every request in the journal is one that was sent, with all that it says it did; and nothing is in the ledger without one."""
    written: Counter[str] = Counter()
    for (park_uuid, _, order), versions in books.records.items():
        for one in versions:
            written[one.seqno] += 1
            line = books.journal.get(one.seqno)
            sent = None if line is None else diary.sent.get(line.digest)
            rows = () if sent is None or sent.park_uuid != park_uuid else sent.rows
            if not any(row.pay_partner == order and _alike(one.renewal, row) for row in rows):
                yield f"{one.seqno}: wrote {order} of {park_uuid}, but was never sent like that"
    for line in books.journal.values():
        received, inserted, updated, unchanged = line.counts
        sent = diary.sent.get(line.digest)
        wanted = len(sent.rows) if sent is not None and line.code == "1001" else 0
        if not received == wanted == inserted + updated + unchanged:
            yield f"{line.seqno}: {wanted} rows were sent, the journal says {line.counts}"
        if written[line.seqno] != inserted + updated:
            yield f"{line.seqno}: half a request: wrote {written[line.seqno]} versions, the journal says {line.counts}"


def _broken_records(books: Books) -> Iterator[str]:
    """Revisions count from 1, each names what replaced it, and no two changes of a park are at one place."""
    places: dict[str, list[int]] = defaultdict(list)
    for (park_uuid, generation, order), versions in books.records.items():
        where = f"{order} of {park_uuid}, generation {generation}"
        places[park_uuid] += [one.position for one in versions]
        if [one.revision for one in versions] != list(range(1, len(versions) + 1)):
            yield f"{where}: has revisions {[one.revision for one in versions]}"
        if [one.replaced_seqno for one in versions] != [*[one.seqno for one in versions[1:]], None]:
            yield f"{where}: a version does not name what replaced it"
    for park_uuid, taken in places.items():
        if len(set(taken)) < len(taken) or max(taken) > books.parks[park_uuid][1]:
            yield f"{park_uuid}: positions twice, or ahead of the park's own"


def _wrong_sums(books: Books) -> Iterator[str]:
    sizes = Counter(place[:2] for place in books.records)
    for place, (records, _) in books.generations.items():
        if records != sizes[place]:
            yield f"generation {place}: counts {records} records, holds {sizes[place]}"
    daily: dict[tuple[str, int, int], list[int]] = defaultdict(lambda: [0, 0, 0])
    for (park_uuid, _, _), versions in books.records.items():
        for old, new in zip([None, *versions], versions, strict=False):
            line = books.journal.get(new.seqno)
            day = 0 if line is None else business_day(line.received_us)
            counted = daily[park_uuid, day, new.renewal.pay_type]
            counted[0 if old is None else 1] += 1
            counted[2] += new.renewal.pay_value_fen or 0
            if old is not None:
                daily[park_uuid, day, old.renewal.pay_type][2] -= old.renewal.pay_value_fen or 0
    yield from _differences("daily", books.daily, {key: tuple(sums) for key, sums in daily.items()})
    requests: Counter[tuple[str, int, str]] = Counter()
    received: Counter[tuple[str, int, str]] = Counter()
    for line in books.journal.values():
        key = (line.park_uuid, business_day(line.received_us), line.code)
        requests[key] += 1
        received[key] += line.counts[0]
    answers = {key: (count, received[key]) for key, count in requests.items()}
    yield from _differences("daily_answer", books.answers, answers)


def _differences(name: str, told: Mapping[Any, Any], counted: Mapping[Any, Any]) -> Iterator[str]:
    for key in sorted(told.keys() | counted.keys()):
        if told.get(key) != counted.get(key):
            yield f"{name} {key}: says {told.get(key)}, a recount {counted.get(key)}"
