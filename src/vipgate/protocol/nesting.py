"""Limits the nesting depth and the size of untrusted JSON and TOML before parsing. Pure.

The parsers themselves rely on the interpreter's recursion limit, which differs between Python versions and stack sizes.
"""

from __future__ import annotations

import re
from itertools import accumulate
from typing import Final

from vipgate.errors import BadRequest, PayloadTooLarge
from vipgate.i18n import LocalizedText
from vipgate.protocol.body_text import STEP_BYTES

NESTED_MAX: Final = 64
# 10,000 rows with a hundred members each. A list of commas only would need 60 times its size in memory.
COMMAS_MAX: Final = 1_000_000
# 10,000 rows with nine objects or arrays each. More brackets would dominate the parsing time.
CONTAINERS_MAX: Final = 100_000

TOO_DEEP: Final = LocalizedText(
    f"嵌套过深, 最多 {NESTED_MAX} 层; 请去掉多余的层次",
    f"nested too deeply: {NESTED_MAX} levels at most; take levels out",
)
TOO_MANY: Final = LocalizedText(
    f"对象和数组过多, 最多 {CONTAINERS_MAX} 个; 请分批发送",
    f"too many objects and arrays: {CONTAINERS_MAX} at most; send them in batches",
)

_LEVELS_PEELED = 4  # the depth of a push; deeper levels cost more per bracket
_AS_ARRAYS = bytes.maketrans(b"{}", b"[]")
_UP_OR_DOWN = bytes.maketrans(b"[]", b"\x01\xff")  # 1 and -1
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_NO_MARKS = bytes(set(_NO_BRACKETS) - set(b'"'))
_drop_strings = re.compile(rb'"[^"]*"?').sub


def check_bounds(json: bytes, place: str = "") -> None:
    """Raises BadRequest for nesting too deep, PayloadTooLarge for too many members or containers. `place` starts the hint."""
    steps = range(0, len(json), STEP_BYTES) if len(json) > COMMAS_MAX else ()
    if sum(json.count(b",", at, at + STEP_BYTES) for at in steps) > COMMAS_MAX:
        raise PayloadTooLarge(
            LocalizedText(f"{place}成员过多, 最多 {COMMAS_MAX}", f"{place}too many members, {COMMAS_MAX} at most")
        )
    fault = nesting_fault(json)
    if fault is not None:
        hint = LocalizedText(place + fault.zh, place + fault.en)
        raise PayloadTooLarge(hint) if fault is TOO_MANY else BadRequest(hint)


def nesting_fault(json: bytes, containers_max: int = CONTAINERS_MAX) -> LocalizedText | None:
    """Returns what is wrong with nesting and container count of a JSON text, or None. Does not validate the JSON."""
    if json.count(b"{") + json.count(b"[") <= min(NESTED_MAX, containers_max):
        return None  # As most requests of one row: too few brackets, even if none were part of a string.
    if b"\\" in json:
        json = json.replace(b"\\\\", b"").replace(b'\\"', b"")
    steps = range(0, len(json), STEP_BYTES)
    marks = b"".join([json[at : at + STEP_BYTES].translate(_AS_ARRAYS, _NO_MARKS) for at in steps])
    # Adjacent quotes have no bracket between them: dropping them keeps the quote parity of all others.
    marks = marks.replace(b'""', b"")
    brackets = _drop_strings(b"", marks, count=containers_max)
    if b'"' in brackets:
        return TOO_MANY
    fault = _bracket_fault(brackets[: 2 * containers_max])
    return fault or (TOO_MANY if len(brackets) > 2 * containers_max else None)


def toml_nesting_fault(toml: bytes) -> LocalizedText | None:
    """Returns what is wrong with the nesting of TOML, or None. Counts brackets in strings and comments too."""
    return _bracket_fault(toml.translate(_AS_ARRAYS, _NO_BRACKETS))


def _bracket_fault(brackets: bytes) -> LocalizedText | None:
    """Checks the depth: removes innermost pairs level by level, then counts the remaining brackets one by one."""
    peeled = 0
    while peeled < _LEVELS_PEELED and b"[]" in brackets:
        brackets = brackets.replace(b"[]", b"")
        peeled += 1
    heights = accumulate(memoryview(brackets.translate(_UP_OR_DOWN)).cast("b"), initial=0)
    return TOO_DEEP if peeled + max(heights) > NESTED_MAX else None
