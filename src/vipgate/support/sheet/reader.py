"""The process that reads a file with sheets and writes rows to standard output; `agent/sources/excel.py` starts one per poll.

Limited to MEMORY_BYTES_MAX of memory and CPU_S_MAX of CPU time, where the system supports it, and LOAD_S_MAX to open the
file. Exceeding a limit, or a panic or abort of the library, ends only this process.
"""

from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any, BinaryIO, Final
from zipfile import BadZipFile

import msgspec
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from vipgate.support.core_dumps import forbid_core_dumps
from vipgate.support.shared_files import open_shared
from vipgate.support.sheet.bounds import (
    CPU_S_MAX,
    LOAD_S_MAX,
    MEMORY_BYTES_MAX,
    cell_name,
    check_file,
    check_rectangle,
    check_sheet,
)
from vipgate.support.sheet.cells import BadCell
from vipgate.support.sheet.detect import FileKind, encoding_of, kind_of
from vipgate.support.sheet.errors import HalfWritten, NoSuchSheet, Odd, TooLarge
from vipgate.support.sheet.faults import Faults, is_encrypted, xls_faults
from vipgate.support.sheet.frames import (
    END,
    FAULT,
    HALF,
    MISSING,
    ODD,
    ROW,
    ROW_BYTES_MAX,
    SHEET,
    SKIPPED,
    TOO_LARGE,
    write_error,
    write_frame,
)
from vipgate.support.sheet.texts import TextRow, html_rows, xml_rows

_PLAIN: Final = (str, int, float, bool)
_OLE: Final = b"\xd0\xcf\x11\xe0"
_SHEETS_MAX: Final = 256
_PR_SET_PDEATHSIG: Final = 1

Row = list[Any]


def main() -> None:
    """Reads the first rows of all sheets (`heads`), or all rows of one (`rows`).

    The other arguments: the parent's process, path, encoding of a text or nothing, number of first rows, and the sheet.
    """
    forbid_core_dumps()
    _limit_process()
    out = sys.stdout.buffer
    what, parent, path, encoding, rows_max, *sheet = sys.argv[1:]
    _end_with(int(parent))
    # A C-level timer: it ends the process even while the library hangs.
    faulthandler.dump_traceback_later(LOAD_S_MAX, exit=True)
    try:
        with open_shared(Path(path)) as file:
            if what == "heads":
                _write_heads(file, encoding, int(rows_max), sheet, out)
            else:
                _write_sheet(file, encoding, sheet[0], out)
        write_frame(out, END, "")
    except BrokenPipeError:
        sys.exit(0)
    except BaseException as error:  # noqa: BLE001 - a panic of the library is no Exception
        write_error(out, _kind(error), error)
    with suppress(BrokenPipeError):
        out.flush()


def _kind(error: BaseException) -> bytes:
    if isinstance(error, TooLarge | MemoryError):
        return TOO_LARGE
    if isinstance(error, Odd):
        return ODD
    if isinstance(error, NoSuchSheet):
        return MISSING
    half = CalamineError | BadZipFile | HalfWritten | zlib.error | OSError | EOFError
    return HALF if isinstance(error, half) else FAULT


def _limit_process() -> None:
    if sys.platform != "win32":
        import resource

        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
            resource.setrlimit(resource.RLIMIT_CPU, (CPU_S_MAX, CPU_S_MAX + 5))


def _end_with(parent: int) -> None:
    """Ends this process with the thread that started it. Elsewhere than on Linux it ends when it writes its next row."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        # The parent may have ended before.
        if os.getppid() != parent:
            sys.exit(0)


def _write_heads(file: BinaryIO, encoding: str, rows_max: int, wanted: list[str], out: IO[bytes]) -> None:
    """Writes name and first rows of each sheet. One that is too large is skipped, unless all are."""
    kind = kind_of(file, encoding or None)
    if kind is not FileKind.WORKBOOK:
        _write_text_heads(_text_rows(file, kind, encoding), rows_max, wanted, out)
        return
    check_file(file)
    skipped: dict[str, TooLarge] = {}
    book = _opened(file)
    names = wanted or _names(book)
    for name in names:
        try:
            rows = _sheet_rows(file, book, name)
        except TooLarge as error:
            skipped[name] = error
            continue
        write_frame(out, SHEET, name)
        for row in islice(rows, rows_max):
            _write_row(row, out)
    if len(skipped) == len(names):
        raise skipped[names[0]]
    for name in skipped:
        write_frame(out, SKIPPED, name)


def _write_text_heads(rows: Iterable[TextRow], rows_max: int, wanted: list[str], out: IO[bytes]) -> None:
    # Rows of a table within a cell come before those of the table around it.
    heads: dict[str, list[Row]] = {}
    for table, row, values in rows:
        head = heads.setdefault(table, [])
        if len(heads) > _SHEETS_MAX:
            raise TooLarge("it has more than {limit} tables; save the one that is meant as a file", limit=_SHEETS_MAX)
        if row < rows_max:
            head += [[] for _ in range(row - len(head))]
            head.append(values)
    for name in wanted or heads:
        if name not in heads:
            raise NoSuchSheet(", ".join(heads))
        write_frame(out, SHEET, name)
        for values in heads[name]:
            _write_row(values, out)


def _write_sheet(file: BinaryIO, encoding: str, sheet: str, out: IO[bytes]) -> None:
    kind = kind_of(file, encoding or None)
    if kind is FileKind.WORKBOOK:
        check_file(file)
        rows = _sheet_rows(file, _opened(file), sheet)
        # It has been loaded: the file is closed, so that other programs can write it.
        file.close()
    else:
        rows = _table_rows(_text_rows(file, kind, encoding), sheet)
    faulthandler.cancel_dump_traceback_later()
    for number, row in enumerate(rows, 1):
        _write_row(row, out, number)


def _opened(file: BinaryIO) -> CalamineWorkbook:
    file.seek(0)
    try:
        return CalamineWorkbook.from_filelike(file)
    except CalamineError:
        # The library tries one format after the other, and tells nothing of the first.
        file.seek(0)
        if is_encrypted(file.read()):
            raise Odd("it is encrypted; save it without a password") from None
        raise


def _names(book: CalamineWorkbook) -> list[str]:
    """The sheets, those that are shown first."""
    sheets = book.sheets_metadata
    if not sheets:
        raise Odd("it has no sheet; save it again from the program that made it")
    if len(sheets) > _SHEETS_MAX:
        raise TooLarge(
            "it has {count} sheets, at most {limit} are read; save the one with the table as a file",
            count=len(sheets),
            limit=_SHEETS_MAX,
        )
    return [one.name for one in sorted(sheets, key=lambda one: "Visible" not in str(one.visible))]


def _sheet_rows(file: BinaryIO, book: CalamineWorkbook, name: str) -> Iterator[Row]:
    if name not in book.sheet_names:
        raise NoSuchSheet(", ".join(book.sheet_names))
    faults = check_sheet(file, name)
    found = book.get_sheet_by_name(name)
    if found.end is not None:
        check_rectangle(found.end[0] + 1, found.width, cell_name(*found.end))
    file.seek(0)
    if file.read(len(_OLE)) == _OLE:
        file.seek(0)
        faults = xls_faults(file.read(), book.sheet_names.index(name))
    return _with_faults(found, faults) if faults else found.iter_rows()


def _with_faults(sheet: CalamineSheet, faults: Faults) -> Iterator[Row]:
    first_column = 0 if sheet.start is None else sheet.start[1]
    by_row: dict[int, list[tuple[int, BadCell]]] = {}
    for (row, column), cell in faults.items():
        by_row.setdefault(row, []).append((column - first_column, cell))
    # Rows of such cells alone lie outside of what the library calls the sheet.
    last = max(by_row)
    check_rectangle(last + 1, sheet.width, cell_name(last, first_column))
    beyond: Iterator[Row] = ([""] * sheet.width for _ in range(sheet.height + (sheet.start or (0, 0))[0], last + 1))
    rows: Iterator[Row] = chain(sheet.iter_rows(), beyond)
    for number, values in enumerate(rows):
        for column, cell in by_row.get(number, ()):
            if 0 <= column < len(values):
                values[column] = cell
        yield values


def _text_rows(file: BinaryIO, kind: FileKind, encoding: str) -> Iterator[TextRow]:
    if kind is FileKind.TEXT:
        raise Odd("it is text, not a workbook")
    return (html_rows if kind is FileKind.HTML else xml_rows)(file, encoding or encoding_of(file))


def _table_rows(rows: Iterable[TextRow], sheet: str) -> Iterator[Row]:
    names: dict[str, None] = {}
    count = 0
    for table, row, values in rows:
        names[table] = None
        if table == sheet:
            for _ in range(count, row):
                yield []
            yield values
            count = row + 1
    if sheet not in names:
        raise NoSuchSheet(", ".join(names))


def _write_row(row: Row, out: IO[bytes], number: int = 0) -> None:
    frame = _encode([cell if type(cell) in _PLAIN else _packed(cell) for cell in row])
    if len(frame) > ROW_BYTES_MAX:
        raise TooLarge(
            "row {number} has {size} bytes, at most {limit} are read; shorten its cells",
            number=number,
            size=len(frame),
            limit=ROW_BYTES_MAX,
        )
    write_frame(out, ROW, frame)


_encode: Final = msgspec.msgpack.Encoder().encode


def _packed(cell: object) -> list[object]:
    if isinstance(cell, BadCell):
        return ["bad", cell.text, cell.fault]
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
