"""Values that no park means as they stand: they become dead letters that people can read, or nothing, and never stop the source."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import psycopg
import pytest
from bench.cluster import Server

from vipgate.agent.config import Config, Platform, SourceConfig
from vipgate.agent.config_map import Member
from vipgate.agent.mapping.mapper import Mapper
from vipgate.agent.mapping.reader import Page, Reader
from vipgate.agent.mapping.values import BYTES_SHOWN_MAX, ConversionError, as_number, display, money
from vipgate.agent.sources.base import SourceRow, SourceUnavailable
from vipgate.agent.sources.cursor_kind import cursor_kind
from vipgate.agent.sources.open import open_source
from vipgate.errors import FieldError
from vipgate.i18n import Language

COLUMNS = [
    "plate",
    "plate_color",
    "charge_type",
    "vip_type",
    "quantity",
    "pay_partner",
    "pay_type",
    "pay_value",
    "pay_time",
]
GOOD = ["粤B12345", 1, "A", 1, 1, "P1", 1, 300, "2024-01-31 12:00:00"]
YUAN = {"pay_value": Member(column="pay_value", unit="yuan")}


def read(values: Sequence[object], columns: Sequence[str] = COLUMNS, language: Language = "en") -> Page:
    members = {name: Member(column=name) for name in COLUMNS} | YUAN
    platform = Platform(url="http://h", park_uuid="p", secret="s")
    config = Config(path=Path("x.toml"), platform=platform, source=SourceConfig(), members=members)
    return Reader(config, columns, language).read([SourceRow("row 1", values)])


def having(**members: object) -> list[object]:
    return [members.get(name, value) for name, value in zip(COLUMNS, GOOD, strict=True)]


def test_good_row_is_ready() -> None:
    assert [one.pay_partner for one in read(GOOD).ready] == ["P1"]


# ---- true and false -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [True, False])
@pytest.mark.parametrize(
    ("name", "member"),
    [
        ("pay_value", Member(column="c", unit="yuan")),
        ("pay_value", Member(column="c", unit="fen")),
        ("pay_value", Member(column="c")),
        ("value", Member(column="c", unit="yuan")),
        ("quantity", Member(column="c")),
        ("vip_type", Member(column="c", default=1)),
    ],
)
def test_true_is_neither_money_nor_a_number(name: str, member: Member, value: bool) -> None:
    [fault] = Mapper({name: member}, (), ZoneInfo("UTC"), ["c"])([value]) or []
    assert isinstance(fault, FieldError)
    assert (fault.place, fault.got) == ("c", str(value))


def test_numbers_beside_them_go_on() -> None:
    assert [money(1), money("1"), as_number(0), as_number("1")] == [100, 100, 0, "1"]
    assert isinstance(money(True), ConversionError)


# ---- what people are shown ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (having(plate=""), "plate: required"),
        (having(plate="x" * 40), "plate: "),
        (having(plate_color=9, quantity=-1), "plate_color: must be one of"),
    ],
)
def test_reason_begins_with_the_member(values: list[object], told: str) -> None:
    [dead] = read(values).dead
    assert dead.reason.startswith(told)
    assert "; ." not in dead.reason


def test_second_fault_of_a_row_begins_with_its_member_too() -> None:
    [dead] = read(having(plate_color=9, quantity=-1)).dead
    assert sorted(part.partition(":")[0] for part in dead.reason.split("; ")) == ["plate_color", "quantity"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (memoryview("车".encode()), "车"),
        (memoryview("车".encode("gb18030")), "车"),
        (bytearray(b"\xff\x00\xff"), "ff00ff"),
        (b"\x00\x00\x00\x00\x00\x00\x07\xd1", "00000000000007d1"),
        (b"\xff" * (BYTES_SHOWN_MAX + 1), "ff" * BYTES_SHOWN_MAX + f"… ({BYTES_SHOWN_MAX + 1} bytes)"),
        (7, "7"),
    ],
)
def test_bytes_are_shown_as_text_or_in_hex_and_within_a_bound(value: object, text: str) -> None:
    assert display(value) == text


def test_dead_letter_shows_bytes_and_is_the_same_at_the_next_look() -> None:
    columns = [*COLUMNS, "photo"]
    [first] = read([*having(quantity=-1), memoryview(b"\xff\x01")], columns).dead
    [second] = read([*having(quantity=-1), memoryview(bytearray(b"\xff\x01"))], columns).dead
    assert msgspec.json.decode(first.source or "")["photo"] == "ff01"
    assert first.hash == second.hash
    [wrong] = read([*having(quantity=memoryview(b"\xff\xff"))]).dead
    assert "ffff" in wrong.reason
    assert "0x" not in wrong.reason


# ---- Ctrl-Z -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "end",
    ["\r\n\x1a", "\r\n\x1a\x1a\x1a", "\r\n\x1a\r\n", "\x1a", "\r\n\x1a" + "\x1a" * 70_000, "\r\n"],
    ids=["after the last line", "padded", "a line of its own", "in the last line", "a block", "none"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_mark_by_which_dos_ends_a_file_is_no_row(tmp_path: Path, end: str, encoding: str) -> None:
    path = tmp_path / "续费.csv"
    path.write_bytes(("车牌号,金额\r\n粤B1,1\r\n粤B2,2" + end).encode(encoding))
    source = open_source(SourceConfig(file=Path("续费.csv")), base=tmp_path)
    rows = list(source.scan())
    assert [list(row.values) for row in rows] == [["粤B1", "1"], ["粤B2", "2"]]
    assert [row.problem for row in rows] == [None, None]


def test_what_was_appended_behind_the_mark_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b'plate,fen\r\nA,1\r\n\x1a"B",2\r\n')
    source = open_source(SourceConfig(file=Path("a.csv")), base=tmp_path)
    assert [(row.place, list(row.values)) for row in source.scan()] == [("line 2", ["A", "1"]), ("line 3", ["B", "2"])]


def test_quote_that_nothing_closes_before_the_mark_is_still_told(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b'plate,fen\r\nA,1\r\n"B,2\r\n\x1a')
    os.utime(path, (1_700_000_000, 1_700_000_000))
    source = open_source(SourceConfig(file=Path("a.csv")), base=tmp_path)
    with pytest.raises(SourceUnavailable, match="line 3: half written, or a quote that nothing closes"):
        list(source.scan())


# ---- times that Python has no value for ---------------------------------------------------------------------------------

ROWS = (
    ("2024-01-31 12:00", "2024-01-31 12:00+08", "2024-01-31"),
    ("infinity", "infinity", "infinity"),
    ("-infinity", "-infinity", "-infinity"),
    ("0044-03-15 12:00 BC", "0044-03-15 12:00+08 BC", "0044-03-15 BC"),
    ("20000-01-01", "20000-01-02 00:00+08", "20000-01-01"),
    ("2024-02-01 12:00", "2024-02-01 12:00+08", "2024-02-01"),
)


@pytest.fixture(scope="module")
def times(server: Server) -> str:
    """A table with good rows around such as hold times without end, before Christ, and of the year 20000."""
    url = server.make_database("odd-times")
    with psycopg.connect(url, autocommit=True) as link:
        link.execute("CREATE TABLE t (id INTEGER, at TIMESTAMP, zoned TIMESTAMPTZ, day DATE)")
        link.cursor().executemany(
            "INSERT INTO t VALUES (%s, %s, %s, %s)", [(place, *one) for place, one in enumerate(ROWS, 1)]
        )
    return url


@pytest.mark.parametrize("cursor", [None, (("id",),)])
def test_time_without_end_is_a_dead_letter_and_the_rows_around_it_go_on(
    times: str, tmp_path: Path, cursor: tuple[tuple[str, ...], ...] | None
) -> None:
    source = open_source(SourceConfig(database=times, table="t", cursor=cursor), base=tmp_path)
    rows = list(source.scan())
    assert [row.values[0] for row in rows] == [1, 2, 3, 4, 5, 6]
    for place, column in enumerate(("at", "zoned", "day"), 1):
        for member in ("pay_time", "renewal_end_time"):
            mapper = Mapper({member: Member(column=column)}, (), ZoneInfo("Asia/Shanghai"), source.columns)
            found = [mapper(row.values) for row in rows]
            assert [isinstance(one, dict) for one in found] == [True, False, False, False, False, True]
            [fault] = found[1] or []
            assert isinstance(fault, FieldError)
            assert (fault.place, fault.got) == (column, "infinity")
            assert found[0] != found[5]
        assert str(rows[4].values[place]).startswith("20000-01-0")
    source.close()


@pytest.mark.parametrize("cursor", ["at", "zoned", "day"])
def test_time_without_end_as_a_cursor_lies_beyond_every_position(times: str, tmp_path: Path, cursor: str) -> None:
    source = open_source(
        SourceConfig(database=times, table="t", cursor=((cursor,), ("id",)), key=("id",)), base=tmp_path
    )
    kind = cursor_kind(source.cursor_samples(9), cursor, ZoneInfo("Asia/Shanghai"))
    assert kind is not None
    assert kind.is_time
    moments = {row.values[0]: kind.moment(row.cursor[0]) for page in source.changes(None) for row in page if row.cursor}
    assert (moments[2], moments[3]) == (float("inf"), float("-inf"))
    assert any("dated later than now" in problem for problem in source.problems())
    source.close()
