"""What values tell where names do not: rival amounts, periods, order numbers, passes that do not fit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from vipgate.agent.mapping.guess import UNKNOWN, Guess, Proposal, propose

DAY = timedelta(days=1)
PAID = [datetime(2026, 1, day, 9, 30) for day in range(1, 7)]  # noqa: DTZ001 - as databases give them
ROWS = 6
BASE: dict[str, Sequence[object]] = {
    "plate_no": [f"粤B1234{n}" for n in range(ROWS)],
    "amount": [Decimal("300.50"), Decimal("90.00"), *[Decimal("300.00")] * 4],
    "pay_time": [*PAID],
    "order_no": [f"P{n}" for n in range(ROWS)],
    "vip_type": ["月卡"] * ROWS,
}


def proposed(**columns: Sequence[object]) -> Proposal:
    """The proposal for the base with other columns; an empty list leaves one out."""
    table = {name: rows for name, rows in {**BASE, **columns}.items() if rows}
    return propose(list(table), list(zip(*table.values(), strict=True)))


def guess(member: str, **columns: Sequence[object]) -> Guess:
    return proposed(**columns).members[member]


@pytest.mark.parametrize(
    ("name", "values", "is_named"),
    [
        ("qian", [Decimal("280.00")] * ROWS, True),
        ("geld", ["250", "280.5", "300", "90", "280", "280"], True),
        ("klx", [1, 2, 3, 1, 2, 3], False),
        ("discount", [Decimal("280.00")] * ROWS, False),
        ("shop_id", [280] * ROWS, False),
        ("tel", ["0755001", "0755002", "0755003", "0755004", "0755005", "0755006"], False),
        ("czrq", [date(2026, 1, 1)] * ROWS, False),
    ],
)
def test_unused_numbers_of_the_size_of_money_are_rivals(name: str, values: list[object], is_named: bool) -> None:
    found = guess("pay_value", **{name: values})
    assert (f"or is it {name}" in found.doubt) == is_named
    assert found.is_open == is_named


def test_rival_of_money_that_was_paid_is_named_and_leaves_it_in() -> None:
    found = guess("pay_value", amount=[], pay_amount=BASE["amount"], qian=[Decimal("280.00")] * ROWS)
    assert "or is it qian" in found.doubt
    assert not found.is_open


def test_money_received_is_taken_before_money_due() -> None:
    found = guess("pay_value", amount=[], receivable=BASE["amount"], received=[Decimal("280.50")] * ROWS)
    assert (found.column, found.doubt) == ("received", "")


@pytest.mark.parametrize(
    ("start", "end"), [("period_from", "period_to"), ("valid_begin", "valid_until"), ("ksrq", "jsrq")]
)
def test_words_of_a_period(start: str, end: str) -> None:
    members = proposed(**{start: [*PAID], end: [one + 30 * DAY for one in PAID]}).members
    assert members["renewal_start_time"].column == start
    assert members["renewal_end_time"].column == end


def test_end_that_no_name_tells_is_found_by_its_times() -> None:
    end = guess("renewal_end_time", start_time=[*PAID], x2=[one + 30 * DAY for one in PAID])
    assert (end.column, end.is_open) == ("x2", True)
    assert "no name tells it" in end.doubt


def test_start_that_no_name_tells_is_found_by_its_times() -> None:
    start = guess("renewal_start_time", end_time=[one + 30 * DAY for one in PAID], x1=[*PAID])
    assert (start.column, start.is_open) == ("x1", True)


def test_both_times_of_a_period_are_found_and_others_named() -> None:
    later = [one + 60 * DAY for one in PAID]
    members = proposed(x1=[*PAID], x2=[one + 30 * DAY for one in PAID], x3=later).members
    assert members["renewal_start_time"].column == "x1"
    assert members["renewal_end_time"].column == "x2"
    assert "or is it x3" in members["renewal_end_time"].doubt


@pytest.mark.parametrize(
    "times", [[one - DAY for one in PAID], [one + timedelta(hours=1) for one in PAID], [*PAID[1:], PAID[0]]]
)
def test_times_that_are_no_ends_are_not_proposed(times: list[object]) -> None:
    proposal = proposed(start_time=[*PAID], x2=times)
    assert "renewal_end_time" not in proposal.members
    assert "renewal_end_time" in proposal.missing


@pytest.mark.parametrize("name", ["renewal_uuid", "order_guid", "ddh"])
def test_uuid_of_a_renewal_is_an_order_number_with_a_question(name: str) -> None:
    found = guess(
        "pay_partner", order_no=[], **{name: [f"1944b9ab-f82a-8c8d-49ba-c7ca1e472e2{n}" for n in range(ROWS)]}
    )
    assert found.column == name
    assert found.doubt


def test_column_of_unique_values_is_an_order_number_with_an_open_question() -> None:
    found = guess("pay_partner", order_no=[], bianma=[f"XF2026010100{n}" for n in range(ROWS)])
    assert (found.column, found.is_open) == ("bianma", True)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("bianma", [f"XF2026010100{n % 5}" for n in range(ROWS)]),
        ("bianma", [1, 2, 3, 4, 5, 6]),
        ("mobile", [f"1380013800{n}" for n in range(ROWS)]),
        ("shijian", [one.isoformat() for one in PAID]),
        ("hengliang", [1000.25 + n for n in range(ROWS)]),
    ],
)
def test_other_columns_are_no_order_numbers(name: str, values: list[object]) -> None:
    assert guess("pay_partner", order_no=[], **{name: values}).column == UNKNOWN


def test_free_pass_that_was_paid_for_is_asked_about() -> None:
    found = guess("vip_type", vip_type=["免费车", *["月卡"] * 5], order_type=[1, 2, 1, 1, 1, 1])
    assert found.is_open
    assert "free passes were paid for (rows: 1)" in found.doubt
    assert "or is it order_type" in found.doubt


def test_free_pass_without_money_is_not_asked_about() -> None:
    amounts = [Decimal("0.00"), *BASE["amount"][1:]]
    assert not guess("vip_type", vip_type=["免费车", *["月卡"] * 5], amount=amounts).doubt


def test_stored_value_with_a_period_is_asked_about() -> None:
    ends: list[object] = [PAID[0] + 30 * DAY, *[None] * 5]
    assert "(rows: 1)" in guess("vip_type", vip_type=["储值卡", *["月卡"] * 5], end_time=ends).doubt
    assert not guess("vip_type", vip_type=[*["月卡"] * 5, "储值卡"], end_time=ends).doubt


def lasting(months: int) -> dict[str, Sequence[object]]:
    """The start and end of passes that last so many months."""
    return {"begin_date": PAID, "end_date": [one + 30.4 * months * DAY for one in PAID]}


@pytest.mark.parametrize(
    ("passes", "quantities", "columns", "words", "is_open"),
    [
        # By the period.
        ("年卡", 12, lasting(12), "quantity 12 of a pass of 12 months, but a period of 12.0 months", True),
        ("季卡", 3, lasting(3), "quantity 3 of a pass of 3 months", True),
        ("半年卡", 6, lasting(6), "quantity 6 of a pass of 6 months", True),
        ("月卡", 30, lasting(1), "quantity 30 of a pass of 1 months", True),
        ("年卡", 1, lasting(12), "", False),
        ("月卡", 12, lasting(12), "", False),
        ("季卡", 2, lasting(6), "", False),
        ("月卡", 1, lasting(12), "quantity 1 of a pass of 1 months, but a period of 12.0 months", False),
        ("年卡", 1, lasting(1), "quantity 1 of a pass of 12 months, but a period of 1.0 months", False),
        # Days for free.
        ("月卡", 1, {"begin_date": PAID, "end_date": [one + 40 * DAY for one in PAID]}, "", False),
        # No pass of months.
        ("储值卡", 300, lasting(12), "", False),
        ("何卡", 12, lasting(12), "", False),
        # By the name.
        ("年卡", 12, {}, "12 of a pass of 12 months are sent as 144 months", True),
        ("年卡", 1, {}, "", False),
        ("月卡", 12, {}, "", False),
    ],
)
def test_quantity_that_does_not_fit_the_pass_is_asked_about(
    passes: str, quantities: int, columns: dict[str, Sequence[object]], words: str, is_open: bool
) -> None:
    found = guess("quantity", vip_type=[passes] * ROWS, months=[quantities] * ROWS, **columns)
    assert found.column == "months"
    assert words in found.doubt
    assert bool(found.doubt) == bool(words)
    assert found.is_open == is_open


def test_question_about_the_number_shows_a_row_that_bought_several() -> None:
    ends = [one + 30 * DAY for one in PAID]
    found = guess("quantity", vip_type=["季卡"] * ROWS, qty=[1, *[3] * (ROWS - 1)], begin_date=PAID, end_date=ends)
    assert "quantity 3 of a pass of 3 months" in found.doubt
    assert "divide it" in found.doubt
    assert found.is_open


def test_period_of_the_whole_pass_is_not_said_to_be_divided() -> None:
    found = guess("quantity", vip_type=["月卡"] * ROWS, qty=[1] * ROWS, **lasting(48))
    assert "the period that of this renewal" in found.doubt
    assert "divide" not in found.doubt


def test_few_rows_of_a_long_pass_are_enough_to_ask() -> None:
    kinds = ["月卡"] * (ROWS - 1) + ["年卡"]
    ends = [one + 30 * DAY for one in PAID[:-1]] + [PAID[-1] + 365 * DAY]
    found = guess("quantity", vip_type=kinds, qty=[1] * (ROWS - 1) + [12], begin_date=PAID, end_date=ends)
    assert "quantity 12 of a pass of 12 months" in found.doubt
    assert found.is_open


def test_name_that_says_nothing_of_months_is_believed_without_a_period() -> None:
    assert not guess("quantity", vip_type=["年卡"] * ROWS, quantity=[12] * ROWS).doubt


@pytest.mark.parametrize(
    ("values", "is_asked"),
    [
        ([*range(1, ROWS + 1)], True),
        # No database numbers its rows so.
        ([f"{n:05}" for n in range(ROWS)], False),
        ([f"0f8fad5b-d9cb-469f-a165-70867728950{n}" for n in range(ROWS)], True),
        ([3_456_781_200 + n for n in range(ROWS)], False),
        ([f"A{n}" for n in range(ROWS)], False),
        ([None] * ROWS, False),
    ],
)
def test_card_that_may_be_the_number_of_a_row_is_asked_about(values: list[object], is_asked: bool) -> None:
    found = guess("card_id", card_id=values)
    assert found.is_open == is_asked
    assert ("the number of its row" in found.doubt) == is_asked
    # A name that says that it is the card's own number is believed.
    assert not guess("card_id", 物理卡号=[*range(1000, 1000 + ROWS)]).is_open
    # The logical number of a card is often short.
    assert not guess("card_no", card_no=values).is_open


@pytest.mark.parametrize("name", ["pay_st", "xyz", "dj_flag", "FKZT", "jf_zt", "sfyx"])
def test_column_of_few_small_numbers_is_asked_about_whatever_its_name(name: str) -> None:
    values = [0, 1] * 4
    table = {
        **{column: [rows[0]] * 8 for column, rows in BASE.items()},
        "order_no": [f"P{n}" for n in range(8)],
        name: values,
    }
    found = propose(list(table), list(zip(*table.values(), strict=True)))
    assert [one.column for one in found.statuses] == [name]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("floor", [1, 2] * 4), ("lot_id", [1, 2] * 4), ("valid_days", [30, 31] * 4), ("dyh", [101, 102] * 4), ("xyz", [*range(8)]),
        ("xyz", [1] * 8), ("phone_no", [1, 2] * 4),
    ],
)  # fmt: skip
def test_counts_and_numbers_of_rows_are_no_status(name: str, values: list[object]) -> None:
    table = {
        **{column: [rows[0]] * 8 for column, rows in BASE.items()},
        "order_no": [f"P{n}" for n in range(8)],
        name: values,
    }
    found = propose(list(table), list(zip(*table.values(), strict=True)))
    assert found.statuses == ()
