"""No thread and no task ends unseen: what ends one is in the log with its traceback, and its owner hears of it."""

from __future__ import annotations

import ast
import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import httpx
import pytest
import structlog
from prometheus_client import start_http_server
from structlog.testing import capture_logs

import vipgate
from support.unread_connection import Ready, Unread
from vipgate.agent.prometheus import Metrics
from vipgate.agent.status import Status
from vipgate.errors import InternalError, StoreUnavailable
from vipgate.gateway.group_commit import CommitLimits, GroupCommitter
from vipgate.gateway.http.connection import Connection
from vipgate.gateway.http.messages import HttpLimits
from vipgate.gateway.http.scheduler import RequestScheduler
from vipgate.gateway.http.server import HttpServer
from vipgate.protocol.seqno import SeqnoGenerator
from vipgate.store.interfaces.ledger import Push, RequestOrigin, Retention
from vipgate.support import background
from vipgate.support.background import EndedEarly, Repeated, attempt, keep_on, start_task, start_thread, submit
from vipgate.support.metrics import SharedMetrics, WorkerRecorder

SOURCE = Path(vipgate.__file__).parent


class Panic(BaseException):
    """What pyo3 raises for a panic of Rust: no Exception."""


FAULTS = [ValueError("a driver's"), IndexError(), MemoryError(), Panic("calamine's")]


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    structlog.reset_defaults()
    with capture_logs() as events:
        yield events


def run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(scenario())


def raising(error: BaseException) -> Callable[[], None]:
    def job() -> None:
        raise error

    return job


async def fails(error: BaseException) -> None:
    await asyncio.sleep(0)
    raise error


def reports(events: list[Any]) -> list[tuple[str, BaseException]]:
    return [(one["what"], one["exc_info"]) for one in events if one["event"] == "ended by a fault"]


@pytest.mark.parametrize("fault", [*FAULTS, SystemExit(0)], ids=repr)
def test_thread_that_ends_by_whatever_fault_is_logged_and_its_owner_hears(
    fault: BaseException, logged: list[Any]
) -> None:
    told: list[BaseException] = []
    start_thread(raising(fault), "a thread", told.append).join(10)
    assert told == [fault]
    assert reports(logged) == [("a thread", fault)]


@pytest.mark.skipif(not Path("/proc/self/comm").exists(), reason="needs Linux")
@pytest.mark.parametrize(("name", "shown"), [("vipgate-commit", "vipgate-commit"), ("a" * 20, "a" * 15)])
def test_thread_has_its_name_outside_python_too(name: str, shown: str) -> None:
    found: list[str] = []

    def look() -> None:
        found.append(Path(f"/proc/self/task/{threading.get_native_id()}/comm").read_text().strip())

    start_thread(look, name).join()
    assert found == [shown]


@pytest.mark.parametrize("fault", FAULTS, ids=repr)
def test_task_and_job_of_a_pool_are_seen_too(fault: BaseException, logged: list[Any]) -> None:
    told: list[BaseException] = []

    async def scenario() -> None:
        await asyncio.wait([start_task(fails(fault), "a task", told.append)])
        with ThreadPoolExecutor(1) as pool:
            submit(pool, raising(fault), what="a job", ended=told.append)

    run(scenario)
    assert told == [fault, fault]
    assert reports(logged) == [("a task", fault), ("a job", fault)]


def test_return_of_what_has_no_end_is_one_and_a_wanted_end_is_none(logged: list[Any]) -> None:
    told: list[BaseException] = []

    async def scenario() -> None:
        await asyncio.wait([start_task(asyncio.sleep(0), "for ever", told.append, endless=True)])
        start_task(asyncio.sleep(60), "cancelled", told.append, endless=True).cancel()
        await asyncio.wait(
            [start_task(fails(StoreUnavailable()), "waited for", told.append, expected=(StoreUnavailable,))]
        )

    run(scenario)
    assert [type(one) for one in told] == [EndedEarly]
    assert [what for what, _ in reports(logged)] == ["for ever"]


@pytest.mark.parametrize("fault", FAULTS, ids=repr)
def test_job_that_can_be_begun_again_is(
    fault: BaseException, logged: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "RESTART_PAUSES_S", (0.0, 0.0))
    left = [fault, fault]

    async def job() -> None:
        if left:
            raise left.pop()

    run(lambda: keep_on(job, "a loop"))
    assert left == []
    assert len(reports(logged)) == 2


@pytest.mark.parametrize("wanted", [KeyboardInterrupt(), SystemExit(1)], ids=repr)
def test_end_that_is_wanted_keeps_its_meaning(wanted: BaseException) -> None:
    for job in (lambda: attempt("a step", raising(wanted)), Repeated("a step", raising(wanted), lambda: 0.0).take):
        with pytest.raises(type(wanted)):
            job()


@pytest.mark.parametrize("fault", FAULTS, ids=repr)
def test_step_that_must_go_on_rests_longer_after_each_fault(fault: BaseException, logged: list[Any]) -> None:
    now_s, left = [0.0], [fault] * 3
    taken: list[float] = []

    def step() -> None:
        taken.append(now_s[0])
        if left:
            raise left.pop()

    repeated = Repeated("a step", step, lambda: now_s[0])
    while now_s[0] < 5:
        repeated.take()
        now_s[0] += 0.5
    assert taken == [0.0, 0.5, 1.5, 3.5, 4.0, 4.5]
    assert len(reports(logged)) == 3


# ---- the parts of a server --------------------------------------------------------------------------------------------------


class Store:
    """One whose verbs fail as they are told to."""

    def __init__(self, commit: BaseException | None = None, housekeep: BaseException | None = None) -> None:
        self._faults = {"commit": commit, "housekeep": housekeep}
        self.tidied = threading.Event()

    def commit(self, group: list[Any]) -> list[Any]:
        if self._faults["commit"] is not None:
            raise self._faults["commit"]
        return [StoreUnavailable() for _ in group]

    def housekeep(self, *_: object) -> bool:
        self.tidied.set()
        if self._faults["housekeep"] is not None:
            raise self._faults["housekeep"]
        return False

    def close(self) -> None:
        """Nothing to let go of."""


def a_push() -> Push:
    caller = RequestOrigin(received_us=0, peer="127.0.0.1", body_bytes=10, body_sha256="")
    return Push(SeqnoGenerator(1).generate(1_700_000_000_000_000), "park-a", [], 1, False, "current", caller)


@pytest.mark.parametrize("fault", [Panic("a panic"), SystemExit(0)], ids=repr)
def test_end_of_the_thread_that_commits_leaves_nobody_waiting_and_shows(
    fault: BaseException, logged: list[Any]
) -> None:
    async def scenario() -> None:
        board, told = SharedMetrics(1), asyncio.Queue[BaseException]()
        loop = asyncio.get_running_loop()
        committer = GroupCommitter(
            lambda: Store(commit=fault),  # type: ignore[arg-type, return-value]
            CommitLimits(), Retention(), WorkerRecorder(board, 0), lambda: 5_000_000, lambda: 0.0,
            lambda error: loop.call_soon_threadsafe(told.put_nowait, error),
        )  # fmt: skip
        await committer.start()
        waiting = [committer.submit(a_push()) for _ in range(3)]
        assert await told.get() is fault
        for one in waiting:
            with pytest.raises(InternalError):
                await one
        assert committer.overload_error() is not None
        assert "the thread that commits ended by a fault" in (board.store_error(0, 5.0) or "")
        await committer.stop()

    run(scenario)
    assert reports(logged) == [("vipgate-commit", fault)]


@pytest.mark.parametrize("fault", [ValueError("a bug"), KeyError("x")], ids=repr)
def test_housekeeping_that_fails_is_logged_and_what_stores_goes_on(fault: Exception, logged: list[Any]) -> None:
    async def scenario() -> None:
        store = Store(housekeep=fault)
        told: list[BaseException] = []
        committer = GroupCommitter(
            lambda: store,  # type: ignore[arg-type, return-value]
            CommitLimits(), Retention(), WorkerRecorder(SharedMetrics(1), 0), lambda: 0, lambda: 0.0, told.append,
        )  # fmt: skip
        await committer.start()
        await asyncio.to_thread(store.tidied.wait, 10)
        with pytest.raises(StoreUnavailable):
            await committer.submit(a_push())
        await committer.stop()
        assert told == []

    run(scenario)
    assert [one["event"] for one in logged].count("maintenance failed") >= 1


def test_connection_whose_deadline_fails_does_not_end_the_deadlines_of_others(logged: list[Any]) -> None:
    class Connection:
        deadline_s, ended = -1.0, False

        def __init__(self, fault: BaseException | None) -> None:
            self.fault = fault

        def expire(self) -> None:
            self.ended, self.deadline_s = self.fault is None, 1e18
            if self.fault is not None:
                raise self.fault

        def abort(self) -> None:
            self.ended = True

    async def scenario() -> None:
        server = HttpServer(Mock(), HttpLimits(), lambda: 0)
        both = [Connection(ValueError("a bug")), Connection(None), Connection(Panic())]
        server.connections = set(both)  # type: ignore[arg-type]
        ticker = asyncio.ensure_future(server._tick())
        await asyncio.sleep(0.01)
        assert [one.ended for one in both] == [True, True, True]
        assert not ticker.done()
        ticker.cancel()

    run(scenario)
    assert len(reports(logged)) == 2


def test_request_that_fails_as_it_is_begun_does_not_take_the_others_of_its_turn_along(logged: list[Any]) -> None:
    begun: list[int] = []

    async def scenario() -> None:
        intake = RequestScheduler(asyncio.get_running_loop())
        intake._rows_left = 0
        for number in range(5):
            intake.schedule("park", 1, raising(ValueError()) if number == 1 else partial(begun.append, number))
        await asyncio.sleep(0.05)

    run(scenario)
    assert begun == [0, 2, 3, 4]


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("fault", FAULTS, ids=repr)
def test_request_that_fails_ends_its_connection_and_gives_its_memory_back(
    fault: BaseException, waits: bool, logged: list[Any]
) -> None:
    class Failing(Ready):
        async def handle(self, _: Any) -> Any:
            if waits:
                await asyncio.sleep(0)
            raise fault

    async def scenario() -> None:
        server = HttpServer(Failing(), HttpLimits(), lambda: 0)
        transport = Unread(answers_max=10)
        transport.connection = connection = Connection(server)
        connection.connection_made(transport)
        connection.data_received(b"POST / HTTP/1.1\r\nHost: g\r\nContent-Length: 5\r\n\r\nabcde" * 3)
        await asyncio.sleep(0.05)
        assert transport.is_closing()
        connection.connection_lost(None)
        assert server.body_quota.total_bytes == 0

    run(scenario)
    assert reports(logged) == [("request", fault)]


def test_thread_that_serves_the_figures_of_an_agent_is_replaced(
    logged: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    servers: list[Any] = []

    def started(*given: Any) -> Any:
        servers.append(start_http_server(*given)[0])
        return servers[-1], Mock(is_alive=lambda: servers[-1].fileno() >= 0)

    monkeypatch.setattr("vipgate.agent.prometheus.start_http_server", started)
    metrics = Metrics("park-a")
    metrics.serve("127.0.0.1", 0)
    servers[0].shutdown()
    servers[0].server_close()
    metrics.update(Status(at_us=7_000_000))
    port = servers[1].server_address[1]
    assert "vipgate_agent_last_look" in httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
    assert [one["event"] for one in logged] == ["metrics server ended"]
    servers[1].shutdown()


# ---- the repository ---------------------------------------------------------------------------------------------------------

STARTERS = {
    "Thread",
    "Timer",
    "start_new_thread",
    "create_task",
    "ensure_future",
    "run_coroutine_threadsafe",
    "TaskGroup",
}
# Whose future is taken by whoever hands the job over. (file, function): who that is.
AWAITED = {
    ("agent/sync/agent.py", "_send"): "the loop collects every request",
    ("domain/charge_types.py", "_asked"): "each is asked for its result",
    ("store/async_pool.py", "run"): "awaited by the caller",
    ("store/async_pool.py", "next"): "awaited by the caller",
    ("support/background.py", "submit"): "the shared piece itself",
    ("support/background.py", "start_thread"): "the shared piece itself",
    ("support/background.py", "start_task"): "the shared piece itself",
}


def calls(file: Path) -> Iterator[tuple[str, str]]:
    """Every call in a file by the name of what is called, with the function that it stands in."""

    def visit(node: ast.AST, function: str) -> Iterator[tuple[str, str]]:
        for child in ast.iter_child_nodes(node):
            inner = child.name if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) else function
            if isinstance(child, ast.Call):
                of = isinstance(child.func, ast.Attribute)
                yield (f".{child.func.attr}" if of else getattr(child.func, "id", "")), inner  # type: ignore[attr-defined]
            yield from visit(child, inner)

    yield from visit(ast.parse(file.read_text(encoding="utf-8")), "")


def test_nothing_but_the_shared_piece_starts_a_thread_or_a_task() -> None:
    found = {
        (str(file.relative_to(SOURCE)), function)
        for file in SOURCE.rglob("*.py")
        for called, function in calls(file)
        if called.removeprefix(".") in STARTERS or called == ".submit"
    }
    # The committer's own `submit` queues a push, whose future is awaited.
    found -= {("gateway/pipeline.py", "_submit")}
    assert found == set(AWAITED)
