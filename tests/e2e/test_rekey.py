"""`vipgate rekey` as an operator runs it: refused beside a gateway, killed at any moment, and with keys in variables."""

from __future__ import annotations

import random
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from bench.cluster import running_server

from support.gateway_process import PARK, SECRET, Gateway
from vipgate.cli.rekey import replace_key_file, reseal
from vipgate.cli.sample import sample_renewals
from vipgate.clock import clock_us
from vipgate.protocol.envelope import encode_renewals
from vipgate.store.sqlite.store import SqliteStore
from vipgate.support.vault import load_vault

BODY = encode_renewals(PARK, sample_renewals(1, 1, until_us=1_795_492_800_000_000))
OLD_KEY, NEW_KEY = "o" * 40, "n" * 40


def pushes(gateway: Gateway) -> str:
    if gateway.process is None:
        gateway.start()
    code = gateway.push(BODY).code
    gateway.stop()
    return code


@pytest.fixture
def keyless(own: Gateway) -> Gateway:
    """A gateway whose key is a variable."""
    (own.home / "master.key").write_text(OLD_KEY)
    (own.home / "vipgate.db").unlink()
    own.add_park(PARK)
    (own.home / "master.key").unlink()
    own.settings["VIPGATE_MASTER_KEY"] = OLD_KEY
    return own


def test_park_pushes_on_with_its_secret_under_the_new_key(own: Gateway) -> None:
    old = (own.home / "master.key").read_text()
    done = own.command("rekey")
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 parks sealed under the new key" in done.stdout
    [kept] = own.home.glob("master.key.until-*")
    assert kept.read_text() == old
    assert (own.home / "master.key").read_text() != old
    assert not (own.home / "master.key.new").exists()
    assert {path.stat().st_mode & 0o777 for path in own.home.glob("master.key*")} == {0o600}
    assert pushes(own) == "1001"


def test_running_gateway_keeps_it_from_beginning(own: Gateway) -> None:
    own.start()
    done = own.command("rekey")
    assert done.returncode == 1
    assert f"locked by process {own.process.pid if own.process else 0}" in done.stderr
    assert sorted(path.name for path in own.home.glob("master.key*")) == ["master.key"]
    assert pushes(own) == "1001"


def test_killed_before_the_key_is_in_place_it_is_run_again(own: Gateway) -> None:
    """The moment that matters: secrets under a key that no gateway knows yet. The gateway says so and does not start."""
    old, new = (load_vault(None, own.home / name) for name in ("master.key", "master.key.new"))
    store = SqliteStore(own.home / "vipgate.db", clock_us)
    assert reseal(store, old, new) == 1
    store.close()
    refused = own.command("serve", "--port", "0")
    assert "sealed under another master key" in refused.stderr
    done = own.command("rekey")
    assert "0 parks sealed under the new key" in done.stdout
    assert pushes(own) == "1001"


def test_killed_at_any_moment_it_can_be_run_again(own: Gateway) -> None:
    chance = random.Random(7)
    sealing = load_vault(None, own.home / "master.key")
    with own.store() as store:
        for number in range(200):
            park_uuid = f"park-{number}"
            assert store.add_park(park_uuid, "", sealing.seal(SECRET, park_uuid), clock_us())
    for _ in range(6):
        command = [sys.executable, "-m", "vipgate", "rekey"]
        process = subprocess.Popen(
            command, env=own.environment, cwd=own.home, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.2 + chance.random())
        process.kill()
        process.communicate()
        assert (own.home / "master.key").exists()
    assert own.command("rekey").returncode == 0
    vault = load_vault(None, own.home / "master.key")
    with own.store() as store:
        for park in store.list_parks("", 500):
            access = store.park_access(park.park_uuid)
            assert access is not None
            assert vault.open(access.secret, park.park_uuid) == SECRET


def test_keys_replaced_in_one_second_are_all_kept(tmp_path: Path) -> None:
    key_file, draft = tmp_path / "master.key", tmp_path / "master.key.new"
    key_file.write_text("first")
    kept = []
    for number, key in enumerate(("second", "third")):
        draft.write_text(key)
        kept.append(replace_key_file(draft, key_file, 1_700_000_000_000_000 + number))
    assert [path.read_text() for path in kept] == ["first", "second"]
    assert key_file.read_text() == "third"


def test_key_that_is_a_variable_needs_the_new_one_given(keyless: Gateway) -> None:
    assert "--new-key" in keyless.command("rekey").stderr
    assert "32 or more wanted" in keyless.command("rekey", "--new-key", "-", given="short\n").stderr
    done = keyless.command("rekey", "--new-key", "-", given=f"{NEW_KEY}\n")
    assert "1 parks sealed" in done.stdout
    assert list(keyless.home.glob("master.key*")) == []
    assert "sealed under another master key" in keyless.command("serve", "--port", "0").stderr
    keyless.settings["VIPGATE_MASTER_KEY"] = NEW_KEY
    assert pushes(keyless) == "1001"


def test_missing_key_file_is_told_and_none_is_made(own: Gateway) -> None:
    (own.home / "master.key").unlink()
    done = own.command("rekey")
    assert "There is no key file" in done.stderr
    assert list(own.home.glob("master.key*")) == []


def test_on_postgres_the_operator_says_that_all_gateways_are_stopped(own: Gateway) -> None:
    with running_server() as server:
        own.settings["VIPGATE_DATABASE"] = server.make_database("test-rekey")
        own.add_park(PARK)
        key = (own.home / "master.key").read_text()
        assert own.command("rekey", given="n\n").returncode == 1
        assert (own.home / "master.key").read_text() == key
        done = own.command("rekey", "--yes")
        assert "1 parks sealed under the new key" in done.stdout
        assert (own.home / "master.key").read_text() != key
        assert pushes(own) == "1001"
