"""Hints and bodies of refused requests: taken apart, hidden, put together again."""

from __future__ import annotations

import json

import pytest

from console.ledger import request, row
from vipgate.admin.console.replay_form import rows_named
from vipgate.admin.console.request_body import Body, hide, read_body, restore, write_body
from vipgate.domain.hint_masking import HintLine, read_hint


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
