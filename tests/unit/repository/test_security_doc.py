"""Threat model and guarantees name tests that exist, and what is installed is what was pinned."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from vipgate.protocol.signature_hmac import ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER

ROOT = Path(__file__).parents[3]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def rows_of(page: str, until: str, since: str = "# ") -> list[list[str]]:
    """The lines of a page's tables, but for their heads, cell by cell."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8").partition(since)[2].partition(f"## {until}")[0]
    lines = [line for line in text.splitlines() if line.startswith("| ") and not line.endswith("| test |")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


THREATS = rows_of("security.md", "HMAC")
PROMISES = rows_of("guarantees.md", "Last runs")


UNSIGNED = rows_of("security.md", "Held replaces", since="## Unsigned headers")
PUBLIC = ("gateway/app.py", "gateway/http/connection.py", "gateway/http/headers.py", "gateway/http/messages.py")
ADMIN = ("admin", "support/web")
# How a header is read: by a name in quotes, of bytes or of text.
READ = [
    r"\bheader\(b\"([a-z-]+)\"\)",
    r"\b_?headers(?:\.get)?[\[(]b?\"([a-z-]+)\"",
    r"\bb?\"([a-z-]+)\" (?:not )?in (?:\w+\.)*_?headers\b(?![.\[])",
    r"\bname == b\"([a-z-]+)\"",
]


def read_in(*places: str) -> set[str]:
    """The names of the headers that some files of the source read."""
    source = ROOT / "src" / "vipgate"
    files = [
        path for place in places for path in ([source / place] if "." in place else (source / place).rglob("*.py"))
    ]
    found = {name for file in files for form in READ for name in re.findall(form, file.read_text(encoding="utf-8"))}
    # A few by constants.
    return found | ({ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER} if places == PUBLIC else {"cookie"})


@pytest.mark.parametrize(("port", "places"), [("public", PUBLIC), ("admin", ADMIN)])
def test_every_header_that_a_port_reads_is_said_to_be_harmless(port: str, places: tuple[str, ...]) -> None:
    told = " ".join(row[1].lower() for row in UNSIGNED if row[0] in (port, "both"))
    # Those of answers, which are set by the same form.
    answered = {"etag", "retry-after", "www-authenticate", "cache-control", "allow"}
    read = read_in(*places) - answered
    assert {"accept-language", "authorization"} <= read
    assert [name for name in sorted(read) if f"`{name}`" not in told] == []


def test_every_threat_says_how_it_is_stopped_and_where_that_is_shown() -> None:
    assert len(THREATS) > 40
    for row in THREATS:
        _, what, how, shown = row
        assert what
        assert how
        assert NAMED.fullmatch(shown), row


def test_every_promise_is_exact_and_says_where_it_is_shown() -> None:
    assert len(PROMISES) > 40
    for row in PROMISES:
        _, exactly, shown = row
        assert exactly
        assert NAMED.fullmatch(shown), row
    assert {row[0] for row in PROMISES} >= {"acknowledged is stored", "no half request", "once", "nothing sold is lost"}


@pytest.mark.parametrize("row", [*THREATS, *PROMISES, *UNSIGNED], ids=lambda row: row[-2][:40])
def test_test_that_is_named_is_there(row: list[str]) -> None:
    found = NAMED.search(row[-1])
    assert found is not None
    tree = ast.parse((ROOT / found[1]).read_text(encoding="utf-8"))
    assert found[2] in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("file", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda path: path.name)
def test_every_dependency_is_pinned_with_its_hashes(file: Path) -> None:
    text = re.sub(r"^\s*#.*$", "", file.read_text(encoding="utf-8"), flags=re.MULTILINE).replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip()]
    assert lines
    for line in lines:
        assert re.match(r"[\w.\[\],-]+==\S+.*--hash=sha256:[0-9a-f]{64}", line), line


def test_make_installs_nothing_that_is_not_pinned() -> None:
    lines = [line for line in (ROOT / "Makefile").read_text(encoding="utf-8").splitlines() if "pip install" in line]
    assert lines
    # What needs no package but this one brings none along.
    assert [line for line in lines if "--require-hashes" not in line and "--no-deps" not in line] == []
