"""Names order numbers that rows of different plates share. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from vipgate.agent.sources.base import shown_place
from vipgate.i18n import tr

NAMED_MAX: Final = 5


def replaced_text(rows: Mapping[str, tuple[str, str]]) -> str:
    """Says that the newest row of each order number counts, though another has another plate.

    `rows`: by order number, the place of the row that is sent, and that of the other. It is not empty.
    """
    named = ", ".join(
        tr("{order} ({kept} and not {other})", order=order, kept=shown_place(kept), other=shown_place(other))
        for order, (kept, other) in list(rows.items())[:NAMED_MAX]
    )
    return tr(
        "{count} order numbers are those of several rows with different plates: the newest is sent, the other is not: {named}; if "
        "they are two sales, give each an order number of its own",
        count=len(rows),
        named=named,
    )
