"""The threat model names tests that exist, and what is installed is what was pinned."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROWS = [
    line.strip("|").split("|")
    for line in (ROOT / "docs" / "security.md").read_text(encoding="utf-8").partition("## HMAC")[0].splitlines()
    if line.startswith("| ")
][1:]
NAMED = re.compile(r"`(tests/\w+/\w+\.py)::(test_\w+)`")


def test_every_threat_says_how_it_is_stopped_and_where_that_is_shown() -> None:
    assert len(ROWS) > 40
    for row in ROWS:
        _, what, how, shown = map(str.strip, row)
        assert what
        assert how
        assert NAMED.fullmatch(shown), row


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[1].strip()[:40])
def test_test_of_a_threat_is_there(row: list[str]) -> None:
    found = NAMED.search(row[3])
    assert found is not None
    tree = ast.parse((ROOT / found[1]).read_text(encoding="utf-8"))
    assert found[2] in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("file", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda path: path.name)
def test_every_dependency_is_pinned_with_its_hashes(file: Path) -> None:
    text = re.sub(r"^\s*#.*$", "", file.read_text(encoding="utf-8"), flags=re.MULTILINE).replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip()]
    assert len(lines) > 5
    for line in lines:
        assert re.match(r"[\w.\[\],-]+==\S+.*--hash=sha256:[0-9a-f]{64}", line), line
