"""Sets up the log: one JSON object a line on standard error or into a file that rotates, secrets never among them."""

from __future__ import annotations

import logging
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

import structlog


def set_up_logs(file: Path | None = None, *, bytes_max: int = 0, keep: int = 0) -> None:
    """To be called once, by the process's first function. A `file` is begun anew at `bytes_max`; `keep` old ones stay."""
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(file, maxBytes=bytes_max, backupCount=keep, encoding="utf-8")
        logging.basicConfig(handlers=[handler], format="%(message)s", level=logging.INFO)
        logging.getLogger("httpx").setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr) if file is None else structlog.stdlib.LoggerFactory(),
    )
