"""The mapping: what parks write in their columns becomes exactly what the wire wants, or a fault with the column's name."""

# ruff: noqa: DTZ001 - the times of a park have no zone
from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vipgate.agent.config import Config, Platform, SourceConfig
from vipgate.agent.config_map import Filter, Member
from vipgate.agent.mapping.mapper import Mapper
from vipgate.agent.mapping.reader import Reader
from vipgate.agent.mapping.unjudged import VALUES_MAX
from vipgate.agent.models import HASH_BYTES
from vipgate.agent.sources.base import SourceRow
from vipgate.errors import FieldError, UsageError
from vipgate.protocol.row import REQUIRED

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON_MS = 1_706_673_600_000  # 2024-01-31T12:00:00+08:00
NOON = "2024-01-31T04:00:00Z"
DASHED = "%Y-%m-%d %H:%M:%S"


def mapped(name: str, value: object, zone: str = "Asia/Shanghai", **settings: Any) -> Any:
    """The one member that comes of the one column, its fault, or None where it is absent."""
    mapper = Mapper({name: Member(column="列", **settings)}, (), ZoneInfo(zone), ["列"])
    found = mapper([value])
    if isinstance(found, list):
        [fault] = found
        return fault
    assert found is not None
    msgspec.json.encode(found)
    return found.get(name)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("  粤B12345 ", "粤B12345"),
        ("00123", "00123"),
        (123, "123"),
        (123.0, "123"),
        (1.5, "1.5"),
        (0.0000001, "0.0000001"),
        (Decimal("30.50"), "30.5"),
        (Decimal("1E+3"), "1000"),
        (Decimal("12345678901234567890123456789012345678"), "12345678901234567890123456789012345678"),
        (True, "1"),
        (False, "0"),
        ("粤B1".encode(), "粤B1"),
        ("粤B1".encode("gb18030"), "粤B1"),
        (bytearray(b"ab"), "ab"),
        (memoryview(b"ab\0\0"), "ab"),
        ("卡号1\0\0\0", "卡号1"),
        ("A\tB\u0085", "A B"),
        (date(2024, 1, 31), "2024-01-31"),
        (datetime(2024, 1, 31, 12), "2024-01-31 12:00:00"),
        (UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        (None, None),
        ("", None),
        (" \u3000\0", None),
        (float("nan"), None),
        (Decimal("NaN"), None),
    ],
)
def test_text_is_what_a_person_reads_in_the_cell(value: object, text: str | None) -> None:
    assert mapped("card_no", value) == text


@pytest.mark.parametrize(
    "value", [float("inf"), 2.0**53, Decimal("Infinity"), Decimal("1E+5000"), "half \ud800", b"\xff\xff", {"a": 1}, [1]]
)
def test_text_that_is_not_exact_is_a_fault(value: object) -> None:
    fault = mapped("pay_partner", value)
    assert isinstance(fault, FieldError)
    assert fault.place == "列"


@pytest.mark.parametrize(
    ("value", "fen"),
    [
        (300, 30_000),
        (300.5, 30_050),
        (388.66, 38_866),
        (388.65999999999997, 38_866),
        (0.29, 29),
        (157901059.89, 15_790_105_989),
        (Decimal("300.50"), 30_050),
        (Decimal("300.5000"), 30_050),
        ("300", 30_000),
        (" 300.50 ", 30_050),
        ("¥1,234.50元", 123_450),
        (".5", 50),
        (0, 0),
        (2e9, 200_000_000_000),
        (Decimal(10) ** 20, "1" + "0" * 22),
        (None, None),
        ("", None),
    ],
)
def test_yuan_become_fen_exactly(value: object, fen: object) -> None:
    assert mapped("pay_value", value, unit="yuan") == fen


@pytest.mark.parametrize(
    "value", [0.125, 300.505, "300.505", Decimal("0.001"), "3,5", "12,34.5", "免费", "1e3", float("inf"), "9" * 30]
)
def test_money_that_is_no_whole_fen_is_a_fault(value: object) -> None:
    fault = mapped("pay_value", value, unit="yuan", default=0)
    assert isinstance(fault, FieldError), "a default never stands for an amount that cannot be read"
    assert fault.got == str(value)


def test_amount_of_thirty_digits_is_not_rounded_to_whole_fen() -> None:
    assert isinstance(mapped("pay_value", Decimal("123456789012345678901234567890.001"), unit="yuan"), FieldError)


@given(st.integers(0, 10**12))
def test_no_amount_changes_on_its_way(fen: int) -> None:
    yuan = Decimal(fen) / 100
    assert mapped("pay_value", yuan, unit="yuan") == fen
    assert mapped("pay_value", f"{yuan:.2f}", unit="yuan") == fen
    assert mapped("pay_value", f"{yuan:,.2f}", unit="yuan") == fen
    if fen < 10**11:
        assert mapped("pay_value", fen / 100, unit="yuan") == fen


@pytest.mark.parametrize(
    ("name", "value", "unit", "meant"),
    [
        ("pay_value", 300, "fen", 300),
        ("pay_value", "300", None, "300"),
        ("pay_value", 300.0, None, "300"),
        ("value", "¥30.50", "yuan", "30.5"),
        ("value", 30, "yuan", "30"),
        ("value", Decimal("30.5000"), None, "30.5"),
        ("quantity", 3.0, None, "3"),
        ("quantity", "3", None, "3"),
    ],
)
def test_other_numbers_go_as_they_are(name: str, value: object, unit: str | None, meant: object) -> None:
    assert mapped(name, value, unit=unit) == meant


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("2024-01-31 12:00:00", DASHED),
        (" 2024-01-31 12:00:00 ", DASHED),
        ("2024-1-31 12:0:0", DASHED),
        ("2024/01/31 12:00:00", "%Y/%m/%d %H:%M:%S"),
        ("2024/1/31 12:00:00", "%Y/%m/%d %H:%M:%S"),
        ("20240131120000", "%Y%m%d%H%M%S"),
        (20240131120000, "%Y%m%d%H%M%S"),
        (20240131120000.0, "%Y%m%d%H%M%S"),
        ("2024年01月31日 12时", "%Y年%m月%d日 %H时"),
        ("2024-01-31 12:00:00", None),
        ("2024-01-31T12:00:00", None),
        ("2024/01/31 12:00", None),
        ("2024-01-31 12:00:00.000", None),
        ("2024-01-31 12:00:00.0000000 +08:00", None),
        ("2024-01-31T04:00:00Z", None),
        (datetime(2024, 1, 31, 12), None),
        (datetime(2024, 1, 31, 12), DASHED),
        (datetime(2024, 1, 31, 4, tzinfo=UTC), None),
        (datetime(2024, 1, 31, 1, tzinfo=timezone(timedelta(hours=-3))), None),
        (1706673600, "s"),
        ("1706673600", "s"),
        (1706673600.0, "s"),
        (1706673600000, "ms"),
        (Decimal(1706673600000), "ms"),
        (b"2024-01-31 12:00:00", None),
    ],
)
def test_time_in_every_form_is_the_same_instant(value: object, form: str | None) -> None:
    assert mapped("pay_time", value, format=form) == NOON_MS
    assert mapped("renewal_start_time", value, format=form) == NOON


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("2024-02-30 12:00:00", DASHED),
        ("2024-01-31 24:00:00", DASHED),
        ("2024-01-31 12:60:00", DASHED),
        ("2024-01-31", DASHED),
        ("2024-01-31 12:00:00.5", DASHED),
        ("2024/01/31 12:00:00", DASHED),
        ("2024-13-01", "%Y-%m-%d"),
        ("31/01/2024", None),
        ("2024/01-31", None),
        ("2024-02-30 12:00:00", None),
        (45292.5, None),
        (1706673600, None),
        ("noon", "s"),
        ("9" * 18, "s"),
        (True, None),
    ],
)
def test_time_of_another_form_is_a_fault(value: object, form: str | None) -> None:
    fault = mapped("pay_time", value, format=form, default="2024-01-31 12:00:00" if form in (None, DASHED) else None)
    assert isinstance(fault, FieldError), "a default never stands for a time that cannot be read"
    assert form is None or form in ("s", "ms") or form in fault.remedy.zh


NO_DAYS = ["0000-00-00", "1899-12-30", "1900-01-01", "1753-01-01", "0001-01-01", "1970-01-01"]


@pytest.mark.parametrize(
    "value", [None, "", " ", float("nan"), "NULL", "null", "\\N", "-", "--", "N/A", "无", "無", "None"]
)
def test_no_time_is_absent(value: object) -> None:
    assert mapped("pay_time", value) is None
    assert mapped("renewal_end_time", value, format=DASHED) is None


@pytest.mark.parametrize("day", NO_DAYS)
def test_day_that_programs_write_for_no_day_is_absent(day: str) -> None:
    values: list[object] = [day, f"{day} 00:00:00"]
    if day != NO_DAYS[0]:
        moment = datetime.fromisoformat(day)
        values += [moment, moment.date(), moment.replace(tzinfo=UTC)]
    for value in values:
        for name in ("pay_time", "renewal_start_time", "renewal_end_time"):
            assert mapped(name, value) is None, value
    assert mapped("pay_time", f"{day} 00:00:00", format=DASHED) is None


@pytest.mark.parametrize(
    ("count", "form"), [(0, "s"), ("0", "ms"), (0, "d"), (0, "excel"), (1, "excel"), (0.0, "excel")]
)
def test_zero_of_a_count_is_no_time(count: object, form: str) -> None:
    assert mapped("pay_time", count, format=form) is None


@pytest.mark.parametrize("name", ["operator", "card_no", "card_id", "pay_value", "value"])
@pytest.mark.parametrize("word", ["NULL", "null", "\\N", "-", "(null)", " 无 ", "#N/A", "NaN"])
def test_word_for_no_value_is_absent_in_a_member_of_the_interface_alone(name: str, word: str) -> None:
    assert mapped(name, word, **({"unit": "yuan"} if name == "pay_value" else {})) is None
    assert mapped("remark", word) == word.strip(), "what the interface does not list is sent as it is"


@pytest.mark.parametrize(
    "word", ["无", "-", "0", "NULL", "none", "n/a", "空", "000000", "test", "xxxx", "--", "(null)", 0]
)
def test_placeholder_is_no_order_number(word: object) -> None:
    fault = mapped("pay_partner", word)
    assert isinstance(fault, FieldError)
    assert "placeholder" in fault.remedy.en


@pytest.mark.parametrize(
    "cut", ["2.02207E+18", "2.02207e+18", "2E+18", "2,02207E+18", "2022072512345928000.0", "２.０２Ｅ＋１８"]
)
def test_order_number_that_a_spreadsheet_rounded_is_a_fault(cut: str) -> None:
    fault = mapped("pay_partner", cut)
    assert isinstance(fault, FieldError)
    assert "in scientific notation is rounded" in fault.remedy.en


@pytest.mark.parametrize(
    "order", ["1", "007", "12E34567", "2022E5", "2022072512345928000", "111111", "A", "无1", "P-0"]
)
def test_order_number_however_odd_is_one(order: str) -> None:
    assert mapped("pay_partner", order) == order


@pytest.mark.parametrize(
    ("value", "form", "start", "end"),
    [
        (date(2024, 1, 31), None, "2024-01-30T16:00:00Z", "2024-01-31T15:59:59Z"),
        ("2024-01-31", None, "2024-01-30T16:00:00Z", "2024-01-31T15:59:59Z"),
        ("2024年1月31日", None, "2024-01-30T16:00:00Z", "2024-01-31T15:59:59Z"),
        ("2024.1.31", None, "2024-01-30T16:00:00Z", "2024-01-31T15:59:59Z"),
        ("2024-01-31", "%Y-%m-%d", "2024-01-30T16:00:00Z", "2024-01-31T15:59:59Z"),
        ("2024/1/31", "%Y/%m/%d", "2024-01-30T16:00:00Z", "2024-01-31T15:59:59Z"),
        ("20240131", "%Y%m%d", "2024-01-30T16:00:00Z", "2024-01-31T15:59:59Z"),
        (45322, "excel", "2024-01-30T16:00:00Z", "2024-01-31T15:59:59Z"),
        ("45322.5", "excel", NOON, NOON),
        (19753, "d", "2024-01-30T16:00:00Z", "2024-01-31T15:59:59Z"),
        ("2024-01-31 12:00:00", None, NOON, NOON),
        (datetime(2024, 1, 31, 23, 59, 59, 500_000), None, "2024-01-31T15:59:59.5Z", "2024-01-31T15:59:59.5Z"),
        ("9999-12-31 23:59:59", DASHED, "9999-12-31T15:59:59Z", "9999-12-31T15:59:59Z"),
        (date(9999, 12, 31), None, "9999-12-30T16:00:00Z", "9999-12-31T15:59:59Z"),
    ],
)
def test_end_without_a_time_is_the_end_of_that_day(value: object, form: str | None, start: str, end: str) -> None:
    assert mapped("renewal_start_time", value, format=form) == start
    assert mapped("renewal_end_time", value, format=form) == end
    assert mapped("renewal_end_time", value, format=form, end_of_day=True) == end
    assert mapped("renewal_end_time", value, format=form, end_of_day=False) == start


@pytest.mark.parametrize(
    "midnight", ["2024-01-31 00:00:00", "2024/1/31 0:00", datetime(2024, 1, 31), datetime(2024, 1, 31, tzinfo=SHANGHAI)]
)
def test_midnight_is_the_end_of_its_day_only_where_the_setting_says_so(midnight: object) -> None:
    for setting in (None, False):
        assert mapped("renewal_end_time", midnight, end_of_day=setting) == "2024-01-30T16:00:00Z"
    assert mapped("renewal_end_time", midnight, end_of_day=True) == "2024-01-31T15:59:59Z"


@pytest.mark.parametrize(
    "text",
    [
        "2024年1月31日 12时0分", "2024年01月31日12时", "2024年1月31日 12:00:00", "2024.01.31 12:00", "2024-1-31 12:00:00.0000000",
        "2024/1/31 12:00:00.1234567", "2024-01-31T12:00:00.123", "2024-1-31  12:00", "2024-01-31 04:00:00Z",
    ],
)  # fmt: skip
def test_time_that_begins_with_the_year_needs_no_format(text: str) -> None:
    assert mapped("pay_time", text) // 1000 == NOON_MS // 1000


@pytest.mark.parametrize(
    "text", ["31/1/2024", "1/31/2024", "24-01-31", "2024-01-31 25:00", "2024-13-01", "2024-01/31", "昨天"]
)
def test_time_in_another_order_is_a_fault_without_a_format(text: str) -> None:
    assert isinstance(mapped("pay_time", text), FieldError)


@pytest.mark.parametrize(
    ("value", "instant"),
    [
        ("2024-03-10 01:59:59", "2024-03-10T09:59:59Z"),
        ("2024-03-10 03:00:00", "2024-03-10T10:00:00Z"),
        ("2024-03-09 23:00:00", "2024-03-10T07:00:00Z"),
        ("2024-03-11 00:00:00", "2024-03-11T07:00:00Z"),
        ("2024-11-03 00:30:00", "2024-11-03T07:30:00Z"),
        ("2024-11-03 02:30:00", "2024-11-03T10:30:00Z"),
    ],
)
def test_day_on_which_the_clocks_change_has_two_offsets(value: str, instant: str) -> None:
    for form in (None, DASHED):
        assert mapped("renewal_start_time", value, "America/Los_Angeles", format=form) == instant
    naive = datetime.fromisoformat(value)
    assert mapped("renewal_start_time", naive, "America/Los_Angeles") == instant


@given(
    st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1)),
    st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"]),
)
def test_quick_way_agrees_with_the_calendar(naive: datetime, zone: str) -> None:
    naive = naive.replace(microsecond=0)
    exact_ms = round(naive.replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)
    for form in (DASHED, "%Y/%m/%d %H:%M:%S", "%Y%m%d%H%M%S"):
        assert mapped("pay_time", naive.strftime(form), zone, format=form) == exact_ms
    assert mapped("pay_time", naive, zone) == exact_ms


def test_member_may_have_a_time_zone_of_its_own() -> None:
    assert mapped("pay_time", "2024-01-31 04:00:00", time_zone="UTC") == NOON_MS


def test_unlisted_member_with_a_format_is_a_time_too() -> None:
    assert mapped("entered_at", "2024-01-31 12:00:00", format=DASHED) == NOON
    assert mapped("lane", "东门 ") == "东门"


CODES: Mapping[str, str | int] = {"蓝": 1, "true": 2, "1": 3, "0": 4}


@pytest.mark.parametrize(
    ("value", "meant"),
    [("蓝", 1), (" 蓝 ", 1), ("蓝\0".encode(), 1), (True, 2), (False, 4), (1, 3), (1.0, 3), ("1", 3), (None, None), ("", None)],
)  # fmt: skip
def test_code_is_found_however_the_column_holds_it(value: object, meant: object) -> None:
    assert mapped("plate_color", value, codes=CODES) == meant


def test_unknown_code_is_a_fault_that_lists_the_known_ones_unless_there_is_a_default() -> None:
    fault = mapped("plate_color", "紫", codes=CODES)
    assert fault == FieldError("列", fault.remedy, "紫")
    assert "蓝, true, 1, 0" in fault.remedy.zh
    assert "蓝, true, 1, 0" in fault.remedy.en
    assert mapped("plate_color", "紫", codes=CODES, default=-1) == -1
    assert mapped("plate_color", None, codes=CODES, default=-1) == -1


@pytest.mark.parametrize(
    ("name", "settings", "meant"),
    [
        ("pay_value", {"unit": "yuan", "default": 3}, 300),
        ("pay_value", {"default": 3}, 3),
        ("card_no", {"default": " 无 "}, "无"),
        ("pay_time", {"default": "2024-01-31 12:00:00"}, NOON_MS),
    ],
)
def test_default_is_read_as_the_cell_would_be(name: str, settings: dict[str, Any], meant: object) -> None:
    assert mapped(name, None, **settings) == meant
    assert mapped(name, "", **settings) == meant


def test_default_that_cannot_be_read_is_told_at_once() -> None:
    with pytest.raises(UsageError, match=r"map\.pay_value\.default: must be yuan .*, got 0\.125"):
        mapped("pay_value", 1, unit="yuan", default=0.125)


def columns_mapped(columns: Sequence[str], *names: str) -> Any:
    mapper = Mapper({name: Member(column=name) for name in names}, (), SHANGHAI, columns)
    return mapper(list(columns))


def test_constants_and_columns_make_one_row_and_every_fault_is_told() -> None:
    members = {
        "vip_type": Member(constant=1),
        "value": Member(constant=1.5),
        "plate": Member(column="车牌"),
        "pay_value": Member(column="实收", unit="yuan"),
        "pay_time": Member(column="时间"),
    }
    mapper = Mapper(members, (), SHANGHAI, ["时间", "多余", "实收", "车牌"])
    assert mapper([None, 1, "3", "粤B1"]) == {"vip_type": 1, "value": "1.5", "plate": "粤B1", "pay_value": 300}
    assert mapper([None, 1, None, "粤B2"]) == {"vip_type": 1, "value": "1.5", "plate": "粤B2"}, (
        "nothing of the row before"
    )
    faults = mapper(["昨天", 1, "很多", "粤B1"])
    assert isinstance(faults, list)
    assert [(fault.place, fault.got) for fault in faults] == [("实收", "很多"), ("时间", "昨天")]


def test_missing_columns_are_told_with_those_there_are() -> None:
    with pytest.raises(UsageError) as told:
        columns_mapped(["车牌号", "金额"], "车牌", "订单号")
    lines = str(told.value).splitlines()
    assert lines[0] == "map.车牌: column 车牌 is not there; did you mean 车牌号?"
    assert lines[1] == "map.订单号: column 订单号 is not there"
    assert "车牌号, 金额" in lines[2]


def test_column_is_found_with_other_blanks_and_case_where_that_leaves_no_doubt() -> None:
    assert columns_mapped(["PLATE_NO ", "x"], "plate_no") == {"plate_no": "PLATE_NO"}
    assert columns_mapped(["Plate", "plate"], "plate") == {"plate": "plate"}
    with pytest.raises(UsageError):
        columns_mapped(["Plate", "PLATE"], "plate")


def test_column_that_is_there_twice_is_not_guessed() -> None:
    with pytest.raises(UsageError, match="column a is there 2 times"):
        columns_mapped(["a", "b", "a"], "a")
    assert columns_mapped(["a", "b", "a"], "b") == {"b": "b"}


@pytest.mark.parametrize(
    ("filters", "value", "passes"),
    [
        ([Filter(column="态", allowed=frozenset({"已付", "1"}))], " 已付 ", True),
        ([Filter(column="态", allowed=frozenset({"已付", "1"}))], 1.0, True),
        ([Filter(column="态", allowed=frozenset({"已付", "1"}))], True, True),
        ([Filter(column="态", allowed=frozenset({"已付", "1"}))], "未付", False),
        ([Filter(column="态", allowed=frozenset({"已付", "1"}))], None, False),
        ([Filter(column="态", refused=frozenset({"作废"}))], "作废", False),
        ([Filter(column="态", refused=frozenset({"作废"}))], None, True),
        ([Filter(column="态", refused=frozenset({"作废", ""}))], None, False),
        ([Filter(column="态", refused=frozenset({"a"})), Filter(column="态", allowed=frozenset({"a"}))], "a", False),
    ],
)
def test_filter_keeps_what_passes_all(filters: list[Filter], value: object, passes: bool) -> None:
    mapper = Mapper({"plate": Member(column="车牌")}, filters, SHANGHAI, ["车牌", "态"])
    assert mapper(["粤B1", value]) == ({"plate": "粤B1"} if passes else None)


def test_row_that_a_filter_leaves_out_has_no_faults() -> None:
    filters = [Filter(column="态", allowed=frozenset({"已付"}))]
    mapper = Mapper({"pay_time": Member(column="时间")}, filters, SHANGHAI, ["时间", "态"])
    assert mapper(["昨天", "未付"]) is None
    with pytest.raises(UsageError, match="filter: column 态 is not there"):
        Mapper({}, filters, SHANGHAI, ["时间"])


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15))
def test_amount_is_exact_or_a_fault(yuan: Decimal) -> None:
    fen = yuan * 100
    for value in (yuan, format(yuan, "f")):
        found = mapped("pay_value", value, unit="yuan")
        assert isinstance(found, FieldError) or (type(found) is int and found == fen and fen >= 0), found
    if fen == fen.to_integral_value() and 0 <= fen < 10**16:
        assert mapped("pay_value", yuan, unit="yuan") == fen


@pytest.mark.parametrize("value", ["-3", -0.01, Decimal("-300.00"), "¥-1"])
def test_negative_amount_is_called_a_refund(value: object) -> None:
    found = mapped("pay_value", value, unit="yuan")
    assert isinstance(found, FieldError)
    assert "a refund is no renewal" in found.remedy.en


@given(st.one_of(st.text(), st.binary(), st.floats(), st.decimals(), st.integers(-(2**70), 2**70), st.datetimes()))
def test_no_cell_ends_the_agent(value: object) -> None:
    for name, settings in (
        ("card_no", {}), ("pay_value", {"unit": "yuan"}), ("value", {"unit": "yuan"}), ("quantity", {}), ("pay_time", {}),
        ("renewal_end_time", {"format": DASHED}), ("pay_time", {"format": "ms"}), ("vip_type", {"codes": CODES}),
    ):  # fmt: skip
        mapped(name, value, **settings)


@pytest.mark.parametrize(
    "zone", ["Pacific/Apia", "Asia/Shanghai", "Africa/Casablanca", "Antarctica/Troll", "Asia/Gaza"]
)
def test_every_half_hour_around_a_change_of_the_clocks_is_that_of_the_calendar(zone: str) -> None:
    begins = {"Pacific/Apia": datetime(2011, 12, 28), "Asia/Shanghai": datetime(1990, 4, 13)}.get(
        zone, datetime(2024, 3, 9)
    )
    for half_hour in range(48 * 40):
        naive = begins + timedelta(minutes=30 * half_hour)
        exact_ms = round(naive.replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)
        assert mapped("pay_time", naive.strftime(DASHED), zone, format=DASHED) == exact_ms, naive


@pytest.mark.parametrize("member", ["plate", "pay_partner"])
def test_half_a_character_makes_a_dead_letter_that_can_be_kept(member: str, tmp_path: Path) -> None:
    values = {**dict.fromkeys(REQUIRED, 1), "pay_partner": "P1", member: "half \ud800"}
    platform = Platform(url="http://h", park_uuid="p", secret="s")
    members = {name: Member(column=name) for name in values}
    config = Config(path=tmp_path, platform=platform, source=SourceConfig(), members=members)
    page = Reader(config, list(values), "en").read([SourceRow("row 1", list(values.values()))])
    [dead] = page.dead
    assert dead.reason == f"{member}: holds half a surrogate pair, got half ?"
    assert '"half ?"' in (dead.source or "")
    assert len(dead.hash) == HASH_BYTES


def test_values_that_no_filter_names_are_counted_once() -> None:
    both = Filter(column="态", allowed=frozenset({"已付"}), refused=frozenset({"未付"}))
    mapper = Mapper({"plate": Member(constant="A")}, [both], SHANGHAI, ["态"])
    for value in ("已付", "未付", "部分退款", " 部分退款 ", None, "x" * 5_000):
        mapper([value])
    found = mapper.take_unjudged()
    assert [found["态", name] for name in ("部分退款", "")] == [2, 1]
    assert len(found) == 3
    assert max(len(value) for _, value in found) < 200
    assert mapper.take_unjudged() == {}
    for number in range(2 * VALUES_MAX):
        mapper([f"n{number}"])
    found = mapper.take_unjudged()
    assert len(found) == VALUES_MAX + 1
    assert sum(found.values()) == 2 * VALUES_MAX


@pytest.mark.parametrize("names", [{"allowed": frozenset({"a"})}, {"refused": frozenset({"a"})}])
def test_filter_that_names_one_side_has_judged_all_values(names: dict[str, frozenset[str]]) -> None:
    mapper = Mapper({"plate": Member(constant="A")}, [Filter(column="态", **names)], SHANGHAI, ["态"])
    for value in ("a", "b"):
        mapper([value])
    assert mapper.take_unjudged() == {}


def test_value_that_no_filter_names_raises_a_question_of_rows_that_no_other_filter_leaves_out() -> None:
    filters = [
        Filter(column="方式", allowed=frozenset({"现金"}), refused=frozenset({"免费"})),
        Filter(column="类", allowed=frozenset({"续费"}), refused=frozenset({"临停"})),
    ]
    mapper = Mapper({"plate": Member(column="车牌")}, filters, SHANGHAI, ["车牌", "方式", "类"])
    for row in (["A", "积分", "临停"], ["A", "积分", "续费"], ["A", "现金", "续费"], ["A", "免费", "补卡"]):
        mapper(row)
    assert mapper.take_unjudged() == {("方式", "积分"): 1}
