"""The page changes single settings, and keeps what people wrote."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from vipgate.agent.setup.document import ConfigDocument
from vipgate.errors import UsageError

WRITTEN = """# our car park, ask Li before you change it
[platform]
url = "http://old"   # moved in May
park_uuid = "P"

[source]
table = "t"   # the view of the accountant

[map]
plate = "car"   # the second plate is in car2
pay_value = { column = "money", unit = "yuan" }   # ? yuan or fen
vip_type = { column = "kind", codes = { "月卡" = 1 } }
# a remark between two lines

[spool]
bytes_max = 5000000
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "park.toml"
    made.write_text(WRITTEN, encoding="utf-8")
    return made


def test_comments_and_other_settings_stay(path: Path) -> None:
    document = ConfigDocument(path)
    document.set("platform", {"url": "https://new"})
    document.set("map", {"plate": "car2", "vip_type": {"column": "kind", "codes": {"月卡": 1, "季卡": 6}}})
    document.set_filter("state", ["已支付"])
    document.save()
    text = path.read_text(encoding="utf-8")
    for line in WRITTEN.splitlines():
        comment = line.partition("#")[2]
        assert comment in text
    tables = tomllib.loads(text)
    assert tables["platform"]["url"] == "https://new"
    assert tables["map"]["vip_type"]["codes"] == {"月卡": 1, "季卡": 6}
    assert tables["filter"] == [{"column": "state", "in": ["已支付"]}]
    assert tables["spool"] == {"bytes_max": 5000000}
    assert path.stat().st_mode & 0o077 == 0


def test_what_is_not_changed_is_not_written_anew(path: Path) -> None:
    document = ConfigDocument(path)
    document.set("platform", {"url": "http://old", "park_uuid": "P"})
    document.set("map", {"pay_value": {"column": "money", "unit": "yuan"}})
    assert document.text == WRITTEN


def test_question_is_answered_by_a_tick_or_by_another_setting(path: Path) -> None:
    document = ConfigDocument(path)
    assert document.question("map", "pay_value") == "yuan or fen"
    # A person's own comment is no question.
    assert document.question("map", "plate") == ""
    document.answer("map", "plate")
    assert "the second plate" in document.text
    document.answer("map", "pay_value")
    assert document.question("map", "pay_value") == ""
    changed = ConfigDocument(path)
    changed.set("map", {"pay_value": {"column": "money", "unit": "fen"}})
    assert changed.question("map", "pay_value") == ""


def test_filter_of_another_column_stays_and_none_removes_it(path: Path) -> None:
    document = ConfigDocument(path)
    document.set_filter("state", ["a"])
    document.set_filter("kind", ["b"])
    document.set_filter("state", [])
    assert document.filters() == [{"column": "kind", "in": ["b"]}]
    document.set_filter("kind", [])
    assert "filter" not in tomllib.loads(document.text)


def test_missing_file_is_begun_and_a_wrong_one_is_said(tmp_path: Path) -> None:
    document = ConfigDocument(tmp_path / "new.toml")
    document.set("platform", {"url": "http://h"})
    document.save()
    assert tomllib.loads((tmp_path / "new.toml").read_text())["platform"] == {"url": "http://h"}
    (tmp_path / "bad.toml").write_text("a = = 1")
    with pytest.raises(UsageError, match=r"bad\.toml cannot be read"):
        ConfigDocument(tmp_path / "bad.toml")


def test_question_is_asked_before_a_persons_comment_and_removed_alone(path: Path) -> None:
    document = ConfigDocument(path)
    document.ask("map", "plate", "is this\nthe column")
    assert document.question("map", "plate") == "is this the column"
    assert 'plate = "car"   # ? is this the column   # the second plate is in car2\n' in document.text
    document.ask("map", "plate", "another")
    document.answer("map", "plate")
    assert document.text == WRITTEN


def test_question_of_a_setting_that_was_just_written(path: Path) -> None:
    document = ConfigDocument(path)
    document.set("map", {"operator": "who", "pay_value": {"column": "sum", "unit": "fen"}})
    document.ask("map", "operator", "one")
    document.ask("map", "pay_value", "two")
    document.save()
    asked = {one.name: one.text for one in ConfigDocument(path).questions()}
    assert asked == {"operator": "one", "pay_value": "two"}
