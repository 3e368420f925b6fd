"""Secrets show nowhere: planted ones are looked for in all that is printed, answered, logged, exported and stored."""

from __future__ import annotations

import http.client
import json
import socket
import time
from dataclasses import dataclass, field
from urllib.parse import urlencode

import pytest

from support.admin_port import answers, body_of, eventually, get, inside_of
from support.gateway_process import PARK, Answer, Gateway
from vipgate.agent.config import Platform
from vipgate.gateway.admin_launch import AdminConfig
from vipgate.gateway.settings import load_settings
from vipgate.protocol.authentication import ParkSecrets, hmac_headers_for
from vipgate.protocol.envelope import PUSH_PATH
from vipgate.store.interfaces.ledger import Retention

MASTER_KEY = "planted-master-key-0123456789abcdef"
PARK_SECRET = "planted-park-secret-71"
NEW_SECRET = "planted-new-secret-72"
PASSWORD = "planted-password-73"
GUESS = "planted-guess-74"


@dataclass
class House:
    """A gateway with secrets in it, and all that anybody has seen of it."""

    gateway: Gateway
    token: str = ""
    seen: list[str] = field(default_factory=list)
    cookies: dict[str, str] = field(default_factory=dict)

    def command(self, *arguments: str, given: str | None = None) -> None:
        done = self.gateway.command(*arguments, given=given)
        self.seen += [done.stdout, done.stderr]

    def told(self, answer: Answer) -> Answer:
        self.seen.append(json.dumps([answer.headers, answer.envelope], ensure_ascii=False))
        return answer

    def push(self, body: bytes, secret: str, **headers: str) -> Answer:
        return self.told(self.gateway.push(body, secret, **headers))

    def push_stamped(self, body: bytes, secret: str, webhook_id: str) -> Answer:
        headers = hmac_headers_for(body, secret, webhook_id, int(time.time()))
        connection = self.gateway.connect()
        connection.request("POST", PUSH_PATH, body, headers)
        response = connection.getresponse()
        named = {name.lower(): text for name, text in response.getheaders()}
        answer = Answer(response.status, named, json.loads(response.read()))
        connection.close()
        return self.told(answer)

    def ask(self, path: str, fields: dict[str, str] | None = None) -> tuple[int, str]:
        """A page of the console, as a browser gets it."""
        connection = http.client.HTTPConnection("127.0.0.1", self.gateway.admin_port, timeout=30)
        cookie = "; ".join(f"{name}={text}" for name, text in self.cookies.items())
        headers = {
            "Cookie": cookie,
            "Content-Type": "application/x-www-form-urlencoded",
            "Sec-Fetch-Site": "same-origin",
        }
        connection.request("GET" if fields is None else "POST", path, urlencode(fields or {}), headers)
        response = connection.getresponse()
        for text in response.headers.get_all("set-cookie") or []:
            name, _, value = text.partition(";")[0].partition("=")
            self.cookies[name] = value
        page = response.read().decode("utf-8", "replace")
        connection.close()
        self.seen.append(page)
        return response.status, page

    def send(self, on: str, path: str, **fields: str) -> int:
        """A form of the page `on`; the status."""
        assert self.ask(on)[0] == 200
        return self.ask(path, fields)[0]


@pytest.fixture
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    gateway = Gateway(tmp_path_factory.mktemp("home"), {"VIPGATE_MASTER_KEY": MASTER_KEY}, admin=True)
    made = House(gateway)
    made.command("park", "add", PARK, "--secret", "-", given=PARK_SECRET + "\n")
    made.command("user", "add", "admin", "--role", "admin", "--password", "-", given=PASSWORD + "\n")
    shown = gateway.command("token", "add", "--name", "meter", "--format", "json").stdout
    made.token = str(json.loads(shown)["token"])
    gateway.start()
    eventually(lambda: answers(gateway), "the admin port")
    return made


def go_by_the_road(house: House) -> list[Answer]:
    """Right, wrong, malformed, cut off, and the secret in places where it does not belong; what was refused."""
    body = body_of(3)
    assert house.push(body, PARK_SECRET).code == house.push_stamped(body, PARK_SECRET, "a").code == "1001"
    refused = [
        house.push(body, GUESS),
        house.push_stamped(body, GUESS, PARK_SECRET),
        house.push(body, PARK_SECRET, Authorization=PARK_SECRET),
        house.push(body, PARK_SECRET, Authorization=f"Bearer {PARK_SECRET}"),
        house.push(body, PARK_SECRET, Content_Type="text/plain"),
        house.push(body[:-2], PARK_SECRET),
        house.push(body.replace(b'"plate"', b'"place"'), PARK_SECRET),
    ]
    assert {answer.code for answer in refused} == {"400", "401"}
    with socket.create_connection(("127.0.0.1", house.gateway.port), timeout=15) as connection:
        connection.sendall(f"POST {PUSH_PATH} HTTP/1.1\r\nAuthorization: {PARK_SECRET}\r\nbroken\r\n\r\n".encode())
        house.seen.append(connection.recv(4096).decode())
    return refused


def go_through_the_console(house: House, refused: list[Answer]) -> None:
    """A wrong password and a right one, pages, a rotation, what was refused."""
    assert house.send("/login", "/login", name="admin", password=GUESS) == 422
    assert house.send("/login", "/login", name="nobody", password=PASSWORD) == 422
    assert house.send("/login", "/login", name="admin", password=PASSWORD) == 303
    settings = f"/parks/{PARK}/settings"
    assert house.send(settings, f"/parks/{PARK}/secret/rotate", secret=NEW_SECRET) == 303
    pages = [
        "/",
        "/parks",
        f"/parks/{PARK}",
        settings,
        "/requests",
        "/accounts",
        "/accounts/admin",
        "/tokens",
        "/audit",
    ]
    pages += [f"/requests/{answer.envelope['seqno']}" for answer in refused]
    found = [
        house.ask(path)[0]
        for path in [*pages, "/account", f"/records?park={PARK}", f"/records.csv?park={PARK}", "/signature-check"]
    ]
    assert set(found) == {200}
    assert house.ask(f"/welcome/{GUESS}")[0] != 200
    assert house.ask("/account", {"name": GUESS})[0] >= 400


def ask_the_api(house: House) -> None:
    for token in (house.token, GUESS):
        for path in ("/parks", f"/parks/{PARK}/renewals", f"/parks/{PARK}/renewals.csv", "/requests", "/totals"):
            status, headers, text = get(house.gateway, f"/api/v1{path}", Authorization=f"Bearer {token}")
            house.seen.append(f"{headers} {text}")
            assert (status == 401) == (token == GUESS), (path, status)
    for path in ("/metrics", "/readyz", "/healthz", "/api/v1/openapi.json", "/nowhere"):
        house.seen.append(get(house.gateway, path)[2])


def run_commands(house: House) -> None:
    """What they print, their help, their errors."""
    for words in (
        "--help", "serve --help", "park --help", "park list", f"park show {PARK}", f"park held {PARK}", f"export {PARK}",
        f"export {PARK} --format csv", "audit", "user list", "token list", "park nonsense", "serve --database nonsense",
        "serve --port nonsense", f"park add {PARK} --secret env:VIPGATE_MASTER_KEY", "serve", "rekey",
        f"backup {house.gateway.home / 'copy.db'}",
    ):  # fmt: skip
        house.command(*words.split())


def crash(house: House) -> None:
    """The admin process is killed, the gateway too, and then the key is a wrong one."""
    inside = inside_of(house.gateway)
    assert inside is not None
    inside.kill()
    assert house.push(body_of(1), NEW_SECRET).code == "1001"
    house.gateway.kill()
    house.gateway.settings["VIPGATE_MASTER_KEY"] = GUESS + "-" * 32
    house.command("serve", "--port", "0")
    house.command("park", "rotate-secret", PARK, "--secret", "env:VIPGATE_MASTER_KEY")
    house.gateway.settings["VIPGATE_MASTER_KEY"] = GUESS
    house.command("serve", "--port", "0")


def test_secrets_show_nowhere_however_things_go(house: House) -> None:
    refused = go_by_the_road(house)
    go_through_the_console(house, refused)
    ask_the_api(house)
    run_commands(house)
    crash(house)

    cookies = [text for name, text in house.cookies.items() if name.removeprefix("__Host-") == "vipgate"]
    planted = [MASTER_KEY, PARK_SECRET, NEW_SECRET, PASSWORD, GUESS, house.token, *cookies]
    assert len(planted) == 7
    places = {"seen": "\n".join(house.seen).encode()}
    places |= {path.name: path.read_bytes() for path in house.gateway.home.rglob("*") if path.is_file()}
    assert {"log", "vipgate.db", "copy.db"} <= places.keys()
    assert b"sealed under another master key" in places["seen"]
    assert b"login failed" in places["log"]
    for place, content in places.items():
        assert [one for one in planted if one.encode() in content] == [], place


def test_traceback_of_a_fault_shows_no_secret() -> None:
    """What holds a secret is printed without it, also where a fault prints what it was about."""
    spec = AdminConfig(
        database_url=f"postgresql://u:{PASSWORD}@h/d", retention=Retention(), master_key=MASTER_KEY, key_file="k",
        url="u", secure=False, db_connections=1, charge_types_allow_private=False, workers=1, trusted_proxies="", invitation=GUESS,
        masked_searches_per_hour=20,
    )  # fmt: skip
    settings = load_settings(None, master_key=MASTER_KEY)
    shown = repr(
        [spec, settings, Platform(url="u", park_uuid="p", secret=PARK_SECRET), ParkSecrets(PARK_SECRET, NEW_SECRET)]
    )
    assert "planted" not in shown
