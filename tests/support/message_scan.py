"""Finds the messages in the agent's source: what is translated, what is translatable, and what was forgotten."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import vipgate

ROOT: Final = Path(vipgate.__file__).parent
_SUPPORT: Final = (
    "address_masking", "background", "logs", "named_secrets", "os_errors", "private_files", "shared_files", "sqlite_file",
)  # fmt: skip
_CLI: Final = ("common", "exposure", "language", "push", "questions", "translated_help")
FILES: Final = [
    path
    for path in (
        *sorted((ROOT / "agent").rglob("*.py")),
        *sorted((ROOT / "support" / "sheet").glob("*.py")),
        *sorted((ROOT / "cli").glob("agent*.py")),
        *(ROOT / "support" / f"{name}.py" for name in _SUPPORT),
        *(ROOT / "cli" / f"{name}.py" for name in _CLI),
        ROOT / "cli" / "app.py",
    )
    if "translations" not in path.parts
]
# The first argument of these is a template: `Finding` names a subject, the three are raised in the sheet's process.
_TEMPLATES: Final = frozenset({"tr", "translatable", "TooLarge", "Odd", "HalfWritten", "Finding"})
_LEVELS: Final = frozenset({"debug", "info", "warning", "error", "critical"})
# Pairs of texts, typer's help (translated when the commands are made), patterns, SQL.
_ELSEWHERE: Final = frozenset({
    "LocalizedText", "ConversionError", "help", "compile", "execute", "query", "number", "text", "_set", "ValueError",
})  # fmt: skip
_SENTENCE: Final = re.compile(r"[A-Za-z]{2,}[\]}\"'`,:;.()]* [\[{\"'`(]*[A-Za-z]{2,}").search


@dataclass(frozen=True, slots=True)
class Message:
    """A template with its place. `names`: the values that are given; None where that is done elsewhere."""

    place: str
    text: str
    names: frozenset[str] | None = None


def templates() -> Iterator[Message]:
    """Yields every template that is looked up in the catalogue."""
    for path in FILES:
        for node in ast.walk(_parsed(path)):
            if isinstance(node, ast.Call) and (text := _template(node)) is not None:
                names = frozenset(str(one.arg) for one in node.keywords) if _name(node.func) == "tr" else None
                yield Message(_place(path, node), text, names)


def forgotten() -> Iterator[Message]:
    """Yields texts that look like sentences and that nothing translates."""
    for path in FILES:
        tree = _parsed(path)
        skipped = set(_docstrings(tree))
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and (_template(call) is not None or _name(call.func) in _ELSEWHERE):
                skipped |= {id(node) for node in ast.walk(call.args[0] if _template(call) else call)}
            elif isinstance(call, ast.keyword) and call.arg in _ELSEWHERE:
                skipped |= {id(node) for node in ast.walk(call)}
        for node in ast.walk(tree):
            text = _text(node)
            if text is not None and id(node) not in skipped and _SENTENCE(text):
                skipped |= {id(part) for part in ast.walk(node)}
                yield Message(_place(path, node), text)


def words_used() -> set[str]:
    """All short names in the commands' source, as labels show them: `pay_partner` is shown as `pay partner`."""
    files = [*(ROOT / "cli").glob("agent*.py"), ROOT / "cli" / "common.py", ROOT / "cli" / "translated_help.py"]
    texts = (_text(node) for path in files for node in ast.walk(_parsed(path)))
    return {text.replace("_", " ") for text in texts if text is not None and re.fullmatch("[a-z_]+", text)}


def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _place(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _template(call: ast.Call) -> str | None:
    """The template that a call looks up, or the event that it logs."""
    if not call.args or not isinstance(call.args[0], ast.Constant) or not isinstance(call.args[0].value, str):
        return None
    name = _name(call.func)
    logs = name in _LEVELS and isinstance(call.func, ast.Attribute) and "log" in ast.dump(call.func.value)
    return call.args[0].value if logs or name in _TEMPLATES else None


def _text(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{…}" for part in node.values)
    return None


def _docstrings(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                yield id(first.value)
