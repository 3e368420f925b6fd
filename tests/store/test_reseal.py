"""A new master key: every secret sealed again or none, on every engine, whatever goes wrong in between."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.postgres_database import emptied
from support.store_database import RETENTION, Clock, spread
from vipgate.cli.rekey import reseal
from vipgate.errors import IncompatibleDatabase, UsageError
from vipgate.store.common.accounts import SqlAccountStore
from vipgate.store.common.reseal import PARKS_A_PAGE, reencrypt_secrets
from vipgate.store.interfaces.accounts import AuditEntry
from vipgate.store.postgres.store import PostgresStore
from vipgate.store.sqlite.store import SqliteStore
from vipgate.support.vault import Vault

OLD, NEW, OTHER = Vault("o" * 32), Vault("n" * 32), Vault("x" * 32)
ENTRY = AuditEntry(at_us=1, who="command", action="rekey", park_uuid=None, subject="", detail="", peer="")


@pytest.fixture(params=["sqlite", "postgres", "postgres, a park at a time"])
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[SqliteStore | PostgresStore]:
    made: SqliteStore | PostgresStore
    if request.param == "sqlite":
        made = SqliteStore(tmp_path / "ledger.db", clock, RETENTION)
    else:
        url = emptied(request.getfixturevalue("postgres_url"))
        if request.param != "postgres":
            spread(url, real=False)
        made = PostgresStore(url, clock, RETENTION, connections=2)
    yield made
    made.close()


def add(store: SqliteStore | PostgresStore, park_uuid: str, vault: Vault = OLD) -> None:
    assert store.add_park(park_uuid, "", vault.seal(f"secret of {park_uuid}", park_uuid), 1)


def secrets(store: SqliteStore | PostgresStore, park_uuid: str, vault: Vault) -> tuple[str, str | None]:
    access = store.park_access(park_uuid)
    assert access is not None
    previous = access.previous_secret
    return vault.open(access.secret, park_uuid), None if previous is None else vault.open(previous, park_uuid)


def test_every_secret_and_the_one_before_it_are_sealed_anew(store: SqliteStore | PostgresStore) -> None:
    parks = [f"park-{number:04}" for number in range(PARKS_A_PAGE + 3)]
    for park_uuid in parks:
        add(store, park_uuid)
    assert store.rotate_secret(parks[1], OLD.seal("newer", parks[1]), 2)
    assert reseal(store, OLD, NEW) == len(parks)
    assert secrets(store, parks[0], NEW) == (f"secret of {parks[0]}", None)
    assert secrets(store, parks[1], NEW) == ("newer", f"secret of {parks[1]}")
    assert secrets(store, parks[-1], NEW) == (f"secret of {parks[-1]}", None)


def test_run_again_it_changes_nothing_and_notes_nothing(store: SqliteStore | PostgresStore) -> None:
    add(store, "park-one")
    assert [reseal(store, OLD, NEW), reseal(store, OLD, NEW)] == [1, 0]
    assert [entry.action for entry in SqlAccountStore(store).audit_entries(None, None, None, 10)] == ["rekey"]


def test_park_that_was_sealed_under_the_new_key_already_is_left_as_it_is(store: SqliteStore | PostgresStore) -> None:
    add(store, "park-one", NEW)
    add(store, "park-two")
    before = store.park_access("park-one")
    assert reseal(store, OLD, NEW) == 1
    assert store.park_access("park-one") == before


def test_secret_that_opens_with_neither_key_leaves_all_as_they_were(store: SqliteStore | PostgresStore) -> None:
    add(store, "park-one")
    add(store, "park-two", OTHER)
    with pytest.raises(UsageError, match="secret of park park-two was sealed under another master key"):
        reseal(store, OLD, NEW)
    assert secrets(store, "park-one", OLD) == ("secret of park-one", None)
    assert SqlAccountStore(store).audit_entries(None, None, None, 10) == []


def test_secret_that_was_rotated_at_the_same_time_does_not_come_back(postgres: str, clock: Clock) -> None:
    """A SQLite file has one writer at a time; on PostgreSQL a gateway that was forgotten may write."""
    store, another = PostgresStore(postgres, clock, RETENTION, connections=2), PostgresStore(postgres, clock, RETENTION)
    add(store, "park-one")
    add(store, "park-two")

    def turn(sealed: bytes, park_uuid: str) -> bytes:
        if park_uuid == "park-two":
            another.rotate_secret(park_uuid, OLD.seal("rotated", park_uuid), 2)
        return NEW.seal(OLD.open(sealed, park_uuid), park_uuid)

    with pytest.raises(IncompatibleDatabase, match="park-two was changed at the same time"):
        reencrypt_secrets(store, turn, ENTRY)
    assert secrets(another, "park-one", OLD) == ("secret of park-one", None)
    assert secrets(another, "park-two", OLD) == ("rotated", "secret of park-two")
    store.close()
    another.close()
