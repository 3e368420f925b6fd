"""Gives statements their lines: as one JSON parameter, or on Citus as plain parameters (see sql/commit.sql)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from vipgate.support.sql_files import line_columns, line_variant, takes_one_line

Line = Sequence[object]
# A statement and its parameters.
Call = tuple[str, list[object]]

# Lines per statement with plain parameters, largest first: few different statements, so that each stays prepared.
_LINES_A_STATEMENT: Final = (256, 64, 16, 4, 1)
_REPLACEMENT: Final = "\ufffd"

# The JSON escape of NUL, but not the same text with an escaped backslash.
_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000").sub
_encode = msgspec.json.Encoder().encode


def as_json(statement: str, lines: Sequence[Line]) -> str:
    """Encodes lines as a JSON array of objects. Replaces NUL, which PostgreSQL does not store; only strangers' texts contain it."""
    columns = line_columns(statement)
    text = _encode([dict(zip(columns, line, strict=True)) for line in lines]).decode()
    return _NUL(r"\1\\ufffd", text) if "\\u0000" in text else text


def plain_calls(statement: str, lines: Sequence[Line]) -> Iterator[Call]:
    """Splits lines of one park into as few statements with plain parameters as fit. An UPDATE or DELETE takes one line."""
    sizes = (1,) if takes_one_line(statement) else _LINES_A_STATEMENT
    start = 0
    for size in sizes:
        while len(lines) - start >= size:
            values: list[object] = [_as_text(value) for line in lines[start : start + size] for value in line]
            yield line_variant(statement, size), values
            start += size


def _as_text(value: Any) -> str | None:
    """A parameter as text: its type follows from its place in the statement, whatever its size."""
    return None if value is None else str(value).replace("\0", _REPLACEMENT)
