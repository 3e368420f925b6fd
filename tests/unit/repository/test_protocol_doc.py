"""docs/protocol.md and docs/protocol.zh.md say what the code does, and say the same: fields, limits, codes, examples."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from support.protocol_page import (
    BOTH,
    CHINESE,
    EN,
    FULL_ROW,
    ZH,
    Document,
    hint_of,
    is_taken,
    kept,
    numbers,
    sent,
    span,
    spans,
)
from support.protocol_pipeline import SECRET, request, request_of, walk
from vipgate.cli.sample import PAGE_SECRET
from vipgate.errors import BadRequest, FieldError, RequestError, format_field_errors
from vipgate.gateway.http.headers import body_too_slow, head_too_large, request_timeout
from vipgate.gateway.http.messages import HttpLimits
from vipgate.gateway.settings import Settings
from vipgate.i18n import LocalizedText
from vipgate.protocol.batch import ROWS_MAX
from vipgate.protocol.envelope import (
    BODY_BYTES_MAX,
    DIGEST_PATH,
    PARK_UUID_CHARS_MAX,
    PUSH_PATH,
    SUCCESS_CODE,
    Payload,
    encode_error,
    encode_success,
    parse_request,
)
from vipgate.protocol.renewal import FLAG_NAMES, Renewal
from vipgate.protocol.row import EXTRA_BYTES_MAX, REQUIRED, encode_row
from vipgate.protocol.signature_hmac import ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER

LIMITS = HttpLimits()
YES = {"是", "yes"}


# The two languages.


def test_both_languages_have_the_same_sections_tables_and_code() -> None:
    shapes = []
    for page in (ZH, EN):
        headings = re.findall(r"^#+ (\d+(?:\.\d+)?) ", page.text, re.MULTILINE)
        shapes.append([(number, len(page.table(number))) for number in headings])
    assert shapes[0] == shapes[1]
    for number, kind in [("2.1", "json"), ("3.1", "json"), ("4.2", "json"), ("4.2", "sh"), ("5.2", "text")]:
        assert ZH.blocks(number, kind) == EN.blocks(number, kind)
    assert re.findall(r"```(\w+)\n(.*?)```", ZH.section("5.3"), re.DOTALL) == re.findall(
        r"```(\w+)\n(.*?)```", EN.section("5.3"), re.DOTALL
    )


@pytest.mark.parametrize("number", ["1.1", "1.3", "2.1", "2.2", "3.1", "3.4", "3.5", "3.6", "4.2", "6.1", "6.2"])
def test_both_languages_list_the_same(number: str) -> None:
    def facts(row: list[str]) -> list[list[str]]:
        return [spans(cell) for cell in row if not CHINESE.search(cell) or '":' in cell]

    for zh, en in zip(ZH.table(number), EN.table(number), strict=True):
        assert spans(zh[0]) == spans(en[0])
        assert [one for one in facts(zh) if one not in map(spans, en)] == []


@BOTH
def test_links_within_the_page_lead_to_a_heading(page: Document) -> None:
    def anchor(heading: str) -> str:
        return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")

    anchors = {anchor(heading) for heading in re.findall(r"^#+ (.+)$", page.text, re.MULTILINE)}
    assert [link for link in re.findall(r"\]\(#([^)]+)\)", page.text) if link not in anchors] == []


# Request, limits, body.


@BOTH
def test_addresses_are_the_gateway_s(page: Document) -> None:
    assert spans(page.section("1.1"))[0] == f"POST {PUSH_PATH}"
    assert f"{PUSH_PATH}/digest" == DIGEST_PATH
    assert "`/digest`" in page.section("8.6")
    assert [name for row in page.table("1.1") for name in spans(row[0])][3:6] == [
        ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER,
    ]  # fmt: skip


@BOTH
@pytest.mark.parametrize("name", ["gbk", "gb2312", "gb18030", "cp936", "utf-8", "utf8"])
def test_charset_names_are_read_as_the_page_says(page: Document, name: str) -> None:
    assert f"`{name}`" in page.section("1.2")
    body = sent('"operator":"张三"').decode().encode("utf-8" if name.startswith("utf") else "gb18030")
    assert parse_request(body, f"application/json; charset={name}").park_uuid == "p"


@BOTH
def test_charset_hint_lists_every_name(page: Document) -> None:
    got = ", got" if page.language == "en" else ", 收到"
    told = hint_of(sent(), page.language, "application/json; charset=big5").partition(got)[0]
    assert told in [one.partition(got)[0] for one in spans(page.section("7.2"))]


@BOTH
def test_limits_are_the_gateway_s(page: Document) -> None:
    shown = [(numbers(row[1])[0], spans(row[2])) for row in page.table("1.3")]
    commas, containers, levels = (shown[place][0] for place in (2, 3, 4))  # tried below
    assert shown == [
        (BODY_BYTES_MAX, ["413"]),
        (ROWS_MAX, ["413"]),
        (commas, ["413"]),
        (containers, ["413"]),
        (levels, ["400"]),
        (PARK_UUID_CHARS_MAX, ["400"]),
        (EXTRA_BYTES_MAX, ["400"]),
        (LIMITS.head_bytes_max, [str(head_too_large(1).status)]),
        (LIMITS.request_timeout_s, [str(request_timeout(1).status)]),
        (LIMITS.pause_s, [str(body_too_slow(1, 1).status)]),
        (LIMITS.keepalive_timeout_s, []),
    ]
    assert LIMITS.body_bytes_max == BODY_BYTES_MAX
    assert str(LIMITS.bytes_a_second_min) in page.section("1.3")


def test_limits_hold_where_the_page_draws_them() -> None:
    rows = [{**FULL_ROW, "pay_partner": str(number)} for number in range(ROWS_MAX + 1)]
    assert walk(request(*rows[:-1])).received == ROWS_MAX
    assert hint_of(request(*rows)).startswith(f"最多 {ROWS_MAX} 行")
    assert walk(request(FULL_ROW, park_uuid="园" * PARK_UUID_CHARS_MAX)).received == 1
    around = len('{"x":""}')
    assert is_taken('"x":"' + "a" * (EXTRA_BYTES_MAX - around) + '"')
    assert hint_of(sent('"x":"' + "a" * (EXTRA_BYTES_MAX - around + 1) + '"')).startswith("row[0]: 未列出的成员")


@BOTH
def test_commas_containers_and_nesting_are_bounded_as_the_page_says(page: Document) -> None:
    commas, containers, levels = (numbers(page.table("1.3")[place][1])[0] for place in (2, 3, 4))
    row, around = json.dumps(FULL_ROW).encode(), 100  # as many as the rest of the request has at most

    def more(form: str, count: int) -> bytes:
        return request_of(row, more="[" + f"{form}," * count + f"{form}]")

    deepest = "[" * (levels - 1) + "]" * (levels - 1)  # the request itself is one level
    for body in (more("1", commas - around), more("[]", containers - around), request_of(row, more=deepest)):
        assert walk(body).received == 1
    beyond = (more("1", commas), more("[]", containers), request_of(row, more=f"[{deepest}]"))
    assert {hint_of(body, page.language) for body in beyond} <= set(spans(page.section("7.3")))


@BOTH
def test_both_forms_of_row_mean_the_same(page: Document) -> None:
    array, string = page.blocks("2.1", "json")
    assert isinstance(json.loads(array)["row"], list)
    assert isinstance(json.loads(string)["row"], str)
    assert walk(array.encode()) == walk(string.encode())


@BOTH
@pytest.mark.parametrize("place", range(len(ZH.table("2.2"))))
def test_whole_request_is_refused_with_the_words_of_the_page(page: Document, place: int) -> None:
    row = page.table("2.2")[place]
    name, _, text = span(row[0]).partition(":")
    members = {"park_uuid": '"p"', "complete": "0", "row": json.dumps([FULL_ROW])} | {json.loads(name): text}
    body = "{" + ",".join(f'"{member}":{value}' for member, value in members.items()) + "}"
    shown, told = span(row[1]), hint_of(body.encode(), page.language)
    assert told == shown or (shown.endswith("…") and told.startswith(shown[:-1]))


# A record's fields.


@BOTH
def test_fields_are_the_code_s_in_its_order(page: Document) -> None:
    rows = page.table("3.1")
    assert [span(row[0]) for row in rows] == list(kept())
    assert [span(row[0]) for row in rows] == list(json.loads(page.blocks("3.1", "json")[0]))
    assert {span(row[0]) for row in rows if row[1] in YES} == set(REQUIRED)
    assert [span(row[0]) for row in page.table("2.1")] == ["park_uuid", "complete", "row"]


@pytest.mark.parametrize("row", ZH.table("3.1"), ids=lambda row: span(row[0]))
def test_field_without_a_value_is_required_or_absent_as_the_page_says(row: list[str]) -> None:
    name = span(row[0])
    left = {member: value for member, value in FULL_ROW.items() if member != name}
    for rows in ([left], [{**left, name: ""}], [{**left, name: None}]):
        if row[1] in YES:
            assert hint_of(request(*rows)).startswith(f"row[0].{name}: 必填")
        else:
            assert name not in json.loads(encode_row(walk(request(*rows)).renewals[0]))


@BOTH
@pytest.mark.parametrize("place", range(len(ZH.table("3.1"))))
def test_field_is_bounded_as_the_page_says(page: Document, place: int) -> None:
    name_cell, _, kind, values, example, _ = page.table("3.1")[place]
    name = span(name_cell)
    assert name in kept(f'"{name}":{span(example)}')
    if kind in ("文本", "text"):
        least, most = numbers(values)
        assert [is_taken(f'"{name}":"{"A" * length}"') for length in (least, most, most + 1)] == [True, True, False]
    elif kind in ("枚举", "enum"):
        codes = [int(one) for one in spans(values)]
        assert [code for code in range(-10, 100) if is_taken(f'"{name}":{code}')] == sorted(codes)
        listed = ",".join(map(str, codes))
        assert f"{listed} " in hint_of(sent(f'"{name}":99')) or f"{listed}," in hint_of(sent(f'"{name}":99'))
    elif kind in ("整数", "integer"):
        low, high = (int(one) for one in spans(values))
        assert [is_taken(f'"{name}":{value}') for value in (low - 1, low, high, high + 1)] == [False, True, True, False]
    elif kind in ("小数", "decimal"):
        low_text, high_text = spans(values)
        tried = [low_text + "1", low_text, high_text, high_text + "1", "1000000000000", "-1000000000000"]
        assert [is_taken(f'"{name}":"{value}"') for value in tried] == [False, True, True, False, False, False]
    else:
        assert kind in ("时间", "time")
        assert [is_taken(f'"{name}":"9999-12-31T23:59:59{zone}"') for zone in ("Z", "+08:00", "")] == [
            name.endswith("end_time"), name.endswith("end_time"), False,
        ]  # fmt: skip


@pytest.mark.parametrize("row", ZH.table("3.4"), ids=lambda row: span(row[0]))
def test_form_that_the_page_shows_is_taken_and_kept_so(row: list[str]) -> None:
    member = span(row[0])
    name = json.loads(member.partition(":")[0])
    assert kept(member).get(name) == (span(row[1]) if spans(row[1]) else None)


@BOTH
@pytest.mark.parametrize("place", range(len(ZH.table("3.5"))))
def test_form_that_the_page_shows_is_refused_with_its_words(page: Document, place: int) -> None:
    row = page.table("3.5")[place]
    assert hint_of(sent(span(row[0])), page.language) == span(row[1])


@BOTH
def test_numbers_in_strings_are_read_as_the_page_says(page: Document) -> None:
    good, bad = ("1.0", "1e3"), ("1.5", "NaN", "1e400")
    assert [one for one in (*good, *bad) if f"`{one}`" not in page.section("3.2")] == []
    assert all(is_taken(f'"quantity":"{one}"') for one in good)
    assert not any(is_taken(f'"quantity":"{one}"') for one in (*bad, "01", "+1", "1,000", "１", "1个"))


@BOTH
def test_flags_are_those_of_the_code_and_raised_as_the_page_says(page: Document) -> None:
    assert [span(row[0]) for row in page.table("3.6")] == list(FLAG_NAMES.values())

    def flags(*members: str) -> list[str]:
        [renewal] = walk(sent(*members)).renewals
        return [name for flag, name in FLAG_NAMES.items() if renewal.flags & flag]

    assert flags() == []
    assert flags('"plate":"使014578"') == ["unusual_plate"]
    assert flags('"pay_value":"300.00"') == ["decimal_money"]
    said = page.section("3.3")
    for order in ("无", "-", "0", "NULL", "2.02207E+18"):
        assert f"`{order}`" in said
        assert flags(f'"pay_partner":"{order}"') == ["no_order"]


@BOTH
def test_dots_of_plates_are_removed_as_the_page_says(page: Document) -> None:
    dots = spans(re.findall(r"[（(](`.`.*?)[）)]", page.section("3.3"))[0])
    assert len(dots) == 5
    assert {kept(f'"plate":"粤B{dot}12345"')["plate"] for dot in dots} == {"粤B12345"}


# Answers.


def kinds_of(kind: type[RequestError]) -> Iterator[type[RequestError]]:
    for one in kind.__subclasses__():
        yield one
        yield from kinds_of(one)


@BOTH
def test_codes_are_the_gateway_s(page: Document) -> None:
    success = json.loads(encode_success("1" * 32, Payload(1, 1, 0, 0), page.language))
    known = {(kind.code, str(kind.status), kind.message.text(page.language)) for kind in kinds_of(RequestError)}
    shown = [(span(row[0]), row[1], row[2]) for row in page.table("6.2")]
    assert shown == sorted(known | {(SUCCESS_CODE, "200", success["message"])}, key=lambda one: int(one[0]) % 1001)


@BOTH
def test_answers_are_written_as_the_page_shows(page: Document) -> None:
    success, refusal = page.blocks("6.1", "json")
    seqno = json.loads(success)["seqno"]
    assert encode_success(seqno, Payload(3, 1, 1, 1), page.language).decode() == success
    fault = FieldError(
        "row[3].plate_color", LocalizedText("应为 1,2,3,4,5,-1 之一", "must be one of 1,2,3,4,5,-1"), '"9"'
    )
    bad = BadRequest(format_field_errors([fault]))
    assert encode_error(json.loads(refusal)["seqno"], bad, page.language).decode() == refusal
    members = [span(row[0]) for row in page.table("6.1")]
    assert sorted(members) == sorted({*json.loads(success), *json.loads(refusal)})
    assert re.search(rf"\b{LIMITS.rest_s_max:g} ", page.section("6.2"))


# Rules for sending.


@BOTH
def test_days_and_seconds_of_the_rules_are_the_gateway_s(page: Document) -> None:
    days = Settings.model_fields["generation_days"].default
    assert re.search(rf"\b{days} (天|days)", page.section("8.2"))
    assert re.search(rf"\b{LIMITS.keepalive_timeout_s:g} (秒|seconds)", page.section("8.3"))


def test_alike_rows_of_one_request_count_once() -> None:
    batch = walk(request(FULL_ROW, FULL_ROW))
    assert (batch.received, len(batch.renewals)) == (2, 1)
    assert isinstance(batch.renewals[0], Renewal)
    assert SECRET == PAGE_SECRET
