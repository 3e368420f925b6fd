"""The floors: the bare store with the same rows, batch after batch in one thread, and on PostgreSQL the bare driver.

No gateway on this store can be faster than the first. The second does one COPY a transaction and keeps no request log.
"""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter_ns
from typing import Final

from bench.closed import RUN_S_MAX, Timing
from bench.engines import Engine, opened
from bench.forking import BenchError, forked
from bench.records import Batch
from bench.servers import add_park
from vipgate.clock import clock_us
from vipgate.protocol.renewal import Renewal
from vipgate.protocol.seqno import SeqnoGenerator
from vipgate.store.common.versioning import Row
from vipgate.store.interfaces.ledger import Push, PushResult, RequestOrigin
from vipgate.store.postgres.group_writer import copy_line
from vipgate.store.postgres.pool import ConnectionPool

# As long as the real one: it is stored with every request.
_SHA256: Final = "0" * 64
_SEQNO: Final = "0" * 32


def run_floor(engine: Engine, park_uuids: Sequence[str], batches: Sequence[Batch]) -> Timing:
    """The time of each commit of `batches`, in order, into a fresh store that knows the parks."""
    with tempfile.TemporaryDirectory(prefix="vipgate-bench-") as folder, engine.fresh(Path(folder)) as url:
        return forked(lambda: _commit_all(url, Path(folder), park_uuids, batches), RUN_S_MAX)


def run_driver_floor(engine: Engine, park_uuids: Sequence[str], batches: Sequence[Batch]) -> Timing:
    """The time of each transaction that holds nothing but the insert of a batch."""
    with tempfile.TemporaryDirectory(prefix="vipgate-bench-") as folder, engine.fresh(Path(folder)) as url:
        return forked(lambda: _insert_all(url, Path(folder), park_uuids, batches), RUN_S_MAX)


def _insert_all(url: str, home: Path, park_uuids: Sequence[str], batches: Sequence[Batch]) -> Timing:
    with opened(url) as store:
        for park_uuid in park_uuids:
            add_park(store, home, park_uuid)
    link = ConnectionPool(url, 1)
    latencies_ns = array("q")
    with link.connection() as db, db.cursor() as cursor:
        known = db.execute(link.sql["find_park_ids"], {"park_uuids": list(park_uuids)}).fetchall()
        park_ids: dict[str, int] = dict(known)
        started_ns = perf_counter_ns()
        for number, batch in enumerate(batches):
            sent_ns = perf_counter_ns()
            rows = [Row(0, one, _SEQNO, 2**50 + number * 10_000 + place) for place, one in enumerate(batch.renewals)]
            with cursor.copy(link.sql["copy_renewals"]) as copy:
                copy.write("".join([copy_line((park_ids[batch.park_uuid], 1), row) for row in rows]))
            latencies_ns.append(perf_counter_ns() - sent_ns)
        return Timing(latencies_ns, perf_counter_ns() - started_ns)


def _commit_all(url: str, home: Path, park_uuids: Sequence[str], batches: Sequence[Batch]) -> Timing:
    seqnos = SeqnoGenerator(0)
    pushes = [make_push(batch.park_uuid, batch.renewals, seqnos) for batch in batches]
    with opened(url) as store:
        for park_uuid in park_uuids:
            add_park(store, home, park_uuid)
        latencies_ns = array("q")
        started_ns = perf_counter_ns()
        for push in pushes:
            sent_ns = perf_counter_ns()
            outcome = store.commit([push])[0]
            latencies_ns.append(perf_counter_ns() - sent_ns)
            if not isinstance(outcome, PushResult) or outcome.inserted != len(push.renewals):
                raise BenchError(f"The store did not insert a whole batch: {outcome}")
        return Timing(latencies_ns, perf_counter_ns() - started_ns)


def make_push(park_uuid: str, renewals: Sequence[Renewal], seqnos: SeqnoGenerator) -> Push:
    """A push as the pipeline hands it to the store."""
    now_us = clock_us()
    caller = RequestOrigin(received_us=now_us, peer="127.0.0.1", body_bytes=300_000, body_sha256=_SHA256)
    return Push(seqnos.generate(now_us), park_uuid, renewals, len(renewals), False, "current", caller)
