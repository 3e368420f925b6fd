"""Disables core dumps, which would contain secrets, as far as the system allows."""

from __future__ import annotations

import ctypes
import sys
from typing import Final

try:
    import resource
except ImportError:  # Windows has no such limit.
    resource = None  # type: ignore[assignment]

_PR_SET_DUMPABLE: Final = 4


def forbid_core_dumps() -> None:
    """Disables core files; on Linux also core collectors and ptrace by other processes of the same user.

    Forked processes inherit this; a process that executes another program must call it again.
    """
    if resource is not None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
