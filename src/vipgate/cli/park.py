"""`vipgate park …`: registers and shows parks, manages their secrets and settings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from ipaddress import ip_network
from typing import Annotated, Any, Final

import typer

from vipgate.cli.common import (
    Config,
    DatabaseOption,
    Format,
    Output,
    ParkUuid,
    Secret,
    print_many,
    print_one,
    read_secret,
    shown_instant,
)
from vipgate.cli.database import (
    audit_entry,
    checked_vault_for,
    found_park,
    open_configured_database,
    settings_for,
    unknown_park,
)
from vipgate.clock import clock_us
from vipgate.errors import UsageError
from vipgate.protocol.charset import Charset
from vipgate.protocol.envelope import PARK_UUID_CHARS_MAX
from vipgate.store.interfaces.accounts import AuditEntry
from vipgate.store.interfaces.admin import RETENTION_DAYS_MAX, Database
from vipgate.store.interfaces.ledger import Park, ParkChange, Store
from vipgate.store.interfaces.queries import ParkDetails
from vipgate.support.vault import make_secret

PARKS_A_PAGE: Final = 500
CHARSET_OPTION: Final = typer.Option(
    help="Charset of the park's requests; a push that declares another one is rejected (400). After a change of charset, "
    "rotate the secret and retire the old one, so that no recording from before is read again."
)

park = typer.Typer(no_args_is_help=True, help="Register parks, rotate their secrets, restore replaced generations.")


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
        "charset": found.charset,
        "created": shown_instant(found.created_us),
    }


@park.command("add")
def add(
    park_uuid: ParkUuid,
    name: Annotated[str, typer.Option(help="Display name.")] = "",
    secret: Secret = None,
    charset: Annotated[Charset, CHARSET_OPTION] = "utf-8",
    config: Config = None,
    database: DatabaseOption = None,
    output: Output = Format.TEXT,
) -> None:
    """Register a park. Without --secret, a strong secret is generated and shown only once."""
    park_uuid = park_uuid.strip()
    if not 0 < len(park_uuid) <= PARK_UUID_CHARS_MAX or not park_uuid.isprintable():
        raise UsageError(f"A park_uuid has 1 to {PARK_UUID_CHARS_MAX} printable characters.")
    chosen = make_secret() if secret is None else read_secret(secret)
    sealed = checked_vault_for(settings_for(config, database)).seal(chosen, park_uuid)
    with open_configured_database(config, database) as db:
        detail = name if charset == "utf-8" else f"{name}; charset: {charset}".removeprefix("; ")
        audited = audit_entry("park.add", park_uuid=park_uuid, subject=park_uuid, detail=detail)
        if not db.store.add_park(park_uuid, name, sealed, clock_us(), audited, charset=charset):
            raise UsageError(
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
def list_(config: Config = None, database: DatabaseOption = None, output: Output = Format.TEXT) -> None:
    """List all parks."""
    with open_configured_database(config, database) as db:
        columns = ("park_uuid", "name", "enabled", "records", "last_push")
        print_many(map(_members, _all_parks(db.store)), columns, output)
        unreachable = db.store.unreachable()
    if unreachable is not None:
        nodes = ", ".join(unreachable.nodes)
        typer.echo(f"Not listed: {unreachable.parks} parks on {nodes}, which does not answer; start it.", err=True)
        raise typer.Exit(1)


def _all_parks(store: Store) -> Iterator[Park]:
    after = ""
    while page := store.reachable_parks(after, PARKS_A_PAGE):
        yield from page
        after = page[-1].park_uuid


@park.command("show")
def show(
    park_uuid: ParkUuid, config: Config = None, database: DatabaseOption = None, output: Output = Format.TEXT
) -> None:
    """Show a park: its settings, records, last push, and which secret it used."""
    with open_configured_database(config, database) as db:
        members = _members(found_park(db.store, park_uuid))
        more = _more(db, park_uuid)
    members |= {"retention_days": more.retention_days, "charge_address": more.charge_address}
    print_one(members, output)


def _more(db: Database, park_uuid: str) -> ParkDetails:
    found = db.queries.park_details(park_uuid)
    if found is None:
        raise unknown_park(park_uuid)
    return found


@park.command("set")
def set_(
    park_uuid: ParkUuid,
    name: Annotated[str | None, typer.Option(help="Display name.")] = None,
    allow: Annotated[
        list[str] | None, typer.Option(help="Address or network that may push (repeatable); 'any' removes the list.")
    ] = None,
    rate_per_minute: Annotated[int | None, typer.Option(min=0, help="Requests per minute; 0: no limit.")] = None,
    require_hmac: Annotated[
        bool | None, typer.Option("--require-hmac/--no-require-hmac", help="Reject MD5 signatures of this park.")
    ] = None,
    hold_replaces: Annotated[
        bool | None,
        typer.Option(
            "--hold-replaces/--no-hold-replaces",
            help="Hold a repeated complete=1 with an MD5 signature until `park allow-replace`. A recorded one that never "
            "arrived here is not held.",
        ),
    ] = None,
    charset: Annotated[Charset | None, CHARSET_OPTION] = None,
    retention_days: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=RETENTION_DAYS_MAX,
            help="Days from a record's end or last change until its plate and cards are erased; 0: never.",
        ),
    ] = None,
    charge_address: Annotated[
        str | None, typer.Option(help="URL of the park's own gateway for its charge types; 'none' removes it.")
    ] = None,
    config: Config = None,
    database: DatabaseOption = None,
) -> None:
    """Change a park's name, allow list, rate, signature, charset, retention, or the address of its own gateway."""
    change = ParkChange(
        name=name,
        allow_list=_networks(allow),
        rate_per_minute=rate_per_minute,
        require_hmac=require_hmac,
        hold_replaces=hold_replaces,
        charset=charset,
    )
    address = _address(charge_address)
    with open_configured_database(config, database) as db:
        before, more = found_park(db.store, park_uuid), _more(db, park_uuid)
        if change != ParkChange():
            db.store.change_park(park_uuid, change, _change_entry(before, change))
        if retention_days is not None:
            detail = f"{_display(more.retention_days)} → {_display(retention_days or None)}"
            audited = audit_entry("park.retention", park_uuid=park_uuid, subject=before.name, detail=detail)
            db.admin.set_retention(park_uuid, retention_days or None, audited)
        if charge_address is not None:
            detail = f"{_display(more.charge_address)} → {_display(address)}"
            audited = audit_entry("park.charge_address", park_uuid=park_uuid, subject=before.name, detail=detail)
            db.admin.set_charge_address(park_uuid, address, audited)


def _address(given: str | None) -> str | None:
    """Parses --charge-address; None for none. Raises UsageError."""
    if given is None or given.strip() in ("", "none"):
        return None
    # Imports an HTTP client, needed only for this option.
    from vipgate.domain.charge_types import ChargeTypesError, check_address

    try:
        return check_address(given)
    except ChargeTypesError as refused:
        raise UsageError(f"--charge-address {given}: {refused.words.en}") from None


def _change_entry(before: Park, change: ParkChange) -> AuditEntry:
    """Builds the audit entry of a change."""
    given = {member: value for member, value in asdict(change).items() if value is not None}
    if change.rate_per_minute == 0:
        given["rate_per_minute"] = None
    pairs = [(member, getattr(before, member), value) for member, value in given.items()]
    detail = "; ".join(f"{member}: {_display(old)} → {_display(new)}" for member, old, new in pairs if old != new)
    return audit_entry("park.change", park_uuid=before.park_uuid, subject=before.name, detail=detail)


def _display(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(value) or "–"
    return "–" if value is None or value == "" else str(value)


def _networks(allow: list[str] | None) -> tuple[str, ...] | None:
    if allow is None:
        return None
    try:
        return tuple(str(ip_network(entry.strip())) for entry in allow if entry.strip() != "any")
    except ValueError as error:
        raise UsageError(
            f"--allow: {error}; write an address such as 10.0.0.7 or a network such as 10.0.0.0/24."
        ) from None


@park.command("rotate-secret")
def rotate_secret(
    park_uuid: ParkUuid,
    secret: Secret = None,
    config: Config = None,
    database: DatabaseOption = None,
    output: Output = Format.TEXT,
) -> None:
    """Give a park a new secret. The old one stays valid until it is retired."""
    chosen = make_secret() if secret is None else read_secret(secret)
    sealed = checked_vault_for(settings_for(config, database)).seal(chosen, park_uuid)
    with open_configured_database(config, database) as db:
        before = found_park(db.store, park_uuid)
        audited = audit_entry("park.rotate_secret", park_uuid=park_uuid)
        if not db.store.rotate_secret(park_uuid, sealed, clock_us(), audited):
            used = before.secret_used or "neither"
            raise UsageError(
                f"Park {park_uuid} still has a previous secret (it last used: {used}); "
                f"first end it with: vipgate park retire-secret {park_uuid}"
            )
    _show_secret(park_uuid, chosen if secret is None else None, output)


@park.command("retire-secret")
def retire_secret(
    park_uuid: ParkUuid,
    force: Annotated[bool, typer.Option("--force", help="Even if the park has not used the new secret yet.")] = False,
    config: Config = None,
    database: DatabaseOption = None,
) -> None:
    """Invalidate a park's previous secret."""
    with open_configured_database(config, database) as db:
        found = found_park(db.store, park_uuid)
        if not found.has_previous_secret:
            raise UsageError(f"Park {park_uuid} has no previous secret; nothing to retire.")
        if found.secret_used != "current" and not force:
            used = "still uses the previous secret" if found.secret_used else "has not pushed since the rotation"
            raise UsageError(f"Park {park_uuid} {used}; retiring it would shut the park out. --force does it anyway.")
        db.store.retire_secret(park_uuid, audit_entry("park.retire_secret", park_uuid=park_uuid))


@park.command("disable")
def disable(park_uuid: ParkUuid, config: Config = None, database: DatabaseOption = None) -> None:
    """Stop accepting a park's pushes. Nothing is deleted."""
    _switch(park_uuid, config, database, enabled=False)


@park.command("enable")
def enable(park_uuid: ParkUuid, config: Config = None, database: DatabaseOption = None) -> None:
    """Accept a park's pushes again."""
    _switch(park_uuid, config, database, enabled=True)


def _switch(park_uuid: str, config: Config, database: DatabaseOption, *, enabled: bool) -> None:
    with open_configured_database(config, database) as db:
        before, change = found_park(db.store, park_uuid), ParkChange(enabled=enabled)
        if before.enabled != enabled:
            db.store.change_park(park_uuid, change, _change_entry(before, change))
