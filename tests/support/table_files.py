"""Tables in the formats in which parks' programs export them, written by code."""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import datetime
from io import BytesIO
from typing import Final
from xml.sax.saxutils import escape, quoteattr

import openpyxl  # type: ignore[import-untyped]

HEADER: Final = ["订单号", "车牌号", "车牌颜色", "套餐编号", "卡类型", "数量", "支付方式", "实收金额", "支付时间"]
RECORD: Final = ["A1", "粤B12345", "蓝", "M1", "月卡", "1", "现金", "300.00", "2026-09-01 08:00:00"]
TABLE: Final = [HEADER, RECORD]
SPREADSHEET: Final = "urn:schemas-microsoft-com:office:spreadsheet"

Lines = Sequence[Sequence[object]]


def text_of(lines: Lines, mark: str = ",", end: str = "\r\n") -> str:
    return "".join(mark.join(map(str, line)) + end for line in lines)


def xlsx_bytes(**sheets: Lines) -> bytes:
    """A workbook with these sheets, in their order. A text that begins with = is a formula without its value."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, lines in sheets.items():
        page = book.create_sheet(name)
        for line in lines:
            page.append(list(line))
    file = BytesIO()
    book.save(file)
    return file.getvalue()


def html_text(lines: Lines, before: str = "", after: str = "") -> str:
    rows = "".join(f"<tr>{''.join(f'<td>{html.escape(str(cell))}</td>' for cell in line)}</tr>" for line in lines)
    return f"<html><head><title>x</title></head><body>{before}<table border=1>{rows}</table>{after}</body></html>"


def xml_text(sheets: dict[str, str]) -> str:
    """XML Spreadsheet 2003; the rows of each sheet are given as XML."""
    pages = "".join(
        f"<Worksheet ss:Name={quoteattr(name)}><Table>{rows}</Table></Worksheet>" for name, rows in sheets.items()
    )
    return (
        f'<?xml version="1.0"?>\n<?mso-application progid="Excel.Sheet"?>\n'
        f'<Workbook xmlns="{SPREADSHEET}" xmlns:ss="{SPREADSHEET}">{pages}</Workbook>'
    )


def xml_cell(value: object, attributes: str = "") -> str:
    if isinstance(value, datetime):
        kind, text = "DateTime", value.isoformat(timespec="milliseconds")
    else:
        kind, text = ("Number" if isinstance(value, int | float) else "String"), str(value)
    return f'<Cell {attributes}><Data ss:Type="{kind}">{escape(text)}</Data></Cell>'


def xml_rows(lines: Lines) -> str:
    return "".join(f"<Row>{''.join(map(xml_cell, line))}</Row>" for line in lines)
