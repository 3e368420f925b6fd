"""A plate is found in hints and bodies however a park's program wrote it."""

from __future__ import annotations

import json

import pytest

from vipgate.domain.hint_masking import mask_hint
from vipgate.protocol.renewal import normalize_plate
from vipgate.store.common.plate_search import body_mentions_plate, mentions_plate


@pytest.mark.parametrize(
    ("text", "plate", "named"),
    [
        ('row[3].plate_color: 应为 1,2 之一, 收到 "粤B12345"', "粤B12345", True),
        ("got 粤b12345", "粤B12345", True),
        ("got 粤Ｂ１２３４５", "粤B12345", True),
        ("got 粤B·123 45", "粤B12345", True),
        ("got 粤B•12345", "粤B12345", True),
        ("got 粤.B‧123・45", "粤B12345", True),
        ("got 粤B\u200b12345", "粤B12345", True),
        ("got 粤\u202dB123\u2060\ufeff45", "粤B12345", True),
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


@pytest.mark.parametrize("gap", ["\u200b", "\u00ad", "\ufeff", "\u2069", "\U000e0041", "•", "・", "."])
def test_plate_is_found_through_what_is_folded_out_of_it(gap: str) -> None:
    written = f"粤{gap}B{gap}{gap}12345"
    assert normalize_plate(written) == "粤B12345"
    for escaped in (False, True):
        assert body_mentions_plate(json.dumps({"plate": written}, ensure_ascii=escaped).encode(), "粤B12345")
    assert "12345" not in mask_hint(f'row[0].pay_type: 应为 1,2 之一, 收到 "{written}"')


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
