"""Counts and names the values by which rows were left out though nobody has judged them. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

from vipgate.i18n import tr

NAMED_MAX: Final = 5
# Values that are told apart: a column may have another one in each row.
VALUES_MAX: Final = 50
# The rows of all further values; no column has this name.
OTHERS: Final = ("", "")


def count_unjudged(counts: Counter[tuple[str, str]], rows: Mapping[tuple[str, str], int]) -> None:
    """Adds rows by column and value, those of values beyond VALUES_MAX as OTHERS."""
    for one, count in rows.items():
        counts[one if one in counts or len(counts) < VALUES_MAX else OTHERS] += count


def unjudged_text(rows: Mapping[tuple[str, str], int]) -> str:
    """Names columns and values that no filter names, and how many rows they left out. `rows` is not empty."""
    ordered = sorted((one for one in rows.items() if one[0] != OTHERS), key=lambda one: (-one[1], one[0]))
    named = ", ".join(f"{column} = {value!r} ({count})" for (column, value), count in ordered[:NAMED_MAX])
    if len(rows) > NAMED_MAX:
        named += ", …"
    return tr(
        "{count} rows are not sent because of values that no filter names: {named}; are these paid renewals? Put each value "
        "into in or not_in of its filter",
        count=sum(rows.values()),
        named=named,
    )
