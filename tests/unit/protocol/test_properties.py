"""What must hold for every input: records survive the wire, and nothing raises but our own errors."""

from __future__ import annotations

import base64
import itertools
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import md5
from typing import Any

import msgspec
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from support.odd_rows import odd_rows
from support.protocol_pipeline import GOOD, SECRET, walk
from support.renewal_strategies import YEAR_1_US, YEAR_9999_US, instants, json_values, renewals
from vipgate.errors import FIELD_ERRORS_SHOWN_MAX, RequestError, VipgateError
from vipgate.i18n import Language
from vipgate.protocol.authentication import ParkSecrets, explain_mismatch, verify
from vipgate.protocol.batch import decode_rows
from vipgate.protocol.charset import CHARSETS, Charset
from vipgate.protocol.envelope import encode_error, encode_renewals, parse_request
from vipgate.protocol.renewal import (
    VALUE_E4_MAX,
    Renewal,
    format_instant,
    format_value,
    normalize_plate,
    parse_instant,
)
from vipgate.protocol.seqno import SeqnoGenerator, seqno_prefix, seqno_time_us
from vipgate.protocol.signature_md5 import sign


@given(st.lists(renewals(), min_size=1, max_size=5, unique_by=lambda one: one.pay_partner), st.booleans())
@settings(deadline=None, max_examples=300)
def test_every_record_survives_the_wire(rows: list[Renewal], complete: bool) -> None:
    batch = walk(encode_renewals("park", rows, complete=complete))
    assert [_comparable(one) for one in batch.renewals] == [_comparable(one) for one in rows]
    assert (batch.received, batch.complete) == (len(rows), complete)


@given(st.lists(renewals(), min_size=1, max_size=3, unique_by=lambda one: one.pay_partner), st.data())
@settings(deadline=None, max_examples=150)
def test_every_record_survives_the_other_forms_of_a_request(rows: list[Renewal], data: st.DataObject) -> None:
    members = json.loads(encode_renewals("park", rows))
    if data.draw(st.booleans(), "rows in a string"):
        members["row"] = json.dumps(members["row"], ensure_ascii=data.draw(st.booleans(), "escapes in the string"))
    text = json.dumps(
        members, ensure_ascii=data.draw(st.booleans(), "escapes"), indent=data.draw(st.none() | st.just(2))
    )
    charset: Charset = data.draw(st.sampled_from(CHARSETS))
    batch = walk(text.encode(CODECS[charset]), f"application/json; charset={charset}", charset=charset)
    assert [_comparable(one) for one in batch.renewals] == [_comparable(one) for one in rows]


def _comparable(renewal: Renewal) -> tuple[Any, ...]:
    """Extra members by what they mean: white space inside them may go."""
    extra = None if renewal.extra is None else json.loads(renewal.extra)
    return (*msgspec.structs.astuple(renewal)[:-2], extra, renewal.flags)


CODECS: dict[Charset, str] = {"utf-8": "utf-8", "gbk": "gb18030"}


BOTH: tuple[Language, Language] = ("zh", "en")


def walk_wild(body: bytes, content_type: str | None, authorization: str | None) -> None:
    """The whole road, signed right and signed as given, of a park of either charset; only our own errors may come out."""
    for given_signature, charset in itertools.product((authorization, sign(body, SECRET)), CHARSETS):
        try:
            claim = parse_request(body, content_type)
            explain_mismatch(body, authorization, ParkSecrets(SECRET, "old"))
            decode_rows(
                verify(claim, md5(body, usedforsecurity=False), given_signature, ParkSecrets(SECRET, charset=charset))
            )
        except RequestError as refusal:
            envelopes = [json.loads(encode_error("1" * 32, refusal, language)) for language in BOTH]
            assert all(envelope["hint"].strip() for envelope in envelopes)
            assert all(len(envelope["hint"].split("\n")) <= FIELD_ERRORS_SHOWN_MAX + 1 for envelope in envelopes)
        except VipgateError:
            continue


CHARSET_NAMES = ["gbk", "GB2312", "gb18030", "cp936", "utf8", "utf-16", "rot13", "", "\x00", "é", "a.b", "x" * 300]
CONTENT_TYPES = [
    *[f"application/json; charset={name}" for name in CHARSET_NAMES],
    "application/json",
    "application/json; charset=gbk",
    "text/x",
    ";;=",
    "application/json; charset*1=x; charset*=y",
    "application/json; charset*0*=gbk''x; charset*1=y",
    'a/b; charset="',
]
content_types = st.none() | st.sampled_from(CONTENT_TYPES) | st.text(max_size=30)


hexes = st.text("0123456789abcdefABCDEF", min_size=30, max_size=34)
base64s = st.binary(min_size=14, max_size=34).map(lambda raw: base64.b64encode(raw).decode())
authorizations = (
    st.text(max_size=50)
    | hexes
    | base64s
    | st.builds("{} {}".format, st.text(max_size=8), hexes | base64s)
    | st.builds("{}={}".format, st.text(max_size=8), hexes | base64s)
)


@given(st.binary(max_size=200), content_types, st.none() | authorizations)
@settings(deadline=None, max_examples=300)
def test_no_bytes_make_the_pipeline_raise_anything_else(
    body: bytes, content_type: str | None, authorization: str | None
) -> None:
    walk_wild(body, content_type, authorization)


@given(json_values, json_values, st.lists(odd_rows | json_values, max_size=4), st.booleans())
@settings(deadline=None, max_examples=500)
def test_no_json_makes_the_pipeline_raise_anything_else(
    park_uuid: Any, complete: Any, rows: list[Any], as_text: bool
) -> None:
    row = json.dumps(rows) if as_text else rows
    body = json.dumps({"park_uuid": park_uuid if complete is None else "p", "complete": complete, "row": row})
    walk_wild(body.encode("utf-8", "surrogatepass"), None, None)


@given(st.data())
@settings(deadline=None, max_examples=300)
def test_no_damaged_request_makes_the_pipeline_raise_anything_else(data: st.DataObject) -> None:
    body = bytearray(json.dumps({"park_uuid": "p", "row": [GOOD]}, ensure_ascii=False).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(body) - 1))
        body[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
        if not body:
            return
    charset = data.draw(st.sampled_from(["utf-8", "gb18030"]))
    if charset != "utf-8":
        body = bytearray(bytes(body).decode("utf-8", "replace").encode("gb18030"))
    walk_wild(bytes(body), data.draw(content_types), data.draw(st.none() | authorizations))


@given(st.binary(max_size=40), st.sampled_from(["gbk", "gb18030", "gb2312", "utf-8"]))
@settings(deadline=None, max_examples=500)
def test_no_bytes_of_a_declared_charset_make_the_pipeline_raise_anything_else(noise: bytes, charset: str) -> None:
    head, tail = json.dumps({"park_uuid": "p", "row": [GOOD]}, ensure_ascii=False).encode(charset).split(b"P1")
    walk_wild(head + noise + tail, f"application/json; charset={charset}", None)


@given(
    st.binary(max_size=60),
    st.none() | authorizations,
    st.sampled_from([None, ParkSecrets("s"), ParkSecrets("s", "o"), ParkSecrets(" s ")]),
)
@settings(deadline=None, max_examples=300)
def test_no_signature_makes_the_search_for_a_mistake_raise(
    body: bytes, authorization: str, keys: ParkSecrets | None
) -> None:
    refusal = explain_mismatch(body, authorization, keys)
    assert (refusal.code, bool(refusal.hint.zh), bool(refusal.hint.en)) == ("401", True, True)


@given(st.text(max_size=40))
def test_folding_a_plate_twice_changes_nothing(text: str) -> None:
    assert normalize_plate(normalize_plate(text)) == normalize_plate(text)


def test_folding_any_one_character_twice_changes_nothing() -> None:
    characters = (chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000)
    assert [
        character
        for character in characters
        if normalize_plate(normalize_plate(character)) != normalize_plate(character)
    ] == []


@given(instants, st.integers(-23 * 60 - 59, 23 * 60 + 59), st.sampled_from(["{:+03}:{:02}", "{:+03}{:02}"]))
def test_instant_is_the_same_through_any_offset(instant_us: int, offset_minutes: int, form: str) -> None:
    local_us = instant_us + offset_minutes * 60_000_000
    assume(YEAR_1_US <= local_us <= YEAR_9999_US)
    hours, minutes = divmod(abs(offset_minutes), 60)
    zone = form.format(hours, minutes)
    if offset_minutes < 0:
        zone = "-" + zone[1:]
    assert parse_instant(format_instant(local_us).removesuffix("Z") + zone) == instant_us


@given(instants)
def test_instant_reads_back_as_it_was_written(instant_us: int) -> None:
    assert parse_instant(format_instant(instant_us)) == instant_us


@given(st.datetimes(timezones=st.just(UTC)))
@example(datetime(1, 1, 1, tzinfo=UTC))
@example(datetime(1969, 12, 31, 23, 59, 59, 999_990, tzinfo=UTC))
@example(datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC))
def test_every_instant_is_written_as_its_date_and_time_say(moment: datetime) -> None:
    instant_us = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    text = moment.isoformat().removesuffix("+00:00")
    assert format_instant(instant_us) == (text.rstrip("0") if moment.microsecond else text) + "Z"


@given(st.integers(-VALUE_E4_MAX, VALUE_E4_MAX))
def test_value_is_written_exactly_and_shortly(value_e4: int) -> None:
    text = format_value(value_e4)
    whole, _, rest = text.lstrip("-").partition(".")
    assert (int(whole) * 10**4 + int((rest + "0000")[:4])) * (-1 if text.startswith("-") else 1) == value_e4
    assert not rest.endswith("0")
    assert "." not in text or rest
    assert text != "-0"
    assert Decimal(text) * 10**4 == value_e4


@given(st.lists(st.integers(0, 4_102_444_800_000_000), min_size=2, max_size=50), st.integers(0, 10**15 - 1))
def test_seqnos_are_unique_and_never_go_back_even_when_the_clock_does(instants_us: list[int], start: int) -> None:
    seqno_generator = SeqnoGenerator(start)
    seqnos = [seqno_generator.generate(instant_us) for instant_us in instants_us]
    assert len(set(seqnos)) == len(seqnos)
    assert [seqno[:17] for seqno in seqnos] == sorted(seqno[:17] for seqno in seqnos)
    assert all(len(seqno) == 32 and seqno.isdigit() for seqno in seqnos)
    latest_us = list(itertools.accumulate(instants_us, max))
    assert [seqno_time_us(seqno) for seqno in seqnos] == [instant_us // 1000 * 1000 for instant_us in latest_us]
    if start < 10**15 - len(seqnos) - 1:
        assert seqnos == sorted(seqnos)
    assert seqno_time_us(seqnos[0]) == instants_us[0] // 1000 * 1000
    assert seqno_prefix(instants_us[0]) == seqnos[0][:17]


def test_counter_that_runs_over_stays_at_its_width_and_unique() -> None:
    seqno_generator = SeqnoGenerator(10**15 - 2)
    seqnos = [seqno_generator.generate(1_700_000_000_000_000) for _ in range(4)]
    assert len(set(seqnos)) == 4
    assert {len(seqno) for seqno in seqnos} == {32}


@given(st.integers(0, 4_102_444_800_000_000), st.integers(0, 10**15 - 1), st.integers(0, 10**15 - 1))
def test_seqnos_of_two_processes_differ_where_they_start_at_different_places(now_us: int, one: int, other: int) -> None:
    assume(one != other)
    assert SeqnoGenerator(one).generate(now_us) != SeqnoGenerator(other).generate(now_us)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1" * 31,
        "1" * 33,
        "x" * 32,
        "２" * 32,
        "0" * 32,
        "20231301000000000" + "0" * 15,
        "20230101240000000" + "0" * 15,
    ],
)
def test_text_that_is_no_seqno_has_no_time(text: str) -> None:
    assert seqno_time_us(text) is None


@given(st.text(max_size=40))
@settings(max_examples=500)
def test_no_text_makes_reading_a_time_raise(text: str) -> None:
    parse_instant(text)
    seqno_time_us(text)
