"""Reads the rows of dead letters again from the source, with the current mapping."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from vipgate.agent.config import Config
from vipgate.agent.mapping.reader import Reader
from vipgate.agent.models import DeadLetter, OutboxRow, Rejection
from vipgate.agent.sources.base import Source
from vipgate.agent.spool import Spool
from vipgate.agent.sync.set_aside import all_rows
from vipgate.clock import clock_us

ROWS_A_PAGE: Final = 2_000


def retry_dead_letters(
    settings: Config, kept: Spool, source: Source, dead_letters: Sequence[DeadLetter]
) -> tuple[int, int]:
    """Reads the rows of dead letters again and queues those that can be sent now. Reads the whole source.

    Returns how many were queued and how many are still wrong. A row missing in the source is queued as it was sent.
    """
    reader = Reader(settings, source.columns)
    wanted = {dead_letter.identity: dead_letter for dead_letter in dead_letters}
    since_us = clock_us()
    queued = still = 0
    for ready, wrong in _read_again(reader, source, set(wanted)):
        found = [one.identity for one in wrong] + [key for one in ready for key in (one.pay_partner, one.place)]
        found_dead = [wanted.pop(key) for key in dict.fromkeys(found) if key in wanted]
        with kept.transaction():
            kept.queue_unless_read(ready, since_us)
            kept.add_dead_letters(wrong)
            kept.discard([one.number for one in found_dead if one.identity not in {dead.identity for dead in wrong}])
        queued, still = queued + len(ready), still + len(wrong)
    gone = [dead_letter for dead_letter in wanted.values() if dead_letter.row is not None and dead_letter.pay_partner]
    rows = [OutboxRow(dead_letter.pay_partner or "", dead_letter.row or b"", dead_letter.place) for dead_letter in gone]
    with kept.transaction():
        kept.queue_unless_read(rows, since_us)
        kept.discard([dead_letter.number for dead_letter in gone])
    return queued + len(rows), still + len(wanted) - len(gone)


def _read_again(
    reader: Reader, source: Source, identities: set[str]
) -> Iterator[tuple[list[OutboxRow], list[Rejection]]]:
    for chunk in all_rows(source, ROWS_A_PAGE):
        page = reader.read(chunk)
        ready = [one for one in page.ready if one.pay_partner in identities or one.place in identities]
        wrong = [one for one in page.dead if one.identity in identities or one.place in identities]
        if ready or wrong:
            yield ready, wrong
