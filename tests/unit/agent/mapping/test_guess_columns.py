"""Columns are ranked by their whole names; a name with a piece that was never seen is a candidate with a question, or none."""

from __future__ import annotations

import pytest

from vipgate.agent.mapping.guess_columns import (
    LOOSE_RANK,
    MEMBERS_IN_ORDER,
    candidates,
    is_kind,
    is_status,
    is_time_of_change,
    key_of,
    rivals,
)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("PayAmount", "pay_amount"), ("payAmount", "pay_amount"), ("PAY_AMOUNT", "pay_amount"), ("pay amount", "pay_amount"),
        ("实收金额(元)", "实收金额"), ("车牌号（必填）", "车牌号"), ("ＰａｙＮｏ", "pay_no"), ("PKName", "pk_name"), ("", ""),
    ],
)  # fmt: skip
def test_name_is_read_whatever_its_case_and_brackets(name: str, key: str) -> None:
    assert key_of(name) == key


@pytest.mark.parametrize(
    ("member", "columns", "best"),
    [
        ("pay_value", ["price", "total_amount"], "total_amount"),
        ("pay_value", ["单价", "总金额"], "总金额"),
        ("pay_value", ["total_amount", "paid_amount"], "paid_amount"),
        ("pay_value", ["应收金额", "实收金额"], "实收金额"),
        ("pay_value", ["discount_amount", "amount"], "amount"),
        (
            "pay_value",
            ["refund_amount", "退款金额", "优惠金额", "balance", "手续费", "pay_status", "unpaid_amount"],
            None,
        ),
        ("operator", ["user_name", "operator_name"], "operator_name"),
        ("plate_color", ["color", "plate_color"], "plate_color"),
        ("plate_color", ["car_body_color", "车身颜色", "car_color"], None),
        ("plate", ["car_no", "plate_no"], "plate_no"),
        ("plate", ["plate_image", "车牌颜色", "plate_type", "原车牌"], None),
        ("pay_partner", ["order_id", "order_no"], "order_no"),
        ("pay_partner", ["order_status", "order_time", "订单金额", "订单状态"], None),
        ("renewal_end_time", ["old_end_time", "new_end_time"], "new_end_time"),
        ("renewal_end_time", ["原到期时间", "到期时间"], "到期时间"),
        ("pay_time", ["create_time", "pay_time"], "pay_time"),
        ("pay_time", ["update_time", "next_pay_date", "refund_time"], None),
        ("quantity", ["free_months", "buy_month"], "buy_month"),
    ],
)
def test_columns_of_a_member_are_ranked(member: str, columns: list[str], best: str | None) -> None:
    for order in (columns, columns[::-1]):
        found = candidates(member, order)
        assert (found[0].column if found else None) == best


@pytest.mark.parametrize(
    ("member", "name"),
    [
        ("pay_value", "冲抵后金额"),
        ("pay_value", "xx_amount"),
        ("renewal_end_time", "vip_expire_q"),
        ("plate", "登记车牌"),
    ],
)
def test_name_with_a_piece_that_was_never_seen_is_a_candidate_with_a_question(member: str, name: str) -> None:
    [found] = candidates(member, [name])
    assert (found.rank, found.is_sure) == (LOOSE_RANK, False)


@pytest.mark.parametrize("name", ["备注", "zzz", "remark", "x1", "手机号", "园区"])
def test_name_that_was_never_seen_is_no_candidate(name: str) -> None:
    assert [member for member in MEMBERS_IN_ORDER if candidates(member, [name])] == []


def test_every_other_money_competes_but_what_was_due() -> None:
    found = candidates("pay_value", ["price", "paid_amount", "receivable", "xx_amount", "total"])
    assert rivals("pay_value", found) == ["total", "price", "xx_amount"]
    assert rivals("pay_value", candidates("pay_value", ["pay_value", "price", "total"])) == []


def test_columns_that_tell_rows_apart_are_known_by_their_names() -> None:
    assert all(
        map(
            is_status,
            ["status", "pay_status", "is_deleted", "状态", "支付状态", "DelFlag", "作废标志", "isPaid", "State"],
        )
    )
    assert not any(map(is_status, ["statement", "plate", "remark"]))
    assert all(map(is_kind, ["order_type", "operatorType", "业务类型"]))
    assert all(map(is_time_of_change, ["updated_at", "UpdateTime", "更新时间", "last_modified_time", "gmt_modified"]))
    assert not any(map(is_time_of_change, ["pay_time", "create_time"]))
