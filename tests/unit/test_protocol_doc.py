"""docs/protocol.md and docs/protocol.zh.md say what the code does, and say the same: fields, limits, codes, hints, examples."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import md5
from pathlib import Path
from typing import Any

import pytest

from unit.road import SECRET, request, request_of, walk
from vipgate.errors import (
    FAULTS_SHOWN_MAX,
    VALUE_SHOWN_CHARS_MAX,
    BadRequest,
    Fault,
    Language,
    Refusal,
    Words,
    list_faults,
)
from vipgate.heads import head_refusal, too_large, too_late, too_long, too_slow
from vipgate.hmacsign import (
    ID_CHARS_MAX,
    ID_HEADER,
    SIGNATURE_HEADER,
    SIGNATURES_MAX,
    TIMESTAMP_HEADER,
    WINDOW_S,
    Stamp,
    clock_fault,
    form_fault,
    hmac_headers,
    is_stamped,
)
from vipgate.httptypes import HttpLimits
from vipgate.renewal import FLAG_NAMES, Renewal
from vipgate.row import EXTRA_BYTES_MAX, REQUIRED, write_row
from vipgate.sample import PAGE_BODY, PAGE_SECRET
from vipgate.settings import Settings
from vipgate.signature import DIAGNOSIS_BYTES_MAX, sign
from vipgate.store.replacing import ID_REMEMBERED_US
from vipgate.wire import (
    BODY_BYTES_MAX,
    DIGEST_PATH,
    PARK_UUID_CHARS_MAX,
    PUSH_PATH,
    ROWS_MAX,
    SUCCESS_CODE,
    Keys,
    Payload,
    encode_refusal,
    encode_success,
    split,
    verify,
)

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "vipgate"
LIMITS = HttpLimits()
CHINESE = re.compile(r"[\u4e00-\u9fff]")
YES = {"是", "yes"}


@dataclass(frozen=True)
class Document:
    """One language's page, read by section number."""

    language: Language
    text: str

    def section(self, number: str) -> str:
        """The text under the heading `number`, up to the next heading."""
        found = re.search(rf"^#+ {re.escape(number)} .*?$(.*?)(?=^#+ |\Z)", self.text, re.MULTILINE | re.DOTALL)
        assert found is not None, number
        return found[1]

    def table(self, number: str) -> list[list[str]]:
        """The rows of the tables in a section, without their heads, cell by cell."""
        lines = [line for line in self.section(number).splitlines() if line.startswith("|")]
        rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
        rules = [place for place, row in enumerate(rows) if set(row[0]) == {"-"}]
        return [row for place, row in enumerate(rows) if place not in rules and place + 1 not in rules]

    def blocks(self, number: str, kind: str) -> list[str]:
        """The code blocks of one kind in a section."""
        return re.findall(rf"^```{kind}\n(.*?)\n```$", self.section(number), re.MULTILINE | re.DOTALL)


ZH = Document("zh", (ROOT / "docs" / "protocol.zh.md").read_text(encoding="utf-8"))
EN = Document("en", (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8"))
BOTH = pytest.mark.parametrize("page", [ZH, EN], ids=["zh", "en"])


def spans(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def span(cell: str) -> str:
    [one] = spans(cell)
    return one


def numbers(text: str) -> list[int]:
    return [int(one) for one in re.findall(r"-?\d+", text)]


FULL_ROW: dict[str, Any] = json.loads(ZH.blocks("3.1", "json")[0])


def sent(*members: str) -> bytes:
    """A request of the page's full row with members replaced by JSON text as it stands."""
    texts = {name: json.dumps(value, ensure_ascii=False) for name, value in FULL_ROW.items()}
    for member in members:
        name, _, text = member.partition(":")
        texts[json.loads(name)] = text
    return request_of(("{" + ",".join(f'"{name}":{text}' for name, text in texts.items()) + "}").encode())


def kept(*members: str) -> dict[str, str]:
    [renewal] = walk(sent(*members)).renewals
    written: dict[str, str] = json.loads(write_row(renewal))
    return written


def hint_of(body: bytes, language: Language = "zh", content_type: str | None = None) -> str:
    with pytest.raises(Refusal) as caught:
        walk(body, content_type)
    return caught.value.hint.text(language)


def is_taken(*members: str) -> bool:
    try:
        walk(sent(*members))
    except BadRequest:
        return False
    return True


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
    assert split(body, f"application/json; charset={name}").park_uuid == "p"


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
        (LIMITS.head_bytes_max, [str(too_long(1).status)]),
        (LIMITS.send_s, [str(too_late(1).status)]),
        (LIMITS.pause_s, [str(too_slow(1, 1).status)]),
        (LIMITS.idle_s, []),
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
            assert name not in json.loads(write_row(walk(request(*rows)).renewals[0]))


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


# Signatures.


@BOTH
def test_md5_example_is_right_to_the_byte(page: Document) -> None:
    [shown] = page.blocks("4.2", "json")
    assert shown.encode() == PAGE_BODY
    assert f"`{PAGE_SECRET}`" in page.section("4.2")
    for row, codec in zip(page.table("4.2"), ("utf-8", "gbk"), strict=True):
        body = shown.encode(codec)
        charset, count, plate, signature = row[0], int(row[1]), span(row[2]), span(row[3])
        assert (len(body), "粤".encode(codec).hex(), sign(body, PAGE_SECRET)) == (count, plate, signature)
        claim = split(body, f"application/json; charset={charset.lower()}")
        body_md5 = md5(body, usedforsecurity=False)
        assert verify(claim, body_md5, signature, Keys(PAGE_SECRET)).secret_used == "current"
    assert f"`{sign(PAGE_BODY, PAGE_SECRET)}`" in page.section("10")
    assert str(len(PAGE_BODY)) in page.section("4.2").partition("```")[0]


@BOTH
def test_md5_command_gives_the_signature(page: Document, tmp_path: Path) -> None:
    if shutil.which("md5sum") is None:
        pytest.skip("no md5sum on this machine")
    (tmp_path / "body.json").write_bytes(PAGE_BODY)
    script = f"secret={PAGE_SECRET}\n{page.blocks('4.2', 'sh')[0]}"
    done = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.split()[0] == sign(PAGE_BODY, PAGE_SECRET)


@BOTH
def test_hmac_example_is_right(page: Document) -> None:
    [shown] = page.blocks("5.2", "text")
    headers = dict(line.split(": ") for line in shown.splitlines())
    assert hmac_headers(PAGE_BODY, PAGE_SECRET, headers[ID_HEADER], headers[TIMESTAMP_HEADER]) == headers


@BOTH
def test_hmac_headers_are_bounded_as_the_page_says(page: Document) -> None:
    identity, timestamp, signature = (row[1] for row in page.table("5.1"))
    assert f"1 – {ID_CHARS_MAX} " in identity
    assert f" {WINDOW_S} " in timestamp
    assert "`v1,`" in signature
    assert re.search(rf"(最多|at most) {SIGNATURES_MAX}\b", page.section("5.1"))
    good = hmac_headers(PAGE_BODY, PAGE_SECRET, "i", 1)[SIGNATURE_HEADER]
    for others, right in ((SIGNATURES_MAX - 1, True), (SIGNATURES_MAX, False)):
        assert is_stamped(PAGE_BODY, Stamp("i", "1", "v1,x " * others + good), PAGE_SECRET) is right
    assert ID_REMEMBERED_US == 24 * 3600 * 1_000_000
    assert re.search(r"一天|one day", page.section("5.4"))


@pytest.mark.parametrize("language", ["python", "sh"])
def test_hmac_code_of_the_page_signs_as_the_gateway_wants(tmp_path: Path, language: str) -> None:
    [block] = ZH.blocks("5.3", language)
    if language == "python":
        made: dict[str, object] = {"body": PAGE_BODY, "secret": PAGE_SECRET}
        exec(f"import base64, hmac, secrets, time\n{block}", made)  # noqa: S102 - the page's own text
        headers = made["headers"]
        assert isinstance(headers, dict)
        stamp = Stamp(*(headers[name] for name in (ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER)))
    else:
        if shutil.which("openssl") is None:
            pytest.skip("no openssl on this machine")
        (tmp_path / "body.json").write_bytes(PAGE_BODY)
        script = f"secret={PAGE_SECRET}\n{block.partition('curl')[0]}\nprintf '%s %s v1,%s' $id $at $signature"
        done = subprocess.run(
            ["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=True
        )
        stamp = Stamp(*done.stdout.split())
    assert form_fault(stamp) is None
    assert is_stamped(PAGE_BODY, stamp, PAGE_SECRET)


# Answers.


def kinds_of(kind: type[Refusal]) -> Iterator[type[Refusal]]:
    for one in kind.__subclasses__():
        yield one
        yield from kinds_of(one)


@BOTH
def test_codes_are_the_gateway_s(page: Document) -> None:
    success = json.loads(encode_success("1" * 32, Payload(1, 1, 0, 0), page.language))
    known = {(kind.code, str(kind.status), kind.message.text(page.language)) for kind in kinds_of(Refusal)}
    shown = [(span(row[0]), row[1], row[2]) for row in page.table("6.2")]
    assert shown == sorted(known | {(SUCCESS_CODE, "200", success["message"])}, key=lambda one: int(one[0]) % 1001)


@BOTH
def test_answers_are_written_as_the_page_shows(page: Document) -> None:
    success, refusal = page.blocks("6.1", "json")
    seqno = json.loads(success)["seqno"]
    assert encode_success(seqno, Payload(3, 1, 1, 1), page.language).decode() == success
    fault = Fault("row[3].plate_color", Words("应为 1,2,3,4,5,-1 之一", "must be one of 1,2,3,4,5,-1"), '"9"')
    bad = BadRequest(list_faults([fault]))
    assert encode_refusal(json.loads(refusal)["seqno"], bad, page.language).decode() == refusal
    members = [span(row[0]) for row in page.table("6.1")]
    assert sorted(members) == sorted({*json.loads(success), *json.loads(refusal)})
    assert re.search(rf"\b{LIMITS.rest_s_max:g} ", page.section("6.2"))


# Hints.


@BOTH
def test_hints_are_listed_as_the_page_says(page: Document) -> None:
    words = Words("应为 0 或 1", "must be 0 or 1")
    rest = 5
    lines = list_faults([Fault("x", words, "y" * 99)] * (FAULTS_SHOWN_MAX + rest)).text(page.language).splitlines()
    said = page.section("7.1")
    assert lines[-1] in spans(said)
    assert re.search(rf"\b{FAULTS_SHOWN_MAX} ", said)
    assert re.search(rf"\b{VALUE_SHOWN_CHARS_MAX} ", said)
    assert f"{DIAGNOSIS_BYTES_MAX // 1024} KiB" in page.section("7.5")


@BOTH
def test_hints_with_numbers_have_the_gateway_s(page: Document) -> None:
    now_s = 1_795_492_800
    hints = [
        too_long(LIMITS.head_bytes_max).hint,
        too_large(LIMITS.body_bytes_max).hint,
        too_late(LIMITS.send_s).hint,
        too_slow(LIMITS.bytes_a_second_min, LIMITS.pause_s).hint,
        form_fault(Stamp("", "1", "v1,")),
        form_fault(Stamp("i", "x", "v1,")),
        clock_fault(Stamp("i", str(now_s - 512), "v1,"), now_s, WINDOW_S),
        clock_fault(Stamp("i", str(now_s * 1000), "v1,"), now_s, WINDOW_S),
        *[
            refusal.hint
            for refusal in (
                head_refusal({b"host": b"p", b"content-encoding": b"gzip"}, "1.1", b""),
                head_refusal({b"transfer-encoding": b"chunked"}, "1.0", b""),
                head_refusal({}, "1.1", b""),
                head_refusal({}, "1.1", b"authorization"),
            )
            if refusal is not None
        ],
    ]
    shown = set(spans(page.section("7.2") + page.section("7.6")))
    assert [hint for hint in hints if hint is None or hint.text(page.language) not in shown] == []
    assert len(hints) == 12


# What a client of the push never reads: other programs and ports, and the digests, which docs/digest.md describes.
ELSEWHERE = {"agent", "api", "admin", "cli", "console", "domain", "inside", "staff", "support"} | {
    "charge_types", "chargetypes", "digests", "erasing", "erasure", "logs", "outward", "reconcile", "replay", "sample",
}  # fmt: skip


# The parser of the whole request refuses these before a row is read.
NEVER_REACHED = {
    re.escape("含有无效的转义或半个代理对"),
    re.escape("holds a broken escape or half a surrogate pair"),
}


@dataclass(frozen=True)
class CodeText:
    """A text in the source that a client may read, as a pattern with anything in place of what is filled in."""

    place: str
    language: Language
    pattern: str


def pattern_of(node: ast.expr) -> str:
    """A string in the source as a pattern, empty for any other expression."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.escape(node.value)
    parts = node.values if isinstance(node, ast.JoinedStr) else []
    return "".join(re.escape(str(part.value)) if isinstance(part, ast.Constant) else r"[^\n`]*?" for part in parts)


def texts_in(node: ast.AST) -> list[tuple[Language, str]]:
    """The texts in one node: a call with one in Chinese and one in English, `zh = …` and `en = …`, or a list of parts."""
    if isinstance(node, ast.Call) and len(node.args) >= 2:
        zh, en = map(pattern_of, node.args[:2])
        return [("zh", zh), ("en", en)] if CHINESE.search(zh) else []
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        language = LANGUAGES.get(node.targets[0].id)
        return [(language, pattern_of(node.value))] if language is not None else []
    parts = map(pattern_of, node.elts) if isinstance(node, ast.List) else ()
    return [("zh", part) for part in parts if CHINESE.search(part)]


LANGUAGES: dict[str, Language] = {"zh": "zh", "en": "en"}


@cache
def code_texts() -> list[CodeText]:
    found = []
    for file in sorted(SOURCE.rglob("*.py")):
        module = file.relative_to(SOURCE).with_suffix("")
        if not ELSEWHERE.isdisjoint(module.parts):
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            place = f"{module}:{getattr(node, 'lineno', 0)}"
            found += [CodeText(place, *text) for text in texts_in(node) if text[1] and text[1] not in NEVER_REACHED]
    return found


@BOTH
def test_every_text_of_the_gateway_stands_on_the_page(page: Document) -> None:
    texts = [one for one in code_texts() if one.language == page.language]
    assert len(texts) > 90
    assert [(one.place, one.pattern) for one in texts if not re.search(one.pattern, page.text)] == []


HINT_SECTIONS = ["2.2", "3.5", "7.2", "7.3", "7.4", "7.5", "7.6", "7.7"]
FRAME = re.compile(r"(?:(?:row\[\d+\](?:\.\w+)?|[\w-]+): )?(.*?)(?:, (?:收到|got) .*)?", re.DOTALL)


@BOTH
@pytest.mark.parametrize("number", HINT_SECTIONS)
def test_every_hint_on_the_page_is_one_that_the_gateway_gives(page: Document, number: str) -> None:
    patterns = [re.compile(one.pattern) for one in code_texts() if one.language == page.language]

    def is_given(hint: str) -> bool:
        bare = FRAME.fullmatch(hint)
        forms = {hint, hint.partition(": ")[2], *(bare.groups() if bare else ())}
        return any(pattern.fullmatch(form) for pattern in patterns for form in forms)

    column = 1 if number in ("2.2", "3.5") else 0
    hints = [span(row[column]) for row in page.table(number)]
    assert hints
    assert [hint for hint in hints if not is_given(hint)] == []


@BOTH
def test_rows_of_one_request_are_refused_with_the_words_of_the_page(page: Document) -> None:
    first, second, third = ({**FULL_ROW, "pay_partner": one} for one in ("P1", "P2", "P1"))
    twice = hint_of(request(first, second, {**third, "quantity": 2}), page.language)
    nameless = hint_of(
        request({**first, "pay_partner": "无"}, second, {**third, "pay_partner": "无", "quantity": 2}), page.language
    )
    reference = hint_of(request_of(json.dumps(first).encode(), b'{"$ref":"$.row[0]"}'), page.language)
    extra = hint_of(sent('"x":"' + "a" * (EXTRA_BYTES_MAX + 1 - len('{"x":""}')) + '"'), page.language)
    assert {twice, nameless, reference, extra} == {span(row[0]) for row in page.table("7.4")}


# Rules for sending.


@BOTH
def test_days_and_seconds_of_the_rules_are_the_gateway_s(page: Document) -> None:
    days = Settings.model_fields["generation_days"].default
    assert re.search(rf"\b{days} (天|days)", page.section("8.2"))
    assert re.search(rf"\b{LIMITS.idle_s:g} (秒|seconds)", page.section("8.3"))


def test_alike_rows_of_one_request_count_once() -> None:
    batch = walk(request(FULL_ROW, FULL_ROW))
    assert (batch.received, len(batch.renewals)) == (2, 1)
    assert isinstance(batch.renewals[0], Renewal)
    assert SECRET == PAGE_SECRET
