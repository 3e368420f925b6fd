"""Starts the agent in the background, and stops the one that this page has started."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Final

from vipgate.agent.config import Config
from vipgate.errors import UsageError
from vipgate.i18n import current_language, tr
from vipgate.support.private_files import open_private

# A wrong configuration ends the agent within this time.
STARTED_S: Final = 3.0
# A person waits for the answer: an agent that ends later is shown as ending until then.
STOP_S: Final = 10.0
ERROR_BYTES_MAX: Final = 4_000


class AgentProcess:
    """`vipgate agent run` as a process of its own, which goes on when the page ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._is_told_to_end = False

    @property
    def is_ours(self) -> bool:
        """Whether the agent that this page has started still runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def is_ending(self) -> bool:
        """Whether the agent that this page has started was told to end, and still runs."""
        return self._is_told_to_end and self.is_ours

    @property
    def has_ended(self) -> bool:
        """Whether this page has started an agent that does not run any more."""
        return self._process is not None and self._process.poll() is not None

    def start(self, config: Config, spool: Path, *, replace: bool = False) -> None:
        """Starts the agent, in the language of the page. Raises UsageError with what it says if it ends at once."""
        if config.log.file is None:
            # What it writes without a window would grow without bound.
            raise UsageError(
                tr(
                    'In the background the agent needs a log file: add [log] file = "park.log" to {path}.',
                    path=config.path,
                )
            )
        words = [sys.executable, "-m", "vipgate", "agent", "run", str(config.path), "--spool", str(spool)]
        # What it writes is read on the page.
        words += ["--language", current_language()]
        if replace:
            words += ["--replace", "--yes"]
        said = spool.with_name(f"{spool.name}.start.log")
        with self._lock:
            if self.is_ours:
                return
            self._is_told_to_end = False
            with open(said, "wb", opener=open_private) as output:
                self._process = subprocess.Popen(  # noqa: S603 - this program, with paths of the configuration
                    words, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=config.path.parent, **_detached()
                )
            try:
                status = self._process.wait(STARTED_S)
            except subprocess.TimeoutExpired:
                return
        if status:
            text = said.read_bytes()[-ERROR_BYTES_MAX:].decode("utf-8", "replace").strip()
            raise UsageError(
                text or tr("vipgate agent run ended with status {status}; look into its log.", status=status)
            )

    def stop(self) -> bool:
        """Ends the agent that this page has started, once its requests are answered. Returns False if it takes longer."""
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                return True
            self._is_told_to_end = True
            self._process.terminate()
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                return False
            return True


def _detached() -> dict[str, Any]:
    """Options that keep the agent running when the page's console is closed."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}
