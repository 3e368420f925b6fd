"""The table among the lines of a file: titles above it, totals below it, pages with headers of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from support.table_files import HEADER, RECORD, html_text, text_of, xlsx_bytes, xml_rows, xml_text
from vipgate.agent.config import SourceConfig
from vipgate.agent.sources.base import Source
from vipgate.agent.sources.file_source import LEFT_OUT_KEPT_MAX, FileSource
from vipgate.agent.sources.open import open_source
from vipgate.agent.sources.table import find_header, is_total
from vipgate.errors import UsageError
from vipgate.support.sheet.cells import row_text

Make = Callable[[list[list[str]]], bytes]
SECOND = ["A2", *RECORD[1:]]
UNKNOWN = [["甲", "乙", "丙"], ["1", "2", "3"]]
FORMATS: dict[str, Make] = {
    "csv": lambda lines: text_of(lines).encode("gb18030"),
    "tabs": lambda lines: text_of(lines, "\t").encode("utf-16"),
    "xlsx": lambda lines: xlsx_bytes(S=lines),
    "html": lambda lines: html_text(lines).encode(),
    "xml": lambda lines: xml_text({"S": xml_rows(lines)}).encode(),
}


def opened(folder: Path, content: bytes, names: tuple[str, ...] = (), **settings: object) -> FileSource:
    path = folder / "a.xls"
    path.write_bytes(content)
    source = open_source(SourceConfig(file=path, **settings), base=folder, names=names)  # type: ignore[arg-type]
    assert isinstance(source, FileSource)
    return source


def numbers(source: Source) -> list[object]:
    return [row.values[0] for row in source.scan()]


@pytest.mark.parametrize("make", FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize(
    "above",
    [
        [],
        [["2026年9月 月卡续费记录"]],
        [["某停车场"], [""], ["制表人: 张三", "", "车牌", "", "日期: 2026-09-30"]],
        [["", "", ""], ["", "", "车辆信息", "", "", "", "支付信息"]],
        [[f"说明 {n}"] for n in range(28)],
    ],
    ids=["nothing", "title", "several", "groups", "28 lines"],
)
def test_titles_above_the_table_are_passed(tmp_path: Path, make: Make, above: list[list[str]]) -> None:
    source = opened(tmp_path, make([*above, HEADER, RECORD, SECOND]))
    assert source.columns == HEADER
    assert numbers(source) == ["A1", "A2"]
    assert source.problems() == []
    assert source.left_out == []


@pytest.mark.parametrize("make", FORMATS.values(), ids=FORMATS)
def test_lines_that_are_no_records_are_left_out_and_named(tmp_path: Path, make: Make) -> None:
    total = ["合计", "", "", "", "", "2", "", "600.00", ""]
    source = opened(tmp_path, make([["月报"], HEADER, RECORD, HEADER, SECOND, total, ["共 2 条记录", "", "总计: 600"]]))
    assert numbers(source) == ["A1", "A2"]
    assert source.left_out_count == 3
    assert [text.partition(" ")[2] for text in source.left_out] == ["4 (订单号)", "6 (合计)", "7 (共 2 条记录)"]
    assert source.left_out_text().startswith("3 lines that are no records left out: ")
    assert numbers(source) == ["A1", "A2"]
    assert source.left_out_count == 3, "each scan counts anew"


@pytest.mark.parametrize(
    "cells",
    [
        ["合计"], ["总计:", "", "", "600"], ["", "小计", "600", ""], ["本页小计", "1", "2", "3"], ["本月合计(元)", "", "", "600"],
        ["共计 25 笔", "", "", ""], ["TOTAL", "", "", "600"], ["Grand Total", "", "", "600"], ["Sub-total:", "1", "2", "3"],
        ["", "", "合计：600.00元", ""], ["共 12 条记录", "", "", ""], ["总金额: 1500", "", "", ""],
        ["Sum", "", "", "2"], ["合计 600", "", "", ""], ["合計", "", "", ""], ["總計: 600", "", "", ""],
    ],
)  # fmt: skip
def test_totals_are_known_by_their_words(cells: list[str]) -> None:
    assert is_total(cells, 4, row_text(cells))


@pytest.mark.parametrize(
    "cells",
    [
        ["A1", "粤B1", "合计", "300"], ["合众公司", "x", "", ""], ["总部", "", "", ""], ["共享车位", "", "", ""],
        ["累", "", ""], ["汇总停车场甲", "", "", ""], ["total-12", "x", "y", "z"], ["Summer", "", "", ""], ["计划A", "", "", ""],
        ["", "", "", ""], ["A1", None, 3.5, None], ["20260901 total", "a", "b", "c"],
    ],
)  # fmt: skip
def test_records_are_no_totals(cells: list[object]) -> None:
    assert not is_total(cells, 4, row_text(cells))


@pytest.mark.parametrize("make", FORMATS.values(), ids=FORMATS)
def test_header_of_unknown_names_is_the_first_line_and_said_so(tmp_path: Path, make: Make) -> None:
    source = opened(tmp_path, make([["", "", ""], *UNKNOWN]))
    assert source.columns == UNKNOWN[0]
    [problem] = source.problems()
    for word in ("line 2", "source.header_line", "source.sheet", "--header-line", "--sheet"):
        assert word in problem


@pytest.mark.parametrize("make", FORMATS.values(), ids=FORMATS)
def test_header_is_known_by_the_columns_of_the_mapping(tmp_path: Path, make: Make) -> None:
    source = opened(tmp_path, make([["标题"], ["订单号", "车牌号", ""], *UNKNOWN]), names=(" 乙", "丙"))
    assert (source.columns, numbers(source), source.problems()) == (UNKNOWN[0], ["1"], [])


@pytest.mark.parametrize("make", FORMATS.values(), ids=FORMATS)
def test_header_line_that_is_given_counts(tmp_path: Path, make: Make) -> None:
    source = opened(tmp_path, make([HEADER, *UNKNOWN]), header_line=2)
    assert (source.columns[:3], numbers(source)) == (UNKNOWN[0], ["1"])
    with pytest.raises(UsageError, match=r"no (line|row) 40 with the columns' names; fix source\.header_line"):
        opened(tmp_path, make([HEADER, RECORD]), header_line=40)


def test_header_line_far_down_a_sheet_may_be_given(tmp_path: Path) -> None:
    source = opened(tmp_path, xlsx_bytes(S=[["x"]] * 99 + UNKNOWN), header_line=100)
    assert (source.columns, numbers(source)) == (UNKNOWN[0], ["1"])


def books(**sheets: list[list[str]]) -> list[bytes]:
    pages = {name: xml_rows(lines) for name, lines in sheets.items()}
    return [xlsx_bytes(**sheets), xml_text(pages).encode(), "".join(map(html_text, sheets.values())).encode()]


@pytest.mark.parametrize(
    "content", books(说明=[["填写说明"], ["车牌"]], 续费=[["标题"], HEADER, RECORD], 空=[]), ids=["xlsx", "xml", "html"]
)
def test_sheet_with_the_table_is_found(tmp_path: Path, content: bytes) -> None:
    source = opened(tmp_path, content)
    assert (source.columns, numbers(source), source.problems()) == (HEADER, ["A1"], [])


@pytest.mark.parametrize("content", books(八月=[HEADER, RECORD], 九月=[HEADER, SECOND]), ids=["xlsx", "xml", "html"])
def test_other_sheets_with_tables_are_not_passed_in_silence(tmp_path: Path, content: bytes) -> None:
    source = opened(tmp_path, content)
    assert numbers(source) == ["A1"]
    [problem] = source.problems()
    assert "hold tables, too, and are not" in problem
    assert "--sheet" in problem
    other = "九月" if "九月" in problem else "table 2"
    assert numbers(opened(tmp_path, content, sheet=other)) == ["A2"]
    with pytest.raises(UsageError, match=r"has no sheet 十月, only .*; fix source\.sheet \(vipgate push: --sheet\)"):
        opened(tmp_path, content, sheet="十月")


def test_names_of_one_line_win_over_chance() -> None:
    found = find_header([["类型", "x"], ["车牌号", "金额", "类型"], ["a", "b", "c"]], ())
    assert found is not None
    # Of 金额 alone it is not known which sum it is.
    assert (found.place, found.score) == (1, 2)
    assert find_header([["a", "b"], ["类型", "x"]], ()) is None
    assert find_header([], ()) is None


def test_delimiter_is_the_one_that_makes_the_best_header(tmp_path: Path) -> None:
    lines = text_of([HEADER, RECORD], ";")
    source = opened(tmp_path, f"订单号,车牌号,说明\r\n{lines}".encode())
    assert (source.columns, numbers(source)) == (HEADER, ["A1"])


def test_places_of_lines_left_out_are_bounded_and_their_count_is_not(tmp_path: Path) -> None:
    source = opened(tmp_path, text_of([HEADER, RECORD, *[["合计", "600"]] * 30]).encode())
    assert numbers(source) == ["A1"]
    assert (len(source.left_out), source.left_out_count) == (LEFT_OUT_KEPT_MAX, 30)
    assert source.left_out_text().startswith("30 lines that are no records left out: line 3 (合计)")
    assert source.left_out_text().endswith(", …")


@pytest.mark.parametrize(("known", "is_named"), [(5, True), (4, False)])
def test_other_sheet_is_named_from_half_of_the_known_names_on(tmp_path: Path, known: int, is_named: bool) -> None:
    source = opened(tmp_path, xlsx_bytes(八月=[HEADER, RECORD], 九月=[HEADER[:known], RECORD[:known]]))
    assert any("九月" in problem for problem in source.problems()) == is_named


def test_rows_that_a_row_of_xml_spans_are_counted(tmp_path: Path) -> None:
    rows = f'{xml_rows([HEADER])}<Row ss:Span="2"/>{xml_rows([RECORD])}'
    source = opened(tmp_path, xml_text({"S": rows}).encode())
    assert [row.place for row in source.scan()] == ["row 5"]
