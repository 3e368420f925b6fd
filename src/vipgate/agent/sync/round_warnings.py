"""Warns of what rounds over all rows find, and ends each warning when a later round no longer finds its cause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import structlog

from vipgate.agent.mapping.replaced import remember_replaced, replaced_text
from vipgate.agent.mapping.rounded_orders import doubt_text
from vipgate.agent.mapping.unjudged import count_unjudged, unjudged_text
from vipgate.agent.sources.base import shown_place
from vipgate.agent.status import Status
from vipgate.i18n import tr

log = structlog.get_logger()

# Order numbers named in one warning.
NAMED_MAX: Final = 5

# A warning about the cursor stays at least this long: rounds may take seconds, and people look seldom.
MISSED_SHOWN_US: Final = 3_600_000_000


class RoundWarnings:
    """The warnings `cursor`, `order numbers`, `rounded`, `filters`, `left out` and `plates` of the status."""

    def __init__(self, status: Status, cursor_name: str, clock_us: Callable[[], int]) -> None:
        self._status = status
        self._cursor_name = cursor_name
        self._clock_us = clock_us
        # Of the present round.
        self._left = self._missed = self._doubtful = 0
        self._doubtful_first = ("", "")
        self._unjudged: Counter[tuple[str, str]] = Counter()
        self._left_out: list[str] = []
        self._left_out_count = 0
        # Not of a round: rows of one order number are read together only when one of them is new.
        self._replaced: dict[str, tuple[str, str]] = {}
        self._missed_us = 0

    def note_missed(self, rows: int) -> None:
        """Warns that the cursor did not show changes of `rows` rows."""
        if not rows:
            return
        self._missed += rows
        self._missed_us = self._clock_us()
        missed = self._status.sweep.missed
        warning = tr(
            "the sweep found {missed} changes that {cursor_name} did not show: it is not to be trusted as a "
            "cursor; the changes were sent, later than others",
            missed=missed,
            cursor_name=self._cursor_name,
        )
        if self._status.warn("cursor", warning):
            log.warning("changes missed by the cursor", changes=missed)

    def note_left(self, rows: int) -> None:
        """Warns that `rows` rows whose order number other rows have, too, were not compared."""
        if not rows:
            return
        self._left += rows
        warning = tr(
            "{left} rows have an order number that other rows have, too, and are too many to be compared: "
            "they were not sent, and are no dead letters; name the columns that identify each row in "
            "source.key, or give each sale an order number of its own",
            left=self._left,
        )
        if self._status.warn("order numbers", warning):
            log.warning("rows not compared and not sent", rows=self._left)

    def note_doubtful(self, rows: Sequence[tuple[str, str]]) -> None:
        """Warns that these rows, places and order numbers, were sent though their number may have been rounded."""
        if not rows:
            return
        if not self._doubtful:
            self._doubtful_first = rows[0]
        self._doubtful += len(rows)
        place, order = self._doubtful_first
        if self._status.warn("rounded", doubt_text(self._doubtful, shown_place(place), order)):
            log.warning("order numbers may have been rounded", rows=self._doubtful)

    def note_unjudged(self, rows: Mapping[tuple[str, str], int]) -> None:
        """Warns that rows were left out for values that no filter names."""
        if not rows:
            return
        count_unjudged(self._unjudged, rows)
        if self._status.warn("filters", unjudged_text(self._unjudged)):
            log.warning("values that no filter names", rows=self._unjudged.total())

    def note_left_out(self, orders: Sequence[str]) -> None:
        """Warns that these records were sent, and that the filters leave out their rows now."""
        if not orders:
            return
        self._left_out_count += len(orders)
        self._left_out += orders[: NAMED_MAX - len(self._left_out)]
        warning = tr(
            "{count} records that were sent no longer pass the filters ({orders}): they stay on the platform; the interface has no "
            "deletion, only a replace removes them",
            count=self._left_out_count,
            orders=", ".join(self._left_out),
        )
        if self._status.warn("left out", warning):
            log.warning("records that were sent no longer pass the filters", records=self._left_out_count)

    def note_replaced(self, rows: Sequence[tuple[str, str, str]]) -> None:
        """Warns that the newest of several rows with one order number was sent, though another one has another plate."""
        if not rows:
            return
        remember_replaced(self._replaced, rows)
        if self._status.warn("plates", replaced_text(self._replaced)):
            log.warning("rows of different plates under one order number", orders=len(self._replaced))

    def drop_round(self) -> None:
        """Forgets what a round has found that was given up."""
        self._left = self._missed = self._doubtful = 0
        self._unjudged.clear()
        self._left_out, self._left_out_count = [], 0

    def end_round(self) -> None:
        """Ends the warnings whose cause this complete round has not found."""
        if not self._left:
            self._status.warn("order numbers", "")
        if not self._doubtful:
            self._status.warn("rounded", "")
        if not self._unjudged:
            self._status.warn("filters", "")
        if not self._left_out_count:
            self._status.warn("left out", "")
        if not self._missed and self._clock_us() - self._missed_us >= MISSED_SHOWN_US:
            self._status.warn("cursor", "")
        self.drop_round()
