"""The simulator itself: each fault does what its name says, the park writes what it tells, and no difference goes unseen."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from simulator.events import Events
from simulator.network import HELD_S_MAX, Line
from simulator.park import Habits, Park
from simulator.park_database import MariadbDatabase, ParkDatabase, SqliteDatabase, StampKind
from simulator.world import FAULTS, UNTIL_US, compare
from support.gateway_process import SECRET, Gateway, send
from vipgate.cli.sample import sample_renewals
from vipgate.protocol.authentication import signed_headers
from vipgate.protocol.envelope import PUSH_PATH, encode_renewals
from vipgate.protocol.renewal import Renewal
from vipgate.store.interfaces.ledger import Filter

PARK = "line-park"
ERRORS = (429, 500, 502, 503)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    made = Gateway(tmp_path_factory.mktemp("home"))
    made.start()
    yield made
    assert made.stop() == 0


def renewals(count: int) -> list[Renewal]:
    return list(sample_renewals(count, 7, until_us=UNTIL_US))


def push_through(line: Line, body: bytes) -> str:
    """What a client sees within 5 s: the code, or what is wrong with the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", line.port, timeout=5)
    try:
        connection.request("POST", PUSH_PATH, body, signed_headers(body, SECRET))
        response = connection.getresponse()
        said = response.read()
        with suppress(msgspec.DecodeError, msgspec.ValidationError):
            envelope = msgspec.json.decode(said, type=dict[str, object])
            return f"{envelope['code']}{' with a hint' if 'hint' in envelope else ''}"
        return f"no envelope, HTTP {response.status}"
    except (OSError, http.client.HTTPException):
        return "no answer"
    finally:
        connection.close()


def arrived(gateway: Gateway, park_uuid: str) -> int:
    """How many requests of this park the gateway has answered."""
    with gateway.store() as store:
        return sum(requests for requests, _ in store.daily_answers(park_uuid).values())


# What the client may see, and how often the request may arrive.
WANTED = {
    "drop": ({"no answer"}, {0}),
    "lose": ({"no answer"}, {1}),
    # Cut off before the length was told, the answer seems empty.
    "cut": ({"no answer", "no envelope, HTTP 200"}, {1}),
    "hold": ({"no answer"}, {1}),
    "slow": ({"1001"}, {1}),
    "twice": ({"1001"}, {2}),
    "echo": ({"1001"}, {2}),
    "error": ({f"{one} with a hint" for one in ERRORS} | {f"no envelope, HTTP {one}" for one in ERRORS}, {0, 1}),
    "large": ({"no envelope, HTTP 413"}, {0}),
    "garbage": ({"no envelope, HTTP 200", "no envelope, HTTP 400", "1001.5", "None"}, {0, 1}),
    "hint": ({f"{one} with a hint" for one in (1001, 1000, 200)}, {0, 1}),
    "recode": ({"1000", "200"}, {1}),
    "shut": ({"no answer"}, {0}),
    "trickle": ({"1001"}, {1}),
}  # fmt: skip


def test_every_fault_is_looked_at_here() -> None:
    assert set(WANTED) == set(FAULTS)


@pytest.mark.parametrize("kind", FAULTS)
def test_fault_does_what_its_name_says(gateway: Gateway, kind: str) -> None:
    park_uuid = f"{PARK}-{kind}"
    gateway.add_park(park_uuid)
    seen, copies = WANTED[kind]
    body = encode_renewals(park_uuid, renewals(500))
    with Line(gateway.port, 3, Events()) as line:
        assert set(line.faults) == set(FAULTS)
        for number in range(1, 4):
            before = arrived(gateway, park_uuid)
            line.faulty(1.0, [kind])
            assert push_through(line, body) in seen
            line.calm()
            assert line.counts[kind] == number
            assert arrived(gateway, park_uuid) - before in copies
        assert push_through(line, body) == "1001"


def test_shut_line_refuses_connections_and_opens_again(gateway: Gateway) -> None:
    with Line(gateway.port, 3, Events()) as line:
        line.faulty(1.0, ["shut"])
        push_through(line, encode_renewals("nobody", renewals(1)))
        with pytest.raises(ConnectionRefusedError):
            http.client.HTTPConnection("127.0.0.1", line.port, timeout=5).connect()
        line.calm()
        assert push_through(line, encode_renewals("nobody", renewals(1))) == "401 with a hint"


def test_copy_that_is_held_back_overtakes_what_came_after_it(gateway: Gateway) -> None:
    gateway.add_park(PARK)
    [old] = renewals(1)
    new = msgspec.structs.replace(old, quantity=old.quantity + 1)
    with Line(gateway.port, 1, Events()) as line:
        line.faulty(1.0, ["hold"])
        held = http.client.HTTPConnection("127.0.0.1", line.port, timeout=HELD_S_MAX + 5)
        body = encode_renewals(PARK, [old])
        held.request("POST", PUSH_PATH, body, signed_headers(body, SECRET))
        while not line.counts["hold"]:
            time.sleep(0.005)
        line.faulty(0.0, ["hold"])
        assert push_through(line, encode_renewals(PARK, [new])) == "1001"
        line.calm()
        held.close()
    with gateway.store() as store:
        [stored] = store.iter_records(PARK, Filter())
    assert stored.renewal.quantity == old.quantity
    assert stored.revision == 2


def test_column_means_at_the_gateway_what_the_park_says_it_means(gateway: Gateway, tmp_path: Path) -> None:
    park = Park(SqliteDatabase(tmp_path), 1, Habits(), Events())
    park.stock(200)
    truth = park.truth()
    gateway.add_park("park-as-told")
    connection = gateway.connect()
    assert send(connection, encode_renewals("park-as-told", truth.good.values())).code == "1001"
    connection.close()
    with gateway.store() as store:
        held = {one.renewal.pay_partner: one.renewal for one in store.iter_records("park-as-told", Filter())}
    assert held == truth.good
    assert held.keys().isdisjoint(truth.bad)


@pytest.fixture(params=["sqlite", "mariadb"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> ParkDatabase:
    if request.param == "sqlite":
        return SqliteDatabase(tmp_path)
    return MariadbDatabase(request.getfixturevalue("mariadb_url"), "vipgate_test_park")


@pytest.mark.parametrize("kind", ["text", "integer"])
def test_park_changes_mistypes_doubles_and_commits_late(database: ParkDatabase, kind: StampKind) -> None:
    park = Park(database, 5, Habits(stamp_kind=kind, doubles=True), Events())
    park.stock(100)
    park.start()
    time.sleep(1.5)
    park.stop()
    assert park.latest_s > 0.02
    truth = park.truth()
    rows = list(park.rows())
    assert truth.bad
    assert len(rows) > len(truth.good) + len(truth.bad) > 100
    assert any(len(versions) > 2 for versions in park.versions.values())


def test_lost_stale_and_foreign_records_are_seen(tmp_path: Path) -> None:
    park = Park(SqliteDatabase(tmp_path), 2, Habits(), Events())
    park.stock(300)
    truth = park.truth()
    right = dict(truth.good)
    bad = next(iter(truth.bad))
    first, second, *_ = right
    older = msgspec.structs.replace(right[first], quantity=right[first].quantity + 1)
    stranger = msgspec.structs.replace(right[first], pay_partner="stranger")
    assert compare(truth, right, park.versions, {}) == {}
    assert compare(truth, {**right, "stranger": stranger}, park.versions, {"stranger": stranger}) == {}
    assert compare(truth, {**right, bad: older}, {bad: [older]}, {}) == {}
    assert compare(truth, {**right, first: older}, park.versions, {}).keys() == {first}
    assert compare(truth, {key: one for key, one in right.items() if key != second}, {}, {}).keys() == {second}
    assert compare(truth, {**right, "stranger": stranger}, park.versions, {}).keys() == {"stranger"}
    assert compare(truth, {**right, bad: older}, park.versions, {}).keys() == {bad}
    assert compare(truth, right, park.versions, {"stranger": stranger}).keys() == {"stranger"}
