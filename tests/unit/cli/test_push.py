"""`vipgate push`: nothing is guessed in silence. What arrives is right, the rest is refused or left out, and named."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
from bench.records import SECRET

from support.odd_platform import STORED, OddPlatform
from vipgate.cli import push as push_module
from vipgate.cli.push import push
from vipgate.errors import UsageError
from vipgate.protocol.row import REQUIRED

NAMES = {
    "订单号": "A1", "车牌号": "粤B12345", "车牌颜色": "蓝色", "套餐编号": "M1", "卡类型": "月卡", "数量": "1", "支付方式": "现金",
    "实收金额": "300.00", "支付时间": "2026-09-01 08:00:00", "有效期起": "2026-09-01 00:00:00", "有效期止": "2026-09-30 23:59:59",
    "操作员": "张三",
}  # fmt: skip


@dataclass
class Pushed:
    """What one push sent and said."""

    rows: Mapping[str, Mapping[str, Any]]
    said: str
    status: int

    def of(self, member: str) -> dict[str, Any]:
        return {order: row.get(member) for order, row in self.rows.items()}


Push = Callable[..., Pushed]


@pytest.fixture
def pushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Push]:
    """Pushes a table with `--yes` to a platform that stores everything."""
    monkeypatch.setenv("PUSH_SECRET", SECRET)
    with OddPlatform(lambda _: STORED).running() as platform:

        def do(
            names: Sequence[str],
            rows: Sequence[Sequence[str]],
            constant: list[str] | None = None,
            *,
            exact: bool = False,
        ) -> Pushed:
            path = tmp_path / "park.csv"
            path.write_text("\n".join(",".join(cells) for cells in [names, *rows]) + "\n", encoding="utf-8")
            status = 0
            try:
                push([path], platform.url, "p", "env:PUSH_SECRET", yes=True, constant=constant, exact=exact)
            except typer.Exit as ended:
                status = ended.exit_code
            output = capsys.readouterr()
            return Pushed(dict(platform.held), output.err + output.out, status)

        yield do


def rows_of(**changes: Sequence[str]) -> tuple[list[str], list[list[str]]]:
    """A table of the usual columns, a row for each of the changed cells."""
    count = len(next(iter(changes.values())))
    lines = [{**NAMES, "订单号": f"A{line}"} for line in range(count)]
    for name, cells in changes.items():
        for line, cell in zip(lines, cells, strict=True):
            line[name] = cell
    return list(NAMES), [list(line.values()) for line in lines]


def test_two_sales_under_a_rounded_number_are_both_refused(pushed: Push) -> None:
    found = pushed(*rows_of(订单号=["2.02207E+18", "2.02207E+18"], 实收金额=["300.00", "500.00"]))
    assert (found.rows, found.status) == ({}, 3)
    for line in (2, 3):
        assert f"line {line}: 订单号: a number in scientific notation is rounded" in found.said


def test_numbers_rounded_behind_the_samples_are_refused_too(pushed: Push, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(push_module, "SAMPLED_ROWS", 1)
    found = pushed(*rows_of(订单号=["A1", *(f"20241105{number:07}000" for number in range(1, 4))]))
    assert (list(found.rows), found.status) == (["A1"], 3)
    for line in (3, 4, 5):
        assert (
            f"line {line}: 订单号: a spreadsheet or a program has rounded the long numbers of this column" in found.said
        )


def test_mark_of_printing_refuses_no_row(pushed: Push) -> None:
    names, rows = rows_of(订单号=["A1", "A2", "A3", "A4"])
    found = pushed(
        [*names, "print_flag", "xyz"], [[*row, str(number % 2), str(number % 2)] for number, row in enumerate(rows)]
    )
    assert (len(found.rows), found.status) == (4, 0)


def test_numbers_that_a_person_calls_exact_are_sent(pushed: Push) -> None:
    rows = rows_of(订单号=[f"20241105{number:07}000" for number in range(1, 4)])
    with pytest.raises(UsageError, match=r"long numbers look rounded.*push --exact"):
        pushed(*rows)
    found = pushed(*rows, exact=True)
    assert (len(found.rows), found.status) == (3, 0)


def test_numbers_that_may_be_rounded_are_named(pushed: Push, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(push_module, "SAMPLED_ROWS", 1)
    found = pushed(*rows_of(订单号=["A1", "202411050000012000", "202411050000034000"]))
    assert (len(found.rows), found.status) == (3, 0)
    assert (
        "2 long order numbers look rounded beyond the 15th digit, the first is 202411050000012000 (line 3)"
        in found.said
    )


def test_placeholders_are_refused_one_by_one(pushed: Push) -> None:
    found = pushed(*rows_of(订单号=["无", "无", "-", "0", "0", "NULL", "B7"]))
    assert list(found.rows) == ["B7"]
    for line in range(2, 8):
        assert f"line {line}: 订单号: a placeholder, no order number" in found.said
    assert "1 sent, 6 refused" in found.said


def test_rows_that_share_an_order_number_are_both_named(pushed: Push) -> None:
    found = pushed(*rows_of(订单号=["1", "1"], 车牌号=["粤B12345", "粤B67890"]))
    assert found.of("plate") == {"1": "粤B12345"}
    assert "line 3: order number 1 is also that of line 2, with different content" in found.said
    assert "2 rows share 1" in found.said


def test_rows_far_apart_that_share_an_order_number_are_both_named(
    pushed: Push, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push_module, "ROWS_A_REQUEST", 2)
    found = pushed(*rows_of(订单号=["1", "2", "3", "4", "1"], 实收金额=["1.00", "2.00", "3.00", "4.00", "5.00"]))
    assert found.of("pay_value") == {"1": 100, "2": 200, "3": 300, "4": 400}
    assert "line 6: order number 1 is also that of line 2" in found.said


def test_row_that_is_there_twice_is_no_conflict(pushed: Push) -> None:
    found = pushed(*rows_of(订单号=["1", "1"]))
    assert (list(found.rows), found.status) == (["1"], 0)


@pytest.mark.parametrize("money", [["300.00", "-300.00"], ["300.00", "-300.00", "-200.00"]])
def test_refund_does_not_take_the_sale_with_it(money: list[str], pushed: Push) -> None:
    found = pushed(*rows_of(订单号=["A1"] * len(money), 实收金额=money))
    assert found.of("pay_value") == {"A1": 30_000}
    refused = [line for line in found.said.splitlines() if "a refund is no renewal" in line]
    assert [("line 2" in line, "A1" in line) for line in refused] == [(True, True)] * (len(money) - 1)


def test_refund_far_from_the_sale_names_it(pushed: Push, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(push_module, "ROWS_A_REQUEST", 2)
    found = pushed(*rows_of(订单号=["A1", "A2", "A1"], 实收金额=["300.00", "1.00", "-300.00"]))
    assert found.of("pay_value") == {"A1": 30_000, "A2": 100}
    assert "line 4: 实收金额: is negative: a refund is no renewal" in found.said
    assert "line 2 has the same order number A1" in found.said


def test_end_without_a_time_is_the_end_of_that_day(pushed: Push) -> None:
    found = pushed(*rows_of(有效期止=["2026-09-30", "2026-10-31"]))
    assert found.of("renewal_end_time") == {"A0": "2026-09-30T15:59:59Z", "A1": "2026-10-31T15:59:59Z"}
    assert "end_of_day = false" in found.said


@pytest.mark.parametrize(
    ("start", "end", "sent"),
    [
        ("2026-09-01 00:00:00", "2026-09-30 00:00:00", "2026-09-30T15:59:59Z"),
        ("2026-09-01 00:00:00", "2026-10-01 00:00:00", "2026-09-30T16:00:00Z"),
        ("2026-09-01 08:00:00", "2026-10-05 00:00:00", None),
        ("", "2026-09-30 00:00:00", None),
    ],
)
def test_midnight_as_an_end_is_told_by_the_start_or_left_out(
    start: str, end: str, sent: str | None, pushed: Push
) -> None:
    found = pushed(*rows_of(有效期起=[start], 有效期止=[end]))
    assert found.of("renewal_end_time") == {"A0": sent}
    assert "1 of 1 ends are midnights" in found.said
    assert ("renewal_end_time: left out" in found.said) == (sent is None)


def test_colour_is_that_of_the_ground(pushed: Push) -> None:
    words = ["蓝底白字", "黄底黑字", "白底黑字", "黑底白字", "绿底黑字", "渐变绿", "黄绿双拼", "未知", "其他", ""]
    found = pushed(*rows_of(车牌颜色=words))
    assert list(found.of("plate_color").values()) == [1, 2, 3, 4, 5, 5, -1, -1, -1, -1]
    assert "? not known: 黄绿双拼, 其他" in found.said


def test_pass_is_of_the_kind_that_its_word_says_or_refused(pushed: Push) -> None:
    known = {
        "月卡": 1,
        "全天月卡": 1,
        "白天月卡": 1,
        "30天月卡": 1,
        "次月生效月卡": 1,
        "半年卡": 7,
        "季卡": 6,
        "包年": 5,
        "免费车": 0,
    }
    odd = ["储值次卡", "双月卡", "年月卡", "VIP", "停用月卡", "非免费"]
    found = pushed(*rows_of(卡类型=[*known, *odd]))
    assert list(found.of("vip_type").values()) == list(known.values())
    for line, word in enumerate(odd, len(known) + 2):
        assert f"line {line}: 卡类型: the table of codes does not have it" in found.said
        assert word in found.said


def test_word_that_does_not_tell_cash_from_online_is_refused(pushed: Push) -> None:
    words = [
        "现金",
        "微信",
        "非现金",
        "公众号",
        "小程序",
        "POS刷卡",
        "银行转账",
        "线下",
        "微信(现金)",
        "ETC",
        "免费",
        "",
    ]
    found = pushed(*rows_of(支付方式=words))
    assert found.of("pay_type") == {"A0": 1, "A1": 2, "A3": 2, "A4": 2}
    assert "4 sent, 8 refused" in found.said


@pytest.mark.parametrize(
    ("names", "cells", "wanted", "said"),
    [
        (
            "order_no,plate_no,plate_color,rule_id,card_type,months,pay_way,price,total_amount,user_name,operator_name",
            "A1,粤B12345,蓝,M1,月卡,3,现金,300.00,900.00,王车主,李收费",
            {"pay_value": 90_000, "operator": "李收费", "quantity": "3"}, "or is it price",
        ),
        (
            "order_no,plate_no,plate_color,rule_id,card_type,months,pay_way,paid,paid_amount",
            "A1,粤B12345,蓝,M1,月卡,1,现金,1,300.00",
            {"pay_value": 30_000}, "not used: paid",
        ),
        (
            "order_no,plate_no,color,rule_id,card_type,months,pay_way,amount", "A1,粤B12345,白色,M1,月卡,1,现金,300.00",
            {"plate_color": -1, "pay_value": 30_000}, "plate_color: sent as -1, unknown",
        ),
        (
            "order_no,plate_no,body_color,rule_id,card_type,months,pay_way,amount", "A1,粤B12345,白色,M1,月卡,1,现金,300.00",
            {"plate_color": -1}, "not used: body_color",
        ),
        (
            "订单号,车牌号,车牌颜色,套餐编号,卡类型,数量,支付方式,单价,总金额", "A1,粤B12345,蓝色,M1,月卡,1,现金,150.00,300.00",
            {"pay_value": 30_000}, "or is it 单价",
        ),
        (
            "订单号,车牌号,车牌颜色,套餐编号,卡类型,数量,支付方式,冲抵金额,实缴本次金额",
            "A1,粤B12345,蓝色,M1,月卡,1,现金,150.00,300.00",
            {"pay_value": None}, "pay_value: left out",
        ),
    ],
)  # fmt: skip
def test_columns_that_compete_are_ranked_and_named(
    names: str, cells: str, wanted: dict[str, object], said: str, pushed: Push
) -> None:
    found = pushed(names.split(","), [cells.split(",")])
    assert {member: found.rows["A1"].get(member) for member in wanted} == wanted
    assert said in found.said


def test_cell_that_is_no_amount_costs_its_row_alone(pushed: Push) -> None:
    found = pushed(*rows_of(实收金额=["300.50", "#DIV/0!", "见备注"], 数量=["1", "一", "2"]))
    assert found.of("pay_value") == {"A0": 30_050}
    assert "line 3: " in found.said
    assert "line 4: 实收金额: must be an amount of money" in found.said


def test_rows_that_a_status_does_not_call_paid_are_refused(pushed: Push) -> None:
    names, rows = rows_of(订单号=["A0", "A1", "A2", "A3"])
    states = ["已支付", "未支付", "已退款", "支付成功"]
    found = pushed([*names, "支付状态"], [[*row, state] for row, state in zip(rows, states, strict=True)])
    assert list(found.rows) == ["A0", "A3"]
    assert "line 3: 支付状态: '未支付' does not say that this is a paid renewal" in found.said
    assert "支付状态 has the values 已支付, 未支付, 已退款, 支付成功" in found.said


def test_status_and_note_that_come_late_in_a_file_are_judged_too(pushed: Push, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(push_module, "SAMPLED_ROWS", 2)
    names, rows = rows_of(订单号=["A0", "A1", "A2", "A3", "A4", "A5"])
    states = ["已支付", "已支付", "已支付", "已退款", "支付成功", "处理中"]
    notes = ["", "老业主", "客户要求退款，已办", "", "退休职工", ""]
    found = pushed([*names, "状态", "备注"], [[*row, *more] for row, *more in zip(rows, states, notes, strict=True)])
    assert list(found.rows) == ["A0", "A1", "A4"]
    assert "状态 has the value 已支付, and may get others" in found.said
    assert "line 4: 备注: '客户要求退款，已办' says that this is no paid renewal" in found.said
    assert "line 5: 状态: '已退款' does not say that this is a paid renewal" in found.said
    assert "line 7: 状态: '处理中' does not say" in found.said


def test_blank_note_denies_nothing(pushed: Push) -> None:
    names, rows = rows_of(订单号=["A0", "A1", "A2"])
    found = pushed(
        [*names, "备注", "审批"],
        [[*row, *more] for row, *more in zip(rows, ["", "作废", ""], ["", "", "已退回"], strict=True)],
    )
    assert list(found.rows) == ["A0"]
    assert "备注 has the value 作废, and may get others" in found.said


@pytest.mark.parametrize(("name", "numbers"), [("序号", ["7", "9"]), ("编号", ["1", "2"])])
def test_number_that_counts_the_rows_of_an_export_is_no_order_number(
    name: str, numbers: list[str], pushed: Push
) -> None:
    names, rows = rows_of(订单号=numbers)
    names[names.index("订单号")] = name
    with pytest.raises(UsageError, match=f"pay_partner = {name} .no order number found"):
        pushed(names, rows)


def test_signature_below_the_table_costs_its_own_row_alone(pushed: Push) -> None:
    names, rows = rows_of(订单号=["A0", "A1"])
    signature = ["制表人: 张三", *[""] * (len(names) - 2), ""]
    signature[names.index("支付时间")] = "审核:"
    found = pushed(names, [*rows, signature])
    assert set(found.of("pay_time").values()) == {1_788_220_800_000}
    assert list(found.rows) == ["A0", "A1"]
    assert "line 4: 支付时间: must be a time" in found.said


def test_words_for_no_value_are_absent(pushed: Push) -> None:
    none = [
        "NULL",
        "\\N",
        "-",
        "0000-00-00 00:00:00",
        "1899-12-30 00:00:00",
        "1900-01-01 00:00:00",
        "0001-01-01 00:00:00",
    ]
    found = pushed(*rows_of(支付时间=none, 操作员=["NULL", "\\N", "-", "null", "张三", "", "无"]))
    assert set(found.of("pay_time").values()) == {None}
    assert list(found.of("operator").values()) == [None, None, None, None, "张三", None, None]


@pytest.mark.parametrize(
    "text", ["2022年9月3日", "2022年09月03日", "2022.09.03", "2022-9-3", "2022/9/3", "20220903", "44807"]
)
def test_dates_of_any_form_are_read(text: str, pushed: Push) -> None:
    found = pushed(*rows_of(支付时间=[text]))
    assert found.of("pay_time") == {"A0": 1_662_134_400_000}


FEW = ["订单号", "车牌号", "车牌颜色", "实收金额", "支付时间"]
SAID = ["charge_type=101", "vip_type=5", "quantity=1", "pay_type=2"]


@pytest.mark.parametrize("missing", SAID)
def test_member_without_a_column_is_never_guessed_but_said(missing: str, pushed: Push) -> None:
    row = [NAMES[name] for name in FEW]
    with pytest.raises(UsageError) as caught:
        pushed(FEW, [row], [one for one in SAID if one != missing])
    member = missing.partition("=")[0]
    [line, remedy] = str(caught.value).splitlines()
    assert line.startswith(f"{member} (no column found: ")
    assert line.endswith(f"say it by --constant {member}=…")
    assert "run without it" in remedy


def test_constants_that_a_person_says_are_sent(pushed: Push) -> None:
    found = pushed(FEW, [[NAMES[name] for name in FEW]], SAID)
    sent = {name: found.of(name)["A1"] for name in ("charge_type", "vip_type", "quantity", "pay_type")}
    assert sent == {"charge_type": "101", "vip_type": 5, "quantity": 1, "pay_type": 2}
    assert 'charge_type = { constant = "101" }\n' in found.said


def test_constant_in_place_of_a_column_leaves_the_column_out_and_says_so(pushed: Push) -> None:
    found = pushed(list(NAMES), [list(NAMES.values())], ["vip_type=5"])
    assert found.of("vip_type") == {"A1": 5}
    assert "# not used: 卡类型" in found.said


@pytest.mark.parametrize("wrong", [["vip_type"], ["vip_type="], ["plate=A"], ["vip_type=1", "vip_type=2"], ["=1"]])
def test_constant_of_no_such_member_is_refused(wrong: list[str], pushed: Push) -> None:
    with pytest.raises(UsageError, match=r"must be MEMBER=VALUE, each member once, of plate_color, vip_type"):
        pushed(list(NAMES), [list(NAMES.values())], wrong)


def test_constant_next_to_a_configuration_is_refused(tmp_path: Path) -> None:
    config = tmp_path / "a.toml"
    config.write_text(
        '[platform]\nurl = "http://127.0.0.1"\npark_uuid = "p"\nsecret = "s"\n[source]\nfile = "a.csv"\n[map]\n'
        + "".join(f'{name} = "{name}"\n' for name in REQUIRED),
        encoding="utf-8",
    )
    with pytest.raises(UsageError, match=r"write the constant in its \[map\]"):
        push([tmp_path / "a.csv"], yes=True, config=config, constant=["vip_type=1"])


def test_required_column_in_doubt_stops_the_file(pushed: Push) -> None:
    names, rows = rows_of(订单号=["A1"])
    names[names.index("车牌号")] = "登记的车牌"

    with pytest.raises(UsageError, match=r"plate = 登记的车牌 .is this the column") as caught:
        pushed(names, rows)
    assert "run without it" in str(caught.value)


def test_values_that_no_filter_names_are_said_once_for_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PUSH_SECRET", SECRET)
    monkeypatch.setattr(push_module, "ROWS_A_REQUEST", 2)
    with OddPlatform(lambda _: STORED).running() as platform:
        config = tmp_path / "park.toml"
        config.write_text(
            f'[platform]\nurl = "{platform.url}"\npark_uuid = "p"\nsecret = "env:PUSH_SECRET"\n[source]\nfile = "park.csv"\n'
            '[map]\nplate = "车牌"\nplate_color = { constant = -1 }\ncharge_type = { constant = "A" }\n'
            "vip_type = { constant = 1 }\n"
            'quantity = { constant = 1 }\npay_partner = "单号"\npay_type = { constant = 1 }\npay_value = "金额"\n'
            'pay_time = "时间"\n[[filter]]\ncolumn = "状态"\nin = ["已付"]\nnot_in = ["退款"]\n',
            encoding="utf-8",
        )
        lines = [f"粤B1234{n},A{n},30000,2026-09-01 08:00:00,{'部分退款' if n % 2 else '已付'}" for n in range(8)]
        path = tmp_path / "park.csv"
        path.write_text("\n".join(["车牌,单号,金额,时间,状态", *lines]) + "\n", encoding="utf-8")
        push([path], config=config)
    said = capsys.readouterr().err
    assert said.count("no filter names") == 1
    assert "4 rows are not sent because of values that no filter names: 状态 = '部分退款' (4)" in said
