"""The contract's table of row members, as a table: what is taken, what it is kept as, what is refused and with which words."""

from __future__ import annotations

from typing import Any
from unicodedata import category

import pytest

from support.protocol_pipeline import GOOD, request, request_of, row, walk, written
from support.protocol_rows import outcome, read, read_written, refuse, refuse_written
from vipgate.errors import BadRequest
from vipgate.protocol.renewal import FLAG_UNUSUAL_PLATE

REQUIRED = ["plate", "plate_color", "charge_type", "vip_type", "quantity", "pay_partner", "pay_type"]
OPTIONAL = {
    "card_no": "card_no",
    "card_id": "card_id",
    "value": "value_e4",
    "pay_time": "pay_time_ms",
    "renewal_start_time": "renewal_start_time_us",
    "renewal_end_time": "renewal_end_time_us",
    "pay_value": "pay_value_fen",
    "operator": "operator",
}
TEXTS = ["card_no", "card_id", "charge_type", "pay_partner", "operator"]
START_US = 1_664_553_600_000_000  # 2022-09-30T16:00:00Z


def each(member: str, *values: Any) -> list[tuple[str, Any]]:
    return [(member, value) for value in values]


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
    *each("value", "030", "1.", ".5", -(10**12), "-1e20"),
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


# The generic remedy holds an example time: only a time that is not the example's shows that its own UTC form was given.
@pytest.mark.parametrize("member", ["renewal_start_time", "renewal_end_time"])
@pytest.mark.parametrize(
    ("zoneless", "utc"),
    [
        ("2023-05-04T08:30:15", "2023-05-04T00:30:15Z"),
        ("2023-05-04T08:30", "2023-05-04T00:30:00Z"),
        ("2023-05-04T08:30:15.250", "2023-05-04T00:30:15.25Z"),
        ("2024-03-01T07:59:59", "2024-02-29T23:59:59Z"),
        ("2023-05-04 08:30:15", "2023-05-04T00:30:15Z"),
        (" 2023-05-04 08:30:15 ", "2023-05-04T00:30:15Z"),
    ],
)
def test_time_without_a_zone_is_told_its_utc_form(member: str, zoneless: str, utc: str) -> None:
    hint = refuse(**{member: zoneless}).hint
    assert utc in hint.zh
    assert utc in hint.en


@pytest.mark.parametrize("seconds", [1_000_000_000, 1_625_068_799, "1625068799", 4_133_980_799, 9_999_999_999])
def test_pay_time_of_ten_digits_is_called_seconds(seconds: Any) -> None:
    hint = refuse(pay_time=seconds).hint
    assert "秒" in hint.zh.replace("毫秒", "")
    assert "seconds, milliseconds wanted" in hint.en


@pytest.mark.parametrize("name", OPTIONAL)
@pytest.mark.parametrize("absent", ["", " ", "\u3000", "\t", None, ...])
def test_optional_member_left_empty_is_absent(name: str, absent: Any) -> None:
    assert getattr(read(**{name: absent}), OPTIONAL[name]) is None


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("absent", ["", " ", "\u3000", None, ...])
def test_required_member_left_empty_is_called_required(name: str, absent: Any) -> None:
    hint = refuse(**{name: absent}).hint
    assert hint.zh.startswith(f"row[0].{name}: 必填")
    assert hint.en.startswith(f"row[0].{name}: required")


@pytest.mark.parametrize("name", [*REQUIRED, *OPTIONAL])
@pytest.mark.parametrize("value", [True, False, [], {}, ["1"], {"a": 1}], ids=str)
def test_boolean_array_or_object_is_no_value_of_any_member(name: str, value: Any) -> None:
    assert refuse(**{name: value}).hint.zh.startswith(f"row[0].{name}: ")


@pytest.mark.parametrize("name", ["plate_color", "vip_type", "quantity", "pay_type", "value", "pay_time", "pay_value"])
@pytest.mark.parametrize(
    "text", ["NaN", "nan", "Infinity", "-Infinity", "inf", "1e400", "NULL", "Null", "nULL", "null"]
)
def test_word_for_no_number_is_no_number(name: str, text: str) -> None:
    assert refuse(**{name: text}).hint.zh.startswith(f"row[0].{name}: ")


@pytest.mark.parametrize("as_text", [False, True], ids=["number", "string"])
@pytest.mark.parametrize(
    ("name", "digits"),
    [
        ("plate_color", "1.00000000000000000001"),
        ("plate_color", "0.99999999999999999999"),
        ("vip_type", "1e-400"),
        ("vip_type", "1.0000000000000001"),
        ("quantity", "1.00000000000000000001"),
        ("quantity", "1e-400"),
        ("pay_type", "1.0000000000000001"),
        ("pay_time", "1625068799000.00001"),
        ("pay_value", "0.99999999999999999999"),
        ("pay_value", "999999999999.00001"),
        ("value", "1.0000000000000001"),
        ("value", "1e-400"),
    ],
)
def test_number_that_is_nearly_whole_is_not_rounded_to_one(name: str, digits: str, as_text: bool) -> None:
    literal = f'"{digits}"' if as_text else digits
    assert refuse_written(**{name: literal}).hint.zh.startswith(f"row[0].{name}: ")


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize(
    ("number", "kept"),
    [
        ("9007199254740993", "9007199254740993"),
        ("9007199254740993.0", "9007199254740993"),
        ("18446744073709551617", "18446744073709551617"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("123456789012345678901234567890.0", "123456789012345678901234567890"),
        ("101.0", "101"),
        ("1.0000000000000001", "1.0000000000000001"),
        ('"007"', "007"),
        ('"9007199254740993.0"', "9007199254740993.0"),
    ],
)
def test_number_given_for_a_text_keeps_every_digit(name: str, number: str, kept: str) -> None:
    assert getattr(read_written(**{name: number}), name) == kept


def test_orders_that_differ_in_their_last_digit_stay_two() -> None:
    rows = [written(pay_partner=f"900719925474099{digit}.0", quantity="7") for digit in (2, 3)]
    assert len(walk(request_of(*rows)).renewals) == 2


@pytest.mark.parametrize("name", ["plate", *TEXTS])
def test_control_character_inside_a_text_is_refused_however_it_is_written(name: str) -> None:
    controls = [chr(code) for code in range(0x100) if category(chr(code)) == "Cc"]
    for control in controls:
        assert refuse_written(**{name: f'"a\\u{ord(control):04x}b"'}).hint.zh.startswith(f"row[0].{name}: ")
        if control >= "\x7f":
            assert refuse_written(**{name: f'"a{control}b"'}).hint.zh.startswith(f"row[0].{name}: ")
    assert len(controls) == 65


@pytest.mark.parametrize("broken", [r"\ud83d", r"\ude00", r"\ud83dx", r"\ude00\ud83d", r"\u12", r"\x41"])
@pytest.mark.parametrize("name", ["plate", "pay_partner", "operator", "unlisted"])
def test_half_a_surrogate_pair_or_a_broken_escape_is_refused(name: str, broken: str) -> None:
    with pytest.raises(BadRequest):
        walk(request_of(written(**{name: f'"a{broken}"'})))


def test_whole_surrogate_pair_is_its_character() -> None:
    assert read_written(operator=r'"\ud83d\ude00"').operator == "😀"


@pytest.mark.parametrize("end", ["2022-10-01T08:00:00+08:00", "2022-10-01T00:00:00.000001Z", "2022-10-01T00:00:00Z"])
def test_end_at_the_start_or_later_is_taken(end: str) -> None:
    assert read(renewal_start_time="2022-10-01T00:00:00Z", renewal_end_time=end).renewal_end_time_us is not None


def test_end_before_start_is_seen_through_their_offsets() -> None:
    refuse(renewal_start_time="2022-10-01T00:00:00Z", renewal_end_time="2022-10-01T07:59:59+08:00")


def test_either_time_may_come_alone() -> None:
    assert read(renewal_start_time="2022-10-01T00:00:00Z").renewal_end_time_us is None
    assert read(renewal_end_time="2022-10-01T00:00:00Z").renewal_start_time_us is None


def test_plate_of_very_many_blanks_is_refused_or_kept_whole_but_never_cut() -> None:
    found = outcome(request(row(plate="A" + " " * 300 + "B")))
    assert isinstance(found, BadRequest) or found.renewals[0].plate == "AB"


def test_unusual_plate_is_flagged_and_never_refused() -> None:
    assert read(plate="使014578").flags == FLAG_UNUSUAL_PLATE
    assert read(plate="粤BD12345").flags == 0
    assert read(plate="粤Z1234港").flags == 0


@pytest.mark.parametrize("reference", ['{"$ref":"$.row[0]"}', '{"$ref":"$[0]"}', '{"$ref":".."}', '{"$ref":"@"}'])
@pytest.mark.parametrize("as_text", [False, True], ids=["array", "string"])
def test_reference_of_fastjson_is_named(reference: str, as_text: bool) -> None:
    rows = f"[{written().decode()},{reference}]"
    body = request(row=rows) if as_text else f'{{"park_uuid":"p","row":{rows}}}'.encode()
    refusal = outcome(body)
    assert isinstance(refusal, BadRequest)
    assert [line.partition(":")[0] for line in refusal.hint.zh.splitlines()] == ["row[1]"]
    for text in (refusal.hint.zh, refusal.hint.en):
        assert "fastjson" in text
        assert "DisableCircularReferenceDetect" in text


def test_member_called_ref_of_a_whole_row_is_kept_like_any_other() -> None:
    assert read(**{"$ref": "x"}).extra == '{"$ref":"x"}'


def test_unlisted_members_are_kept_as_they_came() -> None:
    extra = read(remark="第二\n行", amount=12345678901234567890.10, nested={"b": [1, None], "a": "x"}, Plate="x").extra
    body = b'{"park_uuid":"p","row":[{"plate":"A","plate_color":1,"charge_type":1,"vip_type":1,"quantity":1,'
    body += b'"pay_partner":"1","pay_type":1,"n":12345678901234567890.10,"e":1e400}]}'
    assert walk(body).renewals[0].extra == '{"e":1e400,"n":12345678901234567890.10}'
    assert extra is not None
    assert '"nested":{"b":[1,null],"a":"x"}' in extra


def test_unlisted_members_over_four_kibibytes_are_refused() -> None:
    around = len('{"remark":""}')
    assert read(remark="x" * (4096 - around)).extra is not None
    assert refuse(remark="x" * (4097 - around)).hint.zh == "row[0]: 未列出的成员合计最多 4096 字节, 收到 4097"
    assert refuse(remark="x" * (4097 - around)).hint.en.startswith("row[0]: unlisted members: at most 4096 bytes")
    assert read(remark="x", 长="字" * 1300).extra is not None
    refuse(remark="x", 长="字" * 1400)
    refuse(**{f"member{number}": "x" * 40 for number in range(100)})


def test_fault_line_is_the_contract_s_own_to_the_letter() -> None:
    with pytest.raises(BadRequest) as caught:
        walk(request(*[row(pay_partner=number) for number in range(3)], row(plate_color="9"), row(pay_partner=4)))
    assert caught.value.hint.zh == 'row[3].plate_color: 应为 1,2,3,4,5,-1 之一, 收到 "9"'
    assert caught.value.hint.en == 'row[3].plate_color: must be one of 1,2,3,4,5,-1, got "9"'


def test_faults_of_one_row_are_all_named_one_a_line() -> None:
    hint = refuse(plate=..., plate_color=9, quantity=None, pay_time="x", operator=True).hint
    places = ["plate", "plate_color", "quantity", "pay_time", "operator"]
    for text in (hint.zh, hint.en):
        assert [line.split(": ")[0] for line in text.splitlines()] == [f"row[0].{place}" for place in places]


@pytest.mark.parametrize(("count", "lines", "rest"), [(19, 19, ""), (20, 20, ""), (21, 21, "1"), (10_000, 21, "9980")])
def test_twenty_faults_need_no_count_and_more_have_the_right_one(count: int, lines: int, rest: str) -> None:
    with pytest.raises(BadRequest) as caught:
        walk(request(*[row(plate_color=9, pay_partner=number) for number in range(count)]))
    for text in (caught.value.hint.zh, caught.value.hint.en):
        assert len(text.splitlines()) == lines
        assert not rest or rest in text.splitlines()[20].split()


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
    pretty = refuse_written(operator="[\n  1,\n  2\n]").hint
    assert pretty.zh == "row[0].operator: 应为字符串或数字, 收到 [ 1, 2 ]"


def test_rows_alike_under_one_order_number_are_kept_once() -> None:
    batch = walk(request(row(), row(plate="粤x33333"), row(pay_partner="P2")))
    assert ([one.pay_partner for one in batch.renewals], batch.received) == (["P1", "P2"], 3)


@pytest.mark.parametrize(
    "twin",
    [
        written(pay_partner='"7"', plate='"粤ｘ３３３３３"'),
        written(pay_partner="7.0", quantity="1.0"),
        written(pay_partner='" 7 "', card_no='""', operator="null"),
        written(pay_partner=r'"\u0037"', vip_type="1"),
    ],
    ids=["plate and string", "floats", "blank and absent", "escape"],
)
def test_rows_that_mean_the_same_are_alike_however_they_are_written(twin: bytes) -> None:
    batch = walk(request_of(written(pay_partner="7"), twin))
    assert ([one.pay_partner for one in batch.renewals], batch.received) == (["7"], 2)


@pytest.mark.parametrize(
    "change",
    [{name: "2"} for name in GOOD if name not in ("pay_partner", "plate")]
    + [{"plate": "粤X33334"}, {"card_no": "1"}, {"value": 1}, {"pay_value": 1}, {"operator": "x"}, {"remark": "x"}]
    + [{"pay_time": 1625068799000}, {"renewal_start_time": "2022-10-01T00:00:00Z"}, {"card_id": "1"}],
    ids=str,
)
def test_any_difference_under_one_order_number_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(BadRequest) as caught:
        walk(request(row(), row(**change)))
    assert "row[0]" in caught.value.hint.en
    assert "row[1].pay_partner" in caught.value.hint.en


def test_rows_that_differ_under_one_order_number_are_refused_naming_both() -> None:
    with pytest.raises(BadRequest) as caught:
        walk(request(row(), row(pay_partner="P2"), row(quantity=2)))
    assert caught.value.hint.zh.startswith("row[2].pay_partner: 与 row[0]")
    assert '"P1"' in caught.value.hint.zh


def test_pay_partner_of_many_digits_keeps_every_one() -> None:
    body = request(row()).replace(b'"P1"', b"900719925474099312345678901234567890")
    assert walk(body).renewals[0].pay_partner == "900719925474099312345678901234567890"
