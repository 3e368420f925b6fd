"""Shell lines of deploy/, the documents and the Makefile lose no failure, and install nothing that nobody has pinned."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SCRIPTS = [*(ROOT / "deploy").glob("*.sh"), *(ROOT / "docs" / "clients").glob("*.sh"), *(ROOT / ".ci").iterdir()]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
OTHERS = [ROOT / "Makefile", ROOT / "deploy" / "Containerfile", *(ROOT / "deploy").glob("*.service")]

_PROGRAM = r"""(?:^|(?<=[\s/"'(@]))(?:vipgate|vg|\$\{VIPGATE:-vipgate\}"|\$\(BIN\)/vipgate)"""
# The program's name followed by a command of it, so that the unit's and the image's name are not meant.
_CALL = rf"{_PROGRAM} +[a-z]+(?:-[a-z]+)*\b[^|;&\n]*"
# `init|check|run` in a sentence is no pipe.
_CHOICE = re.compile(r"(?<=\w)\|(?=\w)")
LOSSES = {
    "the status of a pipe is that of its last command": re.compile(rf"{_CALL}\|(?![|&])|{_CALL}\|&"),
    "a failure is made a success": re.compile(rf"{_CALL}(?:\|\||;)\s*(?:true|:|exit 0)(?=[\s;)]|$)"),
    "a status inside echo or printf is nobody's": re.compile(rf"\b(?:echo|printf)\b[^;&|\n]*\$\([^)]*?{_CALL}"),
}


def lost(text: str) -> list[str]:
    """Why a failure of vipgate in this shell text would go unseen."""
    if "set -o pipefail" in text or "set -euo pipefail" in text:
        return []
    return [why for why, pattern in LOSSES.items() if pattern.search(text)]


def commands(text: str) -> str:
    """Shell text without its comments, continued lines joined."""
    joined = text.replace("\\\n", " ")
    return "\n".join(re.sub(r"(^|\s)#\s.*$", "", line) for line in joined.splitlines())


def shell_texts() -> Iterator[tuple[str, str]]:
    for path in [*SCRIPTS, *OTHERS]:
        yield str(path.relative_to(ROOT)), commands(path.read_text(encoding="utf-8"))
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        name = str(page.relative_to(ROOT))
        for number, block in enumerate(re.findall(r"```(?:sh|bash|console)\n(.*?)```", text, re.DOTALL), 1):
            yield f"{name}, block {number}", commands(block)
        inline = re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text)
        yield f"{name}, inline", "\n".join(_CHOICE.sub("/", line.replace("\\|", "|")) for line in inline)


TEXTS = dict(shell_texts())


@pytest.mark.parametrize(
    "line",
    [
        "vipgate park list | wc -l",
        'parks=$("${VIPGATE:-vipgate}" park list --database "sqlite:///$copy" --format jsonl | wc -l)',
        "/opt/vipgate/bin/vipgate backup copy.db | tee log",
        "vg backup copy.db || true",
        "vg backup copy.db; true",
        "vg backup copy.db |& cat",
        'echo "parks: $(vipgate park list --format jsonl)"',
        "podman exec vipgate vipgate park list | head",
    ],
)
def test_line_that_loses_a_failure_is_seen(line: str) -> None:
    assert lost(line)
    assert lost(f"set -o pipefail\n{line}") == []


@pytest.mark.parametrize(
    "line",
    [
        "vipgate backup copies --verify --keep-days 14",
        "echo secret | vipgate park add drill --secret -",
        "journalctl -u vipgate -o cat | grep SEQNO",
        "vipgate agent run park.toml || exit 1",
        'request=$(vipgate request "$seqno")',
        "vipgate serve --port 18080 > serving.log 2>&1 &",
    ],
)
def test_line_that_keeps_a_failure_is_let_through(line: str) -> None:
    assert lost(line) == []


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_no_failure_of_vipgate_goes_unseen(text: str) -> None:
    assert lost(text) == []


def test_all_shell_text_is_looked_at() -> None:
    assert len(TEXTS) > 20
    assert sum("vipgate" in text for text in TEXTS.values()) > 12


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_script_ends_at_its_first_failure(script: Path) -> None:
    lines = [line for line in script.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    assert lines[0].startswith("set -eu") or (len(lines) == 1 and lines[0].startswith("exec ")), lines[0]


def test_answer_of_a_request_is_not_lost_in_a_pipe() -> None:
    """`curl … | tee` goes on with an empty file where nothing answered."""
    for name, text in TEXTS.items():
        assert not re.search(r"\bcurl\b[^|\n]*\|", text), name


# ---- what is installed -----------------------------------------------------------------------------------------------

INSTALLS = [
    (name, line)
    for name, text in TEXTS.items()
    for line in re.findall(r"[^\s`]*pip install [^\n`;&]*", text)
    # Drivers that a park's technician chooses for the park's own database.
    if not re.fullmatch(r"pip install (?:pymssql|pyodbc)", line.strip())
]


@pytest.mark.parametrize(("name", "line"), INSTALLS)
def test_nothing_is_installed_that_is_not_pinned(name: str, line: str) -> None:
    if "--no-deps" in line:
        # What builds this package is a package too: pip would fetch the newest one.
        assert "--no-build-isolation" in line, name
    else:
        assert "--require-hashes" in line, name


@pytest.mark.parametrize("name", ["docs/operating.md", "docs/agent.md", "deploy/Containerfile"])
def test_backend_is_installed_before_it_is_needed(name: str) -> None:
    """And nothing is built on the way, since that would fetch backends of others."""
    lines = [line for place, line in INSTALLS if place.partition(",")[0] == name]
    assert len(lines) >= 2
    for dependencies, ours in zip(lines[::2], lines[1::2], strict=True):
        assert "-r requirements/run.txt -r requirements/build.txt" in " ".join(dependencies.split())
        assert "--only-binary :all:" in dependencies
        assert "--no-deps --no-build-isolation ." in ours


def test_backend_that_is_pinned_is_the_one_that_is_wanted() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    pinned = (ROOT / "requirements" / "build.txt").read_text(encoding="utf-8")
    version = re.search(r"^setuptools==(\d+)", pinned, re.MULTILINE)
    least = re.search(r'requires = \["setuptools>=(\d+)"\]', project)
    assert version is not None
    assert least is not None
    assert int(version[1]) >= int(least[1])
    # What is tested is built by the same one.
    for name in ("dev", "bench"):
        assert pinned.partition(" \\\n")[0] in (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
