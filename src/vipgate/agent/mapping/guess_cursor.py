"""Proposes a cursor: a time of the last change that sorts, and a column that tells rows of one time apart. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from vipgate.agent.mapping.guess_columns import is_plain_id, is_time_of_change
from vipgate.agent.mapping.values import is_absent
from vipgate.agent.sources.cursor_kind import cursor_kind
from vipgate.errors import UsageError
from vipgate.i18n import tr

_UTC: Final = ZoneInfo("UTC")


class CursorGuess(NamedTuple):
    """The two columns, or None with a note for the reviewer."""

    columns: tuple[str, str] | None
    note: str = ""


def guess_cursor(
    columns: Sequence[str],
    samples: Sequence[Sequence[object]],
    key: Sequence[str] = (),
    second_names: Mapping[str, str] | None = None,
) -> CursorGuess:
    """A cursor that is known to work.

    `key`: the columns that are unique together, if the source says so; `second_names`: what comments call columns.
    """
    also = second_names or {}
    when = next((name for name in columns if is_time_of_change(name) or is_time_of_change(also.get(name, ""))), None)
    if when is None:
        return CursorGuess(None)
    values = _column(columns, samples, when)
    try:
        cursor_kind(values, when, _UTC)
    except UsageError as error:
        return CursorGuess(
            None,
            tr(
                "changes are found by comparing all rows only: {reason}",
                reason=str(error).removeprefix("source.cursor: "),
            ),
        )
    which = _unique(columns, samples, key, also)
    if which is None:
        return CursorGuess(
            None,
            tr(
                "changes are found by comparing all rows only: no column is known that tells rows with the same {when} apart",
                when=when,
            ),
        )
    return CursorGuess((when, which))


def _unique(
    columns: Sequence[str], samples: Sequence[Sequence[object]], key: Sequence[str], also: Mapping[str, str]
) -> str | None:
    """The key of one column, else a column that numbers the rows of this table and repeats no value.

    The id of something else, such as the park, does not count, even if no value repeats in the sample.
    """
    if len(key) == 1 and key[0] in columns:
        return key[0]
    for name in (one for one in columns if is_plain_id(one) or is_plain_id(also.get(one, ""))):
        values = _column(columns, samples, name)
        if len(values) == len(samples) and len(set(map(str, values))) == len(values):
            return name
    return None


def _column(columns: Sequence[str], samples: Sequence[Sequence[object]], name: str) -> list[object]:
    at = list(columns).index(name)
    return [row[at] for row in samples if at < len(row) and not is_absent(row[at])]
