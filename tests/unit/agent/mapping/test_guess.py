"""The proposal: known names become a mapping that works, what is doubtful bears a question mark, and the file reads back."""

# ruff: noqa: DTZ001 - the times of a park have no zone
from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from vipgate.agent.config import Config, SourceConfig, load_config
from vipgate.agent.mapping.guess import Guess, Proposal, propose
from vipgate.agent.mapping.mapper import Mapper
from vipgate.agent.mapping.render import render_config
from vipgate.errors import UsageError
from vipgate.support.sheet.cells import BadCell

CHINESE = [
    "编号", "车牌号", "车牌颜色", "卡号", "套餐", "类型", "数量", "订单号", "支付方式", "实收", "收费时间",
    "有效期起", "有效期止", "操作员", "更新时间",
]  # fmt: skip
CHINESE_ROWS: list[list[object]] = [
    [1, "粤B12345", "蓝牌", "0012", "101", "月租车", 1, "P1", "微信", 300.5, "2024-01-31 12:00:00", "2024/1/1", "2024/1/31",
     "张三", "2024-01-31 12:00:01"],
    [2, "粤B2", "绿色", "0013", "101", "储值卡", 2, "P2", "现金", 30.0, "2024-02-01 12:00:00", "2024/2/1", "2024/2/29",
     None, "2024-02-01 12:00:01"],
]  # fmt: skip
ENGLISH = [
    "id",
    "plate_no",
    "plate_color",
    "charge_type",
    "vip_type",
    "qty",
    "order_no",
    "pay_type",
    "amount",
    "pay_time",
]
ENGLISH_ROWS: list[list[object]] = [
    [1, "A1", "blue", "x", "month", 1, "O1", "cash", Decimal("3.50"), datetime(2024, 1, 31, 12)]
]


def loaded(proposal: Proposal, folder: Path, source: SourceConfig | None = None) -> Config:
    """The configuration that the written file is read back as."""
    source = source or SourceConfig(database="sqlite:///park.db", table="续费")
    text = render_config(proposal, url="http://h", park_uuid="p", secret="s", source=source)
    path = folder / "park.toml"
    path.write_text(text, encoding="utf-8")
    return load_config(path)


def test_chinese_columns_become_a_mapping_that_works(tmp_path: Path) -> None:
    proposal = propose(CHINESE, CHINESE_ROWS)
    assert proposal.cursor == ("更新时间", "编号")
    doubts = {name: guess.doubt for name, guess in proposal.members.items() if guess.doubt}
    assert doubts == {
        "vip_type": "? passes of stored value have a period (rows: 1): is it the kind of the pass that was sold",
        "renewal_end_time": "? ends without a time: the end of that day (end_of_day = false: its beginning)",
    }
    config = loaded(proposal, tmp_path)
    assert config.source.cursor == (("更新时间",), ("编号",))
    mapper = Mapper(config.members, config.filters, ZoneInfo(config.source.time_zone), CHINESE)
    assert mapper(CHINESE_ROWS[0]) == {
        "plate": "粤B12345", "plate_color": 1, "card_no": "0012", "charge_type": "101", "vip_type": 1, "quantity": 1,
        "pay_partner": "P1", "pay_type": 2, "pay_value": 30_050, "pay_time": 1_706_673_600_000, "operator": "张三",
        "renewal_start_time": "2023-12-31T16:00:00Z", "renewal_end_time": "2024-01-31T15:59:59Z",
    }  # fmt: skip
    second = mapper(CHINESE_ROWS[1])
    assert isinstance(second, dict)
    assert (second["plate_color"], second["vip_type"], second["pay_type"]) == (5, 2, 1)


def test_english_columns_become_a_mapping_that_works(tmp_path: Path) -> None:
    proposal = propose(ENGLISH, ENGLISH_ROWS)
    assert proposal.cursor is None
    config = loaded(proposal, tmp_path)
    mapper = Mapper(config.members, config.filters, ZoneInfo(config.source.time_zone), ENGLISH)
    assert mapper(ENGLISH_ROWS[0]) == {
        "plate": "A1", "plate_color": 1, "charge_type": "x", "vip_type": 1, "quantity": 1, "pay_partner": "O1",
        "pay_type": 1, "pay_value": 350, "pay_time": 1_706_673_600_000,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("2024-01-31 08:30:00", None),
        ("2024-1-31 8:30:00", None),
        ("2024-01-31 08:30", None),
        ("2024-01-31T08:30:00", None),
        ("2024-01-31 08:30:00.25", None),
        ("2024/1/31 8:30:00", None),
        ("2024/1/31 8:30", None),
        ("2024-01-31", None),
        ("2024/1/31", None),
        ("20240131083000", "%Y%m%d%H%M%S"),
        (20240131083000.0, "%Y%m%d%H%M%S"),
        ("20240131", "%Y%m%d"),
        (1706661000000, "ms"),
        (1706661000, "s"),
        (45322.354167, "excel"),
        (19753, "d"),
        ("2024年1月31日 8时30分", None),
        ("2024.01.31 08:30", None),
        ("2024-01-31 08:30:00.1234567", None),
    ],
)
def test_form_of_the_times_is_guessed_and_reads_them(text: object, form: str | None, tmp_path: Path) -> None:
    proposal = propose(["收费时间"], [[text], [None]])
    assert proposal.members["pay_time"] == Guess("收费时间", format=form)
    member = {"pay_time": loaded(proposal, tmp_path).members["pay_time"]}
    found = Mapper(member, (), ZoneInfo("Asia/Shanghai"), ["收费时间"])([text])
    assert isinstance(found, dict)
    moment = datetime.fromtimestamp(int(found["pay_time"]) / 1000, ZoneInfo("Asia/Shanghai"))
    assert moment.strftime("%Y%m%d") == "20240131"


def test_columns_in_traditional_characters_are_proposed_as_simplified_ones_are(tmp_path: Path) -> None:
    names = ["訂單號", "車牌號碼", "車牌顏色", "邏輯卡號", "套餐編號", "卡類型", "數量", "支付方式", "實收金額", "繳費時間",
             "開始日期", "到期日期", "收費員", "備註"]  # fmt: skip
    row = ["A1", "粤B12345", "藍色", "7", "101", "月租車", "1", "現金", "300.00", "2024-01-31 12:00:00", "2024/1/1 00:00:01",
           "2024/1/31 23:59:59", "陳", "退款"]  # fmt: skip
    proposal = propose(names, [row])
    assert {member: guess.column for member, guess in proposal.members.items()} == {
        "plate": "車牌號碼", "plate_color": "車牌顏色", "card_no": "邏輯卡號", "charge_type": "套餐編號", "vip_type": "卡類型",
        "quantity": "數量", "pay_partner": "訂單號", "pay_type": "支付方式", "pay_time": "繳費時間", "pay_value": "實收金額",
        "renewal_start_time": "開始日期", "renewal_end_time": "到期日期", "operator": "收費員",
    }  # fmt: skip
    assert {member: guess.doubt for member, guess in proposal.members.items() if guess.doubt} == {}
    assert [one.column for one in proposal.statuses] == ["備註"]
    # Columns keep their names, words their spelling.
    assert loaded(proposal, tmp_path).members["plate_color"].codes == {"藍色": 1}


def test_doubt_is_said_where_nothing_tells() -> None:
    doubts = {
        name: guess.doubt
        for name, guess in propose(
            ["车牌号", "颜色", "类型", "金额", "收费时间"],
            [["粤B1", 1, "时租", 300, "昨天"]],
        ).members.items()
        if guess.doubt
    }
    assert "are they the interface's codes" in doubts["plate_color"]
    assert doubts["vip_type"] == "? not known: 时租; is this the column"
    assert "yuan or fen" in doubts["pay_value"]
    assert "form of these times" in doubts["pay_time"]
    assert "the interface wants it" in doubts["pay_partner"]
    assert doubts["pay_type"] == "? no column found: was every one paid in cash (1)"


def test_constant_that_says_something_is_an_open_question() -> None:
    members = propose(["车牌号", "订单号", "续费订单类型"], [["粤B12345", "A1", "x"]]).members
    is_open = {name: (guess.constant, guess.is_open) for name, guess in members.items() if guess.constant is not None}
    assert is_open == {
        "plate_color": (-1, False), "vip_type": (1, True), "quantity": (1, True), "pay_type": (1, True),
        "charge_type": ("DEFAULT", True),
    }  # fmt: skip
    assert members["charge_type"].doubt == "? no column found: write the id of the charge type that every pass has"


def test_long_value_is_cut_in_a_doubt() -> None:
    assert (
        propose(["类型"], [["长" * 1000]]).members["vip_type"].doubt == f"? not known: {'长' * 64}…; is this the column"
    )


def test_money_that_was_paid_goes_before_money_that_was_due() -> None:
    assert propose(["应收金额", "实收金额"], []).members["pay_value"].column == "实收金额"


def test_number_of_the_row_stands_in_for_an_order_number_with_a_question() -> None:
    guess = propose(["编号", "车牌"], []).members["pay_partner"]
    assert (guess.column, "never given out again" in guess.doubt) == ("编号", True)


@pytest.mark.parametrize(
    ("name", "numbers", "is_open"),
    [("编号", [8, 9], False), ("编号", [1, 2], True), ("序号", [8, 9], True), ("ID", ["5", "7"], False)],
)
def test_number_that_may_count_the_rows_alone_is_left_open(name: str, numbers: list[object], is_open: bool) -> None:
    guess = propose([name, "车牌号"], [[number, "粤B12345"] for number in numbers]).members["pay_partner"]
    assert (guess.column, guess.is_open) == (name, is_open)


def test_column_without_a_name_is_no_candidate() -> None:
    proposal = propose(["", "车牌号", ""], [["x", "粤B12345", "y"]])
    assert "" not in {guess.column for guess in proposal.members.values()}


def test_period_before_the_renewal_is_not_that_of_the_renewal() -> None:
    proposal = propose(["延期前有效期", "延期后有效期", "延期月数"], [["2026-08-31", "2026-09-30", 1]])
    assert proposal.members["renewal_end_time"].column == "延期后有效期"
    assert proposal.members["quantity"] == Guess("延期月数")


def test_file_without_an_order_number_is_written_and_says_what_is_missing(tmp_path: Path) -> None:
    config = loaded(propose(["车牌"], []), tmp_path)
    with pytest.raises(UsageError, match=r"map\.pay_partner: column \? is not there"):
        Mapper(config.members, (), ZoneInfo("Asia/Shanghai"), ["车牌"])


def test_strange_names_and_values_stay_within_their_line(tmp_path: Path) -> None:
    columns = ['车牌"号\\', "类型", "车牌"]
    rows: list[list[object]] = [["x", 'a"b\n[map]\x7f', "粤B1"], ["x", "次\t卡", "粤B1"]]
    proposal = propose(columns, rows)
    config = loaded(proposal, tmp_path)
    assert config.members["vip_type"].codes == {"次 卡": 3}
    assert '# ? not known: a"b [map]' in (tmp_path / "park.toml").read_text(encoding="utf-8")
    quoted = Proposal({**proposal.members, "operator": Guess('车牌"号\\\x7f')})
    assert loaded(quoted, tmp_path).members["operator"].column == '车牌"号\\\x7f'


def test_place_of_the_table_is_a_comment_unless_it_is_set() -> None:
    def text(source: SourceConfig) -> str:
        found = SourceConfig(sheet="九月", header_line=3)
        return render_config(propose([], []), url="http://h", park_uuid="p", secret="s", source=source, found=found)

    lines = text(SourceConfig(file=Path("a.xls"))).splitlines()
    assert [line.partition("   # found in this file")[0] for line in lines if "found in this file" in line] == [
        '# sheet = "九月"',
        "# header_line = 3",
    ]
    assert "found in this file" not in text(SourceConfig(file=Path("a.xls"), sheet="十月", header_line=1))


def test_settings_of_the_source_are_written_down(tmp_path: Path) -> None:
    source = SourceConfig(
        file=Path("C:\\park\\续费.csv"), encoding="gbk", delimiter="\t", header_line=3, time_zone="Asia/Urumqi"
    )
    config = loaded(propose(CHINESE, CHINESE_ROWS), tmp_path, source)
    assert (config.source.file, config.source.cursor) == (tmp_path / "C:\\park\\续费.csv", None)
    assert (config.source.encoding, config.source.delimiter, config.source.header_line) == ("gbk", "\t", 3)
    assert config.source.time_zone == "Asia/Urumqi"
    given = SourceConfig(database="sqlite:///a.db", query="SELECT '\"' FROM t", cursor=(("a", "b"), ("c",)))
    config = loaded(propose(CHINESE, CHINESE_ROWS), tmp_path, given)
    assert (config.source.query, config.source.cursor) == ("SELECT '\"' FROM t", (("a", "b"), ("c",)))


@pytest.mark.parametrize(
    ("paid", "is_sure"), [(30000.0, False), (300, False), ("300", False), (300.5, True), ("300.00", True)]
)
def test_amount_without_decimals_may_be_fen_also_where_the_sheet_has_only_floats(paid: object, is_sure: bool) -> None:
    guess = propose(["实收"], [[paid]]).members["pay_value"]
    assert (guess.unit, guess.doubt == "") == ("yuan", is_sure)


@pytest.mark.parametrize("text", ["2024-01-31T08:30:00+08:00", "2024-01-31T00:30:00Z", "2024-01-31 00:30:00.5+00:00"])
def test_time_that_bears_its_zone_needs_no_format(text: str, tmp_path: Path) -> None:
    proposal = propose(["收费时间"], [[text]])
    assert proposal.members["pay_time"] == Guess("收费时间")
    member = {"pay_time": loaded(proposal, tmp_path).members["pay_time"]}
    found = Mapper(member, (), ZoneInfo("America/New_York"), ["收费时间"])([text])
    assert isinstance(found, dict)
    assert int(found["pay_time"]) // 1000 == 1_706_661_000


@pytest.mark.parametrize("fault", ["error", "formula", "rounded"])
def test_column_of_bad_cells_alone_is_judged_by_its_name(fault: Any) -> None:
    """Left out, its rows would be sent without it: mapped, each is refused with its place."""
    row: list[object] = list(CHINESE_ROWS[0])
    row[CHINESE.index("实收")] = BadCell("#DIV/0!", fault)
    assert propose(CHINESE, [row]).members["pay_value"].column == "实收"
