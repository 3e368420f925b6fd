"""Rows of a batch: parsed all at once they give the same records and the same errors as by the strict parser, one by one."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from support.odd_rows import ODDITIES, odd_rows
from support.protocol_pipeline import GOOD, request, request_of, row, walk, written
from support.protocol_rows import outcome
from support.renewal_strategies import MEMBERS
from vipgate.errors import BadRequest, FieldError, PayloadTooLarge
from vipgate.protocol.batch import ROWS_MAX, parse_rows
from vipgate.protocol.renewal import Renewal
from vipgate.protocol.row import parse_row

GOOD_ROW = json.dumps(GOOD, ensure_ascii=False).encode()
TYPED_ROW = written(charge_type="101", vip_type="1", quantity="2", pay_partner="77", card_no="null", pay_value="30000")


def is_plain(source: bytes) -> bool:
    return b"\\" not in source and b"\x7f" not in source and b"\xc2" not in source


def read_both(*rows: bytes) -> list[Renewal | list[FieldError]]:
    """What the strict parser makes of each row. The batch must not differ, with and without a point in its text."""
    strict = [parse_row(source) for source in rows]
    array = b"[" + b",".join(rows) + b"]"
    assert parse_rows(array, array) == strict
    assert parse_rows(array, array + b".") == strict
    return strict


@given(odd_rows)
@settings(deadline=None, max_examples=600)
def test_both_parsers_agree_on_odd_members(members: dict[str, Any]) -> None:
    source = json.dumps(members, ensure_ascii=False).encode("utf-8", "replace")
    assume(is_plain(source))
    read_both(source)


@given(st.lists(odd_rows | st.just(GOOD) | st.just(json.loads(TYPED_ROW)), min_size=2, max_size=6), st.booleans())
@settings(deadline=None, max_examples=300)
def test_both_parsers_agree_on_a_batch_of_good_and_odd_rows(rows: list[dict[str, Any]], escaped: bool) -> None:
    read_both(*[json.dumps(members, ensure_ascii=escaped).encode("utf-8", "replace") for members in rows])


# Numbers as they may be written, in more digits than a float has and in every case of the word `null`.
written_numbers = st.from_regex(r"-?(0|[1-9][0-9]{0,19})(\.[0-9]{1,21})?([eE][+-]?0{0,40}[0-9]{1,12})?", fullmatch=True)
NEAR_NUMBERS = [
    "1.00000000000000000001", "0.99999999999999999999", "1.0000000000000001", "1e-400", "1625068799000.00001",
    "9007199254740993.0", "9007199254740993", "9223372036854775807", "9223372036854775808", "18446744073709551616", "1e0",
    "1E+0", "-0", "-0.0", "0e5", "01", "+1", "1.", ".5", "1_0", "0x1", " 1", "1 ", "１", "٣", "1e22", "5e-324",
    "999999999999", "9999999999999", "999999999999.0", "4133980799999", "4133980799999.5", "null", "NULL", "Null", "nuLL",
    "true", "True", "NaN", "inf", "2022-09-30t16:00:00z", "2022-09-30T16:00:00,5Z", "2022-09-30T16:00Z",
    "粤B123\u3000４５", "\u2028", "\ufeff", "\u3000x\u3000", "\u3000" * 300 + "A", "x" * 63 + " ", "😀" * 64, "😀" * 65,
    "粤b12345", "粤·b12345", "0e99999", "0E+99999", "-0e99999", "0e-99999", "0.0e99999", "0e" + "9" * 40, "1e00003",
    "1E+00000000000000000003", "1e-00000", "10000e-00004", "1e99999", "-1e99999", "1e" + "0" * 5000 + "2",
    "1e0000000000400", "2.02207E+18", "2.02207e18", "1e3", "100.00", "100.0", "100.50", "0.00", "无", "Ｎ/Ａ", "(null)",
    "--", "000", "粤B\u200b12345", "\u202d粤B12345\u202c", "粤B.12345", "粤•B12345", "ABC.123", "A.", "WJ-1.2", ".",
    "\u200b",
]  # fmt: skip
near_numbers = st.sampled_from(NEAR_NUMBERS)
written_values = (
    written_numbers
    | (written_numbers | near_numbers | st.text(max_size=8)).map(lambda text: json.dumps(text, ensure_ascii=False))
    | near_numbers.filter(lambda text: _is_json(text))
    | st.sampled_from(["true", "false", "null", "[]", "{}", '[""]'])
)


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text.encode(), type=msgspec.Raw)
    except msgspec.DecodeError:
        return False
    return True


@given(
    st.fixed_dictionaries({name: st.just(json.dumps(GOOD[name], ensure_ascii=False)) for name in sorted(GOOD)}),
    st.lists(st.tuples(st.sampled_from([*sorted(MEMBERS), "other"]), written_values), min_size=1, max_size=3),
    st.sampled_from(["", " ", "\n\t "]),
)
@settings(deadline=None, max_examples=1000)
def test_both_parsers_agree_on_numbers_and_words_as_they_are_written(
    good: dict[str, str], odd: list[tuple[str, str]], blank: str
) -> None:
    kept = [(name, text) for name, text in good.items() if name != odd[0][0]]
    parts = [f'"{name}"{blank}:{blank}{text}' for name, text in [*kept, *odd]]  # a name may come twice
    source = ("{" + f"{blank},{blank}".join(parts) + "}").encode()
    assume(is_plain(source))
    read_both(GOOD_ROW, source, TYPED_ROW)


@pytest.mark.parametrize("name", sorted(MEMBERS))
def test_both_parsers_agree_on_every_odd_form_in_every_member(name: str) -> None:
    """One after another, where chance may pass one over: `0e99999` was zero to one reader and a fault to the other."""
    good = {member: json.dumps(GOOD[member], ensure_ascii=False) for member in GOOD if member != name}
    forms = [*NEAR_NUMBERS, *(form for form in map(str, ODDITIES) if form.isprintable())]
    literals = [json.dumps(form, ensure_ascii=False) for form in forms] + [form for form in forms if _is_json(form)]
    for literal in literals:
        source = (
            "{" + ",".join(f'"{member}":{text}' for member, text in (good | {name: literal}).items()) + "}"
        ).encode()
        if is_plain(source):
            read_both(GOOD_ROW, source, TYPED_ROW)


# Why the strict parser has to read a row, and such a row.
ODD_ROWS = {
    "a member is missing": b'{"plate":"A","plate_color":1}',
    "a member is not listed": written(memo='"x"'),
    "a member comes twice": written()[:-1] + b',"quantity":"5"}',
    "a member comes twice, the first is invalid": b'{"quantity":"x",' + written()[1:],
    "a member comes twice, the last is invalid": written()[:-1] + b',"quantity":"x"}',
    "1.0 for 1": written(quantity='"1.0"'),
    "a number with a point": written(value="30.5"),
    "an integer beyond 64 bits": written(pay_partner="123456789012345678901234567890"),
    "an integer beyond 64 bits for a code": written(vip_type="18446744073709551617"),
    "a bare number for a time": written(renewal_start_time="1664553600000"),
    "a time without a zone": written(renewal_start_time='"2022-09-30T16:00:00"'),
    "an end before the start": written(
        renewal_start_time='"2022-10-01T00:00:00Z"', renewal_end_time='"2022-09-30T00:00:00Z"'
    ),
    "the text null": written(card_no='"null"'),
    "null": written(card_no="null", operator="null"),
    "null for a required member": written(plate="null"),
    "an unusual plate": written(plate='"使014578"'),
    "a plate that is empty": written(plate='" "'),
    "no colour": written(plate_color="0"),
    "no object": b"7",
    "null for a row": b"null",
    "an array": b"[]",
    "a reference": b'{"$ref":"$.row[0]"}',
    "too long": written(operator=json.dumps("x" * 65)),
}  # fmt: skip


@pytest.mark.parametrize("odd", ODD_ROWS.values(), ids=ODD_ROWS)
@pytest.mark.parametrize("good", [GOOD_ROW, TYPED_ROW], ids=["strings", "typed"])
def test_one_odd_row_among_a_thousand_changes_no_other(odd: bytes, good: bytes) -> None:
    expected, odd_result = parse_row(good), parse_row(odd)
    for place in (0, 500, 999):
        array = b"[" + b",".join([*[good] * place, odd, *[good] * (999 - place)]) + b"]"
        results = parse_rows(array, array)
        assert results[place] == odd_result
        assert len(results) == 1000
        assert all(result == expected for result in [*results[:place], *results[place + 1 :]])


@pytest.mark.parametrize(
    "raw",
    ["\x00", "\x1f", "\x7f", "\x85", "\ufffe", "\u2028"],
    ids=ascii,
)
@pytest.mark.parametrize("name", ["plate", "pay_partner", "operator", "renewal_start_time"])
def test_control_character_in_one_row_is_found_in_a_batch(name: str, raw: str) -> None:
    """Written out and escaped; a batch that holds one is read row by row."""
    read_both(GOOD_ROW, written(**{name: json.dumps(f"a{raw}b")}), GOOD_ROW)
    if raw > "\x1f":
        read_both(GOOD_ROW, written(**{name: f'"a{raw}b"'}), GOOD_ROW)


@pytest.mark.parametrize("half", [r"\ud83d", r"\ude00", r"\ude00\ud83d"])
def test_half_a_surrogate_pair_in_one_row_is_refused(half: str) -> None:
    with pytest.raises(BadRequest):
        walk(request_of(GOOD_ROW, written(operator=f'"a{half}"')))


def test_errors_are_listed_in_the_order_of_rows_whichever_parser_found_them() -> None:
    rows = [row(pay_partner=str(number)) for number in range(1_000)]
    rows[700]["quantity"], rows[3]["plate_color"], rows[999]["plate"], rows[41]["vip_type"] = "x", 0, "", "9.0"
    refusal = outcome(request(*rows))
    assert isinstance(refusal, BadRequest)
    assert [line.partition(":")[0] for line in refusal.hint.en.splitlines()] == [
        "row[3].plate_color",
        "row[41].vip_type",
        "row[700].quantity",
        "row[999].plate",
    ]


@pytest.mark.parametrize("as_text", [False, True], ids=["array", "string"])
@pytest.mark.parametrize("extra", [0, 1, 2])
def test_rows_are_counted_to_the_limit_in_both_forms(extra: int, as_text: bool) -> None:
    """The quick count of braces is one too many for an array in a string, whose request has a text of its own."""
    rows = b"[" + b",".join(written(pay_partner=f'"{number}"') for number in range(ROWS_MAX + extra)) + b"]"
    array = json.dumps(rows.decode(), ensure_ascii=False).encode() if as_text else rows
    body = b'{"park_uuid":"p","row":' + array + b"}"
    if not extra:
        assert walk(body).received == ROWS_MAX
        return
    with pytest.raises(PayloadTooLarge):
        walk(body)


@pytest.mark.parametrize("broken", ['[{"plate":1}', "[1,]", "[] 1", "[tru]", "["])
def test_array_that_is_no_json_is_refused_whatever_its_rows_are(broken: str) -> None:
    for array in (broken, broken.replace("[", f"[{GOOD_ROW.decode()},", 1)):
        with pytest.raises(BadRequest):
            walk(request(row=array))
