"""A file is read by what it is: every format and encoding under every name gives the same table."""

from __future__ import annotations

import os
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from support.table_files import (
    HEADER,
    RECORD,
    TABLE,
    html_text,
    text_of,
    xlsx_bytes,
    xml_cell,
    xml_rows,
    xml_text,
)
from vipgate.agent.config import SourceConfig
from vipgate.agent.sources.base import Source, SourceFault, SourceUnavailable
from vipgate.agent.sources.open import open_source
from vipgate.support.sheet.cells import BadCell
from vipgate.support.sheet.detect import FileKind, kind_of
from vipgate.support.sheet.errors import Odd

LONG_AGO_S = 1_700_000_000
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030", "gbk"]


def opened(path: Path, content: bytes, **settings: Any) -> Source:
    path.write_bytes(content)
    os.utime(path, (LONG_AGO_S, LONG_AGO_S))
    return open_source(SourceConfig(file=path, **settings), base=path.parent)


def values(source: Source) -> list[list[object]]:
    return [
        [f"{cell.fault}: {cell}" if isinstance(cell, BadCell) else cell for cell in row.values] for row in source.scan()
    ]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(
    "text",
    [
        text_of(TABLE),
        text_of(TABLE, "\t"),
        text_of(TABLE, ";", "\n"),
        "sep=;\r\n" + text_of(TABLE, ";"),
        '"sep=|"\n' + text_of(TABLE, "|"),
        "sep=\t\r\n" + text_of(TABLE, "\t"),
        html_text(TABLE),
        "<meta charset=gb2312>\n" + html_text(TABLE).partition("</head>")[2],
        "\n  " + html_text(TABLE).partition("<body>")[2].replace("</td>", "").replace("</tr>", ""),
        xml_text({"Sheet1": xml_rows(TABLE)}),
    ],
    ids=["csv", "tabs", "semicolons", "sep", "sep quoted", "sep tab", "page", "meta", "bare table", "xml 2003"],
)
def test_text_is_read_in_every_encoding_under_the_name_of_a_workbook(tmp_path: Path, text: str, encoding: str) -> None:
    source = opened(tmp_path / "续费.xls", text.encode(encoding))
    assert source.columns == HEADER
    assert values(source) == [RECORD]
    assert source.problems() == []


@pytest.mark.parametrize("name", ["a.xlsx", "a.xls", "a.csv", "a.ods", "a.et", "a"])
def test_workbook_is_read_under_every_name(tmp_path: Path, name: str) -> None:
    source = opened(tmp_path / name, xlsx_bytes(S=TABLE))
    assert (source.columns, values(source)) == (HEADER, [RECORD])


@pytest.mark.parametrize("name", ["a.xlsx", "a.csv"])
def test_old_workbook_is_read_under_every_name(tmp_path: Path, name: str) -> None:
    xlwt = pytest.importorskip("xlwt")
    book = xlwt.Workbook()
    page = book.add_sheet("S1")
    for down, line in enumerate(TABLE):
        for right, value in enumerate(line):
            page.write(down, right, value)
    book.save(str(tmp_path / "made.xls"))
    source = opened(tmp_path / name, (tmp_path / "made.xls").read_bytes())
    assert (source.columns, values(source)) == (HEADER, [RECORD])


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"%PDF-1.7\n1 0 obj", "it is a PDF; export it as a sheet"),
        (b"{\\rtf1\\ansi}", "it is a text document"),
        (b"MIME-Version: 1.0\r\nContent-Type: multipart/related", r"it is a web archive \(MHTML\); open it"),
        (b"\x1f\x8b\x08\0\0\0\0\0", r"it is packed \(gzip\); unpack it"),
        (b"Rar!\x1a\x07\0", "it is packed"),
        (b"SQLite format 3\0" + bytes(84), "it is an SQLite database"),
        (b"\x09\x04\x06\x00\0\0\x10\0", "it is a workbook of Excel 4"),
        (b'<?xml version="1.0"?><records><r/></records>', "it is XML of another kind"),
        (b"<html><body><p>Session expired, log in</p></body></html>", "it holds no table"),
        (bytes(range(1, 32)) * 9, "it is neither a workbook nor text"),
        (xml_text({"S": "<Row/>"}).replace("\n<W", '<!DOCTYPE x [<!ENTITY a "b">]><W').encode(), "document type"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["a.xls", "a.csv"])
def test_file_of_another_kind_is_named(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    with pytest.raises(SourceFault, match=told) as raised:
        opened(tmp_path / name, content)
    assert str(tmp_path / name) in str(raised.value)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        bytes(4096),
        xlsx_bytes(S=TABLE)[:3000],
        html_text(TABLE).encode()[:-30],
        xml_text({"S": xml_rows(TABLE)}).encode()[:-30],
        html_text(TABLE).encode("utf-16") + b"\n",
    ],
    ids=["empty", "zeros", "xlsx", "page", "xml", "half a character"],
)
def test_file_that_is_half_written_is_asked_again(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(SourceUnavailable, match=r"half written|no Excel file"):
        opened(tmp_path / "a.xls", content)


def test_file_that_becomes_one_of_another_kind_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "a.xls"
    source = opened(path, xlsx_bytes(S=TABLE))
    opened(path, text_of(TABLE).encode())
    with pytest.raises(SourceUnavailable, match="it is text, not a workbook"):
        values(source)
    source = opened(path, text_of(TABLE).encode())
    opened(path, xlsx_bytes(S=TABLE))
    with pytest.raises(SourceUnavailable, match="another encoding"):
        values(source)


@pytest.mark.parametrize("make", [text_of, html_text, lambda lines: xml_text({"S": xml_rows(lines)})])
def test_columns_that_change_places_are_not_mistaken_for_each_other(tmp_path: Path, make: Any) -> None:
    source = opened(tmp_path / "a.xls", make(TABLE).encode())
    opened(tmp_path / "a.xls", make([line[::-1] for line in TABLE]).encode())
    with pytest.raises(SourceUnavailable, match=r"has other columns than before: 支付时间, 实收金额"):
        values(source)


def test_page_is_read_as_a_browser_shows_it(tmp_path: Path) -> None:
    inner = "<table><tr><td>inner</td></tr></table>"
    text = f"""<!DOCTYPE html><html><style>td {{}}</style><body><table><tr><td>menu {inner}</td></tr></table>
      <TABLE><thead><tr><th>订单号<th>车牌号<th> 实收\n  金额 <th>支付时间</thead>
      <tr><td>A&amp;1<td>粤B&#49;<br>2<td><b>300</b>.00<td>2026-09-01&nbsp;&nbsp;08:00:00
      <tr><td rowspan=2>B1</td><td colspan="2">粤B2</td><td><!-- <td> -->x</td></tr>
      <tr><td>粤B3</td><td>1</td><td></td></tr>
      <tr><td><script>var a = '<td>';</script>C1</td><td></td><td></td><td></td></tr></TABLE></body></html>"""
    source = opened(tmp_path / "a.xls", text.encode())
    assert source.columns == ["订单号", "车牌号", "实收 金额", "支付时间"]
    assert values(source) == [
        ["A&1", "粤B1 2", "300.00", "2026-09-01 08:00:00"],
        ["B1", "粤B2", "", "x"],
        ["", "粤B3", "1", ""],
        ["C1", "", "", ""],
    ]


def test_xml_2003_is_read_with_its_types_and_gaps(tmp_path: Path) -> None:
    noon = datetime(2026, 9, 1, 12)  # noqa: DTZ001 - the times of a park have no zone
    third, wide = 'ss:Index="3"', 'ss:MergeAcross="1"'
    rows = (
        f'<Row ss:Index="3">{xml_cell("订单号")}{xml_cell("车牌号")}{xml_cell("实收金额")}{xml_cell("支付时间")}</Row>'
        f'<Row ss:Index="5">{xml_cell(2022072512345928259)}{xml_cell("粤B1")}{xml_cell(300.5)}{xml_cell(noon)}</Row>'
        f'<Row>{xml_cell("B1")}{xml_cell("x", third)}<Cell><Comment><Data>note</Data></Comment></Cell></Row>'
        f'<Row>{xml_cell("C1", wide)}<Cell ss:Formula="=1/0"><Data ss:Type="Error">#DIV/0!</Data></Cell>'
        '<Cell ss:Formula="=RC[-1]"/></Row>'
    )  # fmt: skip
    source = opened(tmp_path / "a.xls", xml_text({"说明": xml_rows([["x"]]), "续费": rows}).encode())
    assert [row.place for row in source.scan()] == ["row 5", "row 6", "row 7"]
    assert values(source) == [
        ["2022072512345928259", "粤B1", 300.5, noon],
        ["B1", "", "x", ""],
        ["C1", "", "error: #DIV/0!", "formula: =RC[-1]"],
    ]


def test_configuration_may_say_the_encoding(tmp_path: Path) -> None:
    for make in (text_of, html_text):
        source = opened(tmp_path / "a.csv", make([["車牌號", "x"], ["粵B1", "2"]]).encode("big5"), encoding="big5")
        assert (source.columns, values(source)) == (["車牌號", "x"], [["粵B1", "2"]])


@pytest.mark.parametrize(("controls", "is_text"), [(10, True), (30, False)])
def test_bytes_with_many_control_characters_are_no_text(controls: int, is_text: bool) -> None:
    content = BytesIO(b"a,b\r\n" * 200 + b"\x01" * controls)
    if is_text:
        assert kind_of(content) is FileKind.TEXT
    else:
        with pytest.raises(Odd, match="neither a workbook nor text"):
            kind_of(content)
