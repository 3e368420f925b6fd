"""Sets up logging: JSON lines on standard error or in a rotating file, without secrets and plates.

The code never logs plates; those in error texts are masked here.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
import traceback
from functools import partial
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType

import structlog
from structlog.typing import EventDict, WrappedLogger

from vipgate.i18n import tr
from vipgate.support.address_masking import mask
from vipgate.support.private_files import make_folder, open_private

# 粤B12345, 粤BD12345, 粤B1234学: a province, a letter, five or six more; 使014578, WJ粤12345.
_PLATE = re.compile(
    r"([\u4e00-\u9fff][A-Z]|[使领]\d|WJ[\u4e00-\u9fff])[A-Z0-9]{3,4}([A-Z0-9](?:[A-Z0-9]|[\u4e00-\u9fff](?![A-Z0-9])))"
)
_render = structlog.processors.JSONRenderer(ensure_ascii=False)
# Database errors quote row data in these lines of a traceback.
_ROW = re.compile(r"^(DETAIL|CONTEXT|QUERY): .*$", re.MULTILINE)


def set_up_logs(file: Path | None = None, *, bytes_max: int = 0, keep: int = 0) -> None:
    """Configures logging; call it once at process start. A `file` rotates at `bytes_max` bytes; `keep` old files stay."""
    if file is not None:
        make_folder(file.parent)
        handler = _PrivateFileHandler(file, maxBytes=bytes_max, backupCount=keep, encoding="utf-8")
        logging.basicConfig(handlers=[handler], format="%(message)s", level=logging.INFO)
        logging.getLogger("httpx").setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            _in_language,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _without_rows,
            _without_passwords,
            _rendered,
        ],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr) if file is None else structlog.stdlib.LoggerFactory(),
    )
    # Log uncaught errors too, of libraries' threads and of the process.
    threading.excepthook = _thread_ended
    sys.excepthook = partial(_process_ended, file is not None)


def _thread_ended(given: threading.ExceptHookArgs) -> None:
    name = given.thread.name if given.thread is not None else "a thread"
    structlog.get_logger().error("ended by a fault", what=name, exc_info=given.exc_value)


def _process_ended(show: bool, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    structlog.get_logger().critical("the process ended by a fault", exc_info=(kind, error, trace))
    if show:
        show_traceback(kind, error, trace)


def show_traceback(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Prints a traceback without passwords on standard error, for commands without a log."""
    sys.stderr.write(mask("".join(traceback.format_exception(kind, error, trace))))


def _in_language(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Translates the event. Its other members, and their names, stay as they are."""
    event["event"] = tr(str(event["event"]))
    return event


def _without_rows(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    if "exception" in event:
        event["exception"] = _ROW.sub(r"\1: …", event["exception"])
    return event


def _without_passwords(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {name: _masked(value) for name, value in event.items()}


def _masked(value: object) -> object:
    """Masks passwords in a log value; objects become text, as the renderer would do."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple):
        return [_masked(one) for one in value]
    if isinstance(value, dict):
        return {name: _masked(one) for name, one in value.items()}
    return mask(value if isinstance(value, str) else repr(value))


def _rendered(logger: WrappedLogger, name: str, event: EventDict) -> str:
    return hide_plates(str(_render(logger, name, event)))


def hide_plates(text: str) -> str:
    """Masks the middle of every plate in `text`."""
    return _PLATE.sub(r"\1***\2", text)


def adopt_library_logs() -> None:
    """Routes libraries' warnings and errors through structlog."""
    logging.basicConfig(handlers=[_Adopted()], level=logging.WARNING, force=True)


class _PrivateFileHandler(RotatingFileHandler):
    """A rotating handler that creates files with mode 0600."""

    def _open(self) -> TextIOWrapper:
        return open(self.baseFilename, "a", encoding=self.encoding, opener=open_private)


class _Adopted(logging.Handler):
    """Passes a library's log records to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        """Logs one record."""
        say = (
            structlog.get_logger(record.name).error
            if record.levelno >= logging.ERROR
            else structlog.get_logger(record.name).warning
        )
        say(record.getMessage().strip(), exc_info=record.exc_info)
