"""Workbooks that no park means to write: far cells, bombs, no sheets. Made part by part, since no library writes them."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LINKS: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKED: Final = "http://schemas.openxmlformats.org/package/2006"
HEADER: Final = '<row r="1"><c r="A1"><v>1</v></c><c r="B1"><v>2</v></c></row>'
MIB: Final = 1024 * 1024


def xlsx(
    path: Path,
    rows: str,
    *,
    sheets: int = 1,
    before: str = "",
    prefix: str = "",
    more: Mapping[str, Iterable[bytes]] | None = None,
) -> Path:
    """A workbook whose first sheet has `rows`; `before` stands before the root of the sheet."""
    links = "".join(
        f'<Relationship Id="rId{n}" Type="{LINKS}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in range(1, sheets + 1)
    )
    named = "".join(f'<sheet name="S{n}" sheetId="{n}" r:id="rId{n}"/>' for n in range(1, sheets + 1))
    parts: dict[str, Iterable[bytes]] = {
        "[Content_Types].xml": [f'<Types xmlns="{PACKED}/content-types"/>'.encode()],
        "_rels/.rels": [
            f'<Relationships xmlns="{PACKED}/relationships"><Relationship Id="r" Type="{LINKS}/officeDocument" '
            f'Target="xl/workbook.xml"/></Relationships>'.encode()
        ],
        "xl/workbook.xml": [f'<workbook xmlns="{MAIN}" xmlns:r="{LINKS}"><sheets>{named}</sheets></workbook>'.encode()],
        "xl/_rels/workbook.xml.rels": [
            f'<Relationships xmlns="{PACKED}/relationships">{links}</Relationships>'.encode()
        ],
    }
    for n in range(1, sheets + 1):
        root = f"xmlns:{prefix[:-1]}" if prefix else "xmlns"
        data = f"<{prefix}sheetData>{rows if n == 1 else ''}</{prefix}sheetData>"
        text = f'{before}<{prefix}worksheet {root}="{MAIN}">{data}</{prefix}worksheet>'
        parts[f"xl/worksheets/sheet{n}.xml"] = [text.encode()]
    return archive(path, {**parts, **(more or {})})


def ods(path: Path, rows: str, *, before: str = "") -> Path:
    """An OpenDocument sheet."""
    names = " ".join(
        f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{short}:1.0"' for short in ("office", "table", "text")
    )
    text = (
        f'{before}<office:document-content {names}><office:body><office:spreadsheet><table:table table:name="S1">{rows}'
        "</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    kind = [b"application/vnd.oasis.opendocument.spreadsheet"]
    return archive(path, {"mimetype": kind, "META-INF/manifest.xml": [b"<manifest/>"], "content.xml": [text.encode()]})


def archive(path: Path, parts: Mapping[str, Iterable[bytes]]) -> Path:
    """A zip archive of parts, each given in pieces."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, pieces in parts.items():
            with file.open(name, "w", force_zip64=True) as part:
                for piece in pieces:
                    part.write(piece)
    return path


def understated(path: Path, name: str) -> Path:
    """The same archive, whose part `name` says that it unpacks to 10 bytes."""
    raw = bytearray(path.read_bytes())
    at = raw.rindex(name.encode()) - 46
    assert raw[at : at + 4] == b"PK\x01\x02"
    raw[at + 24 : at + 28] = struct.pack("<I", 10)
    path.write_bytes(raw)
    return path


def zeros(size: int) -> Iterable[bytes]:
    """So many bytes of zero, in pieces."""
    return (bytes(MIB) for _ in range(size // MIB))


NO_SECTOR: Final = 0xFFFFFFFF
END_OF_CHAIN: Final = 0xFFFFFFFE


def encrypted(path: Path) -> Path:
    """A compound file as Office writes one for a workbook with a password: the streams by name, without their content."""
    table = struct.pack("<II", 0xFFFFFFFD, END_OF_CHAIN)
    folder = _entry("Root Entry", 5, child=1) + _entry("EncryptionInfo", 2, right=2) + _entry("EncryptedPackage", 2)
    path.write_bytes(_head(END_OF_CHAIN) + table.ljust(512, b"\xff") + folder.ljust(512, b"\0"))
    return path


def small_xls(path: Path, book: bytes) -> Path:
    """A compound file with a stream below 4,096 bytes, which lies in small sectors, the last one first."""
    count = -(-len(book) // 64)
    small = [book[at * 64 : (at + 1) * 64].ljust(64, b"\0") for at in range(count)]
    mini = b"".join(reversed(small)).ljust(-(-count // 8) * 512, b"\0")
    sectors = len(mini) // 512
    # Sectors: the table, the folder, the table of small sectors, the mini stream.
    table = struct.pack("<III", 0xFFFFFFFD, END_OF_CHAIN, END_OF_CHAIN)
    table += struct.pack(f"<{sectors}I", *range(4, 3 + sectors), END_OF_CHAIN)
    small_table = struct.pack(f"<{count}I", END_OF_CHAIN, *range(count - 1))
    folder = _entry("Root Entry", 5, child=1, start=3, length=count * 64)
    folder += _entry("Workbook", 2, start=count - 1, length=len(book))
    parts = [table.ljust(512, b"\xff"), folder.ljust(512, b"\0"), small_table.ljust(512, b"\xff"), mini]
    path.write_bytes(_head(2) + b"".join(parts))
    return path


def _head(first_mini: int) -> bytes:
    """The header of a compound file with one sector for its table, one for its folder."""
    head = bytes.fromhex("D0CF11E0A1B11AE1") + bytes(16) + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    head += struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, first_mini, int(first_mini < END_OF_CHAIN), END_OF_CHAIN, 0)
    return head + struct.pack("<I", 0) + b"\xff" * (512 - 80)


def _entry(
    name: str, kind: int, *, child: int = NO_SECTOR, right: int = NO_SECTOR, start: int = END_OF_CHAIN, length: int = 0
) -> bytes:
    raw = name.encode("utf-16-le") + b"\0\0"
    head = raw.ljust(64, b"\0") + struct.pack("<HBBIII", len(raw), kind, 1, NO_SECTOR, right, child)
    return head + bytes(36) + struct.pack("<IQ", start, length)


def xlsb(path: Path, row: int, column: int) -> Path:
    """A binary workbook with a cell in A1 and one far away."""

    def record(kind: int, content: bytes = b"") -> bytes:
        name = bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])
        size, length = b"", len(content)
        while length >= 128:
            size, length = size + bytes([length & 0x7F | 0x80]), length >> 7
        return name + size + bytes([length]) + content

    def wide(text: str) -> bytes:
        return struct.pack("<I", len(text)) + text.encode("utf-16-le")

    def cell(row: int, column: int) -> bytes:
        return record(0, struct.pack("<I", row) + bytes(21)) + record(5, struct.pack("<IId", column, 0, 1.0))

    book = (
        record(131)
        + record(143)
        + record(156, struct.pack("<II", 0, 1) + wide("rId1") + wide("S1"))
        + record(144)
        + record(132)
    )
    sheet = record(129) + record(148, struct.pack("<IIII", 0, row, 0, column)) + record(145)
    sheet += cell(0, 0) + cell(row, column) + record(146) + record(130)
    link = f'<Relationship Id="rId1" Type="{LINKS}/worksheet" Target="worksheets/sheet1.bin"/>'
    return archive(path, {
        "[Content_Types].xml": [f'<Types xmlns="{PACKED}/content-types"/>'.encode()],
        "_rels/.rels": [
            f'<Relationships xmlns="{PACKED}/relationships"><Relationship Id="r" Type="{LINKS}/officeDocument" '
            f'Target="xl/workbook.bin"/></Relationships>'.encode()
        ],
        "xl/workbook.bin": [book],
        "xl/_rels/workbook.bin.rels": [f'<Relationships xmlns="{PACKED}/relationships">{link}</Relationships>'.encode()],
        "xl/worksheets/sheet1.bin": [sheet],
    })  # fmt: skip
