"""The contract's table of row members, as a table: what is taken, what it is kept as, what is refused and with which words."""

from __future__ import annotations

from typing import Any

import pytest

from unit.road import request, row, walk
from vipgate.errors import BadRequest
from vipgate.renewal import FLAG_UNUSUAL_PLATE, Renewal

START_US = 1_664_553_600_000_000  # 2022-09-30T16:00:00Z


def read(**members: Any) -> Renewal:
    return walk(request(row(**members))).renewals[0]


def each(member: str, *values: Any) -> list[tuple[str, Any]]:
    return [(member, value) for value in values]


def refuse(**members: Any) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        walk(request(row(**members)))
    return caught.value


TAKEN: list[tuple[str, Any, str, Any]] = [
    ("plate", "粤X33333", "plate", "粤X33333"),
    ("plate", " 粤x·３３３ ３３ ", "plate", "粤X33333"),
    ("plate", "ｗＪ１２３４５", "plate", "WJ12345"),
    ("plate", 12345, "plate", "12345"),
    ("plate", "A" * 16, "plate", "A" * 16),
    *[("plate_color", color, "plate_color", color) for color in (1, 2, 3, 4, 5, -1)],
    ("plate_color", "-1", "plate_color", -1),
    ("plate_color", 1.0, "plate_color", 1),
    ("plate_color", "5.0", "plate_color", 5),
    ("plate_color", " 2 ", "plate_color", 2),
    ("card_no", "ID000001", "card_no", "ID000001"),
    ("card_no", 7, "card_no", "7"),
    ("card_id", "  ", "card_id", None),
    ("card_id", None, "card_id", None),
    ("card_id", "卡" * 64, "card_id", "卡" * 64),
    ("charge_type", "MON_A", "charge_type", "MON_A"),
    ("charge_type", 101, "charge_type", "101"),
    *[("vip_type", kind, "vip_type", kind) for kind in range(8)],
    ("vip_type", "0", "vip_type", 0),
    ("quantity", 0, "quantity", 0),
    ("quantity", 10**9, "quantity", 10**9),
    ("quantity", "1e3", "quantity", 1000),
    ("pay_partner", "pay_partner_1234567890", "pay_partner", "pay_partner_1234567890"),
    ("pay_partner", 123456789012345678901234567890, "pay_partner", "123456789012345678901234567890"),
    ("pay_partner", 10**63, "pay_partner", "1" + "0" * 63),
    ("pay_partner", " P7\n", "pay_partner", "P7"),
    ("pay_type", 1, "pay_type", 1),
    ("pay_type", "2", "pay_type", 2),
    ("value", "30", "value_e4", 300_000),
    ("value", 30, "value_e4", 300_000),
    ("value", 30.5, "value_e4", 305_000),
    ("value", "0.0001", "value_e4", 1),
    ("value", "999999999999.9999", "value_e4", 10**16 - 1),
    ("value", "-5", "value_e4", -50_000),
    ("value", "", "value_e4", None),
    ("pay_time", 1625068799000, "pay_time_ms", 1625068799000),
    ("pay_time", "1625068799000", "pay_time_ms", 1625068799000),
    ("pay_time", 946684800000, "pay_time_ms", 946684800000),
    ("pay_time", None, "pay_time_ms", None),
    ("pay_time", "", "pay_time_ms", None),
    ("renewal_start_time", "2022-09-30T16:00:00Z", "renewal_start_time_us", START_US),
    ("renewal_start_time", "2022-10-01T00:00:00+08:00", "renewal_start_time_us", START_US),
    ("renewal_start_time", "2022-10-01T00:00:00+0800", "renewal_start_time_us", START_US),
    ("renewal_start_time", "2022-09-30T16:00:00.250Z", "renewal_start_time_us", START_US + 250_000),
    ("renewal_start_time", "2022-09-30T16:00:00.0000000Z", "renewal_start_time_us", START_US),
    ("renewal_start_time", "2022-09-30T16:00Z", "renewal_start_time_us", START_US),
    ("renewal_end_time", "9999-12-31T23:59:59Z", "renewal_end_time_us", 253_402_300_799_000_000),
    ("pay_value", 0, "pay_value_fen", 0),
    ("pay_value", "10000", "pay_value_fen", 10000),
    ("pay_value", 10**12, "pay_value_fen", 10**12),
    ("operator", "张三", "operator", "张三"),
    ("operator", "A B", "operator", "A B"),
    ("operator", "null", "operator", "null"),
]


@pytest.mark.parametrize(("member", "value", "kept_as", "kept"), TAKEN)
def test_member_is_kept_as_the_contract_says(member: str, value: Any, kept_as: str, kept: Any) -> None:
    assert getattr(read(**{member: value}), kept_as) == kept


REFUSED: list[tuple[str, Any]] = [
    *each("plate", "", "  ", "··", None, ..., "A" * 17, True, ["粤B12345"], {"a": 1}, "粤B\x00123", "粤\tB1"),
    *each("plate_color", 0, 6, "9", "", None, ..., True, "红", 1.5, "1.5", "NaN", [1], "１", "01", "+1", "1_0"),
    *each("card_no", "x" * 65, True, {}, "a\x7fb", "a\u0085b", "a\x1bb"),
    *each("charge_type", "", None, ..., "x" * 65, False),
    *each("vip_type", 8, -1, "", None, ..., True, "月卡", 0.5),
    *each("quantity", -1, 10**9 + 1, 1.5, "1.5", "", None, ..., True, "一", "1e400", "Infinity", 10**40),
    *each("pay_partner", "", None, ..., "x" * 65, 10**64, True, [], "a\nb"),
    *each("pay_type", 0, 3, "", None, ..., True),
    *each("value", "1.00001", 10**12, "1e20", "abc", True, "1,5", "null", "0.00000000000000000000000000001"),
    *each("pay_time", 946684799999, 4133980800000, 1.5, "soon", True, "null", 10**40),
    *each(
        "renewal_start_time",
            "2022-10-01", "20221001T000000Z", "2022-W40-1T00:00:00Z", "2022-10-01 00:00:00Z", "2022-13-01T00:00:00Z",
            "2022-10-01T24:00:00Z", "2022-10-01T00:00:60Z", "2022-10-01T00:00:00+24:00", 1664553600000, True, "x" * 99,
            "9999-12-31T23:59:59-08:00", "0001-01-01T00:00:00+08:00",
    ),
    *each("pay_value", -1, 10**12 + 1, 0.5, "1.5", True, "null"),
    *each("operator", "x" * 65, True, {}, "a\x00b"),
]  # fmt: skip


@pytest.mark.parametrize(("member", "value"), REFUSED)
def test_member_against_the_contract_is_refused_by_name(member: str, value: Any) -> None:
    hint = refuse(**{member: value}).hint
    assert hint.zh.startswith(f"row[0].{member}: ")
    assert hint.en.startswith(f"row[0].{member}: ")


@pytest.mark.parametrize(
    ("members", "zh", "en"),
    [
        (
            {"plate_color": "9"},
            'row[0].plate_color: 应为 1,2,3,4,5,-1 之一, 收到 "9"',
            'must be one of 1,2,3,4,5,-1, got "9"',
        ),
        ({"quantity": "1.5"}, 'row[0].quantity: 应为 0 到 1000000000 的整数, 收到 "1.5"', 'got "1.5"'),
        ({"plate": ...}, "row[0].plate: 必填", "row[0].plate: required"),
        (
            {"pay_time": 1625068799},
            "row[0].pay_time: 收到的是秒, 应为毫秒, 即 1625068799000, 收到 1625068799",
            "seconds",
        ),
        (
            {"renewal_start_time": "2022-10-01T00:00:00"},
            'row[0].renewal_start_time: 缺少时区; 若为北京时间, 应写成 2022-09-30T16:00:00Z, 收到 "2022-10-01T00:00:00"',
            "write 2022-09-30T16:00:00Z",
        ),
        (
            {"renewal_start_time": "2022-10-01T00:00:00Z", "renewal_end_time": "2022-09-30T23:59:59Z"},
            "row[0].renewal_end_time: 不得早于开始时间 2022-10-01T00:00:00Z, 收到 2022-09-30T23:59:59Z",
            "must not be before the start",
        ),
    ],
)
def test_fault_names_place_remedy_and_value(members: dict[str, Any], zh: str, en: str) -> None:
    hint = refuse(**members).hint
    assert hint.zh == zh
    assert en in hint.en


def test_time_without_a_zone_and_with_a_blank_is_told_its_utc_form() -> None:
    assert "2022-09-30T16:00:00Z" in refuse(renewal_start_time="2022-10-01 00:00:00").hint.zh


def test_unusual_plate_is_flagged_and_never_refused() -> None:
    assert read(plate="使014578").flags == FLAG_UNUSUAL_PLATE
    assert read(plate="粤BD12345").flags == 0
    assert read(plate="粤Z1234港").flags == 0


def test_unlisted_members_are_kept_as_they_came() -> None:
    extra = read(remark="第二\n行", amount=12345678901234567890.10, nested={"b": [1, None], "a": "x"}, Plate="x").extra
    body = b'{"park_uuid":"p","row":[{"plate":"A","plate_color":1,"charge_type":1,"vip_type":1,"quantity":1,'
    body += b'"pay_partner":"1","pay_type":1,"n":12345678901234567890.10,"e":1e400}]}'
    assert walk(body).renewals[0].extra == '{"e":1e400,"n":12345678901234567890.10}'
    assert extra is not None
    assert '"nested":{"b":[1,null],"a":"x"}' in extra


def test_unlisted_members_over_four_kibibytes_are_refused() -> None:
    assert read(remark="x" * 4080).extra is not None
    assert "4096" in refuse(remark="x" * 4096).hint.zh


@pytest.mark.parametrize("bad", [1, "x", None, [], True])
def test_row_that_is_no_object_is_named(bad: Any) -> None:
    with pytest.raises(BadRequest) as caught:
        walk(request(row(), bad))
    assert caught.value.hint.zh.startswith("row[1]: 应为 JSON 对象")


def test_all_faults_are_listed_up_to_twenty_and_the_rest_counted() -> None:
    with pytest.raises(BadRequest) as caught:
        walk(request(*[row(plate_color=9, pay_partner=number) for number in range(25)]))
    lines = caught.value.hint.zh.splitlines()
    assert len(lines) == 21
    assert lines[19] == "row[19].plate_color: 应为 1,2,3,4,5,-1 之一, 收到 9"
    assert "5" in lines[20]
    assert caught.value.hint.en.splitlines()[20] == "and 5 more"


def test_value_shown_in_a_fault_is_cut_and_on_one_line() -> None:
    hint = refuse(operator="长" * 500 + "\n尾").hint
    assert len(hint.zh.splitlines()) == 1
    assert len(hint.zh) < 200


def test_rows_alike_under_one_order_number_are_kept_once() -> None:
    batch = walk(request(row(), row(plate="粤x33333"), row(pay_partner="P2")))
    assert ([one.pay_partner for one in batch.renewals], batch.received) == (["P1", "P2"], 3)


def test_rows_that_differ_under_one_order_number_are_refused_naming_both() -> None:
    with pytest.raises(BadRequest) as caught:
        walk(request(row(), row(pay_partner="P2"), row(quantity=2)))
    assert caught.value.hint.zh.startswith("row[2].pay_partner: 与 row[0]")
    assert '"P1"' in caught.value.hint.zh


def test_pay_partner_of_many_digits_keeps_every_one() -> None:
    body = request(row()).replace(b'"P1"', b"900719925474099312345678901234567890")
    assert walk(body).renewals[0].pay_partner == "900719925474099312345678901234567890"
