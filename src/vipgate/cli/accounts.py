"""`vipgate user …`, `token …`, `erase`, `audit`: accounts, API tokens, erasure of plates, the audit log."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator
from dataclasses import asdict
from getpass import getpass
from typing import Annotated, Any, Final

import typer

from vipgate.admin.auth.api_tokens import TOKEN_NAME_CHARS_MAX, make_token
from vipgate.cli.common import (
    Config,
    DatabaseOption,
    Format,
    Output,
    print_many,
    print_one,
    read_secret,
    shown_instant,
    warn,
)
from vipgate.cli.database import audit_entry, open_configured_database, unknown_park
from vipgate.clock import clock_us
from vipgate.domain.masking import mask_plate
from vipgate.errors import UsageError
from vipgate.protocol.renewal import PLATE_CHARS_MAX, normalize_plate
from vipgate.store.interfaces.accounts import ROLES, SCOPES, AccountStore, AuditEntry, Role, Scope, Token, User

ENTRIES_PER_PAGE: Final = 500
ENTRIES_MAX: Final = 100_000
# The scopes of the ledger; metrics of the gateway itself must be requested by name.
SCOPES_UNASKED: Final[tuple[Scope, ...]] = tuple(scope for scope in SCOPES if scope != "metrics")

user = typer.Typer(no_args_is_help=True, help="Manage the console's accounts.")
token = typer.Typer(no_args_is_help=True, help="Manage tokens of the read API.")

UserName = Annotated[str, typer.Argument(help="The account's name.", metavar="NAME")]
RoleName = Annotated[
    str,
    typer.Option(
        "--role",
        help="reader: read only; operator: also changes parks; admin: also accounts, tokens, erasure.",
        metavar="|".join(ROLES),
    ),
]
Plates = Annotated[bool | None, typer.Option("--plates/--no-plates", help="Show plates unmasked to this account.")]
Password = Annotated[
    str | None,
    typer.Option(help="Where to read it: - (standard input), env:NAME (a variable) or file:PATH; default: prompt."),
]


# ---- accounts --------------------------------------------------------------------------------------------------------


def _role(given: str) -> Role:
    for role in ROLES:
        if role == given:
            return role
    raise UsageError(f"--role {given}: there is no such role; choose one of {', '.join(ROLES)}.")


def _hashed_password(given: str | None) -> str:
    """Hashes the password, given or entered at a prompt. Raises UsageError."""
    # Slow to import: most commands do not need it.
    from vipgate.admin.auth.passwords import PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN, hash_password

    password = _asked_password() if given is None else read_secret(given, "--password")
    if not PASSWORD_CHARS_MIN <= len(password) <= PASSWORD_CHARS_MAX:
        raise UsageError(
            f"A password has {PASSWORD_CHARS_MIN} to {PASSWORD_CHARS_MAX} characters, this one has {len(password)}."
        )
    return hash_password(password)


def _asked_password() -> str:
    if not sys.stdin.isatty():
        raise UsageError("There is no terminal to ask on; give --password - and the password on standard input.")
    password = getpass("Password: ")
    if getpass("Again: ") != password:
        raise UsageError("The two are not the same; nothing was changed. Run this again.")
    return password


def _unknown_user(name: str) -> UsageError:
    return UsageError(f"There is no account {name}; see: vipgate user list")


def _rights(role: Role, *, sees_plates: bool) -> str:
    return f"{role}, plates: {'yes' if sees_plates else 'no'}"


@user.command("add")
def add_user(
    name: UserName,
    role: RoleName,
    plates: Plates = False,
    password: Password = None,
    config: Config = None,
    database: DatabaseOption = None,
) -> None:
    """Create an account."""
    from vipgate.admin.auth.passwords import NAME_CHARS_MAX, is_name

    if not is_name(name):
        raise UsageError(
            f"An account's name has 1 to {NAME_CHARS_MAX} letters, digits and . @ - _ ; {name!r} has others."
        )
    made = User(
        name=name,
        role=_role(role),
        password=_hashed_password(password),
        sees_plates=bool(plates),
        enabled=True,
        language=None,
        created_us=clock_us(),
        last_login_us=None,
    )
    entry = audit_entry("user.add", subject=name, detail=_rights(made.role, sees_plates=made.sees_plates))
    with open_configured_database(config, database) as db:
        if not db.accounts.add_user(made, entry):
            raise UsageError(f"There is an account {name} already; change it with: vipgate user set {name}")


@user.command("list")
def list_users(config: Config = None, database: DatabaseOption = None, output: Output = Format.TEXT) -> None:
    """List all accounts."""
    with open_configured_database(config, database) as db:
        rows = [
            {
                "name": one.name,
                "role": one.role,
                "sees_plates": one.sees_plates,
                "enabled": one.enabled,
                "created": shown_instant(one.created_us),
                "last_login": shown_instant(one.last_login_us),
            }
            for one in db.accounts.list_users()
        ]
    print_many(rows, ("name", "role", "sees_plates", "enabled", "last_login"), output)


@user.command("set")
def set_user(
    name: UserName,
    role: Annotated[str | None, typer.Option(help=f"One of {', '.join(ROLES)}.")] = None,
    plates: Plates = None,
    config: Config = None,
    database: DatabaseOption = None,
) -> None:
    """Change an account's role or its access to plates. A new role ends its sessions."""
    wanted = None if role is None else _role(role)
    if wanted is None and plates is None:
        raise UsageError("Nothing to change; give --role, --plates or --no-plates.")
    with open_configured_database(config, database) as db:
        found = _found_user(db.accounts, name)
        after = _rights(wanted or found.role, sees_plates=found.sees_plates if plates is None else plates)
        detail = f"{_rights(found.role, sees_plates=found.sees_plates)} → {after}"
        entry = audit_entry("user.change", subject=name, detail=detail)
        db.accounts.change_user(name, entry, role=wanted, sees_plates=plates)


def _found_user(staff: AccountStore, name: str) -> User:
    found = staff.find_user(name)
    if found is None:
        raise _unknown_user(name)
    return found


@user.command("disable")
def disable_user(name: UserName, config: Config = None, database: DatabaseOption = None) -> None:
    """Block an account's logins and end its sessions. Nothing is deleted."""
    _switch_user(name, config, database, enabled=False)


@user.command("enable")
def enable_user(name: UserName, config: Config = None, database: DatabaseOption = None) -> None:
    """Allow an account to log in again."""
    _switch_user(name, config, database, enabled=True)


def _switch_user(name: str, config: Config, database: DatabaseOption, *, enabled: bool) -> None:
    entry = audit_entry("user.change", subject=name, detail=f"enabled: {'no → yes' if enabled else 'yes → no'}")
    with open_configured_database(config, database) as db:
        if _found_user(db.accounts, name).enabled != enabled:
            db.accounts.change_user(name, entry, enabled=enabled)


@user.command("password")
def set_password(
    name: UserName, password: Password = None, config: Config = None, database: DatabaseOption = None
) -> None:
    """Set an account's new password and end its sessions."""
    with open_configured_database(config, database) as db:
        _found_user(db.accounts, name)
        hashed = _hashed_password(password)
        if not db.accounts.change_user(name, audit_entry("user.password", subject=name), password=hashed):
            raise _unknown_user(name)


# ---- tokens ----------------------------------------------------------------------------------------------------------


def _scopes(given: list[str] | None) -> tuple[Scope, ...]:
    if not given:
        return SCOPES_UNASKED
    unknown = [scope for scope in given if scope not in SCOPES]
    if unknown:
        raise UsageError(f"--scope {unknown[0]}: there is no such scope; choose from {', '.join(SCOPES)}.")
    return tuple(scope for scope in SCOPES if scope in given)


@token.command("add")
def add_token(
    name: Annotated[str, typer.Option(help="The system that uses the token.")],
    park_uuid: Annotated[str | None, typer.Option("--park", help="Only this park.", metavar="PARK_UUID")] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(help="What the token can read (repeatable); default: all but metrics.", metavar="|".join(SCOPES)),
    ] = None,
    masked: Annotated[bool, typer.Option("--masked", help="Mask plates and cards in what it reads.")] = False,
    config: Config = None,
    database: DatabaseOption = None,
    output: Output = Format.TEXT,
) -> None:
    """Create a token. It is shown only once."""
    from vipgate.admin.auth.sessions import hash_token

    if not 0 < len(name) <= TOKEN_NAME_CHARS_MAX or not name.isprintable():
        raise UsageError(f"A token's name has 1 to {TOKEN_NAME_CHARS_MAX} printable characters.")
    scopes = _scopes(scope)
    secret = make_token(secrets.token_urlsafe)
    made = Token(
        number=0,
        name=name,
        digest=hash_token(secret),
        scopes=scopes,
        park_uuid=park_uuid,
        masked=masked,
        created_us=clock_us(),
        used_us=None,
        revoked_us=None,
    )
    detail = f"{', '.join(scopes)}; plates: {'masked' if masked else 'in the clear'}"
    entry = audit_entry("token.add", park_uuid=park_uuid, subject=name, detail=detail)
    with open_configured_database(config, database) as db:
        if park_uuid is not None and db.store.find_park(park_uuid) is None:
            raise unknown_park(park_uuid)
        if not db.accounts.add_token(made, entry):
            raise UsageError(f"There is a token {name} already; end it with: vipgate token revoke {name}")
    print_one({"name": name, "token": secret, "park_uuid": park_uuid, "scopes": list(scopes), "masked": masked}, output)
    if output is Format.TEXT:
        typer.echo("Shown this once: put it where it is used now.", err=True)


@token.command("list")
def list_tokens(config: Config = None, database: DatabaseOption = None, output: Output = Format.TEXT) -> None:
    """List all tokens, revoked ones last."""
    with open_configured_database(config, database) as db:
        rows = [
            {
                "name": one.name,
                "scopes": list(one.scopes),
                "park_uuid": one.park_uuid,
                "masked": one.masked,
                "created": shown_instant(one.created_us),
                "last_used": shown_instant(one.used_us),
                "revoked": shown_instant(one.revoked_us),
            }
            for one in db.accounts.list_tokens()
        ]
    print_many(rows, ("name", "scopes", "park_uuid", "masked", "last_used", "revoked"), output)


@token.command("revoke")
def revoke_token(
    name: Annotated[str, typer.Argument(help="The name, as in `vipgate token list`.", metavar="NAME")],
    config: Config = None,
    database: DatabaseOption = None,
) -> None:
    """Revoke a token at once."""
    with open_configured_database(config, database) as db:
        if not db.accounts.revoke_token(name, clock_us(), audit_entry("token.revoke", subject=name)):
            raise UsageError(f"There is no token {name} in use; see: vipgate token list")


# ---- personal data ---------------------------------------------------------------------------------------------------


def erase(
    plate: Annotated[str, typer.Argument(help="The plate, in any notation.", metavar="PLATE")],
    park_uuid: Annotated[str | None, typer.Option("--park", help="Only in this park.", metavar="PARK_UUID")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    config: Config = None,
    database: DatabaseOption = None,
    output: Output = Format.TEXT,
) -> None:
    """Erase a plate and its personal data from the ledger. Order numbers, times and amounts stay."""
    folded = normalize_plate(plate)
    if not 0 < len(folded) <= PLATE_CHARS_MAX:
        raise UsageError(
            f"A plate has 1 to {PLATE_CHARS_MAX} characters without its blanks, {plate!r} has {len(folded)}."
        )
    with open_configured_database(config, database) as db:
        if park_uuid is not None and db.store.find_park(park_uuid) is None:
            raise unknown_park(park_uuid)
        if not yes:
            _confirm(folded, park_uuid)
        entry = audit_entry("plate.erase", park_uuid=park_uuid, subject=mask_plate(folded))
        erased = db.admin.erase_plate(folded, park_uuid, entry)
    print_one(asdict(erased), output)
    if erased.left_in_log:
        warn(
            "the write-ahead log (-wal) next to the database still holds what was erased, because something reads an older "
            "state (an export, a back-up). The gateway empties it within an hour after that has ended; or run this again."
        )


def _confirm(plate: str, park_uuid: str | None) -> None:
    """Explains the erasure and asks for confirmation. Raises UsageError."""
    where = "all parks" if park_uuid is None else f"park {park_uuid}"
    typer.echo(
        f"In {where}, all records and versions of {plate}, also in restorable generations, lose plate, cards, operator and extra "
        "members. Hints and bodies of rejected requests that mention the plate are erased. Order numbers, times, money and counts "
        "stay. This cannot be undone. Backups keep the data; so do PostgreSQL's old row versions until VACUUM, and its archived "
        "log. The plate comes back if the park pushes a changed record or a complete=1.",
        err=True,
    )
    if not typer.confirm("Erase it?", err=True):
        raise UsageError("Nothing was erased.")


# ---- the audit log ---------------------------------------------------------------------------------------------------


def audit(
    who: Annotated[str | None, typer.Option(help="Only by this actor: an account, token:NAME, or command.")] = None,
    park_uuid: Annotated[str | None, typer.Option("--park", help="Only about this park.", metavar="PARK_UUID")] = None,
    limit: Annotated[int, typer.Option(min=1, max=ENTRIES_MAX, help="Number of entries.")] = 50,
    config: Config = None,
    database: DatabaseOption = None,
    output: Output = Format.TEXT,
) -> None:
    """List the audit log, newest entries first."""
    with open_configured_database(config, database) as db:
        lines = map(_entry_members, _entries(db.accounts, who, park_uuid, limit))
        print_many(lines, ("at", "who", "action", "park_uuid", "subject", "detail", "peer"), output)


def _entries(staff: AccountStore, who: str | None, park_uuid: str | None, limit: int) -> Iterator[AuditEntry]:
    before = None
    while limit > 0 and (page := staff.audit_entries(who, park_uuid, before, min(limit, ENTRIES_PER_PAGE))):
        yield from page
        limit -= len(page)
        before = page[-1].number


def _entry_members(entry: AuditEntry) -> dict[str, Any]:
    return {
        "number": entry.number,
        "at": shown_instant(entry.at_us),
        "who": entry.who,
        "action": entry.action,
        "park_uuid": entry.park_uuid,
        "subject": entry.subject,
        "detail": entry.detail,
        "peer": entry.peer,
    }
