"""Sets up the log: one JSON object a line on standard error or into a file that rotates; secrets and plates never among them.

Nobody writes a plate into the log; where one comes along in the words of an error, it is hidden here.
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

from vipgate.support.address_masking import mask
from vipgate.support.private_files import (
    make_folder,
    open_private,
)

# 粤B12345, 粤BD12345, 粤B1234学: a province, a letter, five or six more.
_PLATE = re.compile(r"([\u4e00-\u9fff][A-Z])[A-Z0-9]{3,4}([A-Z0-9][A-Z0-9\u4e00-\u9fff])")
_render = structlog.processors.JSONRenderer(ensure_ascii=False)
# What a database adds to an error, in a traceback: the row that it was about.
_ROW = re.compile(r"^(DETAIL|CONTEXT|QUERY): .*$", re.MULTILINE)


def set_up_logs(file: Path | None = None, *, bytes_max: int = 0, keep: int = 0) -> None:
    """To be called once, by the process's first function. A `file` is begun anew at `bytes_max`; `keep` old ones stay."""
    if file is not None:
        make_folder(file.parent)
        handler = _PrivateFileHandler(file, maxBytes=bytes_max, backupCount=keep, encoding="utf-8")
        logging.basicConfig(handlers=[handler], format="%(message)s", level=logging.INFO)
        logging.getLogger("httpx").setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _without_rows,
            _without_passwords,
            _rendered,
        ],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr) if file is None else structlog.stdlib.LoggerFactory(),
    )
    # Threads of libraries, and what ends the process: nothing may end with no line in the log.
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
    """What a command without a log shows of a fault, on standard error: the traceback without passwords."""
    sys.stderr.write(mask("".join(traceback.format_exception(kind, error, trace))))


def _without_rows(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    if "exception" in event:
        event["exception"] = _ROW.sub(r"\1: …", event["exception"])
    return event


def _without_passwords(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {name: _masked(value) for name, value in event.items()}


def _masked(value: object) -> object:
    """Numbers and the like as they are; what the renderer would turn into text, as text."""
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
    """`text` with the middle of every plate hidden."""
    return _PLATE.sub(r"\1***\2", text)


def adopt_library_logs() -> None:
    """Warnings and errors of libraries take the same way, as lines of the same kind."""
    logging.basicConfig(handlers=[_Adopted()], level=logging.WARNING, force=True)


class _PrivateFileHandler(RotatingFileHandler):
    """Makes its files with mode 0600, whatever the umask."""

    def _open(self) -> TextIOWrapper:
        return open(self.baseFilename, "a", encoding=self.encoding, opener=open_private)


class _Adopted(logging.Handler):
    """Hands a library's record on."""

    def emit(self, record: logging.LogRecord) -> None:
        """One record."""
        say = (
            structlog.get_logger(record.name).error
            if record.levelno >= logging.ERROR
            else structlog.get_logger(record.name).warning
        )
        say(record.getMessage().strip(), exc_info=record.exc_info)
