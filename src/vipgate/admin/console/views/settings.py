"""A park's settings: name, who may push, rate, signatures, retention of personal data, secrets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import msgspec
from starlette.responses import Response

from vipgate.admin.console.errors import conflict
from vipgate.admin.console.forms import FormData
from vipgate.admin.console.pages import StaffRoute, path_text
from vipgate.admin.console.request import StaffRequest
from vipgate.admin.console.urls import park_at
from vipgate.admin.console.views.park import SIGNATURE_DAYS, find, no_park, signatures_lately
from vipgate.admin.console.views.parks import PARK_NAME_CHARS_MAX, SECRET_CHARS_MAX, read_charset
from vipgate.admin.console.views.secret_shown import once
from vipgate.domain.charge_types import ChargeTypesError, check_address
from vipgate.domain.park_health import Health
from vipgate.protocol.charset import Charset
from vipgate.store.interfaces.accounts import AuditEntry
from vipgate.store.interfaces.admin import RETENTION_DAYS_MAX, Database
from vipgate.store.interfaces.ledger import Park, ParkChange
from vipgate.store.interfaces.queries import ParkDetails, Signatures
from vipgate.support.vault import make_secret

NETWORKS_MAX: Final = 100
RATE_MAX: Final = 100_000
ADDRESS_CHARS_MAX: Final = 500
PARK_FIELDS: Final = ("name", "enabled", "allow_list", "rate_per_minute", "require_hmac", "hold_replaces", "charset")


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsForm:
    """The submitted settings. None: no limit, kept forever, no address."""

    name: str
    enabled: bool
    allow_list: tuple[str, ...]
    rate_per_minute: int | None
    require_hmac: bool
    hold_replaces: bool
    charset: Charset
    retention_days: int | None
    charge_address: str | None


@dataclass(frozen=True, slots=True)
class SettingsView:
    """What the page shows of a park."""

    park: Park
    more: ParkDetails
    health: Health
    signatures: Signatures

    @property
    def seen(self) -> str:
        """Hash of the settings shown. The form returns it, so that a save does not undo a colleague's later change."""
        shown = [getattr(self.park, name) for name in PARK_FIELDS]
        encoded = msgspec.json.encode([*shown, self.more.retention_days, self.more.charge_address])
        return sha256(encoded).hexdigest()[:16]


async def show(visit: StaffRequest) -> Response:
    """Shows the page."""
    return await _page(visit, visit.form)


async def _page(visit: StaffRequest, form: FormData, status: int = 200, *, moved: bool = False) -> Response:
    state = await _read(visit)
    # The hash from when the form was filled in stays while its errors are corrected.
    seen = form.get("seen") or state.seen
    return visit.page(
        "park_settings.html", status=status, form=form, state=state, seen=seen, moved=moved, days=SIGNATURE_DAYS
    )


async def _read(visit: StaffRequest) -> SettingsView:
    park_uuid = path_text(visit, "park_uuid")

    def read(database: Database) -> SettingsView:
        park, health = find(database, park_uuid, visit.now_us)
        more = database.queries.park_details(park_uuid)
        if more is None:
            raise no_park(park_uuid)
        return SettingsView(park, more, health, signatures_lately(database, park_uuid, visit.now_us))

    return await visit.database(read)


def read_wanted(form: FormData) -> SettingsForm:
    """Reads the form; adds errors to it."""
    address = form.text("charge_address", ADDRESS_CHARS_MAX) or None
    if address is not None:
        try:
            address = check_address(address)
        except ChargeTypesError as refused:
            form.fault("charge_address", refused.words.zh, refused.words.en)
    return SettingsForm(
        name=form.text("name", PARK_NAME_CHARS_MAX),
        enabled=form.ticked("enabled"),
        allow_list=form.networks("allow_list", NETWORKS_MAX),
        rate_per_minute=form.whole("rate_per_minute", 1, RATE_MAX),
        require_hmac=form.ticked("require_hmac"),
        hold_replaces=form.ticked("hold_replaces"),
        charset=read_charset(form),
        retention_days=form.whole("retention_days", 1, RETENTION_DAYS_MAX),
        charge_address=address,
    )


async def change(visit: StaffRequest) -> Response:
    """Saves what differs, with old and new values in the audit log; nothing if the settings changed since the form was shown."""
    state = await _read(visit)
    wanted = read_wanted(visit.form)
    if visit.form.errors:
        return await _page(visit, visit.form, 422)
    if visit.form.get("seen") != state.seen:
        return await _page(visit, FormData([]), 409, moved=True)
    steps = _steps(visit, state.park, state.more, wanted)

    def do(database: Database) -> None:
        for step in steps:
            step(database)

    await visit.database(do)
    visit.context.park_status.forget()
    return visit.go(park_at(state.park.park_uuid, "/settings"), "park_saved" if steps else "nothing_changed")


def _steps(
    visit: StaffRequest, park: Park, more: ParkDetails, wanted: SettingsForm
) -> list[Callable[[Database], object]]:
    def entry(action: str, before: object, after: object) -> AuditEntry:
        return visit.audit_entry(action, park_uuid=park.park_uuid, subject=park.name, detail=f"{before} → {after}")

    steps: list[Callable[[Database], object]] = []
    differing = {
        name: (getattr(park, name), getattr(wanted, name))
        for name in PARK_FIELDS
        if getattr(park, name) != getattr(wanted, name)
    }
    if differing:
        detail = "; ".join(
            f"{name}: {_audit_text(before)} → {_audit_text(after)}" for name, (before, after) in differing.items()
        )
        noted = visit.audit_entry("park.change", park_uuid=park.park_uuid, subject=park.name, detail=detail)
        parts = ParkChange(
            name=wanted.name if "name" in differing else None,
            enabled=wanted.enabled if "enabled" in differing else None,
            allow_list=wanted.allow_list if "allow_list" in differing else None,
            rate_per_minute=(wanted.rate_per_minute or 0) if "rate_per_minute" in differing else None,
            require_hmac=wanted.require_hmac if "require_hmac" in differing else None,
            hold_replaces=wanted.hold_replaces if "hold_replaces" in differing else None,
            charset=wanted.charset if "charset" in differing else None,
        )
        steps.append(lambda database: database.store.change_park(park.park_uuid, parts, noted))
    if more.retention_days != wanted.retention_days:
        kept = entry("park.retention", _audit_text(more.retention_days), _audit_text(wanted.retention_days))
        steps.append(lambda database: database.admin.set_retention(park.park_uuid, wanted.retention_days, kept))
    if more.charge_address != wanted.charge_address:
        moved = entry("park.charge_address", _audit_text(more.charge_address), _audit_text(wanted.charge_address))
        steps.append(lambda database: database.admin.set_charge_address(park.park_uuid, wanted.charge_address, moved))
    return steps


def _audit_text(value: object) -> str:
    """Formats a setting for the audit log."""
    if isinstance(value, tuple):
        return ", ".join(value) or "–"
    return "–" if value is None or value == "" else str(value)


async def rotate(visit: StaffRequest) -> Response:
    """Adds a new secret next to the current one, and shows it once."""
    park_uuid = path_text(visit, "park_uuid")
    given = visit.form.text("secret", SECRET_CHARS_MAX)
    if visit.form.errors:
        return await _page(visit, visit.form, 422)
    secret = given or make_secret()
    sealed = visit.context.vault.seal(secret, park_uuid)
    entry = visit.audit_entry("park.rotate_secret", park_uuid=park_uuid)

    def do(database: Database) -> bool:
        if database.store.find_park(park_uuid) is None:
            raise no_park(park_uuid)
        return database.store.rotate_secret(park_uuid, sealed, visit.now_us, entry)

    if not await visit.database(do):
        raise conflict("旧密钥仍然有效，请先停用旧密钥", "an old secret is still valid; retire it first")
    visit.context.park_status.forget()
    settings = park_at(park_uuid, "/settings")
    return visit.go(settings, "rotated") if given else once(visit, "once.rotated", secret, park_uuid, settings)


async def retire(visit: StaffRequest) -> Response:
    """Retires the old secret."""
    park_uuid = path_text(visit, "park_uuid")
    entry = visit.audit_entry("park.retire_secret", park_uuid=park_uuid)

    if not await visit.database(lambda database: database.store.retire_secret(park_uuid, entry)):
        raise conflict("没有可停用的旧密钥", "there is no old secret to retire")
    visit.context.park_status.forget()
    return visit.go(park_at(park_uuid, "/settings"), "retired")


PAGES: Final = (
    StaffRoute("/parks/{park_uuid}/settings", show),
    StaffRoute("/parks/{park_uuid}/settings", change, "POST", role="operator"),
    StaffRoute("/parks/{park_uuid}/secret/rotate", rotate, "POST", role="operator"),
    StaffRoute("/parks/{park_uuid}/secret/retire", retire, "POST", role="operator"),
)
