"""Accounts, tokens, retention, erasure and the audit log by the command line, on the database of a gateway that runs."""

from __future__ import annotations

import json
import os
import pty
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from typing import Any

import pytest

from support.gateway_process import PARK, Gateway
from vipgate.admin.auth.passwords import verify_password
from vipgate.cli.sample import sample_renewals
from vipgate.clock import clock_us
from vipgate.protocol.envelope import encode_renewals
from vipgate.store.interfaces.admin import Database
from vipgate.store.interfaces.ledger import Retention
from vipgate.store.open_database import open_database

PASSWORD = "correct horse battery"
UNTIL_US = 1_795_492_800_000_000


def run(gateway: Gateway, *arguments: str, given: str | None = None) -> str:
    """What a command prints; it must succeed."""
    done = gateway.command(*arguments, given=given)
    assert done.returncode == 0, done.stderr
    return done.stdout


def shown(gateway: Gateway, *arguments: str) -> Any:
    return json.loads(run(gateway, *arguments, "--format", "json"))


def entries(gateway: Gateway, *arguments: str) -> list[tuple[str, str, str]]:
    """What the audit log holds, newest first: action, subject, detail. All of it was done by commands."""
    lines = [json.loads(line) for line in run(gateway, "audit", *arguments, "--format", "jsonl").splitlines()]
    assert {line["who"] for line in lines} <= {"command"}
    return [(line["action"], line["subject"], line["detail"]) for line in lines]


@contextmanager
def desk_of(gateway: Gateway) -> Iterator[Database]:
    database = open_database(f"sqlite:///{gateway.home / 'vipgate.db'}", clock_us, Retention())
    yield database
    database.close()


def add(gateway: Gateway, name: str, role: str = "reader", *flags: str) -> None:
    run(gateway, "user", "add", name, "--role", role, "--password", "-", *flags, given=PASSWORD + "\n")


# ---- accounts --------------------------------------------------------------------------------------------------------


def test_account_is_made_changed_and_ended(own: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    add(own, "李雷@hq", "operator", "--plates")
    [made] = shown(own, "user", "list")
    assert (made["name"], made["role"], made["sees_plates"], made["enabled"]) == ("李雷@hq", "operator", True, True)
    assert "password" not in made
    run(own, "user", "set", "李雷@hq", "--role", "admin", "--no-plates")
    run(own, "user", "disable", "李雷@hq")
    run(own, "user", "disable", "李雷@hq")
    [ended] = shown(own, "user", "list")
    assert (ended["role"], ended["sees_plates"], ended["enabled"]) == ("admin", False, False)
    run(own, "user", "enable", "李雷@hq")
    monkeypatch.setenv("NEW_PASSWORD", "another one entirely")
    run(own, "user", "password", "李雷@hq", "--password", "env:NEW_PASSWORD")
    with desk_of(own) as database:
        user = database.accounts.find_user("李雷@hq")
    assert user is not None
    assert verify_password(user.password, "another one entirely")
    assert not verify_password(user.password, PASSWORD)
    assert entries(own) == [
        ("user.password", "李雷@hq", ""),
        ("user.change", "李雷@hq", "enabled: no → yes"),
        ("user.change", "李雷@hq", "enabled: yes → no"),
        ("user.change", "李雷@hq", "operator, plates: yes → admin, plates: no"),
        ("user.add", "李雷@hq", "operator, plates: yes"),
    ]


def on_terminal(gateway: Gateway, typed: list[str], *arguments: str) -> tuple[int, str]:
    """Runs a command on a terminal where somebody answers each question; its status and all that the terminal showed."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "vipgate", *arguments], env=gateway.environment, cwd=gateway.home,
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    seen = b""
    try:
        for answer in typed:
            asked = b""
            while not asked.endswith(b": "):
                asked += os.read(ours, 1024)
            seen += asked
            os.write(ours, answer.encode() + b"\n")
        while chunk := os.read(ours, 1024):
            seen += chunk
    except OSError:
        # That is how a terminal ends on Linux.
        pass
    finally:
        os.close(ours)
    return process.wait(30), seen.decode()


def test_password_is_asked_for_twice_and_never_shown(own: Gateway) -> None:
    command = ("user", "add", "li", "--role", "reader")
    status, seen = on_terminal(own, [PASSWORD, "something else"], *command)
    assert status == 1
    assert "not the same" in seen
    assert shown(own, "user", "list") == []
    status, seen = on_terminal(own, [PASSWORD, PASSWORD], *command)
    assert status == 0, seen
    assert PASSWORD not in seen
    assert [one["name"] for one in shown(own, "user", "list")] == ["li"]


@pytest.mark.parametrize(
    ("arguments", "given", "remedy"),
    [
        (("user", "add", "li", "--role", "reader"), "", "--password -"),
        (("user", "add", "li", "--role", "reader", "--password", "-"), "too short\n", "10 to 256"),
        (("user", "add", "li", "--role", "king", "--password", "-"), PASSWORD, "operator"),
        (("user", "add", "l i", "--role", "reader", "--password", "-"), PASSWORD, ". @ - _"),
        (("user", "add", "there", "--role", "reader", "--password", "-"), PASSWORD, "vipgate user set"),
        (("user", "set", "there"), "", "--role"),
        (("user", "set", "nobody", "--plates"), "", "vipgate user list"),
        (("user", "disable", "nobody"), "", "vipgate user list"),
        (("user", "password", "nobody", "--password", "-"), PASSWORD, "vipgate user list"),
        (("token", "add", "--name", "m", "--scope", "everything"), "", "renewals"),
        (("token", "add", "--name", "m", "--park", "nobody"), "", "vipgate park list"),
        (("token", "add", "--name", ""), "", "1 to 64"),
        (("token", "revoke", "nothing"), "", "vipgate token list"),
        (("erase", " · ", "--yes"), "", "1 to 16"),
        (("erase", "粤B12345", "--park", "nobody", "--yes"), "", "vipgate park list"),
        (("park", "set", PARK, "--charge-address", "ftp://gate"), "", "http"),
        (("park", "set", "nobody", "--retention-days", "5"), "", "vipgate park list"),
    ],
)
def test_wrong_command_says_what_to_do_and_leaves_no_line(
    staffed: Gateway, arguments: tuple[str, ...], given: str, remedy: str
) -> None:
    before = entries(staffed)
    done = staffed.command(*arguments, given=given)
    assert done.returncode == 1, done.stdout
    assert done.stderr.startswith("error: ")
    assert remedy in done.stderr
    assert "Traceback" not in done.stderr
    assert entries(staffed) == before


@pytest.fixture(scope="module")
def staffed(tmp_path_factory: pytest.TempPathFactory) -> Gateway:
    """A home with a park and an account, which the tests leave as they found it."""
    made = Gateway(tmp_path_factory.mktemp("staffed"))
    made.add_park(PARK)
    add(made, "there")
    return made


# ---- tokens ----------------------------------------------------------------------------------------------------------


def test_token_is_shown_once_and_only_its_digest_kept(own: Gateway) -> None:
    made = shown(
        own, "token", "add", "--name", "meter", "--park", PARK, "--scope", "totals", "--scope", "parks", "--masked"
    )
    assert re.fullmatch(r"vipgate_[\w-]{43}", made["token"])
    assert made["scopes"] == ["parks", "totals"]
    with desk_of(own) as database:
        kept = database.accounts.find_token(sha256(made["token"].encode()).hexdigest())
    assert kept is not None
    assert (kept.name, kept.scopes, kept.park_uuid, kept.masked) == ("meter", ("parks", "totals"), PARK, True)
    assert made["token"].encode() not in (own.home / "vipgate.db").read_bytes()
    wide = shown(own, "token", "add", "--name", "wide")
    assert (wide["park_uuid"], wide["masked"]) == (None, False)
    assert "metrics" not in wide["scopes"]
    run(own, "token", "revoke", "meter")
    assert [(one["name"], one["revoked"] is None) for one in shown(own, "token", "list")] == [
        ("wide", True), ("meter", False)
    ]  # fmt: skip
    assert [(action, subject) for action, subject, _ in entries(own)] == [
        ("token.revoke", "meter"), ("token.add", "wide"), ("token.add", "meter")
    ]  # fmt: skip
    assert [action for action, _, _ in entries(own, "--park", PARK)] == ["token.add"]


# ---- parks and plates ------------------------------------------------------------------------------------------------


def test_retention_and_charge_address_are_set_shown_and_lifted(own: Gateway) -> None:
    run(own, "park", "set", PARK, "--retention-days", "90", "--charge-address", "http://gate.example:8080/gateway")
    found = shown(own, "park", "show", PARK)
    assert (found["retention_days"], found["charge_address"]) == (90, "http://gate.example:8080/gateway")
    run(own, "park", "set", PARK, "--name", "北门")
    assert shown(own, "park", "show", PARK)["retention_days"] == 90
    run(own, "park", "set", PARK, "--retention-days", "0", "--charge-address", "none")
    found = shown(own, "park", "show", PARK)
    assert (found["retention_days"], found["charge_address"], found["name"]) == (None, None, "北门")
    assert [(action, detail) for action, _, detail in entries(own)] == [
        ("park.charge_address", "http://gate.example:8080/gateway → –"),
        ("park.retention", "90 → –"),
        ("park.change", "name: – → 北门"),
        ("park.charge_address", "– → http://gate.example:8080/gateway"),
        ("park.retention", "– → 90"),
    ]


def test_every_change_of_a_park_leaves_a_line(own: Gateway) -> None:
    run(own, "park", "add", "new", "--name", "新")
    run(own, "park", "disable", "new")
    run(own, "park", "disable", "new")
    run(own, "park", "rotate-secret", "new")
    run(own, "park", "retire-secret", "new", "--force")
    assert [(action, detail) for action, _, detail in entries(own, "--park", "new")] == [
        ("park.retire_secret", ""),
        ("park.rotate_secret", ""),
        ("park.change", "enabled: True → False"),
        ("park.add", "新"),
    ]


def test_plate_is_erased_while_the_gateway_serves(own: Gateway) -> None:
    own.start()
    rows = list(sample_renewals(20, 3, until_us=UNTIL_US))
    plate = rows[4].plate
    mine = [row.pay_partner for row in rows if row.plate == plate]
    assert own.push(encode_renewals(PARK, rows)).code == "1001"

    refusal = own.command("erase", plate, given="n\n")
    assert refusal.returncode == 1
    assert "Nothing was erased" in refusal.stderr
    assert "cannot be undone" in refusal.stderr
    assert own.command("erase", plate, given="").returncode == 1
    assert plate in run(own, "export", PARK)

    spread = " · ".join(plate.lower())
    told = {"records": len(mine), "versions": 0, "requests": 0, "left_in_log": False}
    assert shown(own, "erase", spread, "--yes") == told
    files = [path.read_bytes() for path in own.home.glob("vipgate.db*")]
    assert len(files) >= 3, "the gateway serves on"
    assert [plate.encode() in content for content in files] == [False] * len(files)
    exported = [json.loads(line) for line in run(own, "export", PARK).splitlines()]
    assert [one["pay_partner"] for one in exported if not one["plate"]] == mine
    assert plate not in json.dumps(exported, ensure_ascii=False)
    [line] = entries(own)
    assert line[0] == "plate.erase"
    assert "*" in line[1]
    assert plate not in line[1]
    assert own.stop() == 0


def test_erasure_says_where_a_reader_keeps_what_was_erased(own: Gateway) -> None:
    [row, *_] = rows = list(sample_renewals(20, 3, until_us=UNTIL_US))
    own.start()
    assert own.push(encode_renewals(PARK, rows)).code == "1001"
    with closing(sqlite3.connect(own.home / "vipgate.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM renewal").fetchone()
        done = own.command("erase", row.plate, "--yes", "--format", "json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["left_in_log"] is True
    assert "warning: the write-ahead log" in done.stderr
    again = own.command("erase", row.plate, "--yes", "--format", "json")
    assert json.loads(again.stdout)["left_in_log"] is False
    assert again.stderr == ""


def test_audit_log_shows_as_many_lines_as_are_wanted(staffed: Gateway) -> None:
    assert len(entries(staffed, "--limit", "1")) == 1
    assert entries(staffed, "--who", "nobody") == []
    assert "user.add" in run(staffed, "audit")
