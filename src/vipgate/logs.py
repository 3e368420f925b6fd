"""Sets up the log: one JSON object a line on standard error, secrets never among them."""

from __future__ import annotations

import sys

import structlog


def set_up_logs() -> None:
    """To be called once, by the process's first function."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )
