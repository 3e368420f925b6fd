"""What must hold on the admin port for every address: an answer that is no fault of ours, and no unbounded one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import h11

from fuzz.gateway import Wrong
from support.store_data import HOUR_US, PARK, do, entry, push, refused, renewals, session, token, user
from support.store_database import NOON_US, Clock
from vipgate.admin.app import AdminDependencies, build_app
from vipgate.admin.auth.sessions import hash_token
from vipgate.admin.console.context import ConsoleSettings
from vipgate.clock import clock_s
from vipgate.store.async_pool import DatabasePool
from vipgate.store.interfaces.accounts import SCOPES
from vipgate.store.interfaces.admin import Database
from vipgate.store.interfaces.ledger import DAY_US, Retention
from vipgate.store.open_database import open_database
from vipgate.support.client_address import parse_trusted_proxies
from vipgate.support.metrics import AdminRecorder, SharedMetrics
from vipgate.support.vault import Vault
from vipgate.support.web.http_server import HEAD_BYTES_MAX

SESSION: Final = "a session of the fuzzer's own"
TOKEN: Final = "vipgate_token-of-the-fuzzer's-own"
# A proxy that is trusted: what it says of a caller is read.
CLIENT: Final = "127.0.0.1"
ANSWER_S: Final = 20.0
ANSWER_BYTES_MAX: Final = 4 * 1024 * 1024
FAULTS: Final = frozenset({500, 502, 504})


class Inside:
    """Read API and console on one real database with something in it; somebody is logged in who may see all."""

    def __init__(self, folder: Path) -> None:
        url = f"sqlite:///{folder / 'inside.db'}"
        clock = Clock()
        self._desk = open_database(url, clock, Retention())
        self._desks = DatabasePool(lambda: open_database(url, clock, Retention()), 2)
        self.seqno = _fill(self._desk)
        shared_metrics = SharedMetrics(1)
        parts = AdminDependencies(
            metrics=shared_metrics,
            recorder=AdminRecorder(shared_metrics),
            databases=self._desks,
            watching=self._desks,
            vault=Vault("a master key of the fuzzer's own .."),
            console=ConsoleSettings(),
            clock_us=clock,
            clock_s=clock_s,
            proxies=parse_trusted_proxies(CLIENT),
            masked_searches_per_hour=1_000_000,
        )
        self._app = build_app(parts)
        self._runner = asyncio.Runner()

    def get(self, target: bytes) -> tuple[int, int]:
        """The status and the bytes of the answer to `target`, as it would stand in the head of a request."""
        return self.ask(b"GET", target, HEADERS, b"")

    def ask(self, method: bytes, target: bytes, headers: Headers, body: bytes) -> tuple[int, int]:
        """The same of any request that the server's parser lets through."""
        return self._runner.run(asyncio.wait_for(self._ask(method, target, headers, body), ANSWER_S))

    async def _ask(self, method: bytes, target: bytes, headers: Headers, body: bytes) -> tuple[int, int]:
        path, _, query = target.partition(b"?")
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method.decode(), "scheme": "http",
            "path": unquote(path.decode("ascii")), "raw_path": path, "query_string": query, "root_path": "",
            "client": (CLIENT, 5), "server": ("127.0.0.1", 80), "state": {}, "headers": list(headers),
        }  # fmt: skip
        status, length = 0, 0

        came = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive() -> dict[str, Any]:
            """The request, then nothing: the caller stays until it has its answer."""
            for message in came:
                return message
            await asyncio.Event().wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            nonlocal status, length
            status = message.get("status", status)
            length += len(message.get("body", b""))

        await self._app(scope, receive, send)
        return status, length

    def close(self) -> None:
        self._runner.close()
        self._desks.close()
        self._desk.close()


Headers = Sequence[tuple[bytes, bytes]]
HEADERS: Final = (
    (b"host", b"inside"),
    (b"cookie", f"vipgate={SESSION}".encode()),
    (b"authorization", f"Bearer {TOKEN}".encode()),
)
QUESTIONS: Final = (
    (b"GET", b"/", b""),
    (b"GET", b"/login", b""),
    (b"GET", b"/nowhere/", b""),
    (b"GET", b"/static/console.css", b""),
    (b"GET", b"/records.csv", b""),
    (b"GET", b"/api/v1/parks", b""),
    (b"GET", b"/api/nowhere", b""),
    (b"GET", b"/metrics", b""),
    (b"GET", b"/healthz", b""),
    (b"POST", b"/login", b"name=li&password=x"),
    (b"POST", b"/plates/show", b"next=/"),
)


def _fill(database: Database) -> str:
    """A park with two stocks, refusals, an account that is logged in, and a token; the seqno of a refusal."""
    assert database.store.add_park(PARK, "海岸城", b"sealed", NOON_US - 30 * DAY_US)
    turned_away = refused(NOON_US - 2, body=b'{"park_uuid":1}')
    do(database.store, push(renewals(8), NOON_US - DAY_US), turned_away)
    do(database.store, push(renewals(5, seed=2, first=100), NOON_US - 3, complete=True))
    database.accounts.add_user(user(role="admin", sees_plates=True), entry())
    database.accounts.note_login(session(hash_token(SESSION), expires_us=NOON_US + HOUR_US), entry())
    database.accounts.add_token(token(digest=hash_token(TOKEN), scopes=SCOPES, masked=False), entry())
    return turned_away.seqno


def check_target(inside: Inside, target: bytes) -> None:
    """An address of visible ASCII, as a server lets it through, is answered with no fault of ours."""
    if not target.startswith(b"/") or any(not 0x21 <= byte <= 0x7E for byte in target):
        return
    status, length = inside.get(target)
    if status in FAULTS or not 200 <= status < 600:
        raise Wrong(f"status {status}")
    if length > ANSWER_BYTES_MAX:
        raise Wrong(f"an answer of {length} bytes")


def check_lines(inside: Inside, lines: bytes) -> None:
    """Lines of a head that the server's parser lets through are answered with no fault of ours, whatever is asked."""
    named = {line.partition(b":")[0].strip().lower() for line in lines.split(b"\r\n")}
    for method, target, body in QUESTIONS:
        ours = [*HEADERS, (b"content-length", b"%d" % len(body))]
        kept = b"".join(b"%s: %s\r\n" % one for one in ours if one[0] not in named)
        parser = h11.Connection(h11.SERVER, HEAD_BYTES_MAX)
        parser.receive_data(b"%s %s HTTP/1.1\r\n" % (method, target) + kept + lines + b"\r\n\r\n")
        try:
            event = parser.next_event()
        except h11.RemoteProtocolError:
            return
        if isinstance(event, h11.Request):
            status, _ = inside.ask(event.method, event.target, list(event.headers), body)
            if status in FAULTS or not 200 <= status < 600:
                raise Wrong(f"status {status} for {target!r}")


def targets(seqno: str) -> Iterator[bytes]:
    """Addresses that are answered well."""
    park, number = PARK, renewals(1)[0].pay_partner
    for path in (
        "/api/v1/parks?limit=2",
        f"/api/v1/parks/{park}/renewals?plate=%E7%B2%A4B1&since=2026-11-01&until=2026-12-01T00:00:00Z&limit=5",
        f"/api/v1/parks/{park}/renewals/{number}",
        f"/api/v1/parks/{park}/renewals.csv",
        f"/api/v1/parks/{park}/vehicles?limit=3",
        f"/api/v1/renewals?plate_prefix=%E7%B2%A4&card=1&pay_partner={number}",
        "/api/v1/requests?code=400&limit=3",
        f"/api/v1/requests/{seqno}",
        "/api/v1/totals?since=2026-11-01&until=2026-11-30",
        f"/api/v1/changes?park_uuid={park}&limit=3",
        "/?days=90",
        "/?since=2026-11-01&until=2026-11-30",
        "/find?q=%E7%B2%A4B12345",
        "/parks?q=a&after=b",
        f"/parks/{park}",
        f"/parks/{park}/settings",
        f"/parks/{park}/review",
        f"/parks/{park}/generations/0",
        f"/parks/{park}/records/{number}",
        f"/parks/{park}/charge-types",
        f"/records?park={park}&plate=%E7%B2%A4&prefix=1&vip_type=1&flag=any&since=2020-01-01&until=2026-12-01",
        "/records.csv?park=" + park,
        f"/vehicles?park={park}&q=%E7%B2%A4",
        f"/requests?park={park}&refused=1&code=400&since=2026-11-24",
        f"/requests/{seqno}",
        "/audit?who=li&before=5",
        "/accounts/li",
        "/signature-check",
    ):
        yield path.encode()
