"""Names order numbers that rows of different plates share. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from vipgate.agent.sources.base import shown_place
from vipgate.i18n import tr

NAMED_MAX: Final = 5
# Order numbers that are remembered; the text says so where there are more.
REMEMBERED_MAX: Final = 1_000


def remember_replaced(known: dict[str, tuple[str, str]], rows: Iterable[tuple[str, str, str]]) -> None:
    """Adds order numbers with the places of both rows, REMEMBERED_MAX at most."""
    for order, kept, other in rows:
        if order in known or len(known) < REMEMBERED_MAX:
            known[order] = (kept, other)


def replaced_text(rows: Mapping[str, tuple[str, str]]) -> str:
    """Says that the newest row of each order number counts, though another has another plate.

    `rows`: by order number, the place of the row that is sent, and that of the other. It is not empty.
    """
    named = ", ".join(
        tr("{order} ({kept} and not {other})", order=order, kept=shown_place(kept), other=shown_place(other))
        for order, (kept, other) in list(rows.items())[:NAMED_MAX]
    )
    count = f"{REMEMBERED_MAX}+" if len(rows) >= REMEMBERED_MAX else str(len(rows))
    return tr(
        "{count} order numbers are those of several rows with different plates: the newest is sent, the other is not: {named}; if "
        "they are two sales, give each an order number of its own",
        count=count,
        named=named,
    )
