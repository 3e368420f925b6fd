"""A plate is found in hints and bodies however a park's program wrote it."""

from __future__ import annotations

import json

import pytest

from vipgate.store.common.plate_search import (
    body_mentions_plate,
    mentions_plate,
)


@pytest.mark.parametrize(
    ("text", "plate", "named"),
    [
        ('row[3].plate_color: 应为 1,2 之一, 收到 "粤B12345"', "粤B12345", True),
        ("got 粤b12345", "粤B12345", True),
        ("got 粤Ｂ１２３４５", "粤B12345", True),
        ("got 粤B·123 45", "粤B12345", True),
        ("粤B12345ZZZZZZZZZZZ", "粤B12345", True),
        ("粤B 1234", "粤B12345", False),
        ("粤B12346", "粤B12345", False),
        # A short one is no word of its own here.
        ("row[12].plate", "1", False),
        ('got "1"', "1", True),
        ("A12", "A1", False),
        ("粤B12345", "A.", False),
    ],
)
def test_plate_is_found_in_all_its_forms_and_not_in_others(text: str, plate: str, named: bool) -> None:
    assert mentions_plate(text, plate) == named


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"plate": "粤B12345"}, ensure_ascii=False).encode(),
        json.dumps({"plate": "粤B12345"}).encode(),
        json.dumps({"plate": "粤B12345"}, ensure_ascii=False).encode("gbk"),
        json.dumps({"row": json.dumps([{"plate": "粤B12345"}])}).encode(),
        b'{"plate": "\xff\xfe\xe7\xb2\xa4B12345',
    ],
    ids=["utf-8", "escaped", "gbk", "escaped inside a string", "broken"],
)
def test_plate_is_found_in_a_body_of_any_charset(body: bytes) -> None:
    assert body_mentions_plate(body, "粤B12345")
    assert not body_mentions_plate(body, "粤B12346")
