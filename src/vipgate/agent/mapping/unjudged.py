"""Names the values by which rows were left out though nobody has judged them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from vipgate.i18n import tr

NAMED_MAX: Final = 5


def unjudged_text(rows: Mapping[tuple[str, str], int]) -> str:
    """Names columns and values that no filter names, and how many rows they left out. `rows` is not empty."""
    ordered = sorted(rows.items(), key=lambda one: (-one[1], one[0]))
    named = ", ".join(f"{column} = {value!r} ({count})" for (column, value), count in ordered[:NAMED_MAX])
    return tr(
        "{count} rows are not sent because of values that no filter names: {named}; are these paid renewals? Put each value "
        "into in or not_in of its filter",
        count=sum(rows.values()),
        named=named,
    )
