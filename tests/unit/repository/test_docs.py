"""The documents say what the code says: settings, commands, links, what an answer promises."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup

from vipgate.cli.app import command_line
from vipgate.cli.reference import reference
from vipgate.errors import INTERNAL_ERROR, OVERLOADED, PARK_QUEUE_FULL
from vipgate.gateway.group_commit import STOPPING
from vipgate.gateway.pipeline import STORE_DOWN
from vipgate.gateway.settings import Settings
from vipgate.i18n import LocalizedText

ROOT = Path(__file__).parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
COMMANDS: Any = typer.main.get_command(command_line())
DECISIONS = sorted(ROOT.glob("docs/decisions/[0-9]*.md"))


def test_every_setting_is_documented_once() -> None:
    table = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(Settings.model_fields)


def test_settings_page_names_the_flags_and_variables_that_there_are() -> None:
    table = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    serve = COMMANDS.commands["serve"]
    options = {param.name: param.opts[0] for param in serve.params}
    for name, flag, variable in re.findall(r"^\| `(\w+)` \|.*\| (\S*) ?\| `(\w+)` \|$", table, re.MULTILINE):
        assert variable == f"VIPGATE_{name.upper()}"
        assert flag.strip("`").partition("/")[0] == options.get(name, "")


def test_command_reference_is_up_to_date() -> None:
    assert (ROOT / "docs" / "cli.md").read_text(encoding="utf-8") == reference(), "run `make cli-docs`"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_on_a_page_exists(page: Path) -> None:
    code = re.findall(r"```.*?```|`[^`\n]+`", page.read_text(encoding="utf-8"), re.DOTALL)
    for named in re.findall(r"^`?vipgate ([a-z][a-z -]*)", "\n".join(code), re.MULTILINE):
        command = COMMANDS
        for word in named.split():
            if not isinstance(command, TyperGroup):
                break
            assert word in command.commands, f"vipgate {named}"
            command = command.commands[word]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_inside_the_repository_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        assert target.startswith("https://") or (page.parent / target).exists(), target


def test_files_that_contributing_names_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rooms = "protocol|gateway|store|domain|admin|agent|cli|support|docs|tests|deploy"
    paths = re.findall(rf"`((?:{rooms})/[^` ]*)`", text)
    assert paths
    for path in paths:
        base = ROOT if path.startswith(("docs/", "tests/", "deploy/")) else ROOT / "src" / "vipgate"
        assert list(base.glob(re.sub(r"\{[^}]*\}|NNN", "*", path))), path


@pytest.mark.parametrize("page", DECISIONS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_decision_has_the_same_form_and_is_in_the_index(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    head = re.match(r"# (\d+)\. (.+)\n\nStatus: (.+)\. Date: (\d{4}-\d\d-\d\d)\.\n", text)
    assert head is not None
    number, title, status, date = head.groups()
    assert page.name.startswith(f"{int(number):03}-")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Choice", "Alternatives", "Consequences"]
    index = (page.parent / "README.md").read_text(encoding="utf-8")
    assert f"| {number} | [{title}]({page.name}) | {status} | {date} |" in index


def test_no_page_promises_that_nothing_is_stored_after_a_fault() -> None:
    lines = [line for page in PAGES for line in page.read_text(encoding="utf-8").splitlines()]
    rows = [line for line in lines if re.match(r"\|.*`50[03]`", line)]
    assert rows
    assert [line for line in rows if re.search(r"nothing (is|was) stored|没有保存", line)] == []


@pytest.mark.parametrize("words", [OVERLOADED, PARK_QUEUE_FULL, STOPPING, INTERNAL_ERROR, STORE_DOWN])
def test_no_answer_promises_that_nothing_is_stored_after_a_fault(words: LocalizedText) -> None:
    assert "未保存" not in words.zh
    assert "nothing" not in words.en
    assert "只会保存一次" in words.zh
    assert "stored once" in words.en
