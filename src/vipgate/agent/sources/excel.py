"""Reads a sheet in a separate process (docs/decisions/019-sheet-process.md): Excel, OpenDocument, HTML, XML Spreadsheet 2003."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Collection, Generator, Iterator
from pathlib import Path
from typing import IO, Final, NamedTuple

from vipgate.agent.config import SourceConfig
from vipgate.agent.sources.base import SourceFault, SourceRow, SourceTooLarge, SourceUnavailable
from vipgate.agent.sources.file_source import FileSource, translated
from vipgate.agent.sources.header import header_at
from vipgate.agent.sources.table import HEAD_LINES, Header, find_header, first_line
from vipgate.errors import UsageError
from vipgate.i18n import tr
from vipgate.support.sheet.bounds import CPU_S_MAX, LOAD_S_MAX, MEMORY_BYTES_MAX, REMEDY
from vipgate.support.sheet.frames import (
    END,
    HALF,
    MISSING,
    ODD,
    ROW,
    SHEET,
    SKIPPED,
    TOO_LARGE,
    Cut,
    error_text,
    read_frame,
    row_in,
)

_READER: Final = (sys.executable, "-P", "-m", "vipgate.support.sheet.reader")
_SAID_BYTES_MAX: Final = 4_096
_STOP_S: Final = 5.0
# Messages of Rust, Python and its watchdog before they end the process.
_OUT_OF_MEMORY: Final = (b"memory allocation of", b"MemoryError", b"capacity overflow")
_SIGXCPU: Final = 24
_OUT_OF_TIME: Final = b"Timeout ("


class _Head(NamedTuple):
    """The first rows of a sheet."""

    sheet: str
    rows: list[list[object]]


class ExcelSource(FileSource):
    """One sheet of a file that is not plain text."""

    def __init__(self, path: Path, config: SourceConfig, names: Collection[str] = ()) -> None:
        super().__init__(path)
        self._encoding = config.encoding or ""
        self._sheet = config.sheet or ""
        self._skipped: list[str] = []
        line = config.header_line
        # One more: a header may have a second line.
        heads = self._heads(max(HEAD_LINES, line or 0) + 1, config.sheet)
        scored = [
            (head, find_header(head.rows if line is None else head.rows[line - 1 : line], names)) for head in heads
        ]
        head, found = max(scored, key=lambda one: (one[1].score if one[1] else 0, first_line(one[0].rows) is not None))
        self._sheet, at = head.sheet, self._line_of(head, found, line)
        rows: dict[int, list[object]] = dict(enumerate(head.rows, 1))
        before, after = ((one, rows[one]) if one in rows else None for one in (at - 1, at + 1))
        self._use_header(header_at(at, rows.get(at, []), before, after))
        if not any(self.columns):
            raise UsageError(self._no_header(at, [head.sheet for head in heads]))
        self._note_others([head.sheet for head, other in scored if found and other and other.score * 2 >= found.score])

    def _no_header(self, row: int, sheets: list[str]) -> str:
        """The message for a sheet without a line of names."""
        if len(sheets) == 1:
            return tr(
                "{path} has no row {row} with the columns' names; fix source.header_line",
                path=self._path,
                row=row,
            )
        return tr(
            "{path} has no row {row} with the columns' names; fix source.header_line or source.sheet (it has {sheets})",
            path=self._path,
            row=row,
            sheets=", ".join(sheets),
        )

    def _line_of(self, head: _Head, found: Header | None, given: int | None) -> int:
        if given is not None:
            return given
        if found is not None:
            return found.place + 1
        first = first_line(head.rows)
        if first is not None:
            self._header_unknown(first + 1)
        return 1 if first is None else first + 1

    def _note_others(self, sheets: list[str]) -> None:
        others = [name for name in sheets if name != self._sheet]
        if others:
            self._warn(
                tr(
                    "sheet {sheet} of {path} is read; {others} hold tables, too, and are not: set source.sheet "
                    "(vipgate push: --sheet), and make a configuration for each",
                    sheet=self._sheet,
                    path=self._path,
                    others=", ".join(others),
                )
            )
        if self._skipped:
            self._warn(
                tr(
                    "{path}: {sheets} not looked at, because too large",
                    path=self._path,
                    sheets=", ".join(self._skipped),
                )
            )

    def _heads(self, rows_max: int, sheet: str | None) -> list[_Head]:
        heads: list[_Head] = []
        words = ["heads", str(rows_max), *([] if sheet is None else [sheet])]
        for kind, raw in self._frames(*words):
            if kind == ROW:
                heads[-1].rows.append(row_in(raw))
            elif kind == SHEET:
                heads.append(_Head(raw.decode("utf-8", "replace"), []))
            else:
                self._skipped.append(raw.decode("utf-8", "replace"))
        return heads

    def _frames(self, what: str, rows_max: str, *sheet: str) -> Generator[tuple[bytes, bytes], None, None]:
        """Yields what the process writes. Raises the error that it reports."""
        with (
            translated(self._path),
            tempfile.TemporaryFile() as stderr,
            self._process(stderr, what, str(os.getpid()), str(self._path), self._encoding, rows_max, *sheet) as process,
        ):
            try:
                yield from self._read(process, stderr)
            finally:
                process.kill()

    def _process(self, stderr: IO[bytes], *words: str) -> subprocess.Popen[bytes]:
        environment = {name: text for name, text in os.environ.items() if not name.startswith("VIPGATE_")}
        return subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [*_READER, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=environment,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )

    def _read(self, process: subprocess.Popen[bytes], stderr: IO[bytes]) -> Iterator[tuple[bytes, bytes]]:
        if process.stdout is None:
            return
        while True:
            try:
                kind, raw = read_frame(process.stdout)
            except Cut:
                raise self._broken(process, stderr) from None
            if kind == END:
                return
            if kind not in (ROW, SHEET, SKIPPED):
                raise self._fault(kind, error_text(raw))
            yield kind, raw

    def _fault(self, kind: bytes, text: str) -> SourceUnavailable | UsageError:
        if kind == TOO_LARGE:
            return SourceTooLarge(tr("{path} is too large: {text}", path=self._path, text=text))
        if kind == MISSING:
            return UsageError(
                tr(
                    "{path} has no sheet {sheet}, only {text}; fix source.sheet (vipgate push: --sheet)",
                    path=self._path,
                    sheet=self._sheet,
                    text=text,
                )
            )
        if kind == HALF:
            return SourceUnavailable(tr("{path} is no Excel file, or half written: {text}", path=self._path, text=text))
        if kind == ODD:
            return SourceFault(tr("{path} cannot be read: {text}", path=self._path, text=text))
        return SourceFault(tr("{path} cannot be read: {text}; save it again, or as CSV", path=self._path, text=text))

    def _broken(self, process: subprocess.Popen[bytes], stderr: IO[bytes]) -> SourceFault:
        """The error for a process that ended without reporting one."""
        try:
            status = process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            return SourceFault(
                tr("{path} cannot be read: its reader says nothing that can be understood", path=self._path)
            )
        stderr.seek(0)
        text = stderr.read(_SAID_BYTES_MAX)
        if any(sign in text for sign in _OUT_OF_MEMORY):
            return SourceTooLarge(
                tr(
                    "{path} is too large: it takes more memory to read than there may be used ({limit_mib} MiB); "
                    "{remedy}",
                    path=self._path,
                    limit_mib=MEMORY_BYTES_MAX // 2**20,
                    remedy=tr(REMEDY),
                )
            )
        if _OUT_OF_TIME in text:
            return SourceTooLarge(
                tr(
                    "{path} is too large: it takes more than {limit_s} s to open; {remedy}",
                    path=self._path,
                    limit_s=LOAD_S_MAX,
                    remedy=tr(REMEDY),
                )
            )
        if status == -_SIGXCPU:
            return SourceTooLarge(
                tr(
                    "{path} is too large: it takes more than {limit_s} s of CPU; {remedy}",
                    path=self._path,
                    limit_s=CPU_S_MAX,
                    remedy=tr(REMEDY),
                )
            )
        last = text.decode("utf-8", "replace").strip().partition("\n")[0] or tr("no word")
        return SourceFault(
            tr(
                "{path} cannot be read: its reader ended with status {status}: {last}",
                path=self._path,
                status=status,
                last=last,
            )
        )

    def found(self) -> SourceConfig:
        """See `FileSource.found`."""
        return SourceConfig(sheet=self._sheet, header_line=self._header.first)

    def scan(self) -> Iterator[SourceRow]:
        """See `Source.scan`."""
        self._begin_scan()
        frames = enumerate(self._frames("rows", "0", self._sheet), 1)
        yield from self._rows(((line, row_in(raw)) for line, (_, raw) in frames), "row")
        self._end_scan()
