"""Whatever park, line and kill do to it, an agent brings the ledger in step with the source, record by record.

VIPGATE_SIM_RUNS: how many runs.
VIPGATE_SIM_SEED: of the first one; VIPGATE_SIM_JOBS: how many at the same time.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from simulator.world import Diverged, World
from support.fork_server import ForkServer
from support.gateway_process import Gateway
from support.mariadb import is_installed

FIRST = int(os.environ.get("VIPGATE_SIM_SEED", "1"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("VIPGATE_SIM_RUNS", "10")))
JOBS = int(os.environ.get("VIPGATE_SIM_JOBS", "2"))
RUN_S_MAX = 300.0


@pytest.fixture(scope="module")
def mariadb_server(request: pytest.FixtureRequest) -> str | None:
    """A real MariaDB for every third park, if there is one."""
    if os.environ.get("VIPGATE_TEST_MARIADB") or is_installed():
        return str(request.getfixturevalue("mariadb_url"))
    warnings.warn("every park is in SQLite: install Debian's mariadb-server, or set VIPGATE_TEST_MARIADB", stacklevel=1)
    return None


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, mariadb_server: str | None) -> Iterator[dict[int, Future[None]]]:
    """All runs, a few at a time, against one gateway: they wait more than they work."""
    gateway = Gateway(tmp_path_factory.mktemp("platform")).start()
    with ForkServer() as fork_server, ThreadPoolExecutor(JOBS) as pool:
        folder = tmp_path_factory.mktemp("parks")

        def run(seed: int) -> None:
            own = folder / str(seed)
            own.mkdir()
            World(seed, gateway, fork_server, own, mariadb_server).run()

        yield {seed: pool.submit(run, seed) for seed in SEEDS}
        pool.shutdown(cancel_futures=True)
    assert gateway.stop() == 0


@pytest.mark.timeout(RUN_S_MAX)
@pytest.mark.parametrize("seed", SEEDS)
def test_ledger_and_source_are_equal_in_the_end(runs: dict[int, Future[None]], seed: int) -> None:
    error = runs[seed].exception()
    if isinstance(error, Diverged):
        # It says everything by itself.
        raise error.with_traceback(None)
    if error is not None:
        raise error
