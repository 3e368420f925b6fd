"""Reads the comments that `init` writes into a configuration, and keeps them true: open questions, columns not used. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from vipgate.protocol.renewal import MEMBERS
from vipgate.protocol.row import REQUIRED

Kind = Literal["member", "filter", "other"]
_TABLE: Final = re.compile(r"\s*\[\[?\s*([^\[\]]+?)\s*\]").match
_KEY: Final = re.compile(r"\s*(?:map\s*\.\s*)?(\w+)\s*=").match
# A person's own comment may stand behind a question.
_QUESTION: Final = re.compile(r"#\s*\?\s*(.+?)(?:   #|$)").match
_FILTER: Final = re.compile(r"\[\[filter\]\]\s*column = (\"(?:[^\"\\]|\\.)*\")").findall
_MEMBER: Final = re.compile(r"(\w+): ").match
# As `init` writes it, in both languages.
_UNUSED: Final = re.compile(r"# (?:not used: |未使用的列：)").match
_QUOTED: Final = re.compile(r"""\"\"\".*?(?:\"\"\"|$)|'''.*?(?:'''|$)|"(?:[^"\\]|\\.)*"|'[^']*'""")


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A `# ?` of the file: its line from 1 on, what it is about, and whether it stands behind a setting."""

    line: int
    kind: Kind
    name: str
    text: str
    is_set: bool

    @property
    def is_blocking(self) -> bool:
        """Whether what is sent depends on the answer: a member that is sent, or the rows that are."""
        return self.kind == "filter" or (self.kind == "member" and (self.is_set or self.name in REQUIRED))


def find_questions(text: str) -> list[OpenQuestion]:
    """The open questions of a configuration's text, in its order."""
    return list(_questions(text.split("\n")))


def _questions(lines: Sequence[str]) -> Iterator[OpenQuestion]:
    table = ""
    for number, line in enumerate(lines, 1):
        header = _TABLE(line)
        table = header[1] if header else table
        # A `#` in a string begins no comment.
        plain = _QUOTED.sub(lambda quoted: "_" * len(quoted[0]), line)
        at = plain.find("#")
        found = _QUESTION(line, at) if at >= 0 else None
        if found is None:
            continue
        key = _KEY(line[:at])
        is_of_map = table == "map" or plain.lstrip().startswith("map.")
        if key is not None:
            yield OpenQuestion(number, "member" if is_of_map else "other", key[1], found[1].strip(), is_set=True)
        else:
            yield _standing_alone(number, found[1].strip())


def _standing_alone(number: int, text: str) -> OpenQuestion:
    """A question in a line of its own."""
    columns, member = _FILTER(text), _MEMBER(text)
    if columns:
        # The last one: values of the column, which are anybody's words, come before it.
        return OpenQuestion(number, "filter", str(json.loads(columns[-1])), text, is_set=False)
    if member is not None and member[1] in MEMBERS:
        return OpenQuestion(number, "member", member[1], text[member.end() :], is_set=False)
    return OpenQuestion(number, "other", "", text, is_set=False)


def without_questions(text: str, members: Container[str], columns: Container[str]) -> str:
    """The text without the lines that ask about one of `members`, which are set now, or about the rows by one of `columns`."""
    lines = text.split("\n")
    answered = {
        one.line
        for one in _questions(lines)
        if not one.is_set
        and ((one.kind == "member" and one.name in members) or (one.kind == "filter" and one.name in columns))
    }
    return "\n".join(line for number, line in enumerate(lines, 1) if number not in answered)


def with_unused(text: str, columns: Iterable[str]) -> str:
    """The text with the columns that are not used in the line that lists them; without the line if there are none."""
    listed = ", ".join(columns)
    listed = "".join(character if character.isprintable() else " " for character in listed)
    lines = []
    for line in text.split("\n"):
        head = _UNUSED(line)
        if head is None:
            lines.append(line)
        elif listed:
            lines.append(head[0] + listed)
    return "\n".join(lines)
