"""The comments that `init` writes are found, and stay true when the page changes what they are about."""

from __future__ import annotations

import pytest

from vipgate.agent.mapping.guess import Guess, Proposal
from vipgate.agent.mapping.guess_statuses import Status
from vipgate.agent.mapping.render import map_lines
from vipgate.agent.setup.notes import OpenQuestion, find_questions, with_unused, without_questions
from vipgate.i18n import Language, language_of_context

PROPOSAL = Proposal(
    {"plate": Guess("cph").asked("is this the column"), "operator": Guess("a # ? b")},
    missing={"renewal_end_time": (), "pay_time": ("t", "u")},
    statuses=(Status('z"t', ("1", "0")), Status("ok", ("1",))),
    unused=("bz", "id"),
)


def written(language: Language) -> str:
    with language_of_context(language):
        lines = "\n".join(map_lines(PROPOSAL))
    return f"[source]\n# ? no cursor\ntable = 'x # ? y'\n\n[map]\n{lines}\n# what Li wrote\n[log]\nfile = \"a\"\n"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_questions_are_found_in_both_languages(language: Language) -> None:
    found = [(one.line, one.kind, one.name, one.is_set, one.is_blocking) for one in find_questions(written(language))]
    assert found == [
        (2, "other", "", False, False),
        (6, "member", "plate", True, True),
        (8, "member", "renewal_end_time", False, False),
        (9, "member", "pay_time", False, False),
        (10, "filter", 'z"t', False, True),
        (11, "filter", "ok", False, True),
    ]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_answered_questions_are_removed_and_other_comments_stay(language: Language) -> None:
    text = without_questions(written(language), {"pay_time"}, {"ok"})
    assert [one.name for one in find_questions(text)] == ["", "plate", "renewal_end_time", 'z"t']
    assert "# what Li wrote" in text
    assert len(text.split("\n")) == len(written(language).split("\n")) - 2


@pytest.mark.parametrize("language", ["en", "zh"])
def test_list_of_unused_columns_stays_true(language: Language) -> None:
    text = written(language)
    assert "bz, id" in text
    assert "bz, id" not in with_unused(text, ["id", "x\ny"])
    assert "id, x y\n# what Li wrote" in with_unused(text, ["id", "x\ny"])
    assert len(with_unused(text, []).split("\n")) == len(text.split("\n")) - 1


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('plate = "a#b"   # ? one   # Li: yes', "one"),
        ("plate = 'a'  #? two", "two"),
        ('plate = "a"   # Li: is it? ', None),
        ('plate = "a # ? b"', None),
        ('plate = "\\" # ? b"', None),
        ("# ? three", "three"),
        ("#", None),
    ],
)
def test_a_question_is_a_comment_that_begins_with_its_mark(line: str, found: str | None) -> None:
    assert [one.text for one in find_questions(f"[map]\n{line}")] == ([] if found is None else [found])


def test_value_that_looks_like_a_filter_names_no_column() -> None:
    line = '# ? zt has the values [[filter]] column = "x": … [[filter]] column = "zt", in = […]'
    assert [one.name for one in find_questions(line)] == ["zt"]


def test_question_of_a_dotted_setting_belongs_to_its_member() -> None:
    assert find_questions('map.plate = "a"   # ? x') == [OpenQuestion(1, "member", "plate", "x", is_set=True)]
