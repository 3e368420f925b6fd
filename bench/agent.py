"""The agent, whole, as a process of its own: a snapshot from a park's database to the gateway, and changes while it runs.

For comparison, the interface page's example as it is usually written: a loop with requests, one row a call.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import requests

from bench.engines import opened
from bench.forking import BenchError
from bench.park import insert_now
from bench.records import SECRET
from bench.servers import memory_bytes
from vipgate.protocol.authentication import signed_headers
from vipgate.protocol.envelope import PUSH_PATH, encode_renewals
from vipgate.protocol.renewal import Renewal

RUN_S_MAX: Final = 900.0
LOOK_S: Final = 0.02
SEEN_S_MAX: Final = 60.0
_ROOT: Final = Path(__file__).resolve().parents[1]


def _command(config: Path, *flags: str) -> list[str]:
    return [sys.executable, "-m", "vipgate", "agent", "run", str(config), *flags]


def run_stock(config: Path) -> tuple[float, int]:
    """The seconds that `agent run --once` takes for all that the source holds, and its peak of resident bytes."""
    started_s = time.perf_counter()
    with (config.parent / "agent.log").open("wb") as log:
        process = subprocess.Popen(_command(config, "--once"), cwd=_ROOT, stderr=log)
        peak_bytes = 0
        while process.poll() is None:
            # Not `ru_maxrss`: that begins with the memory of the bench, which the process has until it executes.
            peak_bytes = max(peak_bytes, memory_bytes(process.pid, "VmHWM") or 0)
            time.sleep(LOOK_S)
        ended_s = time.perf_counter()
    if process.returncode:
        raise BenchError(
            f"The agent ended with {process.returncode}: {(config.parent / 'agent.log').read_text()[-1000:]}"
        )
    return ended_s - started_s, peak_bytes


@contextmanager
def running_agent(config: Path) -> Iterator[subprocess.Popen[bytes]]:
    """An agent that goes on until the block ends."""
    with (config.parent / "agent.log").open("wb") as log:
        process = subprocess.Popen(_command(config), cwd=_ROOT, stderr=log)
    try:
        yield process
        if process.poll() is not None:
            raise BenchError(f"The agent ended: {(config.parent / 'agent.log').read_text()[-1000:]}")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(SEEN_S_MAX)


def time_changes(park: Path, database: str, park_uuid: str, numbers: Sequence[int], pause_s: float) -> list[float]:
    """For each row that is sold at the park: the seconds until the gateway has it."""
    spent: list[float] = []
    with opened(database) as store:
        for number in numbers:
            sold_s = time.perf_counter()
            order = insert_now(park, number)
            while store.find_record(park_uuid, order) is None:
                if time.perf_counter() - sold_s > SEEN_S_MAX:
                    raise BenchError(f"{order} did not reach the gateway within {SEEN_S_MAX:g} s.")
                time.sleep(LOOK_S)
            spent.append(time.perf_counter() - sold_s)
            time.sleep(pause_s)
    return spent


def wait_for_stock(database: str, park_uuid: str, records: int) -> None:
    """Until the gateway holds at least so many records."""
    deadline_s = time.monotonic() + RUN_S_MAX
    with opened(database) as store:
        while True:
            park = store.find_park(park_uuid)
            if park is not None and park.records >= records:
                return
            if time.monotonic() > deadline_s:
                raise BenchError(f"The gateway does not hold {records} records after {RUN_S_MAX:g} s.")
            time.sleep(LOOK_S)


def run_loop(port: int, park_uuid: str, renewals: Sequence[Renewal]) -> float:
    """Rows a second of the page's loop: build, sign, post with a fresh connection each, as `requests.post` does."""
    url = f"http://127.0.0.1:{port}{PUSH_PATH}"
    started_s = time.perf_counter()
    for renewal in renewals:
        body = encode_renewals(park_uuid, [renewal])
        answer = requests.post(url, data=body, headers=signed_headers(body, SECRET), timeout=30)
        if answer.json()["code"] != "1001":
            raise BenchError(answer.text)
    return len(renewals) / (time.perf_counter() - started_s)
