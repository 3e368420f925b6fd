"""Changes single settings of a configuration file and keeps everything else in it: comments, order, settings not on the page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Item

from vipgate.agent.config import CONFIG_BYTES_MAX
from vipgate.agent.setup.notes import OpenQuestion, find_questions, with_unused, without_questions
from vipgate.errors import UsageError
from vipgate.i18n import tr
from vipgate.protocol.nesting import toml_nesting_fault
from vipgate.support.private_files import write_file

QUESTION: Final = "? "
# Between a question and a person's comment of the same line.
_BETWEEN: Final = "   #"


class ConfigDocument:
    """The text of a configuration file, as a tree that keeps its comments. It need not be complete."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            text = _read(path) if path.exists() else _head().encode()
            self._tree = tomlkit.parse(text.decode("utf-8-sig"))
        except (OSError, UnicodeDecodeError, TOMLKitError) as error:
            raise UsageError(tr("{path} cannot be read: {reason}; fix or move it.", path=path, reason=error)) from None

    @property
    def text(self) -> str:
        """The file's text as it would be written."""
        return tomlkit.dumps(self._tree)

    def get(self, table: str, key: str) -> Any:
        """The value of a setting, None if there is none."""
        value = self._item(table, key)
        return value.unwrap() if isinstance(value, Item) else value

    def _item(self, table: str, key: str) -> object:
        found = self._tree.get(table)
        return found.get(key) if isinstance(found, Mapping) else None

    def table(self, name: str) -> dict[str, Any]:
        """All settings of a table."""
        found: Any = self._tree.get(name)
        is_table = isinstance(found, Mapping)
        return dict(found.unwrap()) if is_table else {}

    def set(self, table: str, values: Mapping[str, object]) -> None:
        """Sets values; None removes one. What has the value already keeps its spelling."""
        # One in a line, or in several places of the file, is a table too.
        if not isinstance(self._tree.get(table), Mapping):
            self._tree[table] = tomlkit.table()
        found: Any = self._tree[table]
        for key, value in values.items():
            if value is None:
                found.pop(key, None)
            elif self.get(table, key) != value:
                _replace(found, key, value)

    def question(self, table: str, key: str) -> str:
        """The open question behind a setting; empty if there is none."""
        return _question(self._item(table, key))

    def questions(self) -> list[OpenQuestion]:
        """All open questions of the file."""
        return find_questions(self.text)

    def answer(self, table: str, key: str) -> None:
        """Removes the question behind a setting; a person's own comment stays."""
        found: Any = self._item(table, key)
        if _question(found):
            _remove_question(found)

    def ask(self, table: str, key: str, question: str) -> None:
        """Writes a question behind a setting, before a person's own comment."""
        found: Any = self._item(table, key)
        if isinstance(found, Item):
            _remove_question(found)
            kept = found.trivia.comment
            line = "".join(character if character.isprintable() else " " for character in question)
            found.trivia.comment_ws = "   "
            found.trivia.comment = f"# {QUESTION}{line}" + (f"   {kept}" if kept else "")

    def keep_notes_true(self, answered: Iterable[str], unused: Iterable[str]) -> None:
        """Removes what was asked about members that are set now, and about the columns `answered`; lists the `unused` columns."""
        text = without_questions(self.text, self.table("map"), frozenset(answered))
        self._tree = tomlkit.parse(with_unused(text, unused))

    def answer_alone(self, member: str) -> None:
        """Removes the question in a line of its own about a member that is not sent."""
        self._tree = tomlkit.parse(without_questions(self.text, {member}, ()))

    def put_table(self, name: str, text: str) -> None:
        """Replaces a whole table by the one in `text`, comments included."""
        made = tomlkit.parse(text)[name]
        self._tree.pop(name, None)
        self._tree[name] = made

    def filters(self) -> list[dict[str, Any]]:
        """The filters of the source's rows."""
        found = self._tree.get("filter")
        return [dict(one) for one in found.unwrap()] if isinstance(found, AoT) else []

    def set_filter(self, column: str, values: Iterable[str], others: Iterable[str] = ()) -> None:
        """Sends only rows whose `column` has one of `values`, and none with one of `others`, which were judged too.

        Without values, removes the filter of this column.
        """
        kept = [one for one in self.filters() if one.get("column") != column]
        wanted, refused = list(values), list(others)
        filters = tomlkit.aot()
        made = {"column": column, "in": wanted} | ({"not_in": refused} if refused else {})
        for one in [*kept, *([made] if wanted else [])]:
            line = tomlkit.table()
            line.update(one)
            filters.append(line)
        self._tree.pop("filter", None)
        if len(filters):
            self._tree["filter"] = filters

    def save(self) -> None:
        """Writes the file, for its owner only."""
        write_file(self._path, self.text.encode())


def _read(path: Path) -> bytes:
    """Reads the file. Raises UsageError if it is too long, or nested so deeply that the parser would overflow its stack."""
    with path.open("rb") as file:
        text = file.read(CONFIG_BYTES_MAX + 1)
    if len(text) > CONFIG_BYTES_MAX:
        raise UsageError(tr("{path} has more than {n} bytes; that is no configuration.", path=path, n=CONFIG_BYTES_MAX))
    too_deep = toml_nesting_fault(text)
    if too_deep is not None:
        raise UsageError(tr("{path} is {fault}.", path=path, fault=too_deep.text()))
    return text


def _head() -> str:
    line = tr(
        "The agent's configuration; the guide, “The file”, explains every line. Look at each ? before you start it."
    )
    return f"# {line}\n"


def _replace(table: Any, key: str, value: object) -> None:
    """Sets a value. The comment behind it stays, unless it is a question: that is answered now."""
    table[key] = _inline(value)
    made = table.get(key)
    if _question(made):
        _remove_question(made)


def _remove_question(item: Item) -> None:
    """Removes the question of a comment; what a person wrote behind it stays."""
    if _question(item):
        _, between, kept = item.trivia.comment.partition(_BETWEEN)
        item.trivia.comment = f"#{kept}" if between else ""
        item.trivia.comment_ws = item.trivia.comment_ws if between else ""


def _inline(value: object) -> object:
    if not isinstance(value, Mapping):
        return value
    made = tomlkit.inline_table()
    for key, one in value.items():
        made[key] = _inline(one)
    return made


def _question(item: object) -> str:
    comment = item.trivia.comment if isinstance(item, Item) else ""
    text = comment.removeprefix("#").strip()
    return text.removeprefix(QUESTION).partition(_BETWEEN)[0] if text.startswith(QUESTION) else ""
