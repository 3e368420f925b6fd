"""Nobody in: the stronger signature, requests that are played again, TLS, proxies, cores."""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from support.admin_port import answers, body_of, eventually, get, inside_of, log_of
from support.certificates import write_pair
from support.gateway_process import PARK, SECRET, STOP_S, Answer, Gateway
from vipgate.agent.client import Client, PushRefused
from vipgate.cli.sample import sample_renewals
from vipgate.protocol.authentication import hmac_headers_for
from vipgate.protocol.envelope import BODY_BYTES_MAX, DIGEST_PATH, PUSH_PATH, encode_renewals
from vipgate.store.interfaces.ledger import Filter

UNTIL_US = 1_795_492_800_000_000
STOCK = encode_renewals(PARK, sample_renewals(3, 1, until_us=UNTIL_US), complete=True)
NOTICED_S = 0.6


def run(gateway: Gateway, *arguments: str, given: str | None = None) -> str:
    """What a command prints; it must succeed."""
    done = gateway.command(*arguments, given=given)
    assert done.returncode == 0, done.stderr
    return done.stdout


def set_park(gateway: Gateway, *flags: str) -> None:
    """By the command, once a running gateway has noticed."""
    run(gateway, "park", "set", PARK, *flags)
    time.sleep(NOTICED_S)


def stamped(body: bytes, webhook_id: str, *, secret: str = SECRET, off_s: int = 0) -> dict[str, str]:
    return hmac_headers_for(body, secret, webhook_id, int(time.time()) + off_s)


def post(gateway: Gateway, body: bytes, headers: dict[str, str], path: str = PUSH_PATH) -> Answer:
    connection = gateway.connect()
    try:
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        named = {name.lower(): text for name, text in response.getheaders()}
        return Answer(response.status, named, json.loads(response.read()))
    finally:
        connection.close()


def hint(answer: Answer) -> str:
    return str(answer.envelope["hint"])


def held_numbers(gateway: Gateway) -> int:
    with gateway.store() as store:
        return len(list(store.iter_records(PARK, Filter())))


@pytest.fixture
def running(own: Gateway) -> Gateway:
    own.admin = True
    return own.start()


# ---- HMAC ------------------------------------------------------------------------------------------------------------


def test_park_may_sign_with_hmac_and_md5_until_the_operator_wants_hmac_alone(running: Gateway) -> None:
    body = body_of(2)
    assert post(running, body, stamped(body, "a")).code == "1001"
    assert running.push(body).code == "1001"
    set_park(running, "--require-hmac")
    refused = running.push(body)
    assert refused.code == "401"
    assert "webhook-signature" in hint(refused)
    assert "webhook-signature" not in hint(running.push(body, "guessed"))
    assert post(running, body, stamped(body, "b")).code == "1001"
    assert json.loads(run(running, "park", "show", PARK, "--format", "json"))["require_hmac"] is True
    set_park(running, "--no-require-hmac")
    assert running.push(body).code == "1001"


def test_hmac_is_asked_of_the_digests_and_of_large_bodies_too(running: Gateway) -> None:
    set_park(running, "--require-hmac")
    question = json.dumps({"park_uuid": PARK}).encode()
    assert post(running, question, stamped(question, "a"), DIGEST_PATH).code == "1001"
    assert post(running, question, stamped(question, "a", secret="wrong"), DIGEST_PATH).code == "401"
    large = encode_renewals(PARK, sample_renewals(8_000, 1, until_us=UNTIL_US))
    assert len(large) > 1024 * 1024
    assert post(running, large, stamped(large, "b", secret="wrong")).code == "401"
    assert post(running, large, stamped(large, "c")).code == "1001"


def test_wrong_hmac_is_told_its_mistake_and_a_stranger_nothing(running: Gateway) -> None:
    body = body_of(1)
    assert "与平台时钟相差 +" in hint(post(running, body, stamped(body, "a", off_s=4000)))
    headers = stamped(body, "a")
    changed = post(running, body + b"\n", headers)
    assert (changed.code, "换行" in hint(changed)) == ("401", True)
    unknown = body.replace(PARK.encode(), b"nowhere")
    told = [post(running, one, stamped(one, "a", secret="guessed")) for one in (body, unknown)]
    assert hint(told[0]) == hint(told[1])


def test_header_of_a_signature_that_comes_twice_is_refused(running: Gateway) -> None:
    body = body_of(1)
    lines = "".join(f"{name}: {text}\r\n" for name, text in [*stamped(body, "a").items(), ("Webhook-Id", "b")])
    with socket.create_connection(("127.0.0.1", running.port), timeout=15) as connection:
        connection.sendall(
            f"POST {PUSH_PATH} HTTP/1.1\r\nHost: g\r\nContent-Length: {len(body)}\r\n{lines}\r\n".encode()
        )
        connection.sendall(body)
        assert connection.recv(12) == b"HTTP/1.1 400"


def test_recorded_replace_under_hmac_changes_nothing_when_it_is_played_again(running: Gateway) -> None:
    recorded = stamped(STOCK, "once")
    assert post(running, STOCK, recorded).envelope["payload"]["inserted"] == 3
    assert running.push(body_of(2, first=50)).code == "1001"
    again = post(running, STOCK, recorded)
    assert again.envelope["payload"] == {"received": 3, "inserted": 0, "updated": 0, "unchanged": 3}
    assert held_numbers(running) == 5
    assert post(running, STOCK, stamped(STOCK, "again")).envelope["payload"]["inserted"] == 3
    assert held_numbers(running) == 3
    shown = json.loads(run(running, "request", again.envelope["seqno"], "--format", "json"))
    assert shown["webhook_id"] == "once"


def test_agent_that_signs_with_hmac_is_let_in_where_md5_is_not(running: Gateway) -> None:
    set_park(running, "--require-hmac")
    with Client(running.outside, PARK, SECRET) as client, pytest.raises(PushRefused, match="webhook-signature"):
        client.push(sample_renewals(2, 1, until_us=UNTIL_US))
    with Client(running.outside, PARK, SECRET, signature="hmac") as client:
        client.push(sample_renewals(2, 1, until_us=UNTIL_US))
        client.push(sample_renewals(2, 1, until_us=UNTIL_US), complete=True)
        assert isinstance(client.ask({}), dict)
    slow_clock = Client(running.outside, PARK, SECRET, signature="hmac", clock_us=lambda: 1_000_000_000)
    with slow_clock, pytest.raises(PushRefused, match="NTP"):
        slow_clock.push(sample_renewals(1, 1, until_us=UNTIL_US))


AGENT_TOML = """\
[platform]
url = "{url}"
park_uuid = "{park}"
secret = "{secret}"
signature = "{signature}"

[source]
file = "park.csv"

[map]
plate = "plate"
plate_color = {{ constant = 1 }}
charge_type = {{ constant = "1" }}
vip_type = {{ constant = 1 }}
quantity = {{ constant = 1 }}
pay_partner = "number"
pay_type = {{ constant = 1 }}
"""


@pytest.mark.parametrize(("signature", "passes"), [("hmac", True), ("md5", False)])
def test_agent_s_file_says_how_it_signs(running: Gateway, tmp_path: Path, signature: str, passes: bool) -> None:
    set_park(running, "--require-hmac")
    (tmp_path / "park.csv").write_text("number,plate\n1,粤B12345\n", encoding="utf-8")
    config = tmp_path / "park.toml"
    text = AGENT_TOML.format(url=running.outside, park=PARK, secret=SECRET, signature=signature)
    config.write_text(text, encoding="utf-8")
    config.chmod(0o600)
    done = running.command("agent", "check", str(config))
    assert (done.returncode == 0) == passes, done.stdout
    assert ('platform.signature = "hmac"' in done.stdout) != passes
    config.write_text(text.replace(f'"{signature}"', '"sha1"'), encoding="utf-8")
    assert 'platform.signature: must be "md5" or "hmac"' in running.command("agent", "check", str(config)).stderr


# ---- held replaces ---------------------------------------------------------------------------------------------------


def test_recorded_replace_under_md5_is_held_until_the_operator_approves_it(running: Gateway) -> None:
    set_park(running, "--hold-replaces")
    assert running.push(STOCK).code == "1001"
    assert running.push(body_of(2, first=50)).code == "1001"
    told = running.push(STOCK)
    assert (told.status, told.code) == (403, "403")
    assert "allow-replace" in hint(told)
    assert held_numbers(running) == 5
    [listed] = json.loads(run(running, "park", "held", PARK, "--format", "json"))
    assert (listed["seqno"], listed["times"], listed["allowed"]) == (told.envelope["seqno"], 1, False)
    kept = running.command("request", listed["seqno"], "--body")
    assert kept.stdout.encode() == STOCK
    assert running.command("park", "allow-replace", PARK, "1" * 32).returncode == 1
    run(running, "park", "allow-replace", PARK, listed["seqno"])
    [listed] = json.loads(run(running, "park", "held", PARK, "--format", "json"))
    assert listed["allowed"]
    run(running, "park", "allow-replace", PARK, listed["seqno"], "--withdraw")
    assert running.command("park", "allow-replace", PARK, listed["seqno"], "--withdraw").returncode == 1
    assert running.push(STOCK).code == "403"
    run(running, "park", "allow-replace", PARK, listed["seqno"])
    assert running.push(STOCK).code == "1001"
    assert held_numbers(running) == 3
    assert json.loads(run(running, "park", "held", PARK, "--format", "json")) == []
    assert running.command("park", "allow-replace", PARK, listed["seqno"]).returncode == 1, (
        "it waits for no yes any more"
    )
    assert running.push(body_of(2, first=50)).code == "1001"
    again = [str(running.push(STOCK).envelope["seqno"]) for _ in range(2)]
    [listed] = json.loads(run(running, "park", "held", PARK, "--format", "json"))
    assert (listed["seqno"], listed["times"]) == (again[0], 2), "one line and one body, however often it comes"
    assert "see vipgate park held" in running.command("request", again[1], "--body").stderr
    run(running, "park", "dismiss-replace", PARK, again[1])
    assert json.loads(run(running, "park", "held", PARK, "--format", "json")) == []
    assert running.command("request", again[0], "--body").returncode == 1
    assert running.command("park", "dismiss-replace", PARK, again[1]).returncode == 1
    assert running.push(STOCK).code == "403"
    assert len(json.loads(run(running, "park", "held", PARK, "--format", "json"))) == 1
    actions = [json.loads(line)["action"] for line in run(running, "audit", "--format", "jsonl").splitlines()]
    assert actions == [
        "park.dismiss_replace",
        "park.allow_replace",
        "park.disallow_replace",
        "park.allow_replace",
        "park.change",
    ]


# ---- TLS and proxies -------------------------------------------------------------------------------------------------


@contextmanager
def over_tls(gateway: Gateway, trusted: Path) -> Iterator[http.client.HTTPSConnection]:
    context = ssl.create_default_context(cafile=trusted)
    connection = http.client.HTTPSConnection("127.0.0.1", gateway.port, timeout=30, context=context)
    yield connection
    connection.close()


def ask(connection: http.client.HTTPConnection, body: bytes, **headers: str) -> tuple[int, Any]:
    connection.request("POST", PUSH_PATH, body, stamped(body, os.urandom(8).hex()) | headers)
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def test_outside_port_speaks_tls_and_nothing_else(own: Gateway, tmp_path: Path) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    write_pair(cert, key, 7)
    own.start("--tls-cert", str(cert), "--tls-key", str(key))
    assert own.outside.startswith("https://")
    with over_tls(own, cert) as connection:
        assert [ask(connection, body_of(300))[0] for _ in range(3)] == [200] * 3
    # A refusal before the body, and one to a caller that sends on: both are read whole.
    with over_tls(own, cert) as connection:
        connection.request("POST", "/nowhere", b"x" * 200_000)
        assert connection.getresponse().status == 404
    with over_tls(own, cert) as connection:
        connection.putrequest("POST", PUSH_PATH)
        connection.putheader("Content-Length", str(BODY_BYTES_MAX + 1))
        connection.endheaders(b" " * 1000)
        assert connection.getresponse().status == 413
    with socket.create_connection(("127.0.0.1", own.port), timeout=15) as plain:
        plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: g\r\n\r\n")
        assert not plain.recv(1000).startswith(b"HTTP")
    with Client(own.outside, PARK, SECRET, ca_file=cert) as client:
        client.push(sample_renewals(1, 1, until_us=UNTIL_US))
    assert own.stop() == 0
    assert "Traceback" not in (own.home / "log").read_text(encoding="utf-8")


def test_half_a_certificate_stops_the_start_with_one_message(own: Gateway, tmp_path: Path) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    write_pair(cert, key, 7)
    for flags in (["--tls-cert", str(cert)], ["--tls-cert", str(key), "--tls-key", str(key)]):
        done = own.command("serve", "--port", "0", *flags)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
        assert done.stderr.startswith("error: ")


def test_allow_list_sees_whom_a_trusted_proxy_names(own: Gateway) -> None:
    own.start("--trusted-proxies", "127.0.0.0/8")
    set_park(own, "--allow", "198.51.100.7")
    body = body_of(1)
    assert own.push(body).code == "403"
    assert own.push(body, X_Forwarded_For="1.1.1.1, 198.51.100.7").code == "1001"
    refused = own.push(body, X_Forwarded_For="198.51.100.7, 203.0.113.5")
    assert (refused.code, "203.0.113.5" in hint(refused)) == ("403", True)
    shown = json.loads(run(own, "request", refused.envelope["seqno"], "--format", "json"))
    assert shown["peer"] == "203.0.113.5"
    lines = "".join(f"X-Forwarded-For: {text}\r\n" for text in ("198.51.100.7", "127.0.0.1"))
    signed = "".join(f"{name}: {text}\r\n" for name, text in stamped(body, "x").items())
    with socket.create_connection(("127.0.0.1", own.port), timeout=15) as connection:
        head = f"POST {PUSH_PATH} HTTP/1.1\r\nHost: g\r\nContent-Length: {len(body)}\r\n{lines}{signed}\r\n"
        connection.sendall(head.encode() + body)
        assert connection.recv(12) == b"HTTP/1.1 200"


def test_what_a_caller_says_of_itself_counts_for_nothing(running: Gateway) -> None:
    set_park(running, "--allow", "198.51.100.7")
    assert running.push(body_of(1), X_Forwarded_For="198.51.100.7").code == "403"


@pytest.mark.parametrize(("flags", "seen"), [(["--trusted-proxies", "127.0.0.1"], "198.51.100.7"), ([], "127.0.0.1")])
def test_inside_port_sees_staff_behind_a_trusted_proxy(own: Gateway, flags: list[str], seen: str) -> None:
    own.admin = True
    own.start(*flags)
    eventually(lambda: answers(own), "the admin port")
    assert get(own, "/login", X_Forwarded_For="198.51.100.7")[0] == 200
    eventually(lambda: any(line["event"] == "request" for line in log_of(own)), "its line")
    assert [line["peer"] for line in log_of(own) if line["event"] == "request"] == [seen]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_neither_process_may_leave_a_core(running: Gateway) -> None:
    eventually(lambda: answers(running), "the admin port")
    inside = inside_of(running)
    assert inside is not None
    assert running.process is not None
    for pid in (running.process.pid, inside.pid):
        [line] = [one for one in Path(f"/proc/{pid}/limits").read_text().splitlines() if one.startswith("Max core")]
        assert line.split()[4:6] == ["0", "0"]


def test_idle_connection_under_tls_does_not_hold_up_the_stop(own: Gateway, tmp_path: Path) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    write_pair(cert, key, 7)
    own.settings["VIPGATE_SHUTDOWN_TIMEOUT_S"] = str(STOP_S * 4)
    own.start("--tls-cert", str(cert), "--tls-key", str(key))
    with over_tls(own, cert) as connection:
        assert ask(connection, body_of(1))[0] == 200
        # Raises TimeoutExpired after STOP_S.
        assert own.stop() == 0
