"""Reads a park's text files, in any encoding and with any delimiter, line by line."""

from __future__ import annotations

import csv
import io
import re
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO, Final

from vipgate.agent.config import SourceConfig
from vipgate.agent.sources.base import (
    SourceFault,
    SourceRow,
    SourceTooLarge,
    SourceUnavailable,
)
from vipgate.agent.sources.file_source import FileSource, translated
from vipgate.agent.sources.header import TableHeader, header_at
from vipgate.agent.sources.table import HEAD_LINES, Header, find_header
from vipgate.errors import UsageError
from vipgate.i18n import tr
from vipgate.support.shared_files import open_shared
from vipgate.support.sheet.detect import encoding_of

CELL_CHARS_MAX: Final = 1024 * 1024
LINE_CHARS_MAX: Final = 4 * CELL_CHARS_MAX
# A record spans several lines if a cell does.
RECORD_CHARS_MAX: Final = 4 * LINE_CHARS_MAX
# A last line without a line end counts as complete if the file has not changed for this long.
SETTLED_S: Final = 1.0
# Ctrl-Z, the end-of-file mark of DOS programs; some pad the last block with it.
DOS_END: Final = "\x1a"
SAMPLE_CHARS: Final = 64 * 1024
DELIMITERS: Final = ",;\t|"
# Files labelled with a smaller charset often use the larger one; a byte order mark is not text.
_LARGER: Final = {"gbk": "gb18030", "gb2312": "gb18030", "utf-8": "utf-8-sig", "utf8": "utf-8-sig"}
# What Excel writes, and reads, before the header of a CSV file.
_SEPARATOR: Final = re.compile(r'\ufeff?"?sep=(\\t|.)"?[ \t]*(?:\r\n?|\n|$)', re.IGNORECASE).match


class CsvSource(FileSource):
    """A text file. Line numbers are those of an editor; a record may span several lines."""

    def __init__(self, path: Path, config: SourceConfig, names: Collection[str] = ()) -> None:
        super().__init__(path)
        with translated(path):
            given = config.encoding
            self._encoding = _LARGER.get(given.lower(), given) if given else _encoding(path)
            try:
                with self._opened() as file:
                    sample = file.read(SAMPLE_CHARS)
            except (UnicodeDecodeError, LookupError) as error:
                if not given and isinstance(error, UnicodeDecodeError):
                    raise self._undecoded(error) from None
                raise UsageError(
                    tr(
                        "{path} is not text in {encoding} ({reason}); fix source.encoding (vipgate push: --encoding)",
                        path=path,
                        encoding=self._encoding,
                        reason=error,
                    )
                ) from None
        if not sample:
            raise SourceUnavailable(
                tr("{path} is empty: half written, or another file is meant by source.file", path=path)
            )
        self._delimiter, line = self._find_header(sample, config, names)
        with translated(path), self._opened() as file:
            header = self._header_at(file, line, 2 if _SEPARATOR(sample) else 1)
        if header is None:
            raise UsageError(
                tr("{path} has no line {line} with the columns' names; fix source.header_line", path=path, line=line)
            )
        self._use_header(header)

    def _header_at(self, file: IO[str], line: int, first: int) -> TableHeader | None:
        """The header that has a line at `line` or, if a record of several lines holds it, behind that. `first`: of the table."""
        before: tuple[int, list[str]] | None = None
        lines = self._lines(file)
        for here in lines:
            if here[0] >= line:
                return header_at(*here, before, next(lines, None)) if here[1] else None
            before = here if here[0] >= first else None
        return None

    def _find_header(self, sample: str, config: SourceConfig, names: Collection[str]) -> tuple[str, int]:
        """The delimiter, and the line of the columns' names."""
        separator = _SEPARATOR(sample)
        said = separator[1].replace("\\t", "\t") if separator else None
        delimiter, first = config.delimiter or said, 2 if separator else 1
        if config.header_line is not None:
            line = max(config.header_line, first)
            return delimiter or _delimiter(sample, line), line
        best: tuple[Header, int, str, int] | None = None
        for one in [delimiter] if delimiter else DELIMITERS:
            lines = [(line, values) for line, values in _head(sample, one) if line >= first]
            found = find_header([values for _, values in lines], names)
            if found is not None:
                line, values = lines[found.place]
                rank = (found, len(values), one, line)
                if best is None or (found.score, len(values)) > (best[0].score, best[1]):
                    best = rank
        if best is not None:
            return best[2], best[3]
        texts = re.split(r"\r\n|\r|\n", sample)
        line = next((at for at, text in enumerate(texts, 1) if at >= first and text.strip("\ufeff \t,;|")), first)
        self._header_unknown(line)
        return delimiter or _delimiter(sample, line), line

    def _opened(self) -> IO[str]:
        return io.TextIOWrapper(open_shared(self._path), encoding=self._encoding, newline="")

    def scan(self) -> Iterator[SourceRow]:
        """See `Source.scan`."""
        self._begin_scan()
        try:
            with translated(self._path), self._opened() as file:
                yield from self._rows(self._lines(file), "line", "\n".join)
        except UnicodeDecodeError as error:
            raise self._undecoded(error) from None
        self._end_scan()

    def _undecoded(self, error: UnicodeDecodeError) -> SourceUnavailable:
        return SourceUnavailable(
            tr(
                "{path} is not {encoding} ({reason}): half written, or another encoding",
                path=self._path,
                encoding=self._encoding,
                reason=error.reason,
            )
        )

    def _text(self, file: IO[str]) -> Iterator[str]:
        """Yields the lines, except a last one that is still being written: the next poll reads it."""
        number = 0
        while line := file.readline(LINE_CHARS_MAX):
            number += 1
            if not line.endswith(("\n", "\r")):
                if len(line) == LINE_CHARS_MAX:
                    raise SourceTooLarge(
                        tr(
                            "{path}, line {number} is too large: longer than {limit} characters; is it CSV?",
                            path=self._path,
                            number=number,
                            limit=LINE_CHARS_MAX,
                        )
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
                        tr(
                            "{path}, line {line} is too large: a record of more than {limit} characters; is there a quote "
                            "that nothing closes?",
                            path=self._path,
                            line=line,
                            limit=RECORD_CHARS_MAX,
                        )
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
                    tr(
                        "{path}, line {line}: {reason}; is there a quote that nothing closes, or another delimiter?",
                        path=self._path,
                        line=line,
                        reason=error,
                    )
                ) from None
            if values is None:
                return
            if is_through:
                # Only an unclosed quote extends a record to the end of the file, as one cell.
                raise SourceUnavailable(
                    tr("{path}, line {line}: half written, or a quote that nothing closes", path=self._path, line=line)
                )
            yield line, values
            line = reader.line_num + 1


def _encoding(path: Path) -> str:
    with open_shared(path) as file:
        found = encoding_of(file)
    return _LARGER.get(found, found)


def _head(sample: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """The first records of a sample, each with the number of its first line."""
    csv.field_size_limit(CELL_CHARS_MAX)
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
    found: list[tuple[int, list[str]]] = []
    try:
        line = 1
        for values in reader:
            found.append((line, values))
            line = reader.line_num + 1
            if len(found) > HEAD_LINES:
                break
    except csv.Error:
        # The reading of the whole file tells where it is.
        return found
    return found


def _delimiter(sample: str, header_line: int) -> str:
    """The delimiter that splits the header into the most columns."""
    lines = re.split(r"\r\n|\r|\n", sample)
    header = lines[header_line - 1] if len(lines) >= header_line else ""
    return max(DELIMITERS, key=header.count)
