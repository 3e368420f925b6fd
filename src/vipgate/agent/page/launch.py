"""The message by which the command starts the page's process, and how it does that."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Final

import msgspec

from vipgate.i18n import Language

# A heap for each thread would hold memory that only one of them uses.
ARENAS_MAX: Final = "1"


class Launch(msgspec.Struct, kw_only=True):
    """What the page's process needs to know; nothing in it is secret.

    `language` is that of what the process prints; `asked_language` that of the pages, if VIPGATE_LANGUAGE is set.
    """

    config: str
    spool: str | None
    port: int
    opens_browser: bool
    language: Language
    asked_language: Language | None = None


def run_page(launch: Launch) -> int:
    """Runs the page's process until it ends. Where the system can, it takes the place of this one and does not return."""
    words = [sys.executable, "-m", "vipgate.agent.page", msgspec.json.encode(launch).decode()]
    if os.name == "posix":
        sys.stdout.flush()
        os.execve(words[0], words, {**os.environ, "MALLOC_ARENA_MAX": ARENAS_MAX})  # noqa: S606 - this program itself
    return subprocess.run(words, check=False).returncode  # noqa: S603 - this program itself
