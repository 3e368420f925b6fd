"""Starts threads and tasks whose failure is logged with a traceback and reported to their owner.

The owner decides: restart the job, end the process with a non-zero status, or show the error.
`tests/unit/support/test_background.py` checks that nothing else in this package starts a thread or a task.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import structlog

T = TypeVar("T")
Ended = Callable[[BaseException], object]

log = structlog.get_logger()

# Pauses before the restarts of a failing job; the last repeats.
RESTART_PAUSES_S: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
# After this time a job counts as stable: its next failure is the first again.
LIVED_S: Final = 60.0

# The event loop holds tasks by weak references only: without this they could be collected while waiting.
_running: set[asyncio.Task[Any]] = set()


class EndedEarly(RuntimeError):
    """An endless job has returned."""


def is_fault(error: BaseException) -> bool:
    """Whether `error` is a failure. A Rust panic is one, although it is no `Exception`; cancellation is not."""
    return not isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit | asyncio.CancelledError)


def describe(error: BaseException) -> str:
    """Formats an error on one line, with its type: some exceptions have no text."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def report(what: str, error: BaseException, **more: object) -> None:
    """Logs the error that ended `what`, with its traceback."""
    log.error("ended by a fault", what=what, reason=describe(error), exc_info=error, **more)


def only_logged(error: BaseException) -> None:
    """An `Ended` callback that does nothing: the failure is only logged."""


def start_thread(run: Callable[[], object], name: str, ended: Ended = only_logged) -> threading.Thread:
    """Starts `run` in a daemon thread. `ended` is called in that thread with the exception that ends it."""

    def watched() -> None:
        _show_name(name)
        try:
            run()
        except BaseException as error:  # noqa: BLE001 - a thread has no caller
            report(name, error)
            ended(error)

    thread = threading.Thread(target=watched, name=name, daemon=True)
    thread.start()
    return thread


def _show_name(name: str) -> None:
    """Gives this thread its name in `top -H` and /proc, as Python does from 3.14 on. Linux only, which cuts it to 15 characters."""
    with suppress(OSError):
        Path(f"/proc/self/task/{threading.get_native_id()}/comm").write_text(name, encoding="utf-8")


def submit(pool: Executor, job: Callable[[], T], *, what: str, ended: Ended = only_logged) -> Future[T]:
    """Runs `job` in a pool without waiting. `ended` is called in that thread with its error."""
    future = pool.submit(job)
    future.add_done_callback(partial(_job_done, what, ended))
    return future


def _job_done(what: str, ended: Ended, future: Future[Any]) -> None:
    error = None if future.cancelled() else future.exception()
    if error is not None:
        report(what, error)
        ended(error)


def start_task(
    steps: Coroutine[Any, Any, T],
    name: str,
    ended: Ended = only_logged,
    *,
    endless: bool = False,
    expected: tuple[type[BaseException], ...] = (),
    loop: asyncio.AbstractEventLoop | None = None,
) -> asyncio.Task[T]:
    """Starts a task. `ended` is called with its error, and with `endless` also when it returns; not on cancellation.

    `expected` are errors for the awaiters of the task, not failures.
    """
    task = (loop or asyncio.get_running_loop()).create_task(steps)
    _running.add(task)
    task.add_done_callback(partial(_task_done, name, ended, endless, expected))
    return task


def _task_done(
    name: str, ended: Ended, endless: bool, expected: tuple[type[BaseException], ...], task: asyncio.Task[Any]
) -> None:
    _running.discard(task)
    if task.cancelled():
        return
    error = task.exception() or (EndedEarly(f"{name} has returned") if endless else None)
    if error is not None and not isinstance(error, expected):
        report(name, error)
        ended(error)


class Backoff:
    """When a job that failed may start again: after pauses that grow, unless it lived for LIVED_S."""

    def __init__(self) -> None:
        self.due_s = 0.0
        self._failures = 0

    def failed(self, now_s: float, lived_s: float = 0.0) -> float:
        """Notes a failure; returns the pause."""
        self._failures = 1 if lived_s >= LIVED_S else self._failures + 1
        pause_s = RESTART_PAUSES_S[min(self._failures, len(RESTART_PAUSES_S)) - 1]
        self.due_s = now_s + pause_s
        return pause_s

    def succeeded(self) -> None:
        """The next failure is the first again."""
        self._failures = 0


async def keep_on(make: Callable[[], Coroutine[Any, Any, None]], what: str) -> None:
    """Runs the coroutine of `make` until it returns. After an error starts it again, with growing pauses."""
    loop = asyncio.get_running_loop()
    backoff = Backoff()
    while True:
        since_s = loop.time()
        try:
            await make()
            return
        except BaseException as error:
            if not is_fault(error):
                raise
            pause_s = backoff.failed(loop.time(), loop.time() - since_s)
            report(what, error, again_in_s=pause_s)
        await asyncio.sleep(pause_s)


class Repeated:
    """Runs a step repeatedly despite errors; after an error pauses, longer each time."""

    def __init__(self, what: str, step: Callable[[], object], clock_s: Callable[[], float]) -> None:
        self._what = what
        self._step = step
        self._clock_s = clock_s
        self._backoff = Backoff()

    def take(self) -> None:
        """Runs the step, unless it pauses."""
        now_s = self._clock_s()
        if now_s < self._backoff.due_s:
            return
        try:
            self._step()
            self._backoff.succeeded()
        except BaseException as error:
            if not is_fault(error):
                raise
            report(self._what, error, again_in_s=self._backoff.failed(now_s))


def attempt(what: str, step: Callable[[], object]) -> bool:
    """Runs one of many independent steps; on an error logs it and returns False."""
    try:
        step()
    except BaseException as error:
        if not is_fault(error):
            raise
        report(what, error)
        return False
    return True


def watch_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Logs errors of callbacks and protocols, which have no other owner."""
    loop.set_exception_handler(_loop_fault)


def _loop_fault(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    log.error("error in the event loop", reason=context.get("message"), exc_info=context.get("exception"))
