"""What of a row is no identity or may mean something else: folded out of plates, or taken and flagged for the operator."""

from __future__ import annotations

from unicodedata import category

import pytest

from support.protocol_pipeline import request, row, walk
from support.protocol_rows import read, read_written, refuse
from vipgate.errors import BadRequest
from vipgate.protocol.renewal import FLAG_DECIMAL_MONEY, FLAG_NO_ORDER, FLAG_UNUSUAL_PLATE

INVISIBLE = [chr(code) for code in range(0x110000) if category(chr(code)) == "Cf"]


@pytest.mark.parametrize("dot", ["·", "•", ".", "‧", "・", "．", "･", "\u0387"])
def test_dot_between_the_parts_of_a_plate_is_no_part_of_it(dot: str) -> None:
    for plate in (f"粤B{dot}12345", f"粤{dot}B12345", f"粤B{dot}{dot}12345{dot}", f"粤B {dot} 12345"):
        assert (read(plate=plate).plate, read(plate=plate).flags) == ("粤B12345", 0)
    assert read(plate=f"WJ{dot}12").plate == "WJ12"


def test_invisible_character_in_a_plate_is_no_part_of_it() -> None:
    """A plate copied from a chat or a web page brings them along: a barrier would never find it."""
    assert {"\u200b", "\u200f", "\u202e", "\u2060", "\u2069", "\ufeff", "\u00ad"} < set(INVISIBLE)
    for hidden in INVISIBLE:
        found = read(plate=f"{hidden}粤{hidden}B12345{hidden}")
        assert (found.plate, found.flags) == ("粤B12345", 0)
    for nothing in (INVISIBLE[0], " \u200b\u00ad ", "\ufeff·\u202c"):
        assert refuse(plate=nothing).hint.zh.startswith("row[0].plate: 必填")


@pytest.mark.parametrize(
    "hidden", ["\ufe0f", "\u034f", "\u3164", "\u2800", "\u115f", "\u17b4", "\u180b", "\U000e0100", "\uffa0"]
)
def test_invisible_character_of_another_kind_in_a_plate_is_flagged(hidden: str) -> None:
    """Letters and marks that show nothing may belong to a plate of another country: they stay, and staff look at them."""
    for plate in (f"粤{hidden}B12345", f"粤B12345{hidden}"):
        assert read(plate=plate).flags & FLAG_UNUSUAL_PLATE


PLACEHOLDERS = [
    "无", " 无 ", "無", "無訂單號", "暂无", "空", "没有", "未知", "无订单号", "none", "None", "NULL", "null", "ｎｕｌｌ", "(null)",
    "[NULL]", "<null>", "nil", "N/A", "n.a.", "#N/A", "NaN", "undefined", "unknown", "-", "--", "—", "－", "/", "\\", ".",
    "...", "…", "?", "？？", "*", "_", "#", "0", "000", "0.00", "-0", "０", "0-0", "#REF!", "#DIV/0!", "#VALUE!",
    "\u200b", "DBNull", "test", "测试", "xxx", "AAAA",
]  # fmt: skip
CUT_SHORT = [
    "2.02207E+18", "2.02207e+18", "2.02207E18", "2E+18", "2,02207E+18", "202.2E+16", "1E-5", "２.０２Ｅ＋１８", "-2.0E+3",
    "2022072512345928000.0", "2022072512345928000.00",
]  # fmt: skip
ORDERS = [
    "1", "007", "10", "P1", "pay_partner_1234567890", "2022E5", "12E34567", "1E5", "E+18", "无1", "null1", "N/A-1",
    "粤无", "-1", "A", "2.02207", "20220701000000000001", "x", "一", "deadbeef", "1e", "e1", "1.5", "1.2.3E+4", "订单", "111",
    "1234567890.0", "2022072512345928000", "test1", "xx",
    "空港1号",
]  # fmt: skip


@pytest.mark.parametrize("order", [*PLACEHOLDERS, *CUT_SHORT])
def test_order_number_that_is_none_is_taken_and_flagged(order: str) -> None:
    found = read(pay_partner=order)
    assert (found.pay_partner, found.flags) == (order.strip(), FLAG_NO_ORDER)


@pytest.mark.parametrize("order", ORDERS)
def test_order_number_that_is_one_is_not_flagged_however_odd(order: str) -> None:
    assert (read(pay_partner=order).pay_partner, read(pay_partner=order).flags) == (order, 0)


@pytest.mark.parametrize(
    ("literal", "kept", "flags"),
    [
        ("0", "0", FLAG_NO_ORDER),
        ("0.0", "0", FLAG_NO_ORDER),
        ("2.02207E+18", "2.02207E+18", FLAG_NO_ORDER),
        ("2.02207e18", "2.02207e18", FLAG_NO_ORDER),
        ("1E+3", "1E+3", FLAG_NO_ORDER),
        ("2022070112345678901234567890", "2022070112345678901234567890", 0),
        ("7.0", "7", 0),
    ],
)
def test_number_as_an_order_number_keeps_its_digits_or_is_flagged(literal: str, kept: str, flags: int) -> None:
    found = read_written(pay_partner=literal)
    assert (found.pay_partner, found.flags) == (kept, flags)


@pytest.mark.parametrize(
    ("literal", "fen", "flags"),
    [
        ('"100.00"', 100, FLAG_DECIMAL_MONEY),
        ('"100.0"', 100, FLAG_DECIMAL_MONEY),
        ('" 0.00 "', 0, FLAG_DECIMAL_MONEY),
        (r'"100\u002e00"', 100, FLAG_DECIMAL_MONEY),
        ('"100"', 100, 0),
        ("100", 100, 0),
        ("100.0", 100, 0),
        ('"1e2"', 100, 0),
        ('""', None, 0),
    ],
)
def test_money_as_a_text_with_decimals_is_taken_as_fen_and_flagged(literal: str, fen: int | None, flags: int) -> None:
    found = read_written(pay_value=literal)
    assert (found.pay_value_fen, found.flags) == (fen, flags)


def test_flags_of_one_row_add_up() -> None:
    found = read(plate="使014578", pay_partner="无", pay_value="100.00")
    assert found.flags == FLAG_UNUSUAL_PLATE | FLAG_NO_ORDER | FLAG_DECIMAL_MONEY


@pytest.mark.parametrize("rows", [("100", "100.00"), ("100.00", "100"), ("100", "100.0", "100.00")])
def test_rows_that_differ_in_a_flag_alone_are_alike(rows: tuple[str, ...]) -> None:
    [renewal] = walk(request(*[row(pay_value=text) for text in rows])).renewals
    assert (renewal.pay_value_fen, renewal.flags) == (100, FLAG_DECIMAL_MONEY)


@pytest.mark.parametrize("order", ["无", "0", "2.02207E+18"])
def test_rows_under_one_placeholder_are_told_that_it_is_no_order_number(order: str) -> None:
    with pytest.raises(BadRequest) as caught:
        walk(request(row(pay_partner=order), row(pay_partner=order, quantity=2)))
    assert caught.value.hint.zh.startswith("row[1].pay_partner: 与 row[0] 相同, 但这不是订单号")
    assert "no order number" in caught.value.hint.en
