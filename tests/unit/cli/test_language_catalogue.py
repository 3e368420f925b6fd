"""The catalogue is complete: every message of the agent has its Chinese, and every entry a message."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from typer.core import TyperGroup
from typer.main import get_command

import vipgate.agent
from support.message_scan import Message, forgotten, templates, words_used
from vipgate.agent.translations import CHINESE, PARTS
from vipgate.cli.app import command_line

TEMPLATES: Final = list(templates())
# Sentences that no person reads as such, by file and beginning.
UNTRANSLATED: Final = (
    ("agent/prometheus.py", ""),  # HELP of metrics: read by Prometheus, the same everywhere
    ("agent/service_unit.py", ""),  # systemd's and Windows' own words
    ("agent/mapping/guess_codes.py", ""),  # words of a park's own table
    ("agent/page/access.py", ""),  # in both languages: no one has chosen one yet
    ("agent/page/serve.py", "<!doctype"),
    ("agent/page/serve.py", "template compilation"),  # the name of a task
    ("agent/page/serve.py", "end of an unused page"),  # the name of a task
    ("agent/page/views/dead_letters.py", "attachment"),  # a header
    ("agent/page/views/setup_key.py", ""),  # the same
    ("agent/page/views/setup_mapping.py", ""),  # errors of fields are written in both languages
    ("agent/page/views/setup_platform.py", ""),  # the same
    ("agent/page/views/setup_source.py", ""),  # the same
    ("agent/setup/source_address.py", "DRIVER"),  # a driver's own words
    ("agent/sources/access.py", "Microsoft Access Driver"),
    ("agent/sources/engine.py", "Could not decode to UTF-8"),  # of SQLite's driver
    ("agent/sources/database_errors.py", ""),  # patterns of drivers' messages; the remedies are translatable
    ("agent/sources/postgres.py", "no answer within"),  # stands in for a driver's message
    ("agent/sources/pages_by_position.py", "\nSELECT"),
    ("agent/setup/tables.py", "SELECT"),
    ("agent/sources/table_columns.py", "SELECT"),
    ("agent/sources/sql.py", "SELECT"),
    ("agent/sources/sqlserver.py", ""),  # SQL
    ("agent/sync/round_warnings.py", "order numbers"),  # the key of a warning
    ("agent/sync/round_warnings.py", "left out"),  # the key of a warning
    ("agent/sync/source_reader.py", "dated later"),  # the key of a warning
    ("agent/status.py", " is NULL"),  # the end of a key of sweep_found
    ("cli/agent_setup.py", "systemctl "),
    ("cli/app.py", ""),  # names of commands; `vipgate --help` is in English
    ("cli/push.py", "http://unused"),
    ("support/background.py", "{…} has returned"),  # only in a traceback
    ("support/sheet/detect.py", "XML Spreadsheet 2003"),  # the name of a format
    ("support/sqlite_file.py", "SELECT"),
    ("support/sqlite_file.py", "BEGIN"),
)


def help_of(command: Any) -> Iterator[str]:
    """What typer shows for a command and those under it."""
    yield from filter(None, [command.help, command.options_metavar, *(item.help for item in command.params)])
    if isinstance(command, TyperGroup):
        yield str(command.subcommand_metavar)
        for one in command.commands.values():
            yield from help_of(one)


HELP: Final = {text for name in ("agent", "push") for text in help_of(get_command(command_line()).commands[name])}  # type: ignore[attr-defined]


def names_in(template: str) -> set[str]:
    """The values of a template; braces of TOML are none."""
    found = {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}
    return {name for name in found if name.isidentifier()}


def is_untranslated(message: Message) -> bool:
    file = message.place.partition(":")[0]
    return any(file == name and message.text.startswith(begins) for name, begins in UNTRANSLATED)


def test_no_message_is_forgotten() -> None:
    assert [message for message in forgotten() if not is_untranslated(message)] == []


def test_every_message_has_its_chinese() -> None:
    assert len(TEMPLATES) > 300
    assert [message for message in TEMPLATES if message.text not in CHINESE] == []
    assert sorted(HELP - CHINESE.keys()) == []


def test_every_message_gets_the_values_that_it_names() -> None:
    assert [one for one in TEMPLATES if one.names is not None and names_in(one.text) != one.names] == []


def test_no_entry_is_unused_and_none_is_given_twice() -> None:
    used = {message.text for message in TEMPLATES} | HELP | words_used()
    assert [text for text in CHINESE if text not in used] == []
    assert len(CHINESE) == sum(len(part.TEXTS) for part in PARTS)


@pytest.mark.parametrize("text", CHINESE)
def test_chinese_names_the_same_values_and_is_chinese(text: str) -> None:
    chinese = CHINESE[text]
    braces = re.compile(r"\{\w+(?:![rs])?(?::[^}]*)?\}|\{\}")
    assert sorted(set(braces.findall(chinese))) == sorted(set(braces.findall(text)))
    bare = braces.sub("", chinese)
    assert re.search(r"[\u4e00-\u9fff]", bare) or not re.search("[A-Za-z]{3,}", bare)


# A comma or semicolon of ASCII behind a Chinese word or sign, where Chinese writes “，” and “；”.
HALF_WIDTH: Final = re.compile(r"[\u4e00-\u9fff”）][,;](?: |(?=[\u4e00-\u9fff“（{]))")


def chinese_literals() -> Iterator[tuple[str, str]]:
    """Every Chinese text in the agent's and the command's own code; what the wire says is not in it."""
    agent = Path(vipgate.agent.__file__).parent
    for path in sorted([*agent.rglob("*.py"), *(agent.parent / "cli").glob("*.py")]):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = node.value if isinstance(node, ast.Constant) else None
            # English has the same quotes.
            if isinstance(text, str) and re.search("[\u4e00-\u9fff]", text):
                yield path.name, text


def test_chinese_texts_have_the_commas_and_semicolons_of_chinese() -> None:
    assert [(name, text) for name, text in chinese_literals() if HALF_WIDTH.search(text)] == []
    assert HALF_WIDTH.search("数字过长, 已被四舍五入")
