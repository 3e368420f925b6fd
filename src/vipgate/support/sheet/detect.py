"""Tells what a file is and how its text is encoded, by its content: park programs give any of them any name."""

from __future__ import annotations

import codecs
import re
from enum import Enum
from typing import BinaryIO, Final

from vipgate.i18n import translatable
from vipgate.support.sheet.errors import HalfWritten, Odd

HEAD_BYTES: Final = 64 * 1024
CHUNK_BYTES: Final = 1024 * 1024


class FileKind(Enum):
    """How a file is read."""

    WORKBOOK = "workbook"
    HTML = "HTML"
    XML = "XML Spreadsheet 2003"
    TEXT = "text"


_RESAVE: Final = translatable("open it in a spreadsheet program and save it as .xlsx")
_WORKBOOKS: Final = (b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
# What else is found under the names of tables.
_OTHERS: Final[tuple[tuple[bytes, str], ...]] = (
    (b"%PDF", translatable("it is a PDF; export it as a sheet, or as CSV")),
    (b"{\\rtf", translatable("it is a text document (RTF); {remedy}")),
    (b"MIME-Version:", translatable("it is a web archive (MHTML); {remedy}")),
    (b"\x1f\x8b", translatable("it is packed (gzip); unpack it")),
    (b"Rar!", translatable("it is packed (RAR); unpack it")),
    (b"7z\xbc\xaf", translatable("it is packed (7-Zip); unpack it")),
    (b"SQLite format 3", translatable('it is an SQLite database; give it as source.database = "sqlite:///…"')),
    (b"\x00\x01\x00\x00Standard ", translatable("it is an Access database; give it as source.database")),
    (b"\x09\x00\x04\x00", translatable("it is a workbook of Excel 2; {remedy}")),
    (b"\x09\x02\x06\x00", translatable("it is a workbook of Excel 3; {remedy}")),
    (b"\x09\x04\x06\x00", translatable("it is a workbook of Excel 4; {remedy}")),
    (b"\x89PNG", translatable("it is a picture")),
    (b"\xff\xd8\xff", translatable("it is a picture")),
)  # fmt: skip
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NUL_SHARE_MIN: Final = 1 / 20
# What a table holds; another order of the bytes makes other characters of them.
_LIKELY: Final = re.compile(r"[\t\r\n\x20-\x7e\u00a0-\u00ff\u2010-\u203b\u3000-\u303f\u4e00-\u9fff\uff01-\uffe5]")
_LIKELY_SHARE_MIN: Final = 0.95
_SPREADSHEET: Final = "urn:schemas-microsoft-com:office:spreadsheet"
_WORKBOOK: Final = re.compile(r"<(?:\w+:)?Workbook\b").search
_PAGE: Final = re.compile(
    r"<(?:!doctype\s+html|html|head|body|meta|table|style|center|div|tr|thead|tbody)\b", re.IGNORECASE
).search
_XML: Final = re.compile(r"<\?xml|<\w+:?\w*[^>]*\sxmlns", re.IGNORECASE).match
_CONTROLS: Final = re.compile(rb"[\x01-\x08\x0e-\x19\x1b-\x1f]").findall
_CONTROLS_MAX: Final = 1 / 50


def kind_of(file: BinaryIO, encoding: str | None = None) -> FileKind:
    """What the file is. `encoding`: that of a text, where it is known. Raises Odd, HalfWritten."""
    file.seek(0)
    head = file.read(HEAD_BYTES)
    if head and not head.strip(b"\0"):
        raise HalfWritten("it holds zeros alone")
    if head.startswith(_WORKBOOKS):
        return FileKind.WORKBOOK
    for sign, reason in _OTHERS:
        if head.startswith(sign):
            raise Odd(reason, remedy=_RESAVE)
    text = head.decode(encoding or _encoding_of_head(head) or "gb18030", "replace").lstrip("\ufeff \t\r\n")
    if text.startswith("<") and _SPREADSHEET in text and _WORKBOOK(text) is not None:
        return FileKind.XML
    if text.startswith("<") and (found := _PAGE(text)) is not None and (found.start() == 0 or not _is_other_xml(text)):
        return FileKind.HTML
    if _XML(text):
        raise Odd("it is XML of another kind than a spreadsheet's; {remedy}", remedy=_RESAVE)
    if encoding is None and not _is_utf_16(head) and len(_CONTROLS(head)) > len(head) * _CONTROLS_MAX:
        raise Odd("it is neither a workbook nor text; {remedy}", remedy=_RESAVE)
    return FileKind.TEXT


def encoding_of(file: BinaryIO) -> str:
    """UTF-8 and UTF-16 by their marks, UTF-16 also without; UTF-8 if the whole file is valid; else GB18030, which includes GBK."""
    file.seek(0)
    head = file.read(HEAD_BYTES)
    found = _encoding_of_head(head)
    if found is not None:
        return found
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        decoder.decode(head)
        while chunk := file.read(CHUNK_BYTES):
            decoder.decode(chunk)
    except UnicodeDecodeError:
        return "gb18030"
    return "utf-8"


def _encoding_of_head(head: bytes) -> str | None:
    """The encoding where the head shows it; None for UTF-8 without its mark, and for GB18030."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    if head.count(0) < len(head) * _NUL_SHARE_MIN or not head:
        return None
    even = head[: len(head) // 2 * 2]
    return next((name for name in ("utf-16-le", "utf-16-be") if _is_likely(even.decode(name, "replace"))), None)


def _is_utf_16(head: bytes) -> bool:
    return (_encoding_of_head(head) or "").startswith("utf-16")


def _is_likely(text: str) -> bool:
    return len(_LIKELY.findall(text)) >= len(text) * _LIKELY_SHARE_MIN


def _is_other_xml(text: str) -> bool:
    return text.startswith("<?xml") and "http://www.w3.org/1999/xhtml" not in text and "<html" not in text.lower()
