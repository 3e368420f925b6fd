"""Reads a sheet of an Excel or OpenDocument file in a separate process (docs/decisions/019-sheet-process.md)."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import IO, Final

from vipgate.agent.config import SourceConfig
from vipgate.agent.sources.base import SourceFault, SourceRow, SourceTooLarge, SourceUnavailable
from vipgate.agent.sources.files import FileSource, check_columns, row_of
from vipgate.errors import UsageError
from vipgate.support.sheet.bounds import CPU_S_MAX, LOAD_S_MAX, MEMORY_BYTES_MAX, REMEDY
from vipgate.support.sheet.frames import END, HALF, MISSING, ODD, ROW, TOO_LARGE, Cut, read_frame, row_in

_READER: Final = (sys.executable, "-P", "-m", "vipgate.support.sheet.reader")
_SAID_BYTES_MAX: Final = 4_096
_STOP_S: Final = 5.0
# Messages of Rust, Python and its watchdog before they end the process.
_OUT_OF_MEMORY: Final = (b"memory allocation of", b"MemoryError", b"capacity overflow")
_SIGXCPU: Final = 24
_OUT_OF_TIME: Final = b"Timeout ("


class ExcelSource(FileSource):
    """One sheet of an Excel file."""

    def __init__(self, path: Path, config: SourceConfig) -> None:
        super().__init__(path)
        self._sheet = config.sheet
        self._header_line = config.header_line
        rows = self._lines()
        try:
            header = next((values for line, values in rows if line == self._header_line), [])
        finally:
            rows.close()
        self.columns = [str(name).strip() for name in header]
        check_columns(path, self.columns)
        if not any(self.columns):
            raise UsageError(f"{path} has no row {self._header_line} with the columns' names; fix source.header_line")

    def _lines(self) -> Generator[tuple[int, list[object]], None, None]:
        """Yields rows with their numbers in the sheet. The file is closed before the first, so that others can write it."""
        with self._translated():
            self._path.stat()
            with tempfile.TemporaryFile() as stderr, self._process(stderr) as process:
                try:
                    yield from enumerate(self._rows(process, stderr), 1)
                finally:
                    process.kill()

    def _process(self, stderr: IO[bytes]) -> subprocess.Popen[bytes]:
        words = [*_READER, str(self._path), *([] if self._sheet is None else [self._sheet])]
        environment = {name: text for name, text in os.environ.items() if not name.startswith("VIPGATE_")}
        return subprocess.Popen(  # noqa: S603 - our own interpreter and module
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=environment,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )

    def _rows(self, process: subprocess.Popen[bytes], stderr: IO[bytes]) -> Iterator[list[object]]:
        if process.stdout is None:
            return
        while True:
            try:
                kind, raw = read_frame(process.stdout)
            except Cut:
                raise self._broken(process, stderr) from None
            if kind == END:
                return
            if kind != ROW:
                raise self._fault(kind, raw.decode("utf-8", "replace"))
            yield row_in(raw)

    def _fault(self, kind: bytes, text: str) -> SourceUnavailable | UsageError:
        if kind == TOO_LARGE:
            return SourceTooLarge(f"{self._path} is too large: {text}")
        if kind == MISSING:
            return UsageError(f"{self._path} has no sheet {self._sheet}, only {text}; fix source.sheet")
        if kind == HALF:
            return SourceUnavailable(f"{self._path} is no Excel file, or half written: {text}")
        if kind == ODD:
            return SourceFault(f"{self._path} cannot be read: {text}")
        return SourceFault(f"{self._path} cannot be read: {text}; save it again, or as CSV")

    def _broken(self, process: subprocess.Popen[bytes], stderr: IO[bytes]) -> SourceFault:
        """The error for a process that ended without reporting one."""
        try:
            status = process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            return SourceFault(f"{self._path} cannot be read: its reader says nothing that can be understood")
        stderr.seek(0)
        text = stderr.read(_SAID_BYTES_MAX)
        if any(sign in text for sign in _OUT_OF_MEMORY):
            return SourceTooLarge(
                f"{self._path} is too large: it takes more memory to read than there may be used "
                f"({MEMORY_BYTES_MAX // 2**20} MiB); {REMEDY}"
            )
        if _OUT_OF_TIME in text:
            return SourceTooLarge(f"{self._path} is too large: it takes more than {LOAD_S_MAX} s to open; {REMEDY}")
        if status == -_SIGXCPU:
            return SourceTooLarge(f"{self._path} is too large: it takes more than {CPU_S_MAX} s of CPU; {REMEDY}")
        last = text.decode("utf-8", "replace").strip().partition("\n")[0]
        return SourceFault(f"{self._path} cannot be read: its reader ended with status {status}: {last or 'no word'}")

    def scan(self) -> Iterator[SourceRow]:
        """See `Source.scan`."""
        for line, values in self._lines():
            if line > self._header_line and any(str(value).strip() for value in values):
                yield row_of(f"row {line}", values, len(self.columns))
