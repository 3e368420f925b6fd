"""Finds the columns that may tell sales from other rows: by their names, comments or words. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from vipgate.agent.mapping.guess_codes import is_bad_note, is_bad_status
from vipgate.agent.mapping.guess_columns import is_contact, is_count, is_flag, is_id, is_kind, is_note, is_status
from vipgate.agent.mapping.guess_comments import CommentedColumns
from vipgate.agent.mapping.guess_values import text_of

STATUS_VALUES_MAX: Final = 12
CODE_VALUES_MAX: Final = 8
CODE_DIGITS_MAX: Final = 2
# Of few rows nearly every column has few values.
CODE_REPEATS_MIN: Final = 4


@dataclass(frozen=True, slots=True)
class Status:
    """A column that may tell sales from other rows, its values, and what its comment says of each."""

    column: str
    values: tuple[str, ...]
    explained: tuple[str, ...] = ()


def find_statuses(
    free: Sequence[str], values: Mapping[str, Sequence[object]], comments: CommentedColumns
) -> list[Status]:
    """The columns among `free` that a person must look at. `values`: the samples of each column.

    A name that was never seen is asked about, too, where the values look like those of a code.
    """
    found = []
    for name in free:
        texts = tuple(dict.fromkeys(text_of(value) for value in values[name]))
        if comments.says(is_note, name):
            # A note that says so may be one of a thousand.
            texts = tuple(filter(is_bad_note, texts))
            tells = bool(texts)
        else:
            tells = 0 < len(texts) <= STATUS_VALUES_MAX and _tells(name, texts, len(values[name]), comments)
        if tells:
            found.append(Status(name, texts, tuple(comments.explained(name, texts))))
    return found


def _tells(name: str, texts: Sequence[str], rows: int, comments: CommentedColumns) -> bool:
    """Whether a column of few values tells sales from other rows. `rows`: how many have a value."""
    words = [*texts, *(comments.word(name, text) for text in texts)]
    if any(comments.says(test, name) for test in (is_status, is_flag)) or any(
        is_bad_status(one) and len(one) <= STATUS_VALUES_MAX for one in words
    ):
        return True
    if comments.says(is_kind, name) and len(texts) > 1 and all(len(text) <= STATUS_VALUES_MAX for text in texts):
        return True
    return _is_code(texts, rows) and not any(comments.says(test, name) for test in (is_count, is_contact, is_id))


def _is_code(texts: Sequence[str], rows: int) -> bool:
    """Whether the values are whole numbers of one or two digits, each of which occurs often."""
    is_few = 1 < len(texts) <= CODE_VALUES_MAX and len(texts) * CODE_REPEATS_MIN <= rows
    return is_few and all(text.isascii() and text.isdigit() and len(text) <= CODE_DIGITS_MAX for text in texts)
