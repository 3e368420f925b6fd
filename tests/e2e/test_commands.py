"""The command line, as an operator uses it: on its own and while the server runs."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.gateway_process import PARK, SECRET, Gateway, send
from vipgate.cli.sample import PAGE_BODY, PAGE_PARK_UUID, sample_renewals
from vipgate.clock import clock_us
from vipgate.protocol.envelope import PUSH_PATH, encode_renewals
from vipgate.protocol.seqno import seqno_prefix
from vipgate.protocol.signature_hmac import hmac_sign
from vipgate.protocol.signature_md5 import sign
from vipgate.store.interfaces.ledger import Push, RequestOrigin
from vipgate.store.sqlite.store import SqliteStore
from vipgate.support.vault import Vault

UNTIL_US = 1_795_492_800_000_000
NOTICED_S = 1.0


def stock(count: int, *, first: int = 1, complete: bool = False) -> bytes:
    return encode_renewals(PARK, sample_renewals(count, 3, until_us=UNTIL_US, first=first), complete=complete)


def run(gateway: Gateway, *arguments: str, given: str | None = None) -> str:
    """What a command prints; it must succeed."""
    done = gateway.command(*arguments, given=given)
    assert done.returncode == 0, done.stderr
    return done.stdout


def fail(gateway: Gateway, *arguments: str, given: str | None = None) -> str:
    """What a command complains of; it must fail in one message, without a trace."""
    done = gateway.command(*arguments, given=given)
    assert done.returncode == 1, done.stdout
    assert done.stderr.startswith(("error: ", "warning: "))
    assert "Traceback" not in done.stderr
    return done.stderr


def shown(gateway: Gateway, *arguments: str) -> Any:
    return json.loads(run(gateway, *arguments, "--format", "json"))


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether `holds` comes true within the second in which a server has to notice a change; generous to a slow machine."""
    deadline_s = time.monotonic() + 10 * NOTICED_S
    while time.monotonic() < deadline_s:
        if holds():
            return True
        time.sleep(0.05)
    return False


# ---- parks and secrets -----------------------------------------------------------------------------------------------


def test_secret_that_is_made_is_strong_and_shown_once(own: Gateway) -> None:
    made = json.loads(run(own, "park", "add", "new", "--name", "新车场", "--format", "json"))
    assert len(made["secret"]) >= 32
    assert "secret" not in shown(own, "park", "show", "new")
    assert made["secret"] not in run(own, "park", "list", "--format", "jsonl")
    assert [park["park_uuid"] for park in shown(own, "park", "list")] == [PARK, "new"]
    assert "新车场" in run(own, "park", "list")


@pytest.mark.parametrize("way", ["-", "env:PARK_SECRET", "file:secret.txt"])
def test_secret_that_is_given_is_taken_and_not_repeated(
    own: Gateway, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARK_SECRET", "planted-1234")
    (own.home / "secret.txt").write_text("planted-1234\n")
    done = own.command("park", "add", "given", "--secret", way, given="planted-1234\n")
    assert done.returncode == 0
    assert "planted-1234" not in done.stdout + done.stderr
    own.start()
    body = PAGE_BODY.replace(PAGE_PARK_UUID.encode(), b"given")
    assert own.push(body, "planted-1234").code == "1001"


def test_secret_on_the_command_line_is_taken_with_a_warning(own: Gateway) -> None:
    done = own.command("park", "add", "given", "--secret", "visible-1234")
    assert done.returncode == 0
    assert "process list" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (("park", "add", PARK), "rotate-secret"),
        (("park", "add", "x" * 65), "64"),
        (("park", "add", "new", "--secret", "env:NOT_THERE"), "NOT_THERE"),
        (("park", "add", "new", "--secret", "file:not-there"), "not-there"),
        (("park", "add", "new", "--secret", "-"), "1 to 256"),
        (("park", "show", "nobody"), "vipgate park list"),
        (("park", "disable", "nobody"), "vipgate park list"),
        (("park", "retire-secret", PARK), "no previous secret"),
        (("park", "restore", PARK, "7"), "park generations"),
        (("park", "restore", PARK, "1"), "current one already"),
        (("park", "set", PARK, "--allow", "10.0.0.300"), "10.0.0.0/24"),
        (("export", "nobody"), "vipgate park list"),
        (("export", PARK, "--since", "yesterday"), "2026-11-24"),
        (("export", PARK, "--since", "2026-11-24T08:00:00"), "2026-11-24T00:00:00Z"),
        (("request", "123"), "32 digits"),
        (("request", "20261124000000000000000000000000"), "no request"),
        (("sign", "--secret", "-", "not-there"), "not-there"),
        (("migrate", "--database", "oracle://u:planted@h/d"), "sqlite:///"),
        (("migrate", "--config", "not-there.toml"), "not-there.toml"),
        (("serve", "--workers", "2"), "SQLite takes one"),
        (("serve", "--port", "70000"), "--port, VIPGATE_PORT or port"),
        (("serve", "--port", "0", "--database", "sqlite:///master.key"), "no SQLite file"),
        (("serve", "--port", "0", "--database", "sqlite:////dev/null/x/a.db"), "/dev/null"),
    ],
)
def test_command_that_cannot_be_followed_says_what_to_do(own: Gateway, arguments: tuple[str, ...], remedy: str) -> None:
    given = "s\n" if arguments[0] == "sign" else ""
    complaint = fail(own, *arguments, given=given)
    assert remedy in complaint
    assert "planted" not in complaint


def test_running_server_notices_a_new_park_and_one_that_is_disabled(own: Gateway) -> None:
    own.start()
    body = PAGE_BODY.replace(PAGE_PARK_UUID.encode(), b"late")
    assert own.push(body, "late-secret").code == "401"
    run(own, "park", "add", "late", "--secret", "-", given="late-secret\n")
    assert eventually(lambda: own.push(body, "late-secret").code == "1001")
    run(own, "park", "disable", "late")
    assert eventually(lambda: own.push(body, "late-secret").code == "401")
    run(own, "park", "enable", "late")
    assert eventually(lambda: own.push(body, "late-secret").code == "1001")


def test_rotation_keeps_both_secrets_until_the_old_one_is_retired(own: Gateway) -> None:
    own.start()
    assert own.push(PAGE_BODY).code == "1001"
    new = json.loads(run(own, "park", "rotate-secret", PARK, "--format", "json"))["secret"]
    assert "retire-secret" in fail(own, "park", "rotate-secret", PARK)
    assert eventually(lambda: own.push(PAGE_BODY, new).code == "1001")
    assert own.push(PAGE_BODY).code == "1001"
    assert shown(own, "park", "show", PARK)["secret_last_used"] == "previous"
    assert "--force" in fail(own, "park", "retire-secret", PARK)
    assert own.push(PAGE_BODY, new).code == "1001"
    assert shown(own, "park", "show", PARK)["secret_last_used"] == "current"
    run(own, "park", "retire-secret", PARK)
    assert eventually(lambda: own.push(PAGE_BODY).code == "401")
    assert own.push(PAGE_BODY, new).code == "1001"


def test_allow_list_and_rate_are_kept_to(own: Gateway) -> None:
    own.start()
    run(own, "park", "set", PARK, "--allow", "10.0.0.0/8")
    assert eventually(lambda: own.push(PAGE_BODY).code == "403")
    assert "127.0.0.1" in own.push(PAGE_BODY).envelope["hint"]
    run(own, "park", "set", PARK, "--allow", "any", "--rate-per-minute", "2")
    assert eventually(lambda: own.push(PAGE_BODY).code == "1001")
    answers = [own.push(PAGE_BODY) for _ in range(4)]
    assert answers[-1].status == 429
    assert 0 < int(answers[-1].headers["retry-after"]) <= 60
    run(own, "park", "set", PARK, "--rate-per-minute", "0")
    assert eventually(lambda: own.push(PAGE_BODY).code == "1001")


def test_replaced_generation_is_listed_and_restored_while_the_server_runs(own: Gateway) -> None:
    own.start()
    assert own.push(stock(20)).code == "1001"
    assert own.push(stock(3, first=100, complete=True)).code == "1001"
    listed = shown(own, "park", "generations", PARK)
    assert [(one["generation"], one["current"], one["records"]) for one in listed] == [(2, True, 3), (1, False, 20)]
    assert "20 records" in run(own, "park", "restore", PARK, "1")
    assert own.push(stock(1, first=500)).code == "1001"
    assert shown(own, "park", "show", PARK)["records"] == 21


# ---- the ledger ------------------------------------------------------------------------------------------------------


def test_export_writes_members_normalised(own: Gateway) -> None:
    own.start()
    body = json.loads(PAGE_BODY)
    body["row"][0] |= {"renewal_start_time": "2022-10-01T00:00:00+08:00", "remark": {"a": 1.50}, "card_no": ""}
    answer = own.push(json.dumps(body).encode())
    [line] = run(own, "export", PARK).splitlines()
    assert json.loads(line) == {
        "plate": "粤X33333", "plate_color": 1, "card_no": None, "card_id": "ID000001", "charge_type": "101", "vip_type": 1,
        "quantity": 1, "pay_partner": "pay_partner_1234567890", "pay_type": 1, "value": "30",
        "pay_time": "2021-06-30T15:59:59Z", "renewal_start_time": "2022-09-30T16:00:00Z", "renewal_end_time": None,
        "pay_value": 10000, "operator": "张三", "revision": 1, "seqno": answer.envelope["seqno"], "flags": [],
        "extra": {"remark": {"a": 1.5}},
    }  # fmt: skip
    [row] = csv.DictReader(io.StringIO(run(own, "export", PARK, "--format", "csv")))
    assert (row["plate"], row["card_no"], row["pay_time"]) == ("粤X33333", "", "2021-06-30T15:59:59Z")


def test_export_finds_by_plate_and_time_of_receipt(own: Gateway) -> None:
    own.start()
    own.push(stock(50))
    records = [json.loads(line) for line in run(own, "export", PARK).splitlines()]
    plate = records[7]["plate"]
    typed = f" {plate[0]} {plate[1:].lower()}"
    assert [json.loads(line)["plate"] for line in run(own, "export", PARK, "--plate", typed).splitlines()] == [plate]
    assert len(run(own, "export", PARK, "--since", "2020-01-01", "--until", "2100-01-01").splitlines()) == 50
    assert run(own, "export", PARK, "--since", "2100-01-01") == ""
    assert run(own, "export", PARK, "--until", "2020-01-01T00:00:00Z") == ""


def test_export_into_a_pipe_that_closes_early_ends_quietly(own: Gateway) -> None:
    own.start()
    own.push(stock(3_000))
    command = f"{sys.executable} -m vipgate export {PARK} | head -1"
    done = subprocess.run(
        ["sh", "-c", command], env=own.environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""


def test_request_shows_all_that_the_request_log_has(own: Gateway) -> None:
    own.start()
    good = own.push(stock(7)).envelope["seqno"]
    bad_body = PAGE_BODY.replace(b'"quantity":"1"', b'"quantity":"1.5"')
    bad = own.push(bad_body).envelope["seqno"]
    told = shown(own, "request", good)
    assert (told["park_uuid"], told["code"], told["rows_received"], told["inserted"]) == (PARK, "1001", 7, 7)
    assert (told["peer"], told["hint"], told["secret_used"]) == ("127.0.0.1", None, "current")
    assert len(told["body_sha256"]) == 64
    assert "row[0].quantity" in run(own, "request", bad)
    assert run(own, "request", bad, "--body").encode() == bad_body
    assert "only rejected" in fail(own, "request", good, "--body")


def test_sign_prints_and_diagnoses(own: Gateway) -> None:
    (own.home / "body.json").write_bytes(PAGE_BODY)
    right = sign(PAGE_BODY, SECRET)
    assert run(own, "sign", "--secret", "-", "body.json", given=SECRET + "\n").strip() == right
    assert "right" in run(own, "sign", "--secret", "-", "body.json", "--check", right.upper(), given=SECRET)
    near = hashlib.md5(PAGE_BODY + b"&key=" + SECRET.encode(), usedforsecurity=False).hexdigest()
    complaint = fail(own, "sign", "--secret", "-", "body.json", "--check", near, given=SECRET)
    assert "&key=" in complaint
    assert SECRET not in complaint


def test_sign_prints_headers_that_the_gateway_takes_and_diagnoses_an_hmac(own: Gateway) -> None:
    own.start()
    (own.home / "body.json").write_bytes(PAGE_BODY)
    told = run(own, "sign", "--secret", "-", "body.json", "--hmac", given=SECRET + "\n")
    headers = dict(line.split(": ", 1) for line in told.splitlines())
    connection = own.connect()
    connection.request("POST", PUSH_PATH, PAGE_BODY, {"Content-Type": "application/json", **headers})
    assert connection.getresponse().status == 200
    connection.close()
    words = ("sign", "--secret", "-", "body.json", "--webhook-id", "msg_1", "--webhook-timestamp", "1795492800")
    right = hmac_sign(PAGE_BODY, SECRET, "msg_1", 1_795_492_800)
    assert right in run(own, *words, given=SECRET)
    assert "right" in run(own, *words, "--check", right, given=SECRET)
    complaint = fail(own, *words, "--check", hmac_sign(PAGE_BODY, SECRET + "\n", "msg_1", 1_795_492_800), given=SECRET)
    assert "a newline follows the secret" in complaint
    assert right in complaint
    assert SECRET not in complaint
    zero = (*words[:-1], "01795492800")
    right = hmac_sign(PAGE_BODY, SECRET, "msg_1", "01795492800")
    assert right in run(own, *zero, given=SECRET)
    assert right in fail(own, *zero, "--check", "v1,AAAA", given=SECRET)
    assert "--webhook-timestamp" in fail(own, "sign", "--secret", "-", "body.json", "--hmac", "--check", "x", given="s")
    assert "seconds since 1970" in fail(own, *words[:-1], "yesterday", given=SECRET)


def test_backup_while_pushes_go_on_holds_all_that_was_acknowledged_before(own: Gateway) -> None:
    own.start()
    stop = threading.Event()
    acknowledged: list[int] = []

    def client() -> None:
        connection = own.connect()
        while not stop.is_set():
            assert send(connection, stock(20, first=len(acknowledged) * 20 + 1)).code == "1001"
            acknowledged.append(20)
        connection.close()

    pushing = threading.Thread(target=client)
    pushing.start()
    assert eventually(lambda: len(acknowledged) >= 5)
    before = sum(acknowledged)
    copy = own.home / "copy.db"
    run(own, "backup", str(copy))
    stop.set()
    pushing.join()
    assert "exists" in fail(own, "backup", str(copy))
    database = sqlite3.connect(copy)
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
    assert len(run(own, "export", PARK, "--database", f"sqlite:///{copy}").splitlines()) >= before


def test_migrate_is_safe_to_run_again(own: Gateway) -> None:
    assert run(own, "migrate") == run(own, "migrate")


# ---- the server ------------------------------------------------------------------------------------------------------


def test_second_server_on_the_same_file_is_refused_by_name(own: Gateway) -> None:
    own.start()
    assert own.process is not None
    (own.home / "link.db").symlink_to(own.home / "vipgate.db")
    for database in ("vipgate.db", "link.db"):
        complaint = fail(own, "serve", "--port", "0", "--database", f"sqlite:///{database}")
        assert f"process {own.process.pid}" in complaint
        assert "--database" in complaint
    assert own.push(PAGE_BODY).code == "1001"


def test_port_that_is_taken_is_named(own: Gateway, gateway: Gateway) -> None:
    assert "choose another --port" in fail(own, "serve", "--port", str(gateway.port))
    taken = ("serve", "--port", "0", "--admin-port", str(gateway.port))
    assert "choose another --admin-port" in fail(own, *taken).splitlines()[-1] + fail(own, *taken)


def test_flag_goes_before_variable_before_file(own: Gateway) -> None:
    (own.home / "vipgate.toml").write_text('database = "sqlite:///from-file.db"\n')
    assert "from-file.db" in run(own, "migrate")
    own.settings["VIPGATE_DATABASE"] = "sqlite:///from-variable.db"
    assert "from-variable.db" in run(own, "migrate")
    assert "from-flag.db" in run(own, "migrate", "--database", "sqlite:///from-flag.db")


@pytest.mark.parametrize(
    ("text", "named"),
    [("prot = 1\n", "prot"), ("port = 'x'\n", "port"), ("port = \n", "not valid TOML"), ("\xff", "TOML")],
)
def test_mistake_in_the_settings_file_is_named(own: Gateway, text: str, named: str) -> None:
    (own.home / "vipgate.toml").write_bytes(text.encode("latin-1"))
    assert named in fail(own, "migrate")


def test_running_server_purges_what_is_past_its_time(own: Gateway) -> None:
    forty_days_ago_us = clock_us() - 40 * 86_400_000_000
    store = SqliteStore(own.home / "vipgate.db", lambda: forty_days_ago_us)
    rows = list(sample_renewals(1_200, 3, until_us=forty_days_ago_us))
    caller = RequestOrigin(received_us=forty_days_ago_us, peer="", body_bytes=0, body_sha256="")
    for number, complete in enumerate((False, True), 1):
        seqno = f"{seqno_prefix(forty_days_ago_us)}{number:015}"
        store.commit([Push(seqno, PARK, rows, len(rows), complete, "current", caller)])
    store.close()
    assert len(shown(own, "park", "generations", PARK)) == 2
    own.start()
    assert eventually(lambda: len(shown(own, "park", "generations", PARK)) == 1)
    assert shown(own, "park", "show", PARK)["records"] == 1_200


def test_key_file_is_made_for_its_owner_alone_and_refused_when_others_may_read_it(own: Gateway) -> None:
    key = own.home / "master.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    key.chmod(0o644)
    assert "chmod 600" in fail(own, "park", "add", "new")


def test_wrong_master_key_is_told_and_lets_nobody_in(own: Gateway) -> None:
    other = "another key that is long enough for one"
    own.settings["VIPGATE_MASTER_KEY"] = other
    assert "another master key" in fail(own, "serve", "--port", "0")
    # A secret that no gateway can open would be worse than none.
    assert "another master key" in fail(own, "park", "add", "new")
    assert "another master key" in fail(own, "park", "rotate-secret", PAGE_PARK_UUID)
    del own.settings["VIPGATE_MASTER_KEY"]
    with own.store() as store:
        store.add_park("zzz", "", Vault(other).seal(SECRET, "zzz"), 1)
    own.start()
    assert own.push(PAGE_BODY.replace(PAGE_PARK_UUID.encode(), b"zzz")).code == "500"
    assert "another master key" in (own.home / "log").read_text()
    assert own.push(PAGE_BODY).code == "1001"
    own.stop()
    own.settings["VIPGATE_MASTER_KEY"] = "short"
    assert "32 or more" in fail(own, "park", "add", "new")


def test_planted_secrets_are_nowhere_to_be_found(own: Gateway) -> None:
    secrets = ["planted-secret-one-1234", "planted-secret-two-1234"]
    run(own, "park", "add", "planted", "--secret", "-", given=secrets[0])
    own.start()
    run(own, "park", "rotate-secret", "planted", "--secret", "-", given=secrets[1])
    body = PAGE_BODY.replace(PAGE_PARK_UUID.encode(), b"planted")
    assert eventually(lambda: own.push(body, secrets[1]).code == "1001")
    own.push(body, secrets[0] + " ")
    assert own.process is not None
    places = [path.read_bytes() for path in own.home.rglob("*") if path.is_file()]
    places.append(Path(f"/proc/{own.process.pid}/cmdline").read_bytes())
    places.append(Path(f"/proc/{own.process.pid}/environ").read_bytes())
    assert own.stop() == 0
    places += [path.read_bytes() for path in own.home.rglob("*") if path.is_file()]
    for secret in secrets:
        assert not any(secret.encode() in place for place in places)


def test_demo_takes_every_step_and_leaves_nothing(tmp_path: Path) -> None:
    environment = {name: text for name, text in os.environ.items() if not name.startswith("VIPGATE_")}
    environment["TMPDIR"] = str(tmp_path)
    command = [sys.executable, "-m", "vipgate", "demo", "--port", "0", "--no-stay"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=80, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('"code":"1001"') == 9
    assert done.stdout.count('"code":"401"') == 1
    assert "2000/2000" in done.stdout
    assert re.search(r"http://127\.0\.0\.1:\d+/gate/", done.stdout)
    assert list(tmp_path.iterdir()) == []
