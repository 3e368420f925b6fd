"""A mapping by the comments of columns: proposed with questions, never against a name in silence."""

from __future__ import annotations

import tomllib

import pytest

from vipgate.agent.mapping.guess import Proposal, propose
from vipgate.agent.mapping.guess_again import guess_again
from vipgate.agent.mapping.render import map_lines
from vipgate.agent.setup.samples import Samples

PLATES = ("粤B12345", "京N80J11", "苏E5521F")


def proposed(comments: dict[str, str], **columns: tuple[object, ...]) -> Proposal:
    rows = list(zip(*columns.values(), strict=True))
    return propose(list(columns), rows, (), comments)


def test_comment_names_a_column_that_its_name_does_not_tell() -> None:
    found = proposed({"hp": "车牌号码"}, hp=PLATES)
    assert found.members["plate"].column == "hp"
    assert not found.members["plate"].doubt


def test_codes_of_a_comment_are_proposed_with_a_question() -> None:
    found = proposed({"klx": "卡类型 1月卡 2季卡 3年卡"}, klx=(1, 3, 9)).members["vip_type"]
    assert found.codes == {"1": 1, "3": 5}
    assert found.is_open
    assert found.doubt == "? codes by the column's comment (卡类型 1月卡 2季卡 3年卡): are they right; not known: 9"


def test_codes_that_are_those_of_the_interface_are_asked_about_too() -> None:
    found = proposed({"klx": "卡类型 1月卡 5年卡"}, klx=(1, 5, 1)).members["vip_type"]
    assert found.codes is None
    assert found.is_open


@pytest.mark.parametrize(
    ("comment", "member", "name"),
    [("操作员", "plate", "plate_no"), ("颜色", "plate", "plate_no"), ("应收手续费", "pay_value", "pay_amount")],
)
def test_name_and_comment_that_disagree_are_asked_about(comment: str, member: str, name: str) -> None:
    values: tuple[object, ...] = PLATES if member == "plate" else (300, 900, 3600)
    found = proposed({name: comment}, **{name: values})
    guesses = [guess for guess in found.members.values() if guess.column == name]
    assert all(f"the column's comment says: {comment}" in guess.doubt and guess.is_open for guess in guesses)
    assert guesses


def test_column_whose_comment_agrees_is_preferred_to_one_whose_comment_does_not() -> None:
    found = proposed(
        {"pay_amount": "手续费", "total": "实收金额"},
        plate_no=PLATES,
        pay_amount=(3.1, 9.1, 3.6),
        total=(300.5, 900.5, 3.5),
    )
    assert found.members["pay_value"].column == "total"


@pytest.mark.parametrize(
    ("name", "comment", "values", "unit", "asked"),
    [
        ("je", "实收金额 单位:分", (30000, 90000, 120000), "fen", ""),
        ("je", "实收金额(元)", (30000, 90000, 120000), "yuan", ""),
        ("je", "实收金额(分)", (300.5, 90.25, 1.1), "fen", "the values have decimals"),
        ("pay_fen", "实收金额(元)", (300, 900, 100), "fen", "the comment says the other"),
    ],
)
def test_unit_of_a_comment_is_taken_and_a_contradiction_asked_about(
    name: str, comment: str, values: tuple[object, ...], unit: str, asked: str
) -> None:
    found = proposed({name: comment}, **{name: values}).members["pay_value"]
    assert (found.column, found.unit) == (name, unit)
    assert asked in found.doubt
    assert bool(found.doubt) == bool(asked)


def test_status_that_only_a_comment_tells_is_listed_with_its_words() -> None:
    found = proposed({"zt": "1正常 0作废"}, zt=(1, 1, 0))
    assert [(one.column, one.explained) for one in found.statuses] == [("zt", ("1 (正常)", "0 (作废)"))]
    assert "# ? zt has the values 1 (正常), 0 (作废): which of them are paid renewals" in "\n".join(map_lines(found))


def test_cursor_is_found_by_comments() -> None:
    times = ("2026-01-01 08:00:00", "2026-01-02 08:00:00", "2026-01-03 08:00:00")
    assert proposed({"xg": "修改时间", "lsh": "主键"}, lsh=(7, 9, 12), xg=times).cursor == ("xg", "lsh")


def test_comments_are_written_as_comments_whatever_they_hold() -> None:
    evil = 'x"\n[platform]\nurl = "http://evil"\r# ? a question\x00'
    text = "\n".join(map_lines(proposed({"plate": evil, "other": evil}, plate=PLATES, other=(1, 2, 3))))
    assert set(tomllib.loads(text)) == set(tomllib.loads(text).keys()) - {"platform", "url"}
    assert text.count("# other: x") == text.count("# plate: x") == 1
    assert not any(line.startswith("# ? a question") for line in text.splitlines())


def test_column_that_a_person_chose_is_asked_about_by_its_comment() -> None:
    comments = {"a": "卡类型 1月卡 3年卡", "b": "手续费"}
    table = Samples(["a", "b"], [(1, 1.5), (3, 2.5)], (), (), comments=comments)
    chosen = {"vip_type": "a", "pay_value": "b"}
    passes = guess_again(table, chosen, "vip_type")
    assert passes.codes == {"1": 1, "3": 5}
    assert "codes by the column's comment" in passes.doubt
    assert "the column's comment says: 手续费" in guess_again(table, chosen, "pay_value").doubt


def test_money_of_a_column_whose_name_says_nothing_is_asked_about() -> None:
    found = guess_again(Samples(["abc"], [(1.5,), (2.5,)], (), ()), {"pay_value": "abc"}, "pay_value")
    assert "is each row a payment, and this its money" in found.doubt
