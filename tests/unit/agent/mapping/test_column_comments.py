"""What the comments of columns say: a name, codes, a unit."""

from __future__ import annotations

import pytest

from vipgate.agent.mapping.column_comments import codes_in, name_in, unit_in

PASSES = {"1": "月卡", "2": "季卡", "3": "年卡"}


@pytest.mark.parametrize(
    ("comment", "name", "codes"),
    [
        ("卡类型 1月卡 2季卡 3年卡", "卡类型", PASSES),
        ("卡类型1月卡2季卡3年卡", "卡类型", PASSES),
        ("卡类型：1-月卡，2-季卡,3-年卡", "卡类型", PASSES),
        ("卡类型(1:月卡;2：季卡;3:年卡)", "卡类型", PASSES),
        ("卡类型 1=月卡/2=季卡/3=年卡", "卡类型", PASSES),
        ("卡类型：1、月卡；2、季卡；3、年卡", "卡类型", PASSES),
        ("1月卡 2季卡 3年卡", "", PASSES),
        ("1: month, 2: year", "", {"1": "month", "2": "year"}),
        ("pass type 1 month 2 year", "pass type", {"1": "month", "2": "year"}),
        ("M月卡 Y年卡", "M月卡", {"M": "月卡", "Y": "年卡"}),
        ("状态 1正常 0作废", "状态", {"1": "正常", "0": "作废"}),
        ("1月卡 1年卡", "", {}),
        ("1月卡", "", {}),
        ("车牌号", "车牌号", {}),
        ("2024年起由程序写入", "", {}),
        ("此列由续费程序在每次收款之后写入，不要手工修改，否则对账会出错", "", {}),
        ("", "", {}),
        (" ".join(f"{number}种" for number in range(200)), "", {}),
    ],
)
def test_name_and_codes_of_a_comment(comment: str, name: str, codes: dict[str, str]) -> None:
    assert (name_in(comment) if codes or len(name) else name, codes_in(comment)) == (name, codes)


@pytest.mark.parametrize(
    ("comment", "unit"),
    [
        ("分", "fen"),
        ("金额(元)", "yuan"),
        ("实收金额，单位:分", "fen"),
        ("金额 单位为分", "fen"),
        ("以分为单位", "fen"),
        ("fee, fen", "fen"),
        ("积分", None),
        ("部分付款", None),
        ("元或分：元/分", None),
        ("", None),
    ],
)
def test_unit_of_a_comment(comment: str, unit: str | None) -> None:
    assert unit_in(comment) == unit
