"""Loads the modules of the later steps of the set-up, the database library among them, while a person fills in the first."""

from __future__ import annotations

import threading
from importlib import import_module
from typing import Final

import structlog

from vipgate.support.background import describe, start_thread

MODULES: Final = (
    "vipgate.agent.page.views.setup_source",
    "vipgate.agent.page.views.setup_mapping",
    "vipgate.agent.page.views.setup_key",
    "vipgate.agent.page.views.setup_preview",
    "vipgate.agent.page.views.setup_start",
    "vipgate.agent.setup.tables",
    "vipgate.agent.sources.sql",
)
_begun = threading.Event()
log = structlog.get_logger("vipgate.agent.page")


def preload_setup() -> None:
    """Starts the loading, once in the life of the process. The step that comes first waits for what it needs itself."""
    if not _begun.is_set():
        _begun.set()
        start_thread(_load, "vipgate-page-preload", _failed)


def _load() -> None:
    for name in MODULES:
        import_module(name)


def _failed(error: BaseException) -> None:
    # The step that needs the module fails again, and says so on its page.
    log.warning("preload failed", reason=describe(error))
