"""Times the look-ups of staff in a park of many records: by order number, by plate, and the newest."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from time import perf_counter_ns
from typing import Final

from vipgate.protocol.renewal import Renewal
from vipgate.store.interfaces.ledger import Store

LOOKS: Final = 2_000
WARM: Final = 200
PAGE: Final = 50

Look = Callable[[Renewal], object]


def time_lookups(store: Store, park_uuid: str, records: Sequence[Renewal]) -> dict[str, float]:
    """The p99 in ms of each kind of look-up, for records picked at random from `records`."""
    chance = random.Random(1)
    looks: dict[str, Look] = {
        "by order number": lambda one: store.find_record(park_uuid, one.pay_partner),
        "by plate": lambda one: store.recent(park_uuid, one.plate, None, PAGE),
        f"newest {PAGE}": lambda _: store.recent(park_uuid, None, None, PAGE),
    }
    return {what: _p99_ms(look, [chance.choice(records) for _ in range(LOOKS + WARM)]) for what, look in looks.items()}


def _p99_ms(look: Look, wanted: Sequence[Renewal]) -> float:
    times_ns = []
    for number, record in enumerate(wanted):
        started_ns = perf_counter_ns()
        if not look(record):
            raise LookupError(record.pay_partner)
        if number >= WARM:
            times_ns.append(perf_counter_ns() - started_ns)
    return sorted(times_ns)[int(len(times_ns) * 0.99)] / 1e6
