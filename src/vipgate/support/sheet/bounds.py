"""Checks the size of a workbook before reading, in bounded memory: packed, unpacked, and the extent of its cells.

The sheet library allocates the whole rectangle from the first to the last non-empty cell, so one stray cell in the far corner
would need half a terabyte. Cells with formatting only do not count, as in the library.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final, Literal
from xml.parsers import expat
from zipfile import ZipFile, is_zipfile

from vipgate.i18n import translatable
from vipgate.support.sheet.cells import BadCell
from vipgate.support.sheet.errors import Odd, TooLarge
from vipgate.support.sheet.faults import FaultList, Faults, xlsb_faults, xlsb_sheets

# For the reader process; the library needs about 100 bytes per cell.
MEMORY_BYTES_MAX: Final = 768 * 1024 * 1024
LOAD_S_MAX: Final = 300
# Of 4,000,000 cells about 20 s; a crafted file may cost the parser far more than its size.
CPU_S_MAX: Final = 60
FILE_BYTES_MAX: Final = 256 * 1024 * 1024
UNPACKED_BYTES_MAX: Final = 512 * 1024 * 1024
PARTS_MAX: Final = 10_000
CELLS_MAX: Final = 4_000_000
COLUMNS_MAX: Final = 1_024
# For the parts that index the sheets.
INDEX_BYTES_MAX: Final = 16 * 1024 * 1024
_CHUNK_BYTES: Final = 256 * 1024
_ERROR_CHARS_MAX: Final = 64
_BINARY_INDEX: Final = ("xl/workbook.bin", "xl/_rels/workbook.bin.rels")
_READ: Final = (".xml", ".rels", ".bin")
_LETTERS_MAX: Final = 3
REMEDY: Final = translatable("delete the cells beyond the table, empty rows and columns among them, or save it as CSV")


def check_file(file: BinaryIO) -> None:
    """Checks the size of a workbook, packed and unpacked. Raises TooLarge, Odd, OSError, BadZipFile."""
    size = file.seek(0, os.SEEK_END)
    if size > FILE_BYTES_MAX:
        raise TooLarge(
            "the file has {size} bytes, at most {limit} are read; save it as CSV", size=size, limit=FILE_BYTES_MAX
        )
    # An old .xls is not an archive; it has at most 65,536 rows of 256 columns.
    if is_zipfile(file):
        with ZipFile(file) as archive:
            _check_unpacked(archive)
            if "content.xml" in archive.namelist():
                _Tables("").measure(_pieces(archive, "content.xml"))


def check_sheet(file: BinaryIO, sheet: str) -> Faults:
    """Checks the extent of a sheet of a file that has passed `check_file`. Returns its cells without a value.

    Raises TooLarge, Odd, OSError, BadZipFile.
    """
    if not is_zipfile(file):
        return {}
    with ZipFile(file) as archive:
        names = archive.namelist()
        if "content.xml" in names:
            tables = _Tables(sheet)
            tables.measure(_pieces(archive, "content.xml"))
            return tables.faults.found
        part = _part_of(archive, sheet)
        if part is None:
            return _binary_faults(archive, sheet)
        cells = _Cells(is_calculated=_is_calculated(archive))
        cells.measure(_pieces(archive, part))
        cells.finish()
        return cells.faults.found


def _binary_faults(archive: ZipFile, sheet: str) -> Faults:
    book, links = (
        next((name for name in archive.namelist() if name.lower() == wanted), None) for wanted in _BINARY_INDEX
    )
    if book is None or links is None:
        return {}
    wanted = xlsb_sheets(_whole(archive, book)).get(sheet)
    part = None if wanted is None else _linked(archive, links, wanted)
    return {} if part is None else xlsb_faults(archive.read(part))


def _whole(archive: ZipFile, name: str) -> bytes:
    if archive.getinfo(name).file_size > INDEX_BYTES_MAX:
        raise TooLarge(
            "{name} in the file has more than {limit} bytes; save it as CSV", name=name, limit=INDEX_BYTES_MAX
        )
    return archive.read(name)


def check_rectangle(rows: int, columns: int, farthest: str) -> None:
    """Raises TooLarge for a sheet of so many rows, counted from row 1, and columns."""
    if rows * columns > CELLS_MAX:
        raise TooLarge(
            "its cells lie in {rows} rows and {columns} columns, the farthest in {farthest}; at most {limit} "
            "cells are read; {remedy}",
            rows=rows,
            columns=columns,
            farthest=farthest,
            limit=CELLS_MAX,
            remedy=REMEDY,
        )
    if columns > COLUMNS_MAX:
        raise TooLarge(
            "it has {columns} columns, at most {limit} are read; {remedy}",
            columns=columns,
            limit=COLUMNS_MAX,
            remedy=REMEDY,
        )


def cell_name(row: int, column: int) -> str:
    """Formats a cell reference such as `XFD1048576`; row and column count from 0."""
    letters, left = "", column + 1
    while left > 0:
        left, letter = divmod(left - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return f"{letters}{row + 1}"


def _check_unpacked(archive: ZipFile) -> None:
    """Checks the declared sizes, then unpacks all parts: zipfile raises where a part is larger than declared."""
    parts = archive.infolist()
    if len(parts) > PARTS_MAX:
        raise TooLarge(
            "the file has {count} parts, at most {limit} are read; save it as CSV", count=len(parts), limit=PARTS_MAX
        )
    said = sum(part.file_size for part in parts)
    if said > UNPACKED_BYTES_MAX:
        raise TooLarge(
            "unpacked it has {size} bytes, at most {limit} are read; {remedy}",
            size=said,
            limit=UNPACKED_BYTES_MAX,
            remedy=REMEDY,
        )
    for part in parts:
        if part.filename.lower().endswith(_READ):
            for _ in _pieces(archive, part.filename):
                pass


def _pieces(archive: ZipFile, name: str) -> Iterator[bytes]:
    with archive.open(name) as part:
        while piece := part.read(_CHUNK_BYTES):
            yield piece


class _Parsed:
    """A streaming parser for one XML part."""

    def measure(self, pieces: Iterator[bytes]) -> None:
        """Parses the part. Raises TooLarge, Odd; malformed XML is left to the library to report."""
        parser = self._parser = expat.ParserCreate()
        parser.StartElementHandler = self.begin
        parser.EndElementHandler = self.end
        parser.EntityDeclHandler = _refuse_entities
        try:
            for piece in pieces:
                parser.Parse(piece)
        except expat.ExpatError:
            return

    def listen(self, *, is_needed: bool = True) -> None:
        """Starts or ends calls of `text`: only few texts are needed."""
        self._parser.CharacterDataHandler = self.text if is_needed else None

    def text(self, data: str) -> None:
        """Handles a piece of text."""

    # None saves expat a call per element.
    end: Callable[[str], None] | None = None

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        """Handles the start of an element."""
        raise NotImplementedError


def _bare(name: str) -> str:
    """Strips the namespace prefix of a name."""
    return name.rpartition(":")[2]


def _refuse_entities(*_: object) -> None:
    # Nested entities expand to any size.
    raise Odd("it declares entities, which no spreadsheet program does; save it again, or as CSV")


class _Cells(_Parsed):
    """Measures a sheet of .xlsx, whose rows and cells may have references. A million cells take a second or two."""

    def __init__(self, *, is_calculated: bool) -> None:
        # Libraries that do not calculate write 0, and tell the program that opens the file to calculate.
        self._no_values = ("",) if is_calculated else ("", "0")
        self.faults = FaultList()
        self._fault: Literal["error", "formula"] | None = None
        self._type: str | None = None
        self._text = ""
        self._kinds = {name: name for name in ("row", "c", "f", "v", "is")}
        self._columns: dict[str, int] = {}
        self._row = self._column = -1
        self._row_text = ""
        self._last_row = self._last_column = -1
        self._first_column = 1 << 30

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        """See `_Parsed.begin`."""
        kind = self._kinds.get(name)
        if kind is None:
            kind = _bare(name)
            if kind in self._kinds:
                self._kinds[name] = kind
        if kind == "c":
            if self._fault is not None:
                self.finish()
            self._type = attributes.get("t")
            if self._type == "e":
                self._fault = "error"
            place = attributes.get("r")
            if place is None:
                self._column += 1
            else:
                self._go_to(place)
        elif kind == "f":
            self._fault = self._fault or "formula"
        elif kind == "row":
            if self._fault is not None:
                self.finish()
            self._row_text, self._column = attributes.get("r", ""), -1
            self._row = int(self._row_text) - 1 if self._row_text.isdecimal() else self._row + 1
        elif kind == "v" or kind == "is":
            if self._fault is not None:
                # The value of a formula that gives a text may be empty.
                self._fault = None if self._type == "str" else self._fault
                self.listen(is_needed=self._fault is not None)
            if self._column > self._last_column or self._row > self._last_row or self._column < self._first_column:
                self._widen()

    def text(self, data: str) -> None:
        """Takes the value of a cell that may be without one."""
        if self._fault == "formula" and data.strip() not in self._no_values:
            self._fault = None
        elif self._fault == "error" and len(self._text) < _ERROR_CHARS_MAX:
            self._text += data.strip()

    def finish(self) -> None:
        """Notes the last cell if it has no value."""
        if self._fault is not None:
            self.faults.add(self._row, self._column, BadCell(self._text or "=", self._fault))
        self._fault, self._text = None, ""
        self.listen(is_needed=False)

    def _go_to(self, place: str) -> None:
        letters = place.rstrip("0123456789")
        column = self._columns.get(letters)
        if column is None:
            column = self._columns[letters] = _column_of(letters, self._column + 1)
        self._column = column
        if place[len(letters) :] != self._row_text and place[len(letters) :]:
            self._row_text = place[len(letters) :]
            self._row = int(self._row_text) - 1

    def _widen(self) -> None:
        row, column = self._row, self._column
        self._last_row, self._last_column = max(self._last_row, row), max(self._last_column, column)
        self._first_column = min(self._first_column, column)
        check_rectangle(self._last_row + 1, self._last_column - self._first_column + 1, cell_name(row, column))


def _column_of(letters: str, otherwise: int) -> int:
    if not (letters.isascii() and letters.isalpha() and len(letters) <= _LETTERS_MAX):
        return otherwise
    column = 0
    for letter in letters.upper():
        column = column * 26 + ord(letter) - ord("A") + 1
    return column - 1


class _Tables(_Parsed):
    """Measures all sheets of an .ods: the library reads all at once. Rows and cells may have repeat counts."""

    def __init__(self, sheet: str) -> None:
        self.faults = FaultList()
        self._sheet = sheet
        self._is_wanted = False
        self._before = 0
        self.end = self._end
        self._begin_table()

    def _begin_table(self) -> None:
        self._row = self._column = self._rows = self._columns = 0
        self._row_repeat = self._cell_repeat = 1
        self._in_cell = False

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        """See `_Parsed.begin`."""
        name = _bare(name)
        is_error = attributes.get("calcext:value-type") == "error"
        attributes = {_bare(key): value for key, value in attributes.items()}
        if name == "table":
            self._begin_table()
            self._is_wanted = attributes.get("name") == self._sheet
        elif name == "table-row":
            self._column, self._row_repeat = 0, _repeat(attributes, "number-rows-repeated")
        elif name in ("table-cell", "covered-table-cell"):
            self._in_cell, self._cell_repeat = True, _repeat(attributes, "number-columns-repeated")
            if "value-type" in attributes or "formula" in attributes:
                self._fill()
            if self._is_wanted and (is_error or ("formula" in attributes and "value-type" not in attributes)):
                self._note(BadCell("#ERROR!", "error") if is_error else BadCell(attributes["formula"], "formula"))
        elif name == "p" and self._in_cell:
            self._fill()

    def _end(self, name: str) -> None:
        name = _bare(name)
        if name == "table-row":
            self._row += self._row_repeat
        elif name in ("table-cell", "covered-table-cell"):
            self._column += self._cell_repeat
            self._in_cell = False
        elif name == "table":
            self._before += self._rows * self._columns

    def _note(self, cell: BadCell) -> None:
        for row in range(self._row, self._row + self._row_repeat):
            for column in range(self._column, self._column + self._cell_repeat):
                self.faults.add(row, column, cell)

    def _fill(self) -> None:
        self._rows = max(self._rows, self._row + self._row_repeat)
        self._columns = max(self._columns, self._column + self._cell_repeat)
        check_rectangle(self._rows, self._columns, cell_name(self._rows - 1, self._columns - 1))
        if self._before + self._rows * self._columns > CELLS_MAX:
            raise TooLarge(
                "all its sheets together have more than {limit} cells; {remedy}", limit=CELLS_MAX, remedy=REMEDY
            )


def _repeat(attributes: dict[str, str], key: str) -> int:
    given = attributes.get(key, "1")
    return int(given) if given.isdecimal() and len(given) < 20 else 1


def _part_of(archive: ZipFile, sheet: str) -> str | None:
    """Returns the archive part of the sheet in an .xlsx; None where it is unknown, as in an .xlsb."""
    names = {name.lower(): name for name in archive.namelist()}
    book, links = names.get("xl/workbook.xml"), names.get("xl/_rels/workbook.xml.rels")
    if book is None or links is None:
        return None
    found = _elements(archive, book, "sheet")
    wanted = next((one.get("id") for one in found if one.get("name") == sheet), None)
    return None if wanted is None else _linked(archive, links, wanted)


def _is_calculated(archive: ZipFile) -> bool:
    book = next((name for name in archive.namelist() if name.lower() == "xl/workbook.xml"), None)
    settings = [] if book is None else _elements(archive, book, "calcPr")
    return not any(one.get("fullCalcOnLoad") in ("1", "true") for one in settings)


def _linked(archive: ZipFile, links: str, wanted: str) -> str | None:
    """The part to which a relation leads."""
    targets = _elements(archive, links, "Relationship")
    target = next((one.get("Target") for one in targets if one.get("Id") == wanted), None)
    if target is None:
        return None
    path = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return {name.lower(): name for name in archive.namelist()}.get(path.lower())


def _elements(archive: ZipFile, part: str, name: str) -> list[dict[str, str]]:
    elements = _Elements(name)
    elements.measure(iter([_whole(archive, part)]))
    return elements.found


class _Elements(_Parsed):
    """Collects the attributes of all elements of one name."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.found: list[dict[str, str]] = []

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        """See `_Parsed.begin`."""
        if _bare(name) == self._name:
            self.found.append({_bare(key): value for key, value in attributes.items()})
