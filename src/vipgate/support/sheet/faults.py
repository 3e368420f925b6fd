"""Finds the cells of a workbook that hold no value: errors, and formulas whose result was never stored.

The sheet library gives all of them as empty cells. The XML formats are looked at while they are measured (bounds.py), the
binary ones here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

from vipgate.support.sheet.cells import BadCell
from vipgate.support.sheet.compound import read_stream
from vipgate.support.sheet.errors import TooLarge

# By row and column, from 0.
Faults = Mapping[tuple[int, int], BadCell]
FAULTS_MAX: Final = 200_000
_CODES: Final = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
}
# Records of .xls.
_BOF, _EOF, _BOUNDSHEET, _BOOL_OR_ERROR, _FORMULA = 0x0809, 0x000A, 0x0085, 0x0205, 0x0006
_FILEPASS: Final = 0x002F
_RECORDS_BEFORE_PASSWORD_MAX: Final = 16
_RESULT_ERROR, _RESULT_EMPTY = 2, 3
# Records of .xlsb.
_B_ROW, _B_SHEET, _B_ERROR, _B_FORMULA_ERROR = 0, 156, 3, 11


class FaultList:
    """Collects faults, up to FAULTS_MAX."""

    def __init__(self) -> None:
        self.found: dict[tuple[int, int], BadCell] = {}

    def add(self, row: int, column: int, cell: BadCell) -> None:
        """Adds one. Raises TooLarge."""
        if len(self.found) >= FAULTS_MAX:
            raise TooLarge(
                "more than {limit} cells hold errors or formulas without a value; open it in a spreadsheet "
                "program, correct it and save it",
                limit=FAULTS_MAX,
            )
        self.found[row, column] = cell


def error_cell(code: int) -> BadCell:
    """The cell of an error by its number in the binary formats."""
    return BadCell(_CODES.get(code, "#ERROR!"), "error")


def xls_faults(raw: bytes, index: int) -> Faults:
    """The faults of the sheet at `index` of an .xls."""
    stream = _workbook_stream(raw)
    places = [
        int.from_bytes(content[:4], "little")
        for kind, content in _records(stream, 0)
        if kind == _BOUNDSHEET and content
    ]
    found, empty = FaultList(), FaultList()
    formulas = depth = 0
    for kind, content in _records(stream, places[index]) if index < len(places) else ():
        depth += (kind == _BOF) - (kind == _EOF)
        if depth == 0:
            break
        if depth > 1 or len(content) < 8:
            continue
        row, column = struct.unpack_from("<HH", content)
        if kind == _BOOL_OR_ERROR and content[7]:
            found.add(row, column, error_cell(content[6]))
        elif kind == _FORMULA and len(content) >= 14:
            formulas += 1
            if content[12:14] == b"\xff\xff" and content[6] == _RESULT_ERROR:
                found.add(row, column, error_cell(content[8]))
            elif content[12:14] == b"\xff\xff" and content[6] == _RESULT_EMPTY:
                empty.add(row, column, BadCell("=", "formula"))
    # An empty text is a result, too; but not if no formula of the sheet has another: then nothing was calculated.
    return {**found.found, **empty.found} if len(empty.found) == formulas else found.found


def is_encrypted(raw: bytes) -> bool:
    """Whether a compound file is a workbook with a password, of the old or the new formats."""
    if "EncryptedPackage".encode("utf-16-le") in raw:
        return True
    kinds = [kind for kind, _ in islice(_records(_workbook_stream(raw), 0), _RECORDS_BEFORE_PASSWORD_MAX)]
    return _FILEPASS in kinds


def _records(stream: bytes, place: int) -> Iterator[tuple[int, bytes]]:
    while place + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, place)
        yield kind, stream[place + 4 : place + 4 + length]
        place += 4 + length


def _workbook_stream(raw: bytes) -> bytes:
    """The stream of the sheets; empty if it is not to be found."""
    return read_stream(raw, ("workbook", "book"))


def xlsb_sheets(book: bytes) -> dict[str, str]:
    """The relation of each sheet, by name, from the workbook part of an .xlsb."""
    found = {}
    for kind, content in _varied_records(book):
        if kind == _B_SHEET:
            relation, place = _wide(content, 8)
            found[_wide(content, place)[0]] = relation
    return found


def _wide(content: bytes, place: int) -> tuple[str, int]:
    length = int.from_bytes(content[place : place + 4], "little")
    end = place + 4 + 2 * length
    return content[place + 4 : end].decode("utf-16-le", "replace"), end


def xlsb_faults(sheet: bytes) -> Faults:
    """The faults of a sheet of an .xlsb."""
    found, row = FaultList(), 0
    for kind, content in _varied_records(sheet):
        if kind == _B_ROW:
            row = int.from_bytes(content[:4], "little")
        elif kind in (_B_ERROR, _B_FORMULA_ERROR) and len(content) > 8:
            found.add(row, int.from_bytes(content[:4], "little"), error_cell(content[8]))
    return found.found


def _varied_records(stream: bytes) -> Iterator[tuple[int, bytes]]:
    """Records whose kind and length take one byte or more each."""
    place = 0
    while place < len(stream):
        kind = stream[place]
        place += 1
        if kind & 0x80 and place < len(stream):
            kind = kind & 0x7F | (stream[place] & 0x7F) << 7
            place += 1
        length = shift = 0
        while place < len(stream):
            byte = stream[place]
            place += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80 or shift > 21:
                break
        yield kind, stream[place : place + length]
        place += length
