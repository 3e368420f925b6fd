"""Reads a park's CSV files, in any encoding and with any delimiter, line by line; holds the base of file sources."""

from __future__ import annotations

import codecs
import csv
import re
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from vipgate.agent.config import SourceConfig
from vipgate.agent.sources.base import CursorValue, SourceFault, SourceRow, SourceTooLarge, SourceUnavailable
from vipgate.errors import UsageError
from vipgate.i18n import LocalizedText

CELL_CHARS_MAX: Final = 1024 * 1024
LINE_CHARS_MAX: Final = 4 * CELL_CHARS_MAX
# A record spans several lines if a cell does.
RECORD_CHARS_MAX: Final = 4 * LINE_CHARS_MAX
COLUMNS_MAX: Final = 1_024
# A last line without a line end counts as complete if the file has not changed for this long.
SETTLED_S: Final = 1.0
# Ctrl-Z, the end-of-file mark of DOS programs; some pad the last block with it.
DOS_END: Final = "\x1a"
SAMPLE_CHARS: Final = 64 * 1024
CHUNK_BYTES: Final = 1024 * 1024
DELIMITERS: Final = ",;\t|"
# Files labelled with a smaller charset often use the larger one; a byte order mark is not text.
_LARGER: Final = {"gbk": "gb18030", "gb2312": "gb18030", "utf-8": "utf-8-sig", "utf8": "utf-8-sig"}


class FileSource:
    """Base of file sources. A file has no cursor: its rows are compared with what was sent."""

    columns: Sequence[str]
    has_cursor = False

    def __init__(self, path: Path) -> None:
        self._path = path
        self.where = str(path)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            # Opening a pipe or a device may never return.
            if not stat.S_ISREG(self._path.stat().st_mode):
                raise SourceUnavailable(f"{self._path} is no regular file; put the file there, or fix source.file")
            yield
        except FileNotFoundError:
            raise SourceUnavailable(f"there is no file {self._path}; put it there, or fix source.file") from None
        except OSError as error:
            raise SourceUnavailable(f"cannot read {self._path}: {error.strerror or error}") from None

    def after(
        self,
        after: CursorValue | None,  # noqa: ARG002 - the protocol's signature
        until: CursorValue | None,  # noqa: ARG002
        limit: int,  # noqa: ARG002
    ) -> list[SourceRow]:
        """See `Source.after`."""
        raise UsageError(f"{self._path}: a file has no cursor; leave source.cursor out")

    def newest(self) -> CursorValue | None:
        """See `Source.newest`."""
        return None

    def count(
        self,
        after: CursorValue | None = None,  # noqa: ARG002 - the protocol's signature
        until: CursorValue | None = None,  # noqa: ARG002
    ) -> int | None:
        """See `Source.count`."""
        return None

    def stamp(self) -> object:
        """See `Source.stamp`."""
        with self._translated():
            found = self._path.stat()
        return (found.st_size, found.st_mtime_ns, found.st_ino)

    def problems(self) -> list[str]:
        """See `Source.problems`."""
        return []

    def close(self) -> None:
        """See `Source.close`. Nothing stays open between polls."""


class CsvSource(FileSource):
    """A CSV file. Line numbers are those of an editor; a record may span several lines."""

    def __init__(self, path: Path, config: SourceConfig) -> None:
        super().__init__(path)
        self._header_line = config.header_line
        with self._translated():
            given = config.encoding
            self._encoding = _LARGER.get(given.lower(), given) if given else _encoding(path)
            try:
                with path.open(encoding=self._encoding, newline="") as file:
                    sample = file.read(SAMPLE_CHARS)
            except (UnicodeDecodeError, LookupError) as error:
                if not given and isinstance(error, UnicodeDecodeError):
                    raise self._undecoded(error) from None
                raise UsageError(f"{path} is not text in {self._encoding} ({error}); fix source.encoding") from None
        self._delimiter = config.delimiter or _delimiter(sample, config.header_line)
        with self._translated(), path.open(encoding=self._encoding, newline="") as file:
            self.columns = next((values for line, values in self._lines(file) if line >= self._header_line), [])
        if not self.columns:
            raise UsageError(f"{path} has no line {self._header_line} with the columns' names; fix source.header_line")
        self.columns = [name.removeprefix("\ufeff").strip() for name in self.columns]
        check_columns(path, self.columns)

    def scan(self) -> Iterator[SourceRow]:
        """See `Source.scan`."""
        width = len(self.columns)
        try:
            with self._translated(), self._path.open(encoding=self._encoding, newline="") as file:
                is_header = True
                for line, values in self._lines(file):
                    if line < self._header_line:
                        continue
                    if is_header:
                        is_header = False
                    elif any(map(str.strip, values)):
                        yield row_of(f"line {line}", values, width)
        except UnicodeDecodeError as error:
            raise self._undecoded(error) from None

    def _undecoded(self, error: UnicodeDecodeError) -> SourceUnavailable:
        return SourceUnavailable(
            f"{self._path} is not {self._encoding} ({error.reason}): half written, or another encoding"
        )

    def _text(self, file: IO[str]) -> Iterator[str]:
        """Yields the lines, except a last one that is still being written: the next poll reads it."""
        number = 0
        while line := file.readline(LINE_CHARS_MAX):
            number += 1
            if not line.endswith(("\n", "\r")):
                if len(line) == LINE_CHARS_MAX:
                    raise SourceTooLarge(
                        f"{self._path}, line {number} is too large: longer than {LINE_CHARS_MAX} characters; is it CSV?"
                    )
                if not line.endswith(DOS_END) and not self._is_settled():
                    return
            line = line.replace(DOS_END, "")
            if line:
                yield line.replace("\0", "\ufffd")

    def _is_settled(self) -> bool:
        before = self.stamp()
        if time.time() - self._path.stat().st_mtime < SETTLED_S:
            time.sleep(SETTLED_S)
        return self.stamp() == before

    def _lines(self, file: IO[str]) -> Iterator[tuple[int, list[str]]]:
        """Yields the records, each with the number of its first line."""
        csv.field_size_limit(CELL_CHARS_MAX)
        is_through = False
        record_chars = 0

        def text() -> Iterator[str]:
            nonlocal is_through, record_chars
            for part in self._text(file):
                record_chars += len(part)
                if record_chars > RECORD_CHARS_MAX:
                    raise SourceTooLarge(
                        f"{self._path}, line {line} is too large: a record of more than {RECORD_CHARS_MAX} characters; "
                        "is there a quote that nothing closes?"
                    )
                yield part
            is_through = True

        reader = csv.reader(text(), delimiter=self._delimiter)
        line = 1
        while True:
            record_chars = 0
            try:
                values = next(reader, None)
            except csv.Error as error:
                raise SourceFault(
                    f"{self._path}, line {line}: {error}; is there a quote that nothing closes, or another delimiter?"
                ) from None
            if values is None:
                return
            if is_through:
                # Only an unclosed quote extends a record to the end of the file, as one cell.
                raise SourceUnavailable(f"{self._path}, line {line}: half written, or a quote that nothing closes")
            yield line, values
            line = reader.line_num + 1


def check_columns(path: Path, columns: Sequence[str]) -> None:
    """Raises SourceTooLarge if there are too many columns."""
    if len(columns) > COLUMNS_MAX:
        raise SourceTooLarge(
            f"{path} is too large: it has {len(columns)} columns, at most {COLUMNS_MAX} are read; delete those beyond "
            "the table, or fix source.delimiter"
        )


def row_of(place: str, values: Sequence[object], width: int) -> SourceRow:
    """Returns a row of `width` values; a different number of values becomes its `problem`."""
    if len(values) == width:
        return SourceRow(place, values)
    problem = LocalizedText(f"应有 {width} 列, 实有 {len(values)} 列", f"must have {width} columns, has {len(values)}")
    return SourceRow(place, [*values, *[None] * width][:width], problem=None if _is_padded(values, width) else problem)


def _is_padded(values: Sequence[object], width: int) -> bool:
    """Whether all surplus cells are empty, which is no error."""
    return len(values) > width and not any(str(value).strip() for value in values[width:])


def _encoding(path: Path) -> str:
    """UTF-16 by its mark, UTF-8 if the whole file is valid, else GB18030, which includes GBK and GB2312."""
    with path.open("rb") as file:
        head = file.read(4)
        if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        decoder = codecs.getincrementaldecoder("utf-8-sig")()
        try:
            decoder.decode(head)
            while chunk := file.read(CHUNK_BYTES):
                decoder.decode(chunk)
        except UnicodeDecodeError:
            return "gb18030"
    return "utf-8-sig"


def _delimiter(sample: str, header_line: int) -> str:
    """The delimiter that splits the header into the most columns."""
    lines = re.split(r"\r\n|\r|\n", sample)
    header = lines[header_line - 1] if len(lines) >= header_line else ""
    return max(DELIMITERS, key=header.count)
