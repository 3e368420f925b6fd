"""The two sides of a comparison: the park's rows as the agent would send them, and the platform's digests."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from vipgate.agent.client import Client, PushFailed
from vipgate.agent.config import Config
from vipgate.agent.mapping.reader import Reader
from vipgate.agent.models import OutboxRow
from vipgate.agent.opening import source_of
from vipgate.agent.reconcile import NotOffered, SourceRecord
from vipgate.agent.responses import AccessDenied, RetryLater
from vipgate.agent.spool import Spool
from vipgate.agent.sync.set_aside import all_rows
from vipgate.clock import clock_us
from vipgate.errors import UsageError
from vipgate.i18n import tr

ROWS_A_PAGE: Final = 2_000
TRIES_MAX: Final = 6
# Order numbers of rows that are not sent, by which records on the platform alone are told apart.
NOT_SENT_MAX: Final = 500_000
PAUSE_S: Final = 5.0


@dataclass(slots=True)
class Extra:
    """Why the platform alone has records: their row is left out by a filter, cannot be sent, or is not in the source.

    `unknown`: more rows are not sent than were remembered, so it may be any of these.
    """

    left_out: int = 0
    refused: int = 0
    gone: int = 0
    unknown: int = 0


class ParkSide:
    """The park's side: its rows as the agent would send them, and a queue of records to send again."""

    def __init__(self, config: Config, kept: Spool) -> None:
        self._config = config
        self._kept = kept
        self._rows: list[OutboxRow] = []
        self._queued = 0
        self._since_us = 0
        self.wrong = 0
        self._left_out: set[str] = set()
        self._refused: set[str] = set()
        self.extra = Extra()

    def rows(self) -> Iterator[SourceRecord]:
        """Yields every record that can be sent."""
        self._since_us, self.wrong = clock_us(), 0
        self._left_out, self._refused = set(), set()
        source = source_of(self._config)
        try:
            reader = Reader(self._config, source.columns)
            for chunk in all_rows(source, ROWS_A_PAGE):
                page = reader.read(chunk)
                self.wrong += len(page.dead)
                if len(self._left_out) + len(self._refused) < NOT_SENT_MAX:
                    self._left_out.update(order for order, _ in page.left_orders)
                    self._refused.update(one.pay_partner for one in page.dead if one.pay_partner)
                for record in zip(page.renewals, page.cursors, page.ready, strict=True):
                    yield SourceRecord(*record)
        finally:
            source.close()

    def explain(self, pay_partner: str) -> None:
        """Counts why the platform alone has a record, by what the last reading of the source has met."""
        if pay_partner in self._left_out:
            self.extra.left_out += 1
        elif pay_partner in self._refused:
            self.extra.refused += 1
        elif len(self._left_out) + len(self._refused) >= NOT_SENT_MAX:
            self.extra.unknown += 1
        else:
            self.extra.gone += 1

    def queue(self, record: SourceRecord) -> None:
        """Adds a record to be sent again."""
        if record.row is not None:
            self._rows.append(record.row)
        if len(self._rows) >= ROWS_A_PAGE:
            self.queue_rest()

    def queue_rest(self) -> int:
        """Moves added records to the spool, except those the agent has read since. Returns the total moved so far."""
        with self._kept.transaction():
            self._queued += self._kept.queue_unless_read(self._rows, self._since_us)
        self._rows = []
        return self._queued


def ask_patiently(client: Client, members: dict[str, object]) -> dict[str, Any]:
    """Queries the platform's digests, again while it is busy. Raises NotOffered, PushFailed, UsageError."""
    for _ in range(TRIES_MAX):
        answer = client.ask(members)
        if isinstance(answer, dict):
            return answer
        if isinstance(answer, AccessDenied) and answer.code in ("404", "405"):
            raise NotOffered(
                tr("This platform has no digest path (docs/digest.md): what it holds cannot be compared from here.")
            )
        if not isinstance(answer, RetryLater):
            raise PushFailed(answer)
        time.sleep(max(PAUSE_S, answer.retry_after_s or 0.0))
    raise UsageError(tr("The platform has been too busy to be compared with; try again later."))
