"""`vipgate park generations|restore|held|…`: a park's generations, and replaces held for approval."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from vipgate.cli.common import Config, DatabaseOption, Format, Output, ParkUuid, print_many, shown_instant
from vipgate.cli.database import audit_entry, found_park, open_configured_database
from vipgate.clock import clock_us
from vipgate.errors import ReplaceOnHold, UsageError
from vipgate.store.interfaces.admin import Database
from vipgate.store.interfaces.queries import HeldReplace

HELD_SHOWN_MAX: Final = 500


def generations(
    park_uuid: ParkUuid, config: Config = None, database: DatabaseOption = None, output: Output = Format.TEXT
) -> None:
    """List a park's generations: the current one, and replaced ones that can still be restored."""
    with open_configured_database(config, database) as db:
        found_park(db.store, park_uuid)
        rows = [
            {
                "generation": one.generation,
                "current": one.current,
                "records": one.records,
                "started": shown_instant(one.started_us),
                "ended": shown_instant(one.ended_us),
                "seqno": one.seqno,
            }
            for one in db.store.generations(park_uuid)
        ]
    print_many(rows, ("generation", "current", "records", "started", "ended", "seqno"), output)


def restore(
    park_uuid: ParkUuid,
    generation: Annotated[int, typer.Argument(help="The number, as in `vipgate park generations`.")],
    config: Config = None,
    database: DatabaseOption = None,
) -> None:
    """Make an earlier generation the current one. The replaced one can be restored in turn."""
    with open_configured_database(config, database) as db:
        found = found_park(db.store, park_uuid)
        if found.generation == generation:
            raise UsageError(f"Generation {generation} is the current one already.")
        wanted = next((one for one in db.store.generations(park_uuid) if one.generation == generation), None)
        records = 0 if wanted is None else wanted.records
        detail = f"{found.generation} ({found.records}) → {generation} ({records})"
        audited = audit_entry("park.restore", park_uuid=park_uuid, subject=str(generation), detail=detail)
        if wanted is None or not db.store.restore(park_uuid, generation, clock_us(), audited):
            raise UsageError(
                f"Park {park_uuid} has no generation {generation} to restore; see: vipgate park generations {park_uuid}"
            )
    typer.echo(f"generation {found.generation} ({found.records} records) → {generation} ({records} records)")


def held(
    park_uuid: ParkUuid, config: Config = None, database: DatabaseOption = None, output: Output = Format.TEXT
) -> None:
    """List `complete=1` requests held for approval, newest first. `vipgate request SEQNO --body` shows a body."""
    now_us = clock_us()
    with open_configured_database(config, database) as db:
        found_park(db.store, park_uuid)
        rows = [
            {
                "seqno": one.seqno,
                "first": shown_instant(one.first_us),
                "last": shown_instant(one.last_us),
                "times": one.times,
                "bytes": one.body_bytes,
                "allowed": one.is_allowed(now_us),
            }
            for one in db.queries.held_replaces(park_uuid, 0, HELD_SHOWN_MAX)
        ]
    print_many(rows, ("seqno", "first", "last", "times", "bytes", "allowed"), output)


HeldSeqno = Annotated[str, typer.Argument(help="The seqno, as in `vipgate park held` or in the answer to the park.")]


def allow_replace(
    park_uuid: ParkUuid,
    seqno: HeldSeqno,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Withdraw an approval that was not used yet.")] = False,
    config: Config = None,
    database: DatabaseOption = None,
) -> None:
    """Approve a held replace, once, if the park resends it within a day. Records received since its first send are deleted."""
    with open_configured_database(config, database) as db:
        one = _waiting(db, park_uuid, seqno.strip())
        action = "park.disallow_replace" if withdraw else "park.allow_replace"
        audited = audit_entry(action, park_uuid=park_uuid, subject=one.seqno)
        if not withdraw:
            db.store.allow_replace(park_uuid, one.body_sha256, clock_us(), audited)
        elif not db.store.disallow_replace(park_uuid, one.body_sha256, audited):
            raise UsageError(f"{one.seqno} was not approved; see: vipgate park held {park_uuid}")
    approved = "Approved: if the park sends it again within a day, it is carried out once."
    typer.echo("It is held again." if withdraw else approved)


def dismiss_replace(
    park_uuid: ParkUuid, seqno: HeldSeqno, config: Config = None, database: DatabaseOption = None
) -> None:
    """Remove a held replace, with its body and approval. If it is sent again, it is held and listed again."""
    with open_configured_database(config, database) as db:
        one = _waiting(db, park_uuid, seqno.strip())
        audited = audit_entry("park.dismiss_replace", park_uuid=park_uuid, subject=one.seqno)
        if not db.store.dismiss_replace(park_uuid, one.body_sha256, audited):
            raise _not_held(park_uuid, seqno)
    typer.echo("Dismissed; if the park sends the same again, it is held and listed again.")


def _waiting(db: Database, park_uuid: str, seqno: str) -> HeldReplace:
    """Finds the held replace by the seqno of any request with its body."""
    found_park(db.store, park_uuid)
    entry = db.store.request_log_entry(seqno)
    if entry is None or entry.park_uuid != park_uuid or entry.code != ReplaceOnHold.code:
        raise _not_held(park_uuid, seqno)
    for one in db.queries.held_replaces(park_uuid, 0, HELD_SHOWN_MAX):
        if one.body_sha256 == entry.origin.body_sha256:
            return one
    raise _not_held(park_uuid, seqno)


def _not_held(park_uuid: str, seqno: str) -> UsageError:
    return UsageError(f"{seqno[:64]} is no held replace of park {park_uuid}; see: vipgate park held {park_uuid}")
