"""Hints and bodies of refused requests: taken apart, hidden, put together again."""

from __future__ import annotations

import json

import pytest

from support.console_data import request, row
from vipgate.admin.console.replay_form import rows_named
from vipgate.admin.console.request_body import Body, hide, read_body, restore, write_body
from vipgate.domain.hint_masking import PLAIN_MEMBERS, HintLine, read_hint


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ('row[3].plate_color: 应为 1,2 之一, 收到 "9"', HintLine("row[3].plate_color", 3, "应为 1,2 之一", '"9"')),
        (
            'row[3].plate: at most 16 characters, got "粤B12345678"',
            HintLine("row[3].plate", 3, "at most 16 characters", "粤B******78"),
        ),
        ("row[3].plate: 必填", HintLine("row[3].plate", 3, "必填", None)),
        ('row[0]: 应为 JSON 对象, 收到 "粤B12345"', HintLine("row[0]", 0, "应为 JSON 对象", "粤B***45")),
        ('row[1].quantity: 应为整数, 收到 "粤B12345"', HintLine("row[1].quantity", 1, "应为整数", '"粤B***45"')),
        (
            "row[4].pay_time: 收到的是秒, 应为毫秒, 收到 1625068799",
            HintLine("row[4].pay_time", 4, "收到的是秒, 应为毫秒", "1625068799"),
        ),
        ("另有 3 处错误未列出", HintLine("", None, "另有 3 处错误未列出", None)),
    ],
)
def test_line_of_a_hint_is_taken_apart_and_hidden(line: str, shown: HintLine) -> None:
    assert read_hint(line, hide=True) == [shown]


PERSONAL_TEXTS = [
    "粤B12345", "粤BD12345", "粤b·1234学", "粤B1234挂", "粤B1234临", "京A1234警", "粤Z1234港", "粤ZA123澳", "使014578", "使A12345",
    "沪A1234领", "WJ粤12345", "WJ·粤1234X", "wj01-12345", "军A12345", "VA12345", "民航B1234", "粤B-12345", "粤Ｂ１２３４５",
    "\\u7ca4B12345", "粤 B 1 2 3 4 5", "4711000022", "CARD-4711", "00471100", "A0B1C2D3", '{"plate":"使014578"}',
]  # fmt: skip


@pytest.mark.parametrize("text", PERSONAL_TEXTS)
@pytest.mark.parametrize("member", sorted(PLAIN_MEMBERS - {"pay_partner", "park_uuid"}))
def test_plate_or_card_in_a_wrong_member_is_hidden(member: str, text: str) -> None:
    place = member if member == "complete" else f"row[0].{member}"
    shown = read_hint(f'{place}: 无效, 收到 "{text}"', hide=True)[0].value or ""
    assert "*" in shown
    assert text[3:-3] not in shown
    if member == "complete" or "\\" in text:
        return
    kept = read_body(request(row("P1") | {member: text}).decode())
    hidden = hide(kept)
    assert text not in write_body(hidden).decode()
    assert write_body(restore(hidden, kept)) == write_body(kept)
    if text.isdigit() and text[0] != "0":
        assert text.encode() not in write_body(hide(read_body(request(row("P1") | {member: int(text)}).decode())))


@pytest.mark.parametrize("text", [text for text in PERSONAL_TEXTS if text[0] > "\x7f" or text[:2] in ("WJ", "wj")])
def test_order_number_that_holds_a_plate_is_hidden_in_a_hint(text: str) -> None:
    shown = read_hint(f'row[0].pay_partner: 重复, 收到 "订{text}"', hide=True)[0].value or ""
    assert text[2:-2] not in shown


@pytest.mark.parametrize("between", ["", " ", "·", "、", ",", "和"])
def test_plates_one_after_another_are_all_hidden(between: str) -> None:
    plates = ["粤B11111", "京A2222警", "粤BD33333", "WJ粤44444", "使555555", "粤B66666"]
    for order in (plates, plates[::-1]):
        shown = read_hint(f'row[0].pay_partner: 重复, 收到 "{between.join(order)}"', hide=True)[0].value or ""
        assert not [plate for plate in plates if plate[-4:-1] in shown], shown


@pytest.mark.parametrize(
    ("member", "text"),
    [
        ("plate_color", "9"), ("plate_color", "blue"), ("plate_color", "蓝色"), ("vip_type", "1000"), ("quantity", "-1"),
        ("quantity", "1.5"), ("pay_value", "100.00"), ("charge_type", "A101"), ("pay_time", "1625068799"),
        ("pay_time", "1625068799000"), ("pay_time", "2021-06-01 10:00:00"), ("renewal_end_time", "2021/6/1"),
        ("renewal_start_time", "20210601"), ("renewal_start_time", "20210601100000"), ("renewal_end_time", "2021年6月1日"),
        ("renewal_end_time", "2021-06-01T10:00:00.000+08:00"), ("pay_partner", "20210601-4711000022"),
    ],
)  # fmt: skip
def test_value_that_names_nobody_is_shown(member: str, text: str) -> None:
    assert read_hint(f'row[0].{member}: 无效, 收到 "{text}"', hide=True)[0].value == f'"{text}"'


def test_rows_of_a_hint_are_named_once() -> None:
    assert rows_named("row[3].plate: x\nrow[3].quantity: y\nrow[0]: z\nrow: w\ncomplete: v") == [3, 0]


@pytest.mark.parametrize(
    "body",
    [
        request(row("P0", card_no="CARD-4711", operator="张三丰", tel="13800000000", deep={"name": "李四四"})),
        request(row(), row("P2", plate=None, card_no=4711, ok=True, quantity=1.50), [1], "粤B12345", None),
        b'{"park_uuid":"p","complete":1,"row":"[{\\"plate\\":\\"\\u7ca4B12345\\"}]"}',
        b'{"park_uuid":"p","row":[{"plate":"x","n":123456789012345678901234567890}]}',
    ],
)
def test_body_that_was_hidden_and_not_touched_comes_back_as_it_was(body: bytes) -> None:
    kept = read_body(body.decode())
    hidden = read_body(write_body(hide(kept)).decode())
    assert "B12345" not in write_body(hidden).decode()
    restored = restore(hidden, kept)
    assert json.loads(write_body(restored)) == json.loads(write_body(kept))
    assert b"123456789012345678901234567890" not in body or b"123456789012345678901234567890" in write_body(restored)


def test_hidden_values_follow_their_row_when_another_is_taken_away() -> None:
    kept = read_body(request(row("P0", plate="粤B11145"), row("P1", plate="粤B22245")).decode())
    hidden = hide(kept)
    cut = restore(Body(hidden.head, hidden.rows[1:]), kept)
    assert json.loads(write_body(cut))["row"][0]["plate"] == "粤B22245"


@pytest.mark.parametrize("member", ["plate", "card_no", "card_id", "operator", "tel"])
@pytest.mark.parametrize("value", ["13800000000", 13800000000, ["13800000000"], {"of": 13800000000}])
def test_what_could_name_a_person_is_hidden_however_it_is_written(member: str, value: object) -> None:
    kept = read_body(request(row("P1") | {member: value}).decode())
    assert b"13800000000" not in write_body(hide(kept))
