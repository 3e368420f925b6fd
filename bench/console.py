"""Measures the console at five million records: time and size of every page, memory, and what browsing costs the ingest."""

from __future__ import annotations

import http.client
import secrets
import socket
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter_ns
from typing import Final
from urllib.parse import quote

import msgspec
import psutil
from rich.console import Console

from bench.closed import HOST, Load, run_load
from bench.engines import Engine
from bench.findings import Fact, Findings, Sample, Speed, Target, pair_ratios, sample
from bench.forking import BenchError, Forked
from bench.records import RECORDS_A_PARK, ROWS_A_BATCH, make_batches, name_parks, spread
from bench.servers import Server, add_park, serving
from vipgate.admin.auth.api_tokens import make_token
from vipgate.admin.auth.sessions import hash_token, open_session
from vipgate.cli.sample import sample_renewals
from vipgate.clock import clock_us
from vipgate.i18n import LocalizedText
from vipgate.protocol.renewal import Renewal
from vipgate.protocol.seqno import SeqnoGenerator
from vipgate.store.interfaces.accounts import SCOPES, AuditEntry, Token, User
from vipgate.store.interfaces.admin import Database
from vipgate.store.interfaces.ledger import DAY_US, Push, RejectedRequest, RequestOrigin, Retention
from vipgate.store.interfaces.queries import ChargeType, RecordQuery, RequestLogQuery
from vipgate.store.open_database import open_database

PARKS: Final = 200
DAYS: Final = 90
# One park has a fifth of all records.
LARGE_SHARE: Final = 5
WARM: Final = 5
CONNECTIONS: Final = 4
PAGES_A_SECOND: Final = 2
INGEST_PARKS: Final = 16
ANSWER_S_MAX: Final = 60.0
MIB: Final = 1024 * 1024
PAGE_MS_MAX: Final = 50
PAGE_KB_MAX: Final = 50
MEMORY_MIB_MAX: Final = 60
RATIO_MIN: Final = 0.9
API: Final = "API, 1,000 "
_SIGNS: Final = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_SHA256: Final = "ab" * 32
_INSERTED: Final = b'"inserted":%d,' % ROWS_A_BATCH
# Refused while entries of cards are behind new records.
_CARD_PAGE: Final = "one card, all parks"
# The pages whose figures are reported each; of the others the slowest is.
_NAMED: Final = (
    "overview, 30 days",
    "overview, 90 days",
    "vehicles that end soon",
    "one vehicle, all parks",
    _CARD_PAGE,
)
_ALONE: Final = f"batches of {ROWS_A_BATCH:,} new rows, {CONNECTIONS} connections, console idle"
_BROWSED: Final = f"the same, {PAGES_A_SECOND} pages a second at the console"


@dataclass(frozen=True, slots=True)
class Page:
    """What one page took: milliseconds of each answer, and its bytes."""

    times_ms: Sequence[float]
    size: int

    def percentile_ms(self, percent: float) -> float:
        """The time that `percent` of the answers did not exceed."""
        ordered = sorted(self.times_ms)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


@dataclass(slots=True)
class ConsoleBench:
    """One run: a database that is filled once, and the gateway on it with and without its admin port."""

    engine: Engine
    console: Console
    until_us: int
    records: int
    looks: int
    rounds: int

    def measure(self) -> Findings:
        """All of it."""
        with tempfile.TemporaryDirectory(prefix="vipgate-bench-") as folder, self.engine.fresh(Path(folder)) as url:
            home = Path(folder)
            parks = name_parks(PARKS, "console")
            self._fill(url, home, parks)
            with serving(home, url, "--no-admin") as server:
                alone = _memory(psutil.Process(server.pid))
            port = _free_port()
            with serving(home, url, "--admin-port", str(port)) as server:
                keys, paths = _prepare(url, parks)
                pages = self._browse(port, keys, paths)
                facts, memory = self._weigh(server, alone)
                del paths[_CARD_PAGE]
                speeds, ratio = self._ingest(url, home, server, Browser(port, keys, list(paths.values())))
        return self._findings(pages, facts, memory, speeds, ratio)

    # ---- the records ---------------------------------------------------------------------------------------------------

    def _fill(self, url: str, home: Path, parks: Sequence[str]) -> None:
        """Records, requests and refusals of ninety days: a push of each park a day, in one group a day."""
        now_us = self.until_us - DAYS * DAY_US
        database = open_database(url, lambda: now_us, Retention())
        seqnos, rows = SeqnoGenerator(0), _rows(self.until_us)
        for park_uuid in parks:
            add_park(database.store, home, park_uuid)
        for day in range(DAYS):
            now_us = self.until_us - (DAYS - day) * DAY_US
            group: list[Push | RejectedRequest] = []
            for number, park_uuid in enumerate(parks):
                group.append(_push(park_uuid, [next(rows) for _ in range(self._rows_a_day(number))], seqnos, now_us))
                if (number + day) % 20 == 0:
                    group.append(_refusal(park_uuid, seqnos, now_us))
            wrong = [one for one in database.store.commit(group) if isinstance(one, Exception)]
            if wrong:
                raise BenchError(f"The store did not take a day of the records: {wrong[0]}")
        database.admin.save_charge_types(parks[0], _TYPES, None, now_us)
        started_ns = perf_counter_ns()
        while database.store.run_maintenance(self.until_us, Retention()):
            pass
        database.close()
        spent_s = (perf_counter_ns() - started_ns) / 1e9
        self.console.print(
            f"  filled {PARKS} parks with {self.records:,} records; their card entries took {spent_s:.0f} s"
        )

    def _rows_a_day(self, number: int) -> int:
        large = self.records // LARGE_SHARE
        return (large if number == 0 else (self.records - large) // (PARKS - 1)) // DAYS

    # ---- pages -------------------------------------------------------------------------------------------------------

    def _browse(self, port: int, keys: Mapping[str, str], paths: dict[str, str]) -> dict[str, Page]:
        pages = {}
        with _connected(port) as connection:
            for name, path in paths.items():
                for _ in range(WARM):
                    _get(connection, path, keys)
                times, size = [], 0
                for _ in range(self.looks):
                    started_ns = perf_counter_ns()
                    size = _get(connection, path, keys)
                    times.append((perf_counter_ns() - started_ns) / 1e6)
                pages[name] = Page(times, size)
        return pages

    # ---- memory ------------------------------------------------------------------------------------------------------

    def _weigh(self, server: Server, alone: tuple[float, float]) -> tuple[list[Fact], float]:
        """What the admin process holds after everything was browsed, and what the gateway holds more for it."""
        process = psutil.Process(server.pid)
        [inside] = [child for child in process.children() if "vipgate.admin.main" in child.cmdline()]
        own, with_it = _memory(inside), _memory(process)
        above = own[1] + with_it[1] - alone[1]
        told = [
            ("admin process after browsing everything", own),
            ("gateway with an admin port", with_it),
            ("gateway without", alone),
        ]
        return [Fact(f"memory, {what}: RSS / USS", f"{rss:.0f} / {uss:.0f} MiB") for what, (rss, uss) in told], above

    # ---- ingest ------------------------------------------------------------------------------------------------------

    def _ingest(self, url: str, home: Path, server: Server, browser: Browser) -> tuple[list[Speed], float]:
        found: dict[str, list[Sample]] = {_ALONE: [], _BROWSED: []}
        for turn in range(self.rounds):
            order = (_ALONE, _BROWSED) if turn % 2 == 0 else (_BROWSED, _ALONE)
            for what in order:
                parks = name_parks(INGEST_PARKS, f"console/{turn}/{what}")
                lines = self._lines(url, home, parks)
                with browser.browsing() if what == _BROWSED else _nobody():
                    one = sample(run_load(server.port, Load(lines, _INSERTED)), ROWS_A_BATCH)
                found[what].append(one)
                self.console.print(f"  {what}: {one.a_second:,.0f}/s")
        speeds = [Speed(what, gateway=ones) for what, ones in found.items()]
        return speeds, pair_ratios(found[_BROWSED], found[_ALONE]).middle

    def _lines(self, url: str, home: Path, parks: Sequence[str]) -> list[list[bytes]]:
        database = open_database(url, lambda: self.until_us, Retention())
        for park_uuid in parks:
            add_park(database.store, home, park_uuid)
        database.close()
        parks_batches = [make_batches(park_uuid, seed, self.until_us) for seed, park_uuid in enumerate(parks)]
        return spread([[batch.request for batch in batches] for batches in parks_batches], CONNECTIONS)

    def _findings(
        self, pages: dict[str, Page], facts: Sequence[Fact], memory: float, speeds: Sequence[Speed], ratio: float
    ) -> Findings:
        lists = [page for name, page in pages.items() if name.startswith(API)]
        shown = [page for name, page in pages.items() if not name.startswith(API)]
        rest = {name: page for name, page in pages.items() if name not in _NAMED and not name.startswith(API)}
        slowest = max(rest, key=lambda name: rest[name].percentile_ms(99))
        named = [name for name in pages if name in (*_NAMED, slowest) or name.startswith(API)]
        told = [
            Fact(
                f"{'the slowest other page' if name == slowest else 'page'}: {name}, p50 / p99, {self.records:,} records",
                f"{pages[name].percentile_ms(50):.1f} / {pages[name].percentile_ms(99):.1f} ms, {pages[name].size / 1000:.0f} KB",
            )
            for name in named
        ]
        return Findings(
            speeds,
            [*told, *facts],
            [
                Target("the slowest page, p99, ms", _slowest_ms(shown), PAGE_MS_MAX, at_least=False),
                Target("the slowest 1,000 of the API, p99, ms", _slowest_ms(lists), PAGE_MS_MAX, at_least=False),
                Target("the largest page, KB", max(page.size for page in shown) / 1000, PAGE_KB_MAX, at_least=False),
                Target("memory of the console above the gateway, MiB", memory, MEMORY_MIB_MAX, at_least=False),
                Target("ingest while the console is browsed / without", ratio, RATIO_MIN, at_least=True),
            ],
        )


def _slowest_ms(pages: Sequence[Page]) -> float:
    return max(page.percentile_ms(99) for page in pages)


@dataclass(frozen=True, slots=True)
class Browser:
    """An operator who looks at one page after another."""

    port: int
    keys: Mapping[str, str]
    paths: Sequence[str]

    @contextmanager
    def browsing(self) -> Iterator[None]:
        """Browses in a process of its own while the block runs."""
        forked = Forked(self._browse)
        try:
            yield
            forked.send("end")
            if not forked.receive(ANSWER_S_MAX):
                raise BenchError("No page was looked at while rows came in; the ratio would flatter.")
        finally:
            forked.end()

    def _browse(self, pipe: Connection) -> None:
        looked = 0
        with _connected(self.port) as connection:
            while not pipe.poll(1 / PAGES_A_SECOND):
                _get(connection, self.paths[looked % len(self.paths)], self.keys)
                looked += 1
        pipe.send(looked)


@contextmanager
def _nobody() -> Iterator[None]:
    yield


@contextmanager
def _connected(port: int) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection(HOST, port, timeout=ANSWER_S_MAX)
    try:
        yield connection
    finally:
        connection.close()


def _get(connection: http.client.HTTPConnection, path: str, keys: Mapping[str, str]) -> int:
    """The bytes of a page. Raises BenchError where it is not there."""
    connection.request("GET", path, headers={**keys, "Accept-Language": "zh-CN"})
    response = connection.getresponse()
    content = response.read()
    if response.status != 200:
        raise BenchError(f"The console answered {response.status} to {path}")
    return len(content)


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as server:
        return int(server.getsockname()[1])


def _memory(process: psutil.Process) -> tuple[float, float]:
    """RSS and USS in MiB."""
    told = process.memory_full_info()
    return told.rss / MIB, told.uss / MIB


_TYPES: Final = [
    ChargeType(
        id=name, name=f"收费类型 {name}", desc="", vip_type=1, price_fen=30_000, extra_days=None,
        create_time="20260101000000", update_time="20260102000000",
    )
    for name in ("MON_A", "QTR_A", "YEAR_A", "STORE_A")
]  # fmt: skip


def _rows(until_us: int) -> Iterator[Renewal]:
    """Renewals without end, each of a vehicle and an order of its own."""
    base = list(sample_renewals(RECORDS_A_PARK, 1, until_us=until_us))
    number = 0
    while True:
        for one in base:
            number += 1
            card = None if one.card_no is None else f"ID{number:08}"
            yield msgspec.structs.replace(
                one,
                pay_partner=f"{one.pay_partner}-{number}",
                plate=one.plate[:2] + _five_signs(number),
                card_no=card,
                card_id=card,
            )


def _five_signs(number: int) -> str:
    """What follows the first two signs of a plate; another for each of 45 million numbers."""
    signs = ""
    for _ in range(5):
        number, sign = divmod(number, len(_SIGNS))
        signs += _SIGNS[sign]
    return signs


def _caller(now_us: int) -> RequestOrigin:
    return RequestOrigin(received_us=now_us, peer="127.0.0.1", body_bytes=300_000, body_sha256=_SHA256)


def _push(park_uuid: str, rows: Sequence[Renewal], seqnos: SeqnoGenerator, now_us: int) -> Push:
    return Push(seqnos.generate(now_us), park_uuid, rows, len(rows), False, "current", _caller(now_us))


def _refusal(park_uuid: str, seqnos: SeqnoGenerator, now_us: int) -> RejectedRequest:
    rows = b",".join(
        b'{"pay_partner":"P%d","plate":"\xe7\xb2\xa4B12345","quantity":"x"}' % number for number in range(40)
    )
    body = b'{"park_uuid":"%s","row":[%s]}' % (park_uuid.encode(), rows)
    zh = "\n".join(f'row[{number}].quantity: 应为 0 到 1000000000 的整数, 收到 "x"' for number in range(20))
    en = "\n".join(f'row[{number}].quantity: must be an integer from 0 to 1000000000, got "x"' for number in range(20))
    return RejectedRequest(
        seqnos.generate(now_us), park_uuid, park_uuid, "400", LocalizedText(zh, en), _caller(now_us), body
    )


def _prepare(url: str, parks: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """The headers that let an administrator into the console and a program into the API, and every page by its name."""
    database = open_database(url, clock_us, Retention())
    now_us = clock_us()
    entry = AuditEntry(at_us=now_us, who="bench", action="login", park_uuid=None, subject="bench", detail="", peer=HOST)
    user = User(
        name="bench", role="admin", password=secrets.token_hex(8), sees_plates=True, enabled=True, language=None, created_us=now_us,
        last_login_us=None,
    )  # fmt: skip
    database.accounts.add_user(user, entry)
    secret, session = open_session("bench", HOST, now_us, secrets.token_urlsafe)
    database.accounts.note_login(session, entry)
    # A search by the beginning of a plate is for those alone who see plates.
    database.accounts.show_plates(session.digest, session.expires_us, entry)
    key = make_token(secrets.token_urlsafe)
    token = Token(
        number=0, name="bench", digest=hash_token(key), scopes=SCOPES, park_uuid=None, masked=False, created_us=now_us,
        used_us=None, revoked_us=None,
    )  # fmt: skip
    database.accounts.add_token(token, entry)
    paths = _paths(database, parks[0], parks[1])
    database.close()
    return {"Cookie": f"vipgate={secret}", "Authorization": f"Bearer {key}"}, paths


def _paths(database: Database, large: str, small: str) -> dict[str, str]:
    newest = database.queries.records(RecordQuery(park_uuid=large), None, 100).items
    found = next(one.stored for one in newest if one.stored.renewal.card_no)
    refused = database.queries.request_log(RequestLogQuery(refused=True), None, 1).items[0].seqno
    plate, order = found.renewal.plate, found.renewal.pay_partner
    paths = {
        "overview, 30 days": "/",
        "overview, 90 days": "/?days=90",
        "parks": "/parks",
        "parks, silent": "/parks?mark=silent",
        "the large park": f"/parks/{large}",
        "a small park": f"/parks/{small}",
        "settings": f"/parks/{large}/settings",
        "records to review": f"/parks/{large}/review",
        "charge types": f"/parks/{large}/charge-types",
        "records of the large park": f"/records?park={large}",
        "records by charge type and day": f"/records?park={large}&charge_type=YEAR_A&paid_since=2026-01-01",
        "records by flag": f"/records?park={large}&flag=any",
        "records by plate, all parks": f"/records?plate={plate}",
        "records by the beginning of a plate": f"/records?plate={plate[:6]}&prefix=1",
        "records by order number, all parks": f"/records?pay_partner={order}",
        "one record": f"/parks/{large}/records/{order}",
        "vehicles of the large park": f"/vehicles?park={large}",
        "vehicles that end soon": f"/vehicles?park={large}&state=expiring",
        "one vehicle, all parks": f"/vehicles?q={plate}",
        _CARD_PAGE: f"/vehicles?q={found.renewal.card_no}",
        "requests": "/requests",
        "requests that were refused": f"/requests?park={large}&refused=1",
        "one refused request": f"/requests/{refused}",
        "one stored request": f"/requests/{found.seqno}",
        "signature check": "/signature-check",
        "accounts": "/accounts",
        "tokens": "/tokens",
        "audit log": "/audit",
        f"{API}records": f"/api/v1/parks/{large}/renewals?limit=1000",
        f"{API}vehicles": f"/api/v1/parks/{large}/vehicles?limit=1000",
        f"{API}changes": f"/api/v1/changes?park_uuid={large}&limit=1000",
        f"{API}requests": "/api/v1/requests?limit=1000",
    }
    return {name: quote(path, safe="/?&=") for name, path in paths.items()}
