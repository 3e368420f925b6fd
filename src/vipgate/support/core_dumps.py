"""Keeps what a process holds in memory, secrets among it, out of core dumps, as far as its system lets it."""

from __future__ import annotations

import ctypes
import sys
from typing import Final

try:
    import resource
except ImportError:  # Windows, which has no such limit.
    resource = None  # type: ignore[assignment]

_PR_SET_DUMPABLE: Final = 4


def forbid_core_dumps() -> None:
    """No core file, and on Linux neither a core for a collector nor another process of the same user that looks in.

    A process that is forked inherits both; one that runs another program has to ask anew.
    """
    if resource is not None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
