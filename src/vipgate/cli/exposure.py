"""Finds files that other users of the machine can access."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import structlog

from vipgate.support.private_files import find_exposed

log = structlog.get_logger()


def log_exposed(paths: Iterable[Path]) -> None:
    """Logs a warning for each of `paths` that other users can access."""
    for one in find_exposed(paths):
        log.warning("other users can access it", path=str(one.path), mode=f"{one.mode:04o}", remedy=one.remedy)
