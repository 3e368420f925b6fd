"""Processor time is counted for the thread or process that used it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from bench.cpu import COMMIT_THREAD, CpuTimes, read_cpu

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")

# Two threads that work until they have used so much, then say so and wait.
_WORKER = """
import sys, threading, time
from vipgate.support.background import start_thread

def work(seconds):
    while time.thread_time() < seconds:
        pass

def commit():
    work(0.4)
    ready.set()
    threading.Event().wait()

ready = threading.Event()
start_thread(commit, sys.argv[1])
threading.Thread(target=work, args=(0.2,)).start()
ready.wait()
work(0.3)
print("ready", flush=True)
sys.stdin.read()
"""


@contextmanager
def worker(commit_thread: str) -> Iterator[int]:
    command = [sys.executable, "-c", _WORKER, commit_thread]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield process.pid
        process.kill()


def test_threads_are_told_apart_and_one_that_has_ended_counts_too() -> None:
    with worker(COMMIT_THREAD) as pid:
        used = read_cpu(pid, None)
    assert used.loop_s >= 0.25
    assert used.commit_s >= 0.35
    assert used.other_s >= 0.15
    assert used.database_s == 0
    assert used.total_s == pytest.approx(used.loop_s + used.commit_s + used.other_s)


def test_server_without_a_commit_thread_is_counted_by_its_own_process() -> None:
    with worker("another") as pid:
        used = read_cpu(pid, None)
    assert used.commit_s == 0
    assert used.other_s >= 0.55


def test_database_server_counts_with_its_children_also_those_that_have_ended() -> None:
    before_s = read_cpu(os.getpid(), os.getpid()).database_s
    busy = "import time\nwhile time.process_time() < 0.5: pass"
    subprocess.run([sys.executable, "-c", busy], check=True, timeout=60)
    assert read_cpu(os.getpid(), os.getpid()).database_s - before_s >= 0.45


def test_time_between_two_readings_is_their_difference() -> None:
    used = CpuTimes(3.0, 2.0, 1.0, 5.0).since(CpuTimes(1.0, 1.5, 1.0, 4.0))
    assert used == CpuTimes(2.0, 0.5, 0.0, 1.0)
    assert used.scaled(10).total_s == 35
