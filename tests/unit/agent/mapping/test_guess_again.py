"""Questions about a column that a person chose."""

from __future__ import annotations

import pytest

from vipgate.agent.mapping.guess import Guess
from vipgate.agent.mapping.guess_again import guess_again
from vipgate.agent.setup.samples import Samples
from vipgate.i18n import language_of_context

COLUMNS = ["kind", "klx", "sum", "who", "name", "end", "order"]
ROWS: list[list[object]] = [
    ["月卡", n % 3 + 1, 30_000, "粤B12345", "王五", f"2026-02-0{n} 00:00:00", "P1"] for n in range(1, 7)
]


TABLE = Samples(COLUMNS, ROWS, (), ())


def asked(member: str, column: str, **others: str) -> str:
    return guess_again(TABLE, {**others, member: column}, member).doubt


@pytest.mark.parametrize(
    ("member", "column", "question"),
    [
        ("vip_type", "klx", "are they the interface's codes"),
        ("pay_value", "sum", "yuan or fen"),
        ("pay_value", "name", "most values do not look like it"),
        ("plate", "name", "most values do not look like it"),
        ("pay_time", "name", "most values do not look like it"),
        ("quantity", "sum", "most values do not look like it"),
        ("renewal_end_time", "end", "midnights"),
        ("pay_partner", "order", "6 rows share P1"),
    ],
)
def test_values_of_a_chosen_column_are_asked_about(member: str, column: str, question: str) -> None:
    assert question in asked(member, column)


@pytest.mark.parametrize(("member", "column"), [("vip_type", "kind"), ("plate", "who"), ("operator", "name")])
def test_values_that_fit_are_not(member: str, column: str) -> None:
    assert asked(member, column) == ""


def test_two_questions_are_joined_as_the_language_does() -> None:
    guess = Guess("列").asked("one").asked("two")
    with language_of_context("zh"):
        assert Guess("列").asked("一").asked("二").doubt == "? 一；二"
    assert guess.doubt == "? one; two"


def test_codes_and_unit_are_those_of_the_values() -> None:
    assert guess_again(TABLE, {"vip_type": "kind"}, "vip_type").codes == {"月卡": 1}
    assert guess_again(TABLE, {"pay_value": "sum"}, "pay_value").unit == "yuan"
