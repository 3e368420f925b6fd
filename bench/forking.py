"""Runs one piece of work in a process of its own that inherits what is prebuilt, and hands its result back."""

from __future__ import annotations

import gc
import multiprocessing
import resource
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, Final, TypeVar

T = TypeVar("T")

# Forked, not spawned: a hundred megabytes of requests are there at once, without a copy.
_FORK: Final = multiprocessing.get_context("fork")
_END_S: Final = 10.0


class BenchError(Exception):
    """The bench cannot give a figure that it could stand for."""


class Forked:
    """A process that runs `work(pipe)`; the other end of the pipe is ours."""

    def __init__(self, work: Callable[[Connection], Any]) -> None:
        self._pipe, theirs = _FORK.Pipe()
        self._process = _FORK.Process(target=_run, args=(work, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def send(self, word: object) -> None:
        """Sends the process a message."""
        self._pipe.send(word)

    def has_said(self, within_s: float) -> bool:
        """Whether there is something to receive, waited for until then."""
        return self._pipe.poll(within_s)

    def receive(self, within_s: float) -> Any:
        """What the process says next. Raises BenchError where it fails or says nothing within `within_s`."""
        if not self._pipe.poll(within_s):
            raise BenchError(f"A process of the bench said nothing for {within_s:g} s.")
        try:
            word = self._pipe.recv()
        except EOFError:
            raise BenchError("A process of the bench died; its last words are above.") from None
        if isinstance(word, BenchError):
            raise word
        return word

    def end(self) -> None:
        """Waits until it is gone, and helps where it does not go."""
        self._process.join(_END_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._pipe.close()


def forked(work: Callable[[], T], within_s: float) -> T:
    """The result of `work()`, done in a process of its own within `within_s`. Raises BenchError."""
    process = Forked(lambda pipe: pipe.send(work()))
    try:
        result: T = process.receive(within_s)
        return result
    finally:
        process.end()


def _run(work: Callable[[Connection], Any], pipe: Connection) -> None:
    # A collection would look through everything inherited, and copy its pages.
    gc.disable()
    try:
        work(pipe)
    except BenchError as error:
        pipe.send(error)


def raise_descriptor_limit(wanted: int) -> None:
    """Room for `wanted` descriptors in this process and those it starts. Raises BenchError."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise BenchError(f"{wanted} open files are needed, the system allows {hard}; raise it: ulimit -Hn {wanted}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
