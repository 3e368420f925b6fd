"""Reads the tables of two text formats that carry the name .xls: HTML, and XML Spreadsheet 2003. Row by row, in bounded memory."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from html.parser import HTMLParser
from typing import BinaryIO, Final, NamedTuple
from xml.parsers import expat

from vipgate.i18n import translatable
from vipgate.support.sheet.bounds import COLUMNS_MAX, FILE_BYTES_MAX, cell_name, check_rectangle
from vipgate.support.sheet.cells import BadCell
from vipgate.support.sheet.errors import HalfWritten, Odd, TooLarge

_CHUNK_BYTES: Final = 64 * 1024
_CELL_CHARS_MAX: Final = 1024 * 1024
_DEPTH_MAX: Final = 256
_INTEGER: Final = re.compile(r"-?\d{1,30}", re.ASCII).fullmatch
_FRAMES: Final = translatable(
    "it holds no table; if it is a page of several files, open it in a spreadsheet program and save it as .xlsx"
)


class TextRow(NamedTuple):
    """A row of a table; `row` counts from 0 in its table, and rows between are empty."""

    table: str
    row: int
    values: list[object]


def html_rows(file: BinaryIO, encoding: str) -> Iterator[TextRow]:
    """Yields the rows of all tables of a page. Raises TooLarge, Odd, HalfWritten."""
    parser = _Page()
    yield from _parsed(file, encoding, parser.feed, parser.take, lambda: len(parser.rawdata))
    parser.close()
    parser.finish()
    yield from parser.take()
    if not parser.count:
        raise Odd(_FRAMES)


def xml_rows(file: BinaryIO, encoding: str) -> Iterator[TextRow]:
    """Yields the rows of all sheets of an XML Spreadsheet 2003. Raises TooLarge, Odd, HalfWritten."""
    book = _Workbook()
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = book.begin, book.end
    parser.CharacterDataHandler = book.text
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.EntityDeclHandler = _refuse_doctype
    try:
        # Decoded here: the parser knows no GB18030. The declaration's own encoding does not count.
        yield from _parsed(
            file, encoding, lambda text: parser.Parse(text.encode("utf-8", "replace")), book.take, lambda: 0
        )
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise HalfWritten(
            "line {line}: {reason}", line=error.lineno, reason=str(expat.ErrorString(error.code))
        ) from None
    yield from book.take()


def _parsed(
    file: BinaryIO,
    encoding: str,
    feed: Callable[[str], object],
    take: Callable[[], list[TextRow]],
    waiting_chars: Callable[[], int],
) -> Iterator[TextRow]:
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    size, is_last = 0, False
    while not is_last:
        chunk = file.read(_CHUNK_BYTES)
        size, is_last = size + len(chunk), not chunk
        if size > FILE_BYTES_MAX:
            raise TooLarge("the file has more than {limit} bytes; save it as CSV", limit=FILE_BYTES_MAX)
        try:
            text = decoder.decode(chunk, final=is_last)
        except UnicodeDecodeError as error:
            raise HalfWritten("it is not {encoding} ({reason})", encoding=encoding, reason=error.reason) from None
        feed(text.replace("\0", "\ufffd").removeprefix("\ufeff"))
        if waiting_chars() > 2 * _CELL_CHARS_MAX:
            raise TooLarge(
                "a part of the page has more than {limit} characters; save it as CSV", limit=2 * _CELL_CHARS_MAX
            )
        yield from take()


def _refuse_doctype(*_: object) -> None:
    # Nested entities expand to any size.
    raise Odd("it declares a document type or entities, which no spreadsheet program does; save it again, or as CSV")


class _Table:
    """A table that is being read. Cells that span rows or columns fill the others with empty ones."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.row = -1
        self.width = 0
        self.cells: list[object] = []
        self.text: list[str] | None = None
        self.span = (1, 1)
        self.below: dict[int, int] = {}

    def begin_row(self) -> None:
        self.row += 1
        self.cells = []
        self._skip()

    def _skip(self) -> None:
        """Passes the columns that a cell further up spans."""
        while (left := self.below.get(len(self.cells), 0)) > 0:
            self.below[len(self.cells)] = left - 1
            self.cells.append("")

    def end_cell(self) -> None:
        if self.text is None:
            return
        rows, columns = self.span
        if len(self.cells) + columns > COLUMNS_MAX:
            check_rectangle(self.row + 1, len(self.cells) + columns, cell_name(self.row, len(self.cells) + columns - 1))
        for place in range(len(self.cells), len(self.cells) + columns):
            self.below[place] = rows - 1
        self.cells += ["".join(self.text), *[""] * (columns - 1)]
        self.text = None
        self._skip()


class _Page(HTMLParser):
    """Collects rows. A table within a cell is a table of its own: pages are laid out with them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.count = 0
        self._open: list[_Table] = []
        self._rows: list[TextRow] = []
        self._text_chars = 0

    def take(self) -> list[TextRow]:
        """The rows that are complete."""
        rows, self._rows = self._rows, []
        return rows

    def finish(self) -> None:
        """Ends what the page leaves open. Raises HalfWritten if that is a table: its last rows are missing."""
        if self._open:
            raise HalfWritten("its table has no end")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See `HTMLParser`."""
        if tag == "table":
            if len(self._open) >= _DEPTH_MAX:
                raise Odd("it has tables within tables, more than {limit} deep; save it as CSV", limit=_DEPTH_MAX)
            self.count += 1
            self._open.append(_Table(f"table {self.count}"))
        elif self._open:
            table = self._open[-1]
            if tag == "tr":
                self._end_row(table)
                table.begin_row()
            elif tag in ("td", "th"):
                table.end_cell()
                if table.row < 0:
                    table.begin_row()
                table.text, table.span, self._text_chars = [], _span(dict(attrs)), 0
            elif tag in ("br", "p", "div") and table.text:
                table.text.append(" ")

    def handle_endtag(self, tag: str) -> None:
        """See `HTMLParser`."""
        if not self._open:
            return
        table = self._open[-1]
        if tag in ("td", "th"):
            table.end_cell()
        elif tag == "tr":
            self._end_row(table)
        elif tag == "table":
            self._end_row(table)
            self._open.pop()

    def handle_data(self, data: str) -> None:
        """See `HTMLParser`."""
        if not self._open or (text := self._open[-1].text) is None or self.cdata_elem is not None:
            return
        self._text_chars += len(data)
        if self._text_chars > _CELL_CHARS_MAX:
            raise TooLarge(
                "row {row} has a cell of more than {limit} characters; shorten it",
                row=self._open[-1].row + 1,
                limit=_CELL_CHARS_MAX,
            )
        text.append(data)

    def _end_row(self, table: _Table) -> None:
        table.end_cell()
        if not table.cells:
            return
        table.width = max(table.width, len(table.cells))
        check_rectangle(table.row + 1, table.width, cell_name(table.row, table.width - 1))
        # Blanks of any number and kind are one, as a browser shows them.
        values: list[object] = [" ".join(str(cell).split()) for cell in table.cells]
        self._rows.append(TextRow(table.name, table.row, values))
        table.cells = []


def _span(attributes: dict[str, str | None]) -> tuple[int, int]:
    def number(name: str) -> int:
        given = (attributes.get(name) or "1").strip()
        return max(int(given), 1) if given.isascii() and given.isdecimal() and len(given) < 7 else 1

    return number("rowspan"), number("colspan")


class _Workbook:
    """Collects rows of XML Spreadsheet 2003."""

    def __init__(self) -> None:
        self._path: list[str] = []
        self._rows: list[TextRow] = []
        self._sheet = ""
        self._row = self._column = -1
        self._width = self._span = 0
        self._cells: list[object] = []
        self._text: list[str] | None = None
        self._text_chars = 0
        self._type = ""
        self._formula = ""

    def take(self) -> list[TextRow]:
        """The rows that are complete."""
        rows, self._rows = self._rows, []
        return rows

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        """Handles the start of an element."""
        name, parent = _bare(name), self._path[-1] if self._path else ""
        self._path.append(name)
        if len(self._path) > _DEPTH_MAX:
            raise Odd("its elements are more than {limit} deep; save it as CSV", limit=_DEPTH_MAX)
        given = {_bare(key): value for key, value in attributes.items()}
        if name == "Worksheet":
            self._sheet, self._row, self._width, self._span = given.get("Name", ""), -1, 0, 0
        elif name == "Row" and parent == "Table":
            self._row = _index(given.get("Index"), self._row + 1 + self._span)
            self._span, self._column, self._cells = _index(given.get("Span"), -1) + 1, -1, []
        elif name == "Cell" and parent == "Row":
            self._begin_cell(given)
        elif name == "Data" and parent == "Cell":
            self._type, self._text, self._text_chars = given.get("Type", "String"), [], 0

    def _begin_cell(self, given: dict[str, str]) -> None:
        self._column = _index(given.get("Index"), self._column + 1)
        if self._column < len(self._cells):
            raise Odd(
                "the cells of row {row} are out of order; save it again from a spreadsheet program", row=self._row + 1
            )
        self._check()
        self._cells += [""] * (self._column - len(self._cells))
        self._formula = given.get("Formula", "")
        self._column += _index(given.get("MergeAcross"), -1) + 1

    def text(self, data: str) -> None:
        """Handles a piece of text."""
        if self._text is None:
            return
        self._text_chars += len(data)
        if self._text_chars > _CELL_CHARS_MAX:
            raise TooLarge(
                "row {row} has a cell of more than {limit} characters; shorten it",
                row=self._row + 1,
                limit=_CELL_CHARS_MAX,
            )
        self._text.append(data)

    def end(self, name: str) -> None:
        """Handles the end of an element."""
        self._path.pop()
        name, parent = _bare(name), self._path[-1] if self._path else ""
        if name == "Data" and self._text is not None and parent == "Cell":
            self._cells.append(_value(self._type, "".join(self._text)))
            self._text, self._formula = None, ""
        elif name == "Cell" and parent == "Row":
            if self._formula:
                self._cells.append(BadCell(self._formula, "formula"))
                self._formula = ""
            self._check()
            self._cells += [""] * (self._column + 1 - len(self._cells))
        elif name == "Row" and parent == "Table":
            if self._cells:
                self._rows.append(TextRow(self._sheet, self._row, self._cells))
            self._cells = []

    def _check(self) -> None:
        self._width = max(self._width, self._column + 1)
        check_rectangle(self._row + 1, self._width, cell_name(self._row, self._column))


def _bare(name: str) -> str:
    return name.rpartition(":")[2]


def _index(text: str | None, otherwise: int) -> int:
    """A number that counts from 1, as one that counts from 0."""
    return (
        int(text) - 1 if text is not None and text.isascii() and text.isdecimal() and 0 < len(text) < 10 else otherwise
    )


def _value(kind: str, text: str) -> object:
    try:
        if kind == "Number":
            # A number of many digits is exact only as its text.
            return text.strip() if _INTEGER(text.strip()) else float(text)
        if kind == "DateTime":
            return datetime.fromisoformat(text.strip())
    except ValueError:
        return text
    if kind == "Boolean":
        return text.strip() in ("1", "true")
    return BadCell(text.strip() or "#", "error") if kind == "Error" else text
