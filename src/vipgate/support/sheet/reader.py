"""The process that reads one sheet and writes its rows to standard output; `agent/sources/excel.py` starts one per poll.

Limited to MEMORY_BYTES_MAX of memory and CPU_S_MAX of CPU time, where the system supports it, and LOAD_S_MAX to open the
file. Exceeding a limit, or a panic or abort of the library, ends only this process.
"""

from __future__ import annotations

import faulthandler
import sys
import zlib
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import IO, Any, Final
from zipfile import BadZipFile

import msgspec
from python_calamine import CalamineError, CalamineWorkbook, PasswordError

from vipgate.support.core_dumps import forbid_core_dumps
from vipgate.support.sheet.bounds import (
    CPU_S_MAX,
    LOAD_S_MAX,
    MEMORY_BYTES_MAX,
    NoSuchSheet,
    Odd,
    TooLarge,
    cell_name,
    check,
    check_rectangle,
)
from vipgate.support.sheet.frames import END, FAULT, HALF, MISSING, ODD, ROW, ROW_BYTES_MAX, TOO_LARGE, write_frame

_PLAIN: Final = (str, int, float, bool)


def main() -> None:
    """Reads the sheet given by the arguments: the path, and optionally the sheet name (default: the first)."""
    forbid_core_dumps()
    _limit_process()
    out = sys.stdout.buffer
    path, sheet = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
    # A C-level timer: it ends the process even while the library hangs.
    faulthandler.dump_traceback_later(LOAD_S_MAX, exit=True)
    try:
        rows = _load(Path(path), sheet)
        faulthandler.cancel_dump_traceback_later()
        _write(rows, out)
    except BrokenPipeError:
        sys.exit(0)
    except BaseException as error:  # noqa: BLE001 - a panic of the library is no Exception
        write_frame(out, _kind(error), str(error) or type(error).__name__)
    with suppress(BrokenPipeError):
        out.flush()


def _kind(error: BaseException) -> bytes:
    if isinstance(error, TooLarge | MemoryError):
        return TOO_LARGE
    if isinstance(error, Odd):
        return ODD
    if isinstance(error, NoSuchSheet):
        return MISSING
    return HALF if isinstance(error, CalamineError | BadZipFile | zlib.error | OSError | EOFError) else FAULT


def _limit_process() -> None:
    if sys.platform != "win32":
        import resource

        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
            resource.setrlimit(resource.RLIMIT_CPU, (CPU_S_MAX, CPU_S_MAX + 5))


def _load(path: Path, sheet: str | None) -> Iterator[list[Any]]:
    """Loads the rows and closes the file, so that other programs can write it."""
    check(path, sheet)
    try:
        with CalamineWorkbook.from_path(str(path)) as book:
            names = book.sheet_names
            if not names:
                raise Odd("it has no sheet; save it again from the program that made it")
            if sheet is not None and sheet not in names:
                raise NoSuchSheet(", ".join(names))
            found = book.get_sheet_by_name(sheet or names[0])
    except PasswordError:
        raise Odd("it is encrypted; save it without a password") from None
    if found.end is not None:
        check_rectangle(found.end[0] + 1, found.width, cell_name(*found.end))
    return found.iter_rows()


def _write(rows: Iterator[list[Any]], out: IO[bytes]) -> None:
    encode = msgspec.msgpack.Encoder().encode
    for number, row in enumerate(rows, 1):
        frame = encode([cell if type(cell) in _PLAIN else _packed(cell) for cell in row])
        if len(frame) > ROW_BYTES_MAX:
            raise TooLarge(f"row {number} has {len(frame)} bytes, at most {ROW_BYTES_MAX} are read; shorten its cells")
        write_frame(out, ROW, frame)
    write_frame(out, END, "")


def _packed(cell: object) -> list[object]:
    if isinstance(cell, datetime):
        return ["datetime", cell.isoformat()]
    if isinstance(cell, date):
        return ["date", cell.isoformat()]
    if isinstance(cell, time):
        return ["time", cell.isoformat()]
    if isinstance(cell, timedelta):
        return ["timedelta", cell.days, cell.seconds, cell.microseconds]
    return ["text", str(cell)]


if __name__ == "__main__":
    main()
