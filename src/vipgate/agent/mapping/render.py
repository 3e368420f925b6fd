"""Renders a proposal as the configuration file, with a `# ?` where a person has to answer. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from vipgate.agent.config import SourceConfig
from vipgate.agent.mapping.guess import Guess, Proposal
from vipgate.errors import truncate
from vipgate.i18n import tr

_SHOWN_MAX: Final = 8
# Columns that are not used, with their comments.
_COMMENTS_MAX: Final = 60


def render_config(
    proposal: Proposal,
    *,
    url: str,
    park_uuid: str,
    secret: str,
    source: SourceConfig,
    found: SourceConfig | None = None,
) -> str:
    """Renders the configuration file. `found`: where the table of a file was found."""
    lines = [
        "# "
        + tr(
            "The agent's configuration; the guide, “The file”, explains every line. Look at each ? before you start it."
        ),
        "",
    ]
    lines += ["[platform]", _pair("url", url), _pair("park_uuid", park_uuid), _pair("secret", secret), "", "[source]"]
    for key in ("database", "file", "query", "table", "encoding", "delimiter", "sheet"):
        value = getattr(source, key)
        lines += [] if value is None else [_pair(key, value)]
    if source.header_line is not None:
        lines.append(f"header_line = {source.header_line}")
    if found is not None:
        lines += _found_lines(source, found)
    if source.file is None:
        lines += _cursor_lines(source.cursor or proposal.cursor, proposal.cursor_note)
    lines += [_pair("time_zone", source.time_zone), "", "[map]", *map_lines(proposal)]
    return "\n".join([*lines, ""])


def _found_lines(source: SourceConfig, found: SourceConfig) -> Iterator[str]:
    """What was found and is not set, as comments: a setting would misread the file once a line of titles is added."""
    note = tr("found in this file, and found again each time; set it only if it is wrong")
    if found.sheet is not None and source.sheet is None:
        yield _in_line(f"# {_pair('sheet', found.sheet)}   # {note}")
    if found.header_line is not None and source.header_line is None:
        yield f"# header_line = {found.header_line}   # {note}"


def map_lines(proposal: Proposal) -> Iterator[str]:
    """The lines of [map], questions included."""
    said = dict(proposal.comments)
    for member, guess in proposal.members.items():
        if guess.column in said:
            yield _comment_line(guess.column, said.pop(guess.column))
        yield f"{member} = {guess_toml(guess)}" + (f"   # {_in_line(guess.doubt)}" if guess.doubt else "")
    yield from (f"# {question}" for question in open_questions(proposal))
    if proposal.unused:
        yield "# " + _in_line(tr("not used: {columns}", columns=", ".join(proposal.unused)))
    yield from (_comment_line(column, comment) for column, comment in islice(said.items(), _COMMENTS_MAX))


def _comment_line(column: str, comment: str) -> str:
    """What the database says of a column."""
    return _in_line(f"# {column}: {comment}")


def open_questions(proposal: Proposal) -> Iterator[str]:
    """The questions that belong to no line of the mapping."""
    for member, near in proposal.missing.items():
        question = tr("? {member}: no column found", member=member)
        if near:
            columns = ", ".join(near[:_SHOWN_MAX])
            question = tr("? {member}: no column found: is it {columns}", member=member, columns=columns)
        yield _in_line(question)
    for status in proposal.statuses:
        values = ", ".join(truncate(value) for value in (status.explained or status.values)[:_SHOWN_MAX])
        quoted = _quoted(status.column)
        yield _in_line(
            tr(
                "? {column} has the values {values}: which of them are paid renewals; send only these by [[filter]] "
                "column = {quoted}, in = […]",
                column=status.column,
                values=values,
                quoted=quoted,
            )
            if len(status.values) > 1
            else tr(
                "? {column} has the value {values}, and may get others: which of them are paid renewals; send only these by "
                "[[filter]] column = {quoted}, in = […]",
                column=status.column,
                values=values,
                quoted=quoted,
            )
        )


def guess_toml(guess: Guess) -> str:
    """The value of a member as TOML."""
    if guess.column is None:
        return f"{{ constant = {_quoted(guess.constant)} }}"
    parts = [f"column = {_quoted(guess.column)}"]
    if guess.codes is not None:
        pairs = (f"{_quoted(code)} = {_quoted(meant)}" for code, meant in guess.codes.items())
        parts.append("codes = { " + ", ".join(pairs) + " }")
    for key, value in (("unit", guess.unit), ("format", guess.format), ("default", guess.default)):
        parts += [] if value is None else [f"{key} = {_quoted(value)}"]
    for key, setting in (("end_of_day", guess.end_of_day), ("exact", guess.exact)):
        parts += [] if setting is None else [f"{key} = {_quoted(setting)}"]
    return _quoted(guess.column) if len(parts) == 1 else "{ " + ", ".join(parts) + " }"


def _cursor_lines(cursor: Sequence[str | tuple[str, ...]] | None, note: str) -> list[str]:
    if cursor:
        names = [list(one) if isinstance(one, tuple) and len(one) > 1 else "".join(one) for one in cursor]
        return [f"cursor = {_quoted(names)}", "lag_s = 5"]
    lines = [f"# ? {_in_line(note)}"] if note else []
    example = tr('cursor = ["time of the last change", "id"]   # without it only the sweep finds changes')
    return [*lines, f"# {example}"]


def _in_line(text: str) -> str:
    """The text without line breaks and control characters, which would end a comment."""
    return "".join(character if character.isprintable() else " " for character in text)


def _quoted(value: object) -> str:
    """A TOML string, number or boolean: JSON's are valid TOML."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _pair(key: str, value: object) -> str:
    """Renders a key and its value. A Windows path is in single quotes, so that its backslashes need no escape."""
    text = str(value)
    is_literal = "\\" in text and "'" not in text and text.isprintable()
    return f"{key} = '{text}'" if is_literal else f"{key} = {_quoted(text)}"
