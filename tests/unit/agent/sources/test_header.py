"""A header of two lines: groups of columns above, their names below."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.table_files import HEADER, html_text, text_of, xlsx_bytes, xml_rows, xml_text
from vipgate.agent.config import SourceConfig
from vipgate.agent.sources.base import Source
from vipgate.agent.sources.file_source import FileSource
from vipgate.agent.sources.header import header_at
from vipgate.agent.sources.open import open_source

UPPER = ["订单号", "车牌号", "套餐编号", "金额", "", "", "有效期", "", "备注"]
LOWER = ["", "", "", "应收", "优惠", "实收", "起", "止", ""]
NAMES = ["订单号", "车牌号", "套餐编号", "应收", "优惠", "实收", "起", "止", "备注"]
ROW = ["A1", "粤B12345", "M1", "300", "20", "280", "2026-09-01", "2026-09-30", ""]
FORMATS = {
    "csv": lambda lines: text_of(lines).encode("gb18030"),
    "xlsx": lambda lines: xlsx_bytes(S=lines),
    "html": lambda lines: html_text(lines).encode(),
    "xml": lambda lines: xml_text({"S": xml_rows(lines)}).encode(),
}


def opened(path: Path, content: bytes, header_line: int | None = None) -> Source:
    path.write_bytes(content)
    return open_source(SourceConfig(file=path, header_line=header_line), base=path.parent)


@pytest.mark.parametrize("make", FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize("line", [None, 2, 3])
def test_columns_of_a_header_of_two_lines_have_the_lower_names(tmp_path: Path, make: Any, line: int | None) -> None:
    source = opened(
        tmp_path / "a.xls", make([["2026年9月 月卡收费"], UPPER, LOWER, ROW, UPPER, LOWER, ["A2", *ROW[1:]]]), line
    )
    assert source.columns == NAMES
    assert isinstance(source, FileSource)
    assert source.found().header_line == 2
    assert [list(row.values) for row in source.scan()] == [ROW, ["A2", *ROW[1:]]]


@pytest.mark.parametrize(
    ("upper", "lower", "names"),
    [
        (["单号", "应收", "", "实收", ""], ["", "钱", "券", "钱", "券"], ["单号", "应收钱", "应收券", "实收钱", "实收券"]),
        (["单号", "收款信息", "", "车"], ["", "时间", "方式", ""], ["单号", "收款时间", "收款方式", "车"]),
        (["订单信息", "", "车辆"], ["单号", "套餐", "车牌"], ["单号", "套餐", "车牌"]),
        (["单号", "金额", ""], ["", "应收", "实收", "备注"], ["单号", "应收", "实收", "备注"]),
    ],
    ids=["names that repeat get their group", "general names", "groups alone", "longer below"],
)  # fmt: skip
def test_names_of_two_lines(upper: list[str], lower: list[str], names: list[str]) -> None:
    for known in ((7, upper, None, (8, lower)), (8, lower, (7, upper), None)):
        header = header_at(*known)
        assert (header.first, header.last, header.columns) == (7, 8, names)


@pytest.mark.parametrize(
    "before",
    [
        ["停车场: 阳光花园", "", "制表人: 张三"],
        ["2026年9月", "", "月报"],
        ["月报", "", ""],
        ["", "", ""],
    ],
    ids=["colons", "digits", "title", "blank"],
)
def test_title_above_a_name_that_is_missing_is_no_group(before: list[str]) -> None:
    header = header_at(2, ["单号", "", "备注"], (1, before), None)
    assert (header.first, header.columns) == (2, ["单号", "", "备注"])


def test_record_below_a_blank_name_is_no_part_of_the_header() -> None:
    assert header_at(1, [*HEADER[:2], ""], None, (2, ["A", "粤B12345", "x"])).last == 1
    assert header_at(1, [], None, None).columns == []


def test_column_without_a_name_makes_no_group_of_the_line_above_it() -> None:
    found = header_at(1, ["车牌号", "", "操作员"], None, (2, ["", "张三", "李四"]))
    assert (found.first, found.last, found.columns) == (1, 1, ["车牌号", "", "操作员"])
