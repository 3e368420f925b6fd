"""`vipgate park …`: register parks, hand out secrets, look at and restore stocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from ipaddress import ip_network
from typing import Annotated, Any, Final

import typer

from vipgate.cli.common import (
    Config,
    Database,
    Format,
    Output,
    ParkUuid,
    Secret,
    print_many,
    print_one,
    read_secret,
    settings_for,
    shown_instant,
    vault_for,
)
from vipgate.cli.desk import deed_of_command, desk_for, unknown_park
from vipgate.clock import clock_us
from vipgate.errors import HeldReplace, OperatorError
from vipgate.store.browsing import HeldStock, ParkMore
from vipgate.store.interface import Park, ParkChange, Store
from vipgate.store.keeping import RETENTION_DAYS_MAX, Desk
from vipgate.store.staffing import Deed
from vipgate.vault import make_secret
from vipgate.wire import PARK_UUID_CHARS_MAX

PARKS_A_PAGE: Final = 500
HELD_SHOWN_MAX: Final = 500

park = typer.Typer(no_args_is_help=True, help="Register parks, rotate their secrets, restore their stocks.")


def _members(found: Park) -> dict[str, Any]:
    return {
        "park_uuid": found.park_uuid,
        "name": found.name,
        "enabled": found.enabled,
        "records": found.records,
        "generation": found.generation,
        "last_push": shown_instant(found.last_push_us),
        "secret_changed": shown_instant(found.secret_changed_us),
        "previous_secret_valid": found.has_previous_secret,
        "secret_last_used": found.secret_used,
        "secret_last_used_at": shown_instant(found.secret_used_us),
        "allow_list": list(found.allow_list),
        "rate_per_minute": found.rate_per_minute,
        "require_hmac": found.require_hmac,
        "hold_replaces": found.hold_replaces,
        "created": shown_instant(found.created_us),
    }


def _found(store: Store, park_uuid: str) -> Park:
    found = store.find_park(park_uuid)
    if found is None:
        raise unknown_park(park_uuid)
    return found


@park.command("add")
def add(
    park_uuid: ParkUuid,
    name: Annotated[str, typer.Option(help="What people call it.")] = "",
    secret: Secret = None,
    config: Config = None,
    database: Database = None,
    output: Output = Format.TEXT,
) -> None:
    """Register a park. Without --secret a strong one is made and shown this once."""
    park_uuid = park_uuid.strip()
    if not 0 < len(park_uuid) <= PARK_UUID_CHARS_MAX or not park_uuid.isprintable():
        raise OperatorError(f"A park_uuid has 1 to {PARK_UUID_CHARS_MAX} printable characters.")
    chosen = make_secret() if secret is None else read_secret(secret)
    sealed = vault_for(settings_for(config, database)).seal(chosen, park_uuid)
    with desk_for(config, database) as desk:
        deed = deed_of_command("park.add", park_uuid=park_uuid, subject=park_uuid, detail=name)
        if not desk.store.add_park(park_uuid, name, sealed, clock_us(), deed):
            raise OperatorError(
                f"Park {park_uuid} is already there; for a new secret: vipgate park rotate-secret {park_uuid}"
            )
    _show_secret(park_uuid, chosen if secret is None else None, output)


def _show_secret(park_uuid: str, secret: str | None, output: Format) -> None:
    members: dict[str, Any] = {"park_uuid": park_uuid}
    if secret is not None:
        members["secret"] = secret
    print_one(members, output)
    if secret is not None and output is Format.TEXT:
        typer.echo("Shown this once: give it to the park now.", err=True)


@park.command("list")
def list_(config: Config = None, database: Database = None, output: Output = Format.TEXT) -> None:
    """All parks."""
    with desk_for(config, database) as desk:
        columns = ("park_uuid", "name", "enabled", "records", "last_push")
        print_many(map(_members, _all_parks(desk.store)), columns, output)


def _all_parks(store: Store) -> Iterator[Park]:
    after = ""
    while page := store.list_parks(after, PARKS_A_PAGE):
        yield from page
        after = page[-1].park_uuid


@park.command("show")
def show(park_uuid: ParkUuid, config: Config = None, database: Database = None, output: Output = Format.TEXT) -> None:
    """One park: its stock, its last push, and which secret it used."""
    with desk_for(config, database) as desk:
        members = _members(_found(desk.store, park_uuid))
        more = _more(desk, park_uuid)
    members |= {"retention_days": more.retention_days, "charge_address": more.charge_address}
    print_one(members, output)


def _more(desk: Desk, park_uuid: str) -> ParkMore:
    found = desk.browse.park_more(park_uuid)
    if found is None:
        raise unknown_park(park_uuid)
    return found


@park.command("set")
def set_(
    park_uuid: ParkUuid,
    name: Annotated[str | None, typer.Option(help="What people call it.")] = None,
    allow: Annotated[
        list[str] | None, typer.Option(help="Address or network that may push (repeatable); 'any' lifts the list.")
    ] = None,
    rate_per_minute: Annotated[int | None, typer.Option(min=0, help="Requests a minute; 0 lifts the limit.")] = None,
    require_hmac: Annotated[
        bool | None, typer.Option("--require-hmac/--no-require-hmac", help="Take no MD5 signatures of this park.")
    ] = None,
    hold_replaces: Annotated[
        bool | None,
        typer.Option(
            "--hold-replaces/--no-hold-replaces",
            help="Hold a complete=1 that came before and is signed with MD5, until `park allow-replace`.",
        ),
    ] = None,
    retention_days: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=RETENTION_DAYS_MAX,
            help="Days until plates and cards are erased, from a record's end or last change; 0: never.",
        ),
    ] = None,
    charge_address: Annotated[
        str | None, typer.Option(help="Where the park's own gateway tells its charge types; 'none' forgets it.")
    ] = None,
    config: Config = None,
    database: Database = None,
) -> None:
    """Change a park's name, allow list, rate, signature, retention, or the address of its own gateway."""
    change = ParkChange(
        name=name,
        allow_list=_networks(allow),
        rate_per_minute=rate_per_minute,
        require_hmac=require_hmac,
        hold_replaces=hold_replaces,
    )
    address = _address(charge_address)
    with desk_for(config, database) as desk:
        before, more = _found(desk.store, park_uuid), _more(desk, park_uuid)
        if change != ParkChange():
            desk.store.change_park(park_uuid, change, _deed_of_change(before, change))
        if retention_days is not None:
            detail = f"{_told(more.retention_days)} → {_told(retention_days or None)}"
            deed = deed_of_command("park.retention", park_uuid=park_uuid, subject=before.name, detail=detail)
            desk.keep.set_retention(park_uuid, retention_days or None, deed)
        if charge_address is not None:
            detail = f"{_told(more.charge_address)} → {_told(address)}"
            deed = deed_of_command("park.charge_address", park_uuid=park_uuid, subject=before.name, detail=detail)
            desk.keep.set_charge_address(park_uuid, address, deed)


def _address(given: str | None) -> str | None:
    """The address that --charge-address means; None for none. Raises OperatorError."""
    if given is None or given.strip() in ("", "none"):
        return None
    # Loads an HTTP client, for this flag alone.
    from vipgate.chargetypes import ChargeTypesRefused, check_address

    try:
        return check_address(given)
    except ChargeTypesRefused as refused:
        raise OperatorError(f"--charge-address {given}: {refused.words.en}") from None


def _deed_of_change(before: Park, change: ParkChange) -> Deed:
    """What the audit log tells of a change."""
    given = {member: value for member, value in asdict(change).items() if value is not None}
    if change.rate_per_minute == 0:
        given["rate_per_minute"] = None
    pairs = [(member, getattr(before, member), value) for member, value in given.items()]
    detail = "; ".join(f"{member}: {_told(old)} → {_told(new)}" for member, old, new in pairs if old != new)
    return deed_of_command("park.change", park_uuid=before.park_uuid, subject=before.name, detail=detail)


def _told(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(value) or "–"
    return "–" if value is None or value == "" else str(value)


def _networks(allow: list[str] | None) -> tuple[str, ...] | None:
    if allow is None:
        return None
    try:
        return tuple(str(ip_network(entry.strip())) for entry in allow if entry.strip() != "any")
    except ValueError as error:
        raise OperatorError(
            f"--allow: {error}; write an address such as 10.0.0.7 or a network such as 10.0.0.0/24."
        ) from None


@park.command("rotate-secret")
def rotate_secret(
    park_uuid: ParkUuid,
    secret: Secret = None,
    config: Config = None,
    database: Database = None,
    output: Output = Format.TEXT,
) -> None:
    """Give a park a new secret. Both are valid until the old one is retired."""
    chosen = make_secret() if secret is None else read_secret(secret)
    sealed = vault_for(settings_for(config, database)).seal(chosen, park_uuid)
    with desk_for(config, database) as desk:
        before = _found(desk.store, park_uuid)
        deed = deed_of_command("park.rotate_secret", park_uuid=park_uuid)
        if not desk.store.rotate_secret(park_uuid, sealed, clock_us(), deed):
            used = before.secret_used or "neither"
            raise OperatorError(
                f"Park {park_uuid} still has a previous secret (it last used: {used}); "
                f"first end it with: vipgate park retire-secret {park_uuid}"
            )
    _show_secret(park_uuid, chosen if secret is None else None, output)


@park.command("retire-secret")
def retire_secret(
    park_uuid: ParkUuid,
    force: Annotated[bool, typer.Option("--force", help="Even if the park has not used the new one yet.")] = False,
    config: Config = None,
    database: Database = None,
) -> None:
    """End the previous secret of a park."""
    with desk_for(config, database) as desk:
        found = _found(desk.store, park_uuid)
        if not found.has_previous_secret:
            raise OperatorError(f"Park {park_uuid} has no previous secret; nothing to retire.")
        if found.secret_used != "current" and not force:
            used = "still uses the previous secret" if found.secret_used else "has not pushed since the rotation"
            raise OperatorError(
                f"Park {park_uuid} {used}; retiring it would shut the park out. --force does it anyway."
            )
        desk.store.retire_secret(park_uuid, deed_of_command("park.retire_secret", park_uuid=park_uuid))


@park.command("disable")
def disable(park_uuid: ParkUuid, config: Config = None, database: Database = None) -> None:
    """Stop taking a park's pushes; nothing of it is deleted."""
    _switch(park_uuid, config, database, enabled=False)


@park.command("enable")
def enable(park_uuid: ParkUuid, config: Config = None, database: Database = None) -> None:
    """Take a park's pushes again."""
    _switch(park_uuid, config, database, enabled=True)


def _switch(park_uuid: str, config: Config, database: Database, *, enabled: bool) -> None:
    with desk_for(config, database) as desk:
        before, change = _found(desk.store, park_uuid), ParkChange(enabled=enabled)
        if before.enabled != enabled:
            desk.store.change_park(park_uuid, change, _deed_of_change(before, change))


@park.command("generations")
def generations(
    park_uuid: ParkUuid, config: Config = None, database: Database = None, output: Output = Format.TEXT
) -> None:
    """The park's stocks: the current one, and those that `complete=1` replaced and can still be restored."""
    with desk_for(config, database) as desk:
        _found(desk.store, park_uuid)
        rows = [
            {
                "generation": one.generation,
                "current": one.current,
                "records": one.records,
                "started": shown_instant(one.started_us),
                "ended": shown_instant(one.ended_us),
                "seqno": one.seqno,
            }
            for one in desk.store.generations(park_uuid)
        ]
    print_many(rows, ("generation", "current", "records", "started", "ended", "seqno"), output)


@park.command("restore")
def restore(
    park_uuid: ParkUuid,
    generation: Annotated[int, typer.Argument(help="As `vipgate park generations` lists it.")],
    config: Config = None,
    database: Database = None,
) -> None:
    """Make an earlier stock the current one; the one that is current now can be restored in turn."""
    with desk_for(config, database) as desk:
        found = _found(desk.store, park_uuid)
        if found.generation == generation:
            raise OperatorError(f"Generation {generation} is the current one already.")
        wanted = next((one for one in desk.store.generations(park_uuid) if one.generation == generation), None)
        records = 0 if wanted is None else wanted.records
        detail = f"{found.generation} ({found.records}) → {generation} ({records})"
        deed = deed_of_command("park.restore", park_uuid=park_uuid, subject=str(generation), detail=detail)
        if wanted is None or not desk.store.restore(park_uuid, generation, clock_us(), deed):
            raise OperatorError(
                f"Park {park_uuid} has no generation {generation} to restore; see: vipgate park generations {park_uuid}"
            )
    typer.echo(f"generation {found.generation} ({found.records} records) → {generation} ({records} records)")


@park.command("held")
def held(park_uuid: ParkUuid, config: Config = None, database: Database = None, output: Output = Format.TEXT) -> None:
    """Requests with `complete=1` that wait for a yes, newest first; `vipgate request SEQNO --body` shows what one says."""
    now_us = clock_us()
    with desk_for(config, database) as desk:
        _found(desk.store, park_uuid)
        rows = [
            {
                "seqno": one.seqno,
                "first": shown_instant(one.first_us),
                "last": shown_instant(one.last_us),
                "times": one.times,
                "bytes": one.body_bytes,
                "allowed": one.is_allowed(now_us),
            }
            for one in desk.browse.held_replaces(park_uuid, 0, HELD_SHOWN_MAX)
        ]
    print_many(rows, ("seqno", "first", "last", "times", "bytes", "allowed"), output)


HeldSeqno = Annotated[str, typer.Argument(help="As `vipgate park held` lists it, or as the park was answered.")]


@park.command("allow-replace")
def allow_replace(
    park_uuid: ParkUuid,
    seqno: HeldSeqno,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take a yes back that was not used yet.")] = False,
    config: Config = None,
    database: Database = None,
) -> None:
    """Let a held replace through, once, when the park sends it again within a day. What came since it was first sent is deleted."""
    with desk_for(config, database) as desk:
        one = _waiting(desk, park_uuid, seqno.strip())
        action = "park.disallow_replace" if withdraw else "park.allow_replace"
        deed = deed_of_command(action, park_uuid=park_uuid, subject=one.seqno)
        if not withdraw:
            desk.store.allow_replace(park_uuid, one.body_sha256, clock_us(), deed)
        elif not desk.store.disallow_replace(park_uuid, one.body_sha256, deed):
            raise OperatorError(f"{one.seqno} was not allowed; see: vipgate park held {park_uuid}")
    told = "The park may send it again within a day; this once it is carried out."
    typer.echo("It is held again." if withdraw else told)


@park.command("dismiss-replace")
def dismiss_replace(park_uuid: ParkUuid, seqno: HeldSeqno, config: Config = None, database: Database = None) -> None:
    """Take a held replace off the list, with its body and any yes to it. If the same comes again, it is held and listed anew."""
    with desk_for(config, database) as desk:
        one = _waiting(desk, park_uuid, seqno.strip())
        deed = deed_of_command("park.dismiss_replace", park_uuid=park_uuid, subject=one.seqno)
        if not desk.store.dismiss_replace(park_uuid, one.body_sha256, deed):
            raise _not_held(park_uuid, seqno)
    typer.echo("Dismissed; if the park sends the same again, it is held and listed anew.")


def _waiting(desk: Desk, park_uuid: str, seqno: str) -> HeldStock:
    """The held replace that `seqno` or an earlier time of the same body was."""
    _found(desk.store, park_uuid)
    entry = desk.store.journal_entry(seqno)
    if entry is None or entry.park_uuid != park_uuid or entry.code != HeldReplace.code:
        raise _not_held(park_uuid, seqno)
    for one in desk.browse.held_replaces(park_uuid, 0, HELD_SHOWN_MAX):
        if one.body_sha256 == entry.caller.body_sha256:
            return one
    raise _not_held(park_uuid, seqno)


def _not_held(park_uuid: str, seqno: str) -> OperatorError:
    return OperatorError(f"{seqno[:64]} is no held replace of park {park_uuid}; see: vipgate park held {park_uuid}")
