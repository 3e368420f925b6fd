"""SIGKILL under concurrent load, again and again: what was acknowledged is there, nothing half, nothing twice."""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from support.gateway_process import Gateway, send
from vipgate.cli.sample import sample_renewals
from vipgate.protocol.envelope import encode_renewals
from vipgate.protocol.renewal import Renewal
from vipgate.store.interfaces.ledger import Filter, StoredRecord

KILLS = 5
PARKS = 3
CLIENTS = 8
UNTIL_US = 1_795_492_800_000_000


@dataclass
class Sent:
    """What the clients sent, and what of it was acknowledged."""

    requests: list[tuple[str, list[Renewal]]] = field(default_factory=list)
    acknowledged: dict[int, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, park_uuid: str, rows: list[Renewal]) -> int:
        with self.lock:
            self.requests.append((park_uuid, rows))
            return len(self.requests) - 1


def _push_until_it_dies(gateway: Gateway, sent: Sent, seed: int, stop: threading.Event) -> None:
    chance = random.Random(seed)
    connection = gateway.connect()
    first = seed * 1_000_000
    try:
        while not stop.is_set():
            rows = list(sample_renewals(chance.choice((1, 1, 3, 40, 400)), first, until_us=UNTIL_US, first=first))
            first += len(rows)
            park_uuid = f"park-{chance.randrange(PARKS)}"
            number = sent.add(park_uuid, rows)
            answer = send(connection, encode_renewals(park_uuid, rows))
            assert answer.code == "1001", answer
            assert answer.envelope["payload"]["inserted"] == len(rows)
            sent.acknowledged[number] = answer.envelope["seqno"]
    except (OSError, http.client.HTTPException):
        return
    finally:
        connection.close()


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    made = Gateway(tmp_path)
    for number in range(PARKS):
        made.add_park(f"park-{number}")
    yield made
    if made.process is not None:
        made.kill()


def test_sigkill_under_load_loses_nothing_acknowledged_and_stores_nothing_half(gateway: Gateway) -> None:
    sent = Sent()
    chance = random.Random(20_211)
    for kill in range(KILLS):
        gateway.start()
        stop = threading.Event()
        clients = [
            threading.Thread(target=_push_until_it_dies, args=(gateway, sent, kill * CLIENTS + number + 1, stop))
            for number in range(CLIENTS)
        ]
        before = len(sent.acknowledged)
        for client in clients:
            client.start()
        while len(sent.acknowledged) < before + 20:
            time.sleep(0.005)
        time.sleep(chance.uniform(0.0, 0.3))
        gateway.kill()
        stop.set()
        for client in clients:
            client.join()
        _check(gateway, sent)
    assert len(sent.acknowledged) < len(sent.requests), "no kill struck in the middle of a request"


def _check(gateway: Gateway, sent: Sent) -> None:
    with gateway.store() as store:
        held: dict[tuple[str, str], StoredRecord] = {}
        for number in range(PARKS):
            park_uuid = f"park-{number}"
            records = list(store.iter_records(park_uuid, Filter()))
            found = {(park_uuid, one.renewal.pay_partner): one for one in records}
            assert len(found) == len(records), "a record twice"
            held |= found
            park = store.find_park(park_uuid)
            assert park is not None
            assert park.records == len(records)
            _check_rollup(store.daily(park_uuid), records)
        for number, (park_uuid, rows) in enumerate(sent.requests):
            there = [held.get((park_uuid, row.pay_partner)) for row in rows]
            stored = [one for one in there if one is not None]
            assert len(stored) in (0, len(rows)), "half a request"
            assert len({one.seqno for one in stored}) <= 1
            if number in sent.acknowledged:
                seqno = sent.acknowledged[number]
                assert [one.renewal for one in stored] == rows, "an acknowledged record is lost"
                assert stored[0].seqno == seqno
                entry = store.request_log_entry(seqno)
                assert entry is not None
                assert (entry.park_uuid, entry.inserted) == (park_uuid, len(rows))


def _check_rollup(daily: dict[tuple[int, int], tuple[int, int, int]], records: list[StoredRecord]) -> None:
    inserted, money = Counter[int](), Counter[int]()
    for one in records:
        inserted[one.renewal.pay_type] += 1
        money[one.renewal.pay_type] += one.renewal.pay_value_fen or 0
    for (_, pay_type), (new, _, pay_value_fen) in daily.items():
        inserted[pay_type] -= new
        money[pay_type] -= pay_value_fen
    assert not any(inserted.values())
    assert not any(money.values())
