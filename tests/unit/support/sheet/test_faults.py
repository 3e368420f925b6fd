"""Cells of workbooks that hold no value, in each format: the sheet library gives all of them as empty."""

from __future__ import annotations

import struct
import zipfile
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl  # type: ignore[import-untyped]
import pytest

from support.hostile_workbooks import archive, ods, small_xls, xlsb, xlsx
from vipgate.agent.config import SourceConfig
from vipgate.agent.config_map import Member
from vipgate.agent.mapping.mapper import Mapper
from vipgate.agent.sources.open import open_source
from vipgate.support.sheet import faults
from vipgate.support.sheet.cells import BadCell
from vipgate.support.sheet.compound import read_stream
from vipgate.support.sheet.errors import TooLarge
from vipgate.support.sheet.faults import FaultList

HEAD = "".join(f'<c r="{column}3" t="inlineStr"><is><t>{column.lower()}</t></is></c>' for column in "BCD")


def read(path: Path) -> list[list[object]]:
    rows = open_source(SourceConfig(file=path), base=path.parent).scan()
    return [[f"{cell.fault}: {cell}" if isinstance(cell, BadCell) else cell for cell in row.values] for row in rows]


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        ('<c r="B4" t="e"><v>#DIV/0!</v></c><c r="C4"><v>1</v></c>', ["error: #DIV/0!", 1.0, ""]),
        ('<c r="B4" t="e"><f>1/0</f><v>#N/A</v></c><c r="D4" t="e"><v>#NAME?</v></c>', ["error: #N/A", "", "error: #NAME?"]),
        ('<c r="B4"><v>1</v></c><c r="C4"><f>1*2</f></c>', [1.0, "formula: =", ""]),
        ('<c r="C4"><f>1*2</f><v></v></c><c r="D4"><f t="shared" si="0"/><v/></c>', ["", "formula: =", "formula: ="]),
        ('<c r="B4"><f>1*2</f><v>2</v></c><c r="C4"><f>0*1</f><v>0</v></c>', [2.0, 0.0, ""]),
        ('<c r="B4" t="str"><f>""</f><v></v></c><c r="C4"><v>1</v></c>', ["", 1.0, ""]),
        ('<c r="B4" t="str"><f>A1</f></c><c r="C4"><v>1</v></c>', ["formula: =", 1.0, ""]),
        ('<c t="e"><v>#REF!</v></c><c r="B4" s="1"/><c><f>1</f></c><c><v>3</v></c>', ["error: #REF!", "", "formula: =", 3.0]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("prefix", ["", "x:"])
def test_cells_of_xlsx(tmp_path: Path, cells: str, values: list[object], prefix: str) -> None:
    rows = f'<row r="3">{HEAD}</row><row r="4">{cells}</row>'
    if prefix:
        rows = rows.replace("<", f"<{prefix}").replace(f"<{prefix}/", f"</{prefix}")
    assert read(xlsx(tmp_path / "a.xlsx", rows, prefix=prefix)) == [values]


def test_zero_is_no_value_of_a_formula_where_nothing_was_calculated(tmp_path: Path) -> None:
    cells = '<c r="B4"><f>1*2</f><v>0</v></c><c r="C4"><v>0</v></c><c r="D4"><f>2</f><v>2</v></c>'
    rows = f'<row r="3">{HEAD}</row><row r="4">{cells}</row>'
    path = xlsx(tmp_path / "a.xlsx", rows)
    assert read(path) == [[0.0, 0.0, 2.0]]
    with zipfile.ZipFile(path) as file:
        parts = {name: [file.read(name)] for name in file.namelist()}
    parts["xl/workbook.xml"] = [
        parts["xl/workbook.xml"][0].replace(b"</workbook>", b'<calcPr fullCalcOnLoad="1"/></workbook>')
    ]
    assert read(archive(path, parts)) == [["formula: =", 0.0, 2.0]]


def test_formulas_that_openpyxl_writes_have_no_value(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for line in (["a", "b"], ["x", "=1+1"], ["#DIV/0!", 5]):
        book.active.append(line)
    book.save(tmp_path / "a.xlsx")
    assert read(tmp_path / "a.xlsx") == [["x", "formula: ="], ["error: #DIV/0!", 5.0]]


@pytest.mark.parametrize("has_result", [False, True])
def test_cells_of_xls(tmp_path: Path, has_result: bool) -> None:
    xlwt = pytest.importorskip("xlwt")
    book = xlwt.Workbook()
    book.add_sheet("other").write(0, 0, "x")
    page = book.add_sheet("S2")
    for column, name in enumerate(("车牌号", "金额", "数量")):
        page.write(2, column + 1, name)
        page.write(5, column + 1, "y")
    page.row(3).set_cell_error(1, "#DIV/0!")
    page.row(3).set_cell_boolean(2, True)
    page.write(4, 1, "x")
    page.write(4, 2, xlwt.Formula("1+1"))
    book.save(str(tmp_path / "a.xls"))
    if has_result:
        raw = (tmp_path / "a.xls").read_bytes()
        empty = struct.pack("<Q", 0xFFFF000000000003)
        assert raw.count(empty) == 1
        (tmp_path / "a.xls").write_bytes(raw.replace(empty, struct.pack("<Q", 0xFFFF000000070002)))
    second = "error: #DIV/0!" if has_result else "formula: ="
    assert read(tmp_path / "a.xls") == [["error: #DIV/0!", True, ""], ["x", second, ""], ["y", "y", "y"]]


@pytest.mark.parametrize("error", ["#DIV/0!", "#REF!"])
def test_cells_of_an_xls_so_small_that_it_lies_in_the_mini_stream(tmp_path: Path, error: str) -> None:
    xlwt = pytest.importorskip("xlwt")
    book = xlwt.Workbook()
    page = book.add_sheet("S")
    for column, name in enumerate(("车牌号", "金额", "数量")):
        page.write(0, column, name)
        page.write(2, column, "y")
    page.row(1).set_cell_error(0, error)
    page.write(1, 1, xlwt.Formula("1+1"))
    page.write(1, 2, "x")
    book.save(str(tmp_path / "a.xls"))
    # Without the padding behind its last record, EOF.
    stream = read_stream((tmp_path / "a.xls").read_bytes(), ("workbook",)).rstrip(b"\0") + b"\0\0\0"
    assert len(stream) < 4096
    path = small_xls(tmp_path / "b.xls", stream)
    assert read(path) == [[f"error: {error}", "formula: =", "x"], ["y", "y", "y"]]


def test_cells_of_xlsb(tmp_path: Path) -> None:
    path = xlsb(tmp_path / "a.xlsb", 1, 1)
    with zipfile.ZipFile(path) as file:
        parts = {name: [file.read(name)] for name in file.namelist()}
    number = bytes([5, 16]) + struct.pack("<IId", 1, 0, 1.0)
    sheet = parts["xl/worksheets/sheet1.bin"][0]
    assert sheet.count(number) == 1
    parts["xl/worksheets/sheet1.bin"] = [sheet.replace(number, bytes([3, 9]) + struct.pack("<IIB", 1, 0, 0x2A))]
    assert read(archive(path, parts)) == [["", "error: #N/A"]]


def test_cells_of_ods(tmp_path: Path) -> None:
    def cell(attributes: str, text: str = "") -> str:
        return f"<table:table-cell {attributes}>{text and f'<text:p>{text}</text:p>'}</table:table-cell>"

    def text(value: str) -> str:
        return cell('office:value-type="string"', value)

    error = 'table:formula="of:=1/0" office:value-type="string" office:string-value="" calcext:value-type="error"'
    rows = [
        text("a") + text("b") + text("c"),
        text("x") + cell(error.replace("calcext", "xmlns:calcext='urn:x' calcext"), "#DIV/0!") + text("y"),
        text("x") + cell('table:formula="of:=1*2"') + text("y"),
    ]
    path = ods(tmp_path / "a.ods", "".join(f"<table:table-row>{row}</table:table-row>" for row in rows))
    assert read(path) == [["x", "error: #ERROR!", "y"], ["x", "formula: of:=1*2", "y"]]


@pytest.mark.parametrize(
    "member", [Member(column="a"), Member(column="a", unit="yuan"), Member(column="a", codes={"x": 1}, default=1)]
)
@pytest.mark.parametrize(
    "name", ["pay_partner", "pay_value", "vip_type", "pay_time", "renewal_end_time", "operator", "other"]
)
def test_bad_cell_is_refused_by_every_member(name: str, member: Member) -> None:
    if name.endswith("_time") and member.unit:
        return
    found = Mapper({name: member}, (), ZoneInfo("UTC"), ["a"])([BadCell("#DIV/0!", "error")])
    assert isinstance(found, list)
    assert "#DIV/0!" in found[0].text("en")
    assert "correct it in the sheet" in found[0].text("en")


def test_cells_without_a_value_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "FAULTS_MAX", 2)
    found = FaultList()
    found.add(0, 0, BadCell("=", "formula"))
    found.add(0, 1, BadCell("=", "formula"))
    with pytest.raises(TooLarge, match="more than 2 cells hold errors or formulas without a value"):
        found.add(0, 2, BadCell("=", "formula"))


@pytest.mark.parametrize("cut", [0, 100, 600, 3000])
def test_broken_compound_file_has_no_faults(tmp_path: Path, cut: int) -> None:
    xlwt = pytest.importorskip("xlwt")
    book = xlwt.Workbook()
    book.add_sheet("S").write(0, 0, datetime(2026, 9, 1))  # noqa: DTZ001 - the times of a park have no zone
    book.save(str(tmp_path / "a.xls"))
    assert faults.xls_faults((tmp_path / "a.xls").read_bytes()[:cut], 0) == {}


def test_error_in_repeated_cells_of_ods_is_one_in_each(tmp_path: Path) -> None:
    names = "".join(
        f'<table:table-cell office:value-type="string"><text:p>{one}</text:p></table:table-cell>' for one in "abc"
    )
    error = 'xmlns:calcext="urn:x" calcext:value-type="error" office:value-type="string" table:formula="of:=1/0"'
    cells = f'<table:table-cell {error} table:number-columns-repeated="2"/>' + names[: len(names) // 3]
    rows = f"<table:table-row>{names}</table:table-row><table:table-row>{cells}</table:table-row>"
    assert read(ods(tmp_path / "a.ods", rows)) == [["error: #ERROR!", "error: #ERROR!", "a"]]


def test_empty_text_is_a_result_where_another_formula_of_the_xls_has_one(tmp_path: Path) -> None:
    xlwt = pytest.importorskip("xlwt")
    book = xlwt.Workbook()
    page = book.add_sheet("S")
    for column, name in enumerate("abc"):
        page.write(0, column, name)
    page.write(1, 0, xlwt.Formula("1+1"))
    page.write(1, 1, xlwt.Formula("1+1"))
    page.write(1, 2, "x")
    book.save(str(tmp_path / "a.xls"))
    raw = (tmp_path / "a.xls").read_bytes()
    empty = struct.pack("<Q", 0xFFFF000000000003)
    assert raw.count(empty) == 2
    (tmp_path / "a.xls").write_bytes(raw.replace(empty, struct.pack("<d", 2.0), 1))
    assert read(tmp_path / "a.xls") == [[2.0, "", "x"]]
