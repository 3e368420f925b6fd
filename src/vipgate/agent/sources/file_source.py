"""The base of file sources: a file has neither cursor nor key, its rows are compared with what was sent."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import structlog

from vipgate.agent.config import SourceConfig
from vipgate.agent.sources.base import (
    Key,
    SourceRow,
    SourceTooLarge,
    SourceUnavailable,
    shown_place,
)
from vipgate.agent.sources.header import TableHeader, joined_names
from vipgate.agent.sources.table import HEAD_LINES, is_header, is_total
from vipgate.errors import UsageError
from vipgate.i18n import LocalizedText, tr
from vipgate.support.os_errors import error_reason
from vipgate.support.sheet.cells import clean_row, row_text

COLUMNS_MAX: Final = 1_024
LEFT_OUT_KEPT_MAX: Final = 20

log = structlog.get_logger()


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raises SourceUnavailable for an OSError, and for what is no file."""
    try:
        # Opening a pipe or a device may never return.
        if not stat.S_ISREG(path.stat().st_mode):
            raise SourceUnavailable(tr("{path} is no regular file; put the file there, or fix source.file", path=path))
        yield
    except FileNotFoundError:
        raise SourceUnavailable(tr("there is no file {path}; put it there, or fix source.file", path=path)) from None
    except OSError as error:
        raise SourceUnavailable(tr("cannot read {path}: {reason}", path=path, reason=error_reason(error))) from None


class FileSource:
    """Base of file sources. A file has no cursor: its rows are compared with what was sent."""

    columns: Sequence[str]
    has_cursor = False
    has_key = False
    _header: TableHeader

    def __init__(self, path: Path) -> None:
        self._path = path
        self.where = str(path)
        # Of the last scan: places of lines that are no records, and how many there were.
        self.left_out: list[str] = []
        self.left_out_count = 0
        self._problems: list[str] = []

    def found(self) -> SourceConfig:
        """Where the table is: its sheet, if the file has sheets, and the first line of its header."""
        return SourceConfig(header_line=self._header.first)

    def _use_header(self, header: TableHeader) -> None:
        self._header, self.columns = header, header.columns
        check_columns(self._path, self.columns)

    def _warn(self, problem: str) -> None:
        self._problems.append(problem)
        # The service has a log; commands show what `problems` and `left_out_text` say.
        if structlog.is_configured():
            log.warning(problem)

    def _header_unknown(self, line: int) -> None:
        self._warn(
            tr(
                "line {line} of {path} was taken for the columns' names: of the first {limit} lines none holds "
                "names that are known; if that is wrong, set source.header_line and source.sheet (vipgate push: "
                "--header-line, --sheet)",
                line=line,
                path=self._path,
                limit=HEAD_LINES,
            )
        )

    def left_out_text(self) -> str:
        """Names the lines that the last scan has left out; empty if there were none."""
        if not self.left_out:
            return ""
        more = "" if self.left_out_count == len(self.left_out) else ", …"
        return tr(
            "{count} lines that are no records left out: {places}",
            count=self.left_out_count,
            places=", ".join(self.left_out) + more,
        )

    def _begin_scan(self) -> None:
        self.left_out, self.left_out_count = [], 0

    def _end_scan(self) -> None:
        if structlog.is_configured() and (text := self.left_out_text()):
            log.info("lines left out", file=str(self._path), lines=text)

    def _rows(
        self,
        lines: Iterable[tuple[int, Sequence[Any]]],
        unit: str,
        text_of: Callable[[Sequence[Any]], str] = row_text,
    ) -> Iterator[SourceRow]:
        """The rows of numbered lines, below the header. Raises SourceUnavailable if the header is another one.

        `text_of` joins the texts of a row.
        """
        first, last = self._header.first, self._header.last
        header: list[Sequence[object]] = []
        is_known = False
        for line, values in lines:
            if is_known:
                text = text_of(values)
                # A row of numbers has no text, and is not blank.
                if (text and not text.isspace()) or any(map(str.strip, map(str, values))):
                    row = self._record(f"{unit} {line}", values, text)
                    if row is not None:
                        yield row
            elif line >= first:
                header.append(values)
                if line >= last:
                    if joined_names(header) != self._header.columns:
                        raise self._changed(values)
                    is_known = True

    def _record(self, place: str, values: Sequence[object], text: str) -> SourceRow | None:
        """The row at a place; None for a line of totals and for the header once more. `text`: all its texts."""
        if is_total(values, len(self.columns), text) or is_header(values, self._header.texts):
            self.left_out_count += 1
            if len(self.left_out) < LEFT_OUT_KEPT_MAX:
                shown = next(str(value).strip() for value in values if str(value).strip())
                self.left_out.append(f"{shown_place(place)} ({shown[:40]})")
            return None
        return row_of(place, clean_row(values, text), len(self.columns))

    def _changed(self, values: Sequence[object]) -> SourceUnavailable:
        """The error for a header that is no longer where it was."""
        return SourceUnavailable(
            tr(
                "{path} has other columns than before: {columns}; it is opened again",
                path=self._path,
                columns=", ".join(map(str, values))[:500],
            )
        )

    def scan(self) -> Iterator[SourceRow]:
        """See `Source.scan`."""
        raise NotImplementedError

    def page(self, after: Key | None, limit: int) -> list[SourceRow]:  # noqa: ARG002 - the protocol's signature
        """See `Source.page`."""
        raise UsageError(tr("{path}: a file has no key; leave source.key out", path=self._path))

    def rows(self, keys: Sequence[Key]) -> list[SourceRow]:  # noqa: ARG002 - the protocol's signature
        """See `Source.rows`."""
        raise UsageError(tr("{path}: a file has no key; leave source.key out", path=self._path))

    def newest_key(self) -> Key | None:
        """See `Source.newest_key`."""
        return None

    def changes(self, since: object) -> Iterator[list[SourceRow]]:  # noqa: ARG002 - the protocol's signature
        """See `Source.changes`."""
        raise UsageError(tr("{path}: a file has no cursor; leave source.cursor out", path=self._path))

    def newest(self, until: object = None) -> object:  # noqa: ARG002 - the protocol's signature
        """See `Source.newest`."""
        return None

    def cursor_samples(self, limit: int) -> list[object]:  # noqa: ARG002 - the protocol's signature
        """See `Source.cursor_samples`."""
        return []

    def count(self) -> int | None:
        """See `Source.count`."""
        return None

    def now_s(self) -> float | None:
        """See `Source.now_s`."""
        return None

    def check(self) -> None:
        """See `Source.check`."""

    def stamp(self) -> object:
        """See `Source.stamp`."""
        with translated(self._path):
            found = self._path.stat()
        return (found.st_size, found.st_mtime_ns, found.st_ino)

    def problems(self) -> list[str]:
        """See `Source.problems`."""
        return list(self._problems)

    def close(self) -> None:
        """See `Source.close`. Nothing stays open between polls."""


def check_columns(path: Path, columns: Sequence[str]) -> None:
    """Raises SourceTooLarge if there are too many columns."""
    if len(columns) > COLUMNS_MAX:
        raise SourceTooLarge(
            tr(
                "{path} is too large: it has {count} columns, at most {limit} are read; delete those beyond the "
                "table, or fix source.delimiter",
                path=path,
                count=len(columns),
                limit=COLUMNS_MAX,
            )
        )


def row_of(place: str, values: Sequence[object], width: int) -> SourceRow:
    """Returns a row of `width` values; a different number of values becomes its `problem`."""
    if len(values) == width:
        return SourceRow(place, values)
    problem = LocalizedText(f"应有 {width} 列，实有 {len(values)} 列", f"must have {width} columns, has {len(values)}")
    return SourceRow(place, [*values, *[None] * width][:width], problem=None if _is_padded(values, width) else problem)


def _is_padded(values: Sequence[object], width: int) -> bool:
    """Whether all surplus cells are empty, which is no error."""
    return len(values) > width and not any(str(value).strip() for value in values[width:])
