"""The pure parts of the console: masks, waits, addresses, fields, bars, texts."""

from __future__ import annotations

import asyncio
import re
import threading
from importlib.resources import files
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vipgate.admin.auth.passwords import is_name
from vipgate.admin.console.context import HASHING_MAX, HASHING_OF_STRANGERS_MAX, PasswordHashPool
from vipgate.admin.console.date_range import Period, read_period
from vipgate.admin.console.i18n import TEXTS, Translator
from vipgate.admin.console.urls import from_segment, is_local, segment
from vipgate.domain.hint_masking import mask_hint
from vipgate.domain.masking import mask_card, mask_plate
from vipgate.errors import FieldError, ServiceUnavailable
from vipgate.i18n import Language, LocalizedText
from vipgate.support.web.charts import Series, bars, nice_top
from vipgate.support.web.forms import FormData
from vipgate.support.web.translator import choose_language

LANGUAGES: list[Language] = ["zh", "en"]
CHINESE = re.compile(r"[\u3400-\u9fff]")


@pytest.mark.parametrize(
    ("plate", "masked"),
    [
        ("粤B12345", "粤B***45"),
        ("粤BD12345", "粤B****45"),
        ("ID000001", "ID****01"),
        ("12345", "1***5"),
        ("1234", "1**4"),
        ("123", "1**"),
        ("12", "**"),
        ("1", "*"),
        ("", ""),
    ],
)
def test_plate_and_card_are_masked(plate: str, masked: str) -> None:
    assert mask_plate(plate) == masked
    assert mask_card(plate) == masked


@given(st.text(max_size=80))
def test_mask_hides_two_characters_or_more_and_keeps_the_length(text: str) -> None:
    masked = mask_plate(text)
    assert len(masked) == len(text)
    assert masked.count("*") >= min(len(text), 2)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("member", ["plate", "card_no", "card_id"])
def test_hint_does_not_tell_the_plate_that_was_refused(member: str, language: Language) -> None:
    wrong = FieldError(
        f"row[3].{member}", LocalizedText("最多 16 个字符", "at most 16 characters"), '"粤B12345678901234"'
    )
    other = FieldError("row[3].plate_color", LocalizedText("应为 1,2 之一", "must be one of 1,2"), '"9"')
    masked = mask_hint(wrong.text(language) + "\n" + other.text(language))
    assert "12345678901" not in masked
    assert "粤B" in masked
    assert masked.endswith(other.text(language))


@pytest.mark.parametrize(
    "line",
    [
        'row[0].plate: 最多 16 个字符, 收到 "粤B12345 收到 粤B12345"',
        'row[0].card_no: at most 64 characters, got "got 粤B12345"',
        'row[2].operator: at most 64 characters, got "粤B12345"',
        'row[3]: must be an object, got {"plate":"粤B12345"}',
        'Content-Type: must be application/json, got "粤B12345"',
        "粤b·12345 的记录",
        "WJ粤12345 的记录",
        "使B12345 的记录",
        "WJ01-12345 的记录",
    ],
)
def test_plate_anywhere_in_a_hint_is_hidden(line: str) -> None:
    assert "12345" not in mask_hint(line)


@pytest.mark.parametrize(
    "line",
    [
        "签名是 base64, 应为十六进制",
        "Content-Type: 应为 application/json",
        "缺少 Authorization 请求头",
        "请重新 pip install, 上次是 10 分钟前",
    ],
)
def test_our_own_words_in_a_hint_are_not_taken_for_a_plate(line: str) -> None:
    assert mask_hint(line) == line


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("王敏", True),
        ("li.hua@park-1", True),
        ("", False),
        ("a b", False),
        ("<b>", False),
        ("x" * 65, False),
        ("a\n", False),
    ],
)
def test_name_of_an_account(name: str, good: bool) -> None:
    assert is_name(name) is good


@given(st.text(max_size=70))
def test_any_park_uuid_is_one_segment_of_a_path_and_comes_back(text: str) -> None:
    told = segment(text)
    assert "/" not in told
    assert "\\" not in told
    assert told not in (".", "..")
    assert from_segment(unquote(told)) == text


@pytest.mark.parametrize(
    ("path", "local"),
    [
        ("/", True),
        ("/parks?q=1", True),
        ("//x", False),
        ("/\\x", False),
        ("https://x", False),
        ("", False),
        ("/\t/x", False),
    ],
)
def test_only_paths_of_this_console_are_gone_on_to(path: str, local: bool) -> None:
    assert is_local(path) is local


@pytest.mark.parametrize(("text", "day"), [("2026-11-24", 20_781), ("20261124", 20_781), ("1970-01-01", 0), ("", None)])
def test_day_is_read(text: str, day: int | None) -> None:
    fields = FormData([("day", text)])
    assert fields.day("day") == day
    assert not fields.errors


@pytest.mark.parametrize(
    "text", ["2026-02-30", "2026-1-1", "24.11.2026", "yesterday", "1969-12-31", "２０２６-11-24", "9999999999"]
)
def test_what_is_no_day_is_told_at_its_field(text: str) -> None:
    fields = FormData([("day", text)])
    assert fields.day("day") is None
    assert "2026-11-24" in fields.errors["day"].zh


@pytest.mark.parametrize("text", ["0", "101", "-1", "1.5", "1e2", "٣", "9" * 30])
def test_number_out_of_range_is_told_at_its_field(text: str) -> None:
    fields = FormData([("n", text)])
    assert fields.whole("n", 1, 100) is None
    assert "n" in fields.errors


def test_networks_are_read_whatever_stands_between_them() -> None:
    fields = FormData([("a", "10.0.0.7, 10.1.0.0/16；2001:db8::/32\n192.0.2.1")])
    assert fields.networks("a", 10) == ("10.0.0.7/32", "10.1.0.0/16", "2001:db8::/32", "192.0.2.1/32")
    wrong = FormData([("a", "10.0.0.0/8 10.0.0.1/8")])
    wrong.networks("a", 10)
    assert "10.0.0.1/8" in wrong.errors["a"].en
    many = FormData([("a", " ".join(["10.0.0.1"] * 11))])
    assert many.networks("a", 10) == ()


def test_form_with_too_many_fields_is_refused() -> None:
    with pytest.raises(ValueError):
        FormData.parse("&".join(f"f{number}=1" for number in range(500)))


@pytest.mark.parametrize(
    ("query", "period"),
    [
        ("", Period(71, 101, 30)),
        ("days=7", Period(94, 101, 7)),
        ("days=5000", Period(71, 101, 30)),
        ("since=1970-02-01&until=1970-02-03", Period(31, 34)),
        ("since=1970-04-01", Period(90, 101)),
        ("until=1970-02-28", Period(29, 59)),
        ("since=1970-01-01&until=1970-04-02", Period(0, 92)),
    ],
)
def test_period_is_read(query: str, period: Period) -> None:
    assert read_period(FormData.parse(query), 100) == period


@pytest.mark.parametrize("query", ["since=1970-03-01&until=1970-02-01", "since=x", "since=1970-01-01&until=1970-04-03"])
def test_period_that_cannot_be_shown_is_told(query: str) -> None:
    fields = FormData.parse(query)
    assert read_period(fields, 100) == Period(71, 101, 30)
    assert "since" in fields.errors


def test_bars_stand_on_each_other_and_say_what_they_show() -> None:
    series = [Series("a", "one", {1: 5, 2: 10}), Series("b", "two", {1: 5, 3: -4})]
    chart = bars(1, 4, series, str, str)
    assert chart.top == "10"
    assert chart.paths == (("one", "M1 100v-50h8v50zM11 100v-100h8v100z"), ("two", "M1 50v-50h8v50z"))
    assert [line.cells for line in chart.lines] == [("5", "5", "10"), ("10", "0", "10"), ("0", "-4", "-4")]


def test_figures_of_a_long_time_are_weeks_of_which_the_newest_is_whole() -> None:
    chart = bars(10, 60, [Series("a", "one", {day: day for day in range(100)}), Series("b", "two", {59: 1})], str, str)
    assert chart.weekly
    assert (chart.first, chart.last, chart.width) == ("10", "59", 500)
    assert chart.paths[0][1].count("M") == 50
    assert [line.label for line in chart.lines] == ["10", *(f"{at} – {at + 6}" for at in range(11, 60, 7))]
    assert chart.lines[-1].cells == ("392", "1", "393")
    assert [(line.x, line.width) for line in chart.lines[:3]] == [(0, 10), (10, 70), (80, 70)]


@pytest.mark.parametrize(("days", "lines"), [(1, 1), (31, 31), (32, 5), (92, 14)])
def test_figures_of_a_month_are_days(days: int, lines: int) -> None:
    chart = bars(0, days, [Series("a", "one", {})], str, str)
    assert (len(chart.lines), chart.weekly) == (lines, days > 31)


@pytest.mark.parametrize(("most", "top"), [(0, 1), (1, 1), (7, 8), (9, 10), (11, 20), (250, 300), (60_001, 80_000)])
def test_scale_ends_at_a_round_number(most: int, top: int) -> None:
    assert nice_top(most) == top


@pytest.mark.parametrize(
    ("chosen", "cookie", "accept", "language"),
    [
        ("en", "zh", "zh-CN", "en"),
        (None, "en", "zh-CN", "en"),
        (None, "fr", "en-GB,zh;q=0.5", "en"),
        (None, None, "fr,zh-TW;q=0.9,en;q=0.8", "zh"),
        (None, None, "", "zh"),
        ("", "", "en;q=0.1", "en"),
    ],
)
def test_language_is_chosen(chosen: str | None, cookie: str | None, accept: str, language: str) -> None:
    assert choose_language(chosen, cookie, accept) == language


@pytest.mark.parametrize(
    ("seconds", "zh", "en"),
    [
        (None, "–", "–"),
        (0.4, "0 秒", "0 s"),
        (119, "119 秒", "119 s"),
        (7_300, "2 小时", "2 h"),
        (200_000, "2 天", "2 d"),
    ],
)
def test_span_is_said_in_its_largest_unit(seconds: float | None, zh: str, en: str) -> None:
    assert (Translator("zh").span(seconds), Translator("en").span(seconds)) == (zh, en)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("20260101000000", "2026-01-01 00:00"),
        ("20261124235959", "2026-11-24 23:59"),
        ("2026-01-01", "2026-01-01"),
        ("２０２６０１０１００００００", "２０２６０１０１００００００"),
        ("202601010000001", "202601010000001"),
        ("", ""),
    ],
)
def test_time_that_a_park_said_is_shown_as_a_time_and_what_is_none_as_it_came(said: str, shown: str) -> None:
    assert Translator("zh").said_time(said) == shown


def test_time_is_beijing_time_with_utc_beside_it() -> None:
    shown = Translator("zh").time(1_795_492_800_000_000)
    assert shown == ('<time datetime="2026-11-24T04:00:00Z" title="2026-11-24 04:00:00 UTC">2026-11-24 12:00:00</time>')


@pytest.mark.parametrize(("fen", "text"), [(None, "–"), (0, "0.00"), (123_456, "1,234.56"), (-5, "-0.05")])
def test_money_is_exact(fen: int | None, text: str) -> None:
    assert Translator("en").money(fen) == text


def _is_whole(words: LocalizedText) -> bool:
    places = [set(re.findall(r"\{(\w+)\}", text)) for text in (words.zh, words.en)]
    return bool(words.zh and words.en) and not CHINESE.search(words.en) and places[0] == places[1]


def test_every_text_is_there_in_both_languages_with_the_same_places() -> None:
    assert [key for key, words in TEXTS.items() if not _is_whole(words)] == []


def _sources() -> str:
    roots = [Path(str(files(name))) for name in ("vipgate.admin.console", "vipgate.support.web")]
    return "\n".join(
        path.read_text(encoding="utf-8")
        for root in roots
        for path in [*root.rglob("*.html"), *root.rglob("*.py")]
        if path.parent.name != "translations"
    )


SOURCES = _sources()
# Keys that are put together out of data.
MADE = re.compile(
    r"^(role|mark|flag|scope|audit|done|park\.secret|find\.as|secret_shown|code|kind|state|vip|colour|pass|member|paid|value|"
    r"vehicles\.state|vehicles\.kind|signature_check\.coding)\."
)


def test_no_text_is_left_over() -> None:
    left = [key for key in TEXTS if not MADE.match(key) and f'"{key}"' not in SOURCES and f"'{key}'" not in SOURCES]
    assert left == []


def test_every_text_that_a_page_asks_for_is_there() -> None:
    asked = set(re.findall(r"""\bt\(["']([\w.]+)["'][,)]""", SOURCES))
    asked |= set(re.findall(r"""translator\(["']([\w.]+)["']""", SOURCES))
    asked |= {f"done.{name}" for name in re.findall(r'staff\.go\([^\n]*, "(\w+)"', SOURCES)}
    assert asked - set(TEXTS) == set()


def test_page_has_neither_script_nor_style_of_its_own() -> None:
    roots = [Path(str(files(name))) for name in ("vipgate.admin.console", "vipgate.support.web")]
    for path in [path for root in roots for path in root.rglob("*.html")]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"<script|\son\w+=|\sstyle=|<style|javascript:|https?://|\|\s*safe", text), path.name


def test_strangers_fill_half_of_the_line_for_passwords_and_leave_the_rest() -> None:
    hashing, gate = PasswordHashPool(), threading.Event()

    async def scenario() -> None:
        held = [asyncio.create_task(hashing.run(gate.wait, HASHING_OF_STRANGERS_MAX)) for _ in range(HASHING_MAX)]
        await asyncio.sleep(0)
        with pytest.raises(ServiceUnavailable):
            await hashing.run(gate.wait, HASHING_OF_STRANGERS_MAX)
        known = asyncio.create_task(hashing.run(lambda: "in"))
        await asyncio.sleep(0)
        gate.set()
        assert await known == "in"
        refused = await asyncio.gather(*held, return_exceptions=True)
        assert sum(isinstance(one, ServiceUnavailable) for one in refused) == HASHING_MAX - HASHING_OF_STRANGERS_MAX

    asyncio.run(scenario())
