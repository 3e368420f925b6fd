"""Runs one job at a time that takes longer than a page may, and keeps its progress and its result."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from typing import Final, Literal

from vipgate.errors import VipgateError
from vipgate.i18n import LocalizedText
from vipgate.support.background import describe, start_thread

BUSY: Final = LocalizedText("另一项任务正在进行；请等它结束", "another job is running; wait for its end")
Kind = Literal["", "compare", "repair", "retry", "check"]


class Job:
    """The job that runs, or the last one. Pages read it while a thread works."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.kind: Kind = ""
        self.is_running = False
        self.rows = 0
        self.begun_us = 0
        self.ended_us = 0
        self.result: object = None
        self.error = ""

    def start(self, kind: Kind, work: Callable[[], object], clock_us: Callable[[], int]) -> bool:
        """Starts `work` in a thread, in the caller's language. Returns False if another job runs."""
        with self._lock:
            if self.is_running:
                return False
            self.kind, self.is_running, self.rows = kind, True, 0
            self.begun_us, self.ended_us, self.result, self.error = clock_us(), 0, None, ""
        context = contextvars.copy_context()

        def run() -> None:
            try:
                self.result = context.run(work)
            except VipgateError as error:
                self.error = str(error)
            finally:
                self.ended_us = clock_us()
                self.is_running = False

        def ended(error: BaseException) -> None:
            self.error = describe(error)

        start_thread(run, "vipgate-page-job", ended)
        return True
