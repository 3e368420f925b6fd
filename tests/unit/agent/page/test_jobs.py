"""One job at a time."""

from __future__ import annotations

import threading
import time

from vipgate.agent.page.jobs import Job
from vipgate.errors import UsageError
from vipgate.i18n import current_language, language_of_context


def wait(job: Job) -> None:
    for _ in range(200):
        if not job.is_running:
            return
        time.sleep(0.02)


def test_second_job_waits_for_the_end_of_the_first() -> None:
    job, gate = Job(), threading.Event()
    assert job.start("compare", lambda: gate.wait(10), lambda: 1)
    assert not job.start("retry", lambda: 2, lambda: 1)
    gate.set()
    wait(job)
    assert (job.kind, job.result) == ("compare", True)


def test_job_speaks_the_language_of_the_request_and_keeps_its_error() -> None:
    job = Job()

    def fail() -> None:
        raise UsageError(current_language())

    with language_of_context("zh"):
        job.start("compare", fail, lambda: 1)
    wait(job)
    assert job.error == "zh"


def test_job_that_fails_by_a_fault_says_so() -> None:
    job = Job()
    job.start("compare", lambda: 1 // 0, lambda: 1)
    wait(job)
    for _ in range(100):
        if job.error:
            break
        time.sleep(0.02)
    assert "ZeroDivisionError" in job.error
