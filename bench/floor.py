"""The floor: the bare store with the same rows, batch after batch in one thread. No gateway on this store can be faster."""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter_ns
from typing import Final

from bench.forking import BenchError, forked
from bench.load import RUN_S_MAX, Timing
from bench.servers import add_park, open_store
from bench.stock import Batch
from vipgate.clock import clock_us
from vipgate.renewal import Renewal
from vipgate.seqno import SeqnoMint
from vipgate.store.interface import Caller, Outcome, Push

# As long as the real one: it is stored with every request.
_SHA256: Final = "0" * 64


def run_floor(park_uuids: Sequence[str], batches: Sequence[Batch]) -> Timing:
    """The time of each commit of `batches`, in order, into a fresh store that knows the parks."""
    return forked(lambda: _commit_all(park_uuids, batches), RUN_S_MAX)


def _commit_all(park_uuids: Sequence[str], batches: Sequence[Batch]) -> Timing:
    mint = SeqnoMint(0)
    pushes = [make_push(batch.park_uuid, batch.renewals, mint) for batch in batches]
    with tempfile.TemporaryDirectory(prefix="vipgate-bench-") as folder, open_store(Path(folder)) as store:
        for park_uuid in park_uuids:
            add_park(store, Path(folder), park_uuid)
        latencies_ns = array("q")
        started_ns = perf_counter_ns()
        for push in pushes:
            sent_ns = perf_counter_ns()
            outcome = store.commit([push])[0]
            latencies_ns.append(perf_counter_ns() - sent_ns)
            if not isinstance(outcome, Outcome) or outcome.inserted != len(push.renewals):
                raise BenchError(f"The store did not insert a whole batch: {outcome}")
        return Timing(latencies_ns, perf_counter_ns() - started_ns)


def make_push(park_uuid: str, renewals: Sequence[Renewal], mint: SeqnoMint) -> Push:
    """A push as the road hands it to the store."""
    now_us = clock_us()
    caller = Caller(received_us=now_us, peer="127.0.0.1", body_bytes=300_000, body_sha256=_SHA256)
    return Push(mint.mint(now_us), park_uuid, renewals, len(renewals), False, "current", caller)
