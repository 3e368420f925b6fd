"""A park's settings: name, who may push, rate, signatures, retention of personal data, secrets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import msgspec
from starlette.responses import Response

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
from vipgate.support.web.errors import conflict
from vipgate.support.web.forms import FormData

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


async def show(staff: StaffRequest) -> Response:
    """Shows the page."""
    return await _page(staff, staff.form)


async def _page(staff: StaffRequest, form: FormData, status: int = 200, *, moved: bool = False) -> Response:
    state = await _read(staff)
    # The hash from when the form was filled in stays while its errors are corrected.
    seen = form.get("seen") or state.seen
    return staff.page(
        "park_settings.html", status=status, form=form, state=state, seen=seen, moved=moved, days=SIGNATURE_DAYS
    )


async def _read(staff: StaffRequest) -> SettingsView:
    park_uuid = path_text(staff, "park_uuid")

    def read(database: Database) -> SettingsView:
        park, health = find(database, park_uuid, staff.now_us)
        more = database.queries.park_details(park_uuid)
        if more is None:
            raise no_park(park_uuid)
        return SettingsView(park, more, health, signatures_lately(database, park_uuid, staff.now_us))

    return await staff.database(read)


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


async def change(staff: StaffRequest) -> Response:
    """Saves what differs, with old and new values in the audit log; nothing if the settings changed since the form was shown."""
    state = await _read(staff)
    wanted = read_wanted(staff.form)
    if staff.form.errors:
        return await _page(staff, staff.form, 422)
    if staff.form.get("seen") != state.seen:
        return await _page(staff, FormData([]), 409, moved=True)
    steps = _steps(staff, state.park, state.more, wanted)

    def do(database: Database) -> None:
        for step in steps:
            step(database)

    await staff.database(do)
    staff.context.park_status.forget()
    return staff.go(park_at(state.park.park_uuid, "/settings"), "park_saved" if steps else "nothing_changed")


def _steps(
    staff: StaffRequest, park: Park, more: ParkDetails, wanted: SettingsForm
) -> list[Callable[[Database], object]]:
    def entry(action: str, before: object, after: object) -> AuditEntry:
        return staff.audit_entry(action, park_uuid=park.park_uuid, subject=park.name, detail=f"{before} → {after}")

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
        noted = staff.audit_entry("park.change", park_uuid=park.park_uuid, subject=park.name, detail=detail)
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


async def rotate(staff: StaffRequest) -> Response:
    """Adds a new secret next to the current one, and shows it once."""
    park_uuid = path_text(staff, "park_uuid")
    given = staff.form.text("secret", SECRET_CHARS_MAX)
    if staff.form.errors:
        return await _page(staff, staff.form, 422)
    secret = given or make_secret()
    sealed = staff.context.vault.seal(secret, park_uuid)
    entry = staff.audit_entry("park.rotate_secret", park_uuid=park_uuid)

    def do(database: Database) -> bool:
        if database.store.find_park(park_uuid) is None:
            raise no_park(park_uuid)
        return database.store.rotate_secret(park_uuid, sealed, staff.now_us, entry)

    if not await staff.database(do):
        raise conflict("旧密钥仍然有效，请先停用旧密钥", "an old secret is still valid; retire it first")
    staff.context.park_status.forget()
    settings = park_at(park_uuid, "/settings")
    return staff.go(settings, "rotated") if given else once(staff, "secret_shown.rotated", secret, park_uuid, settings)


async def retire(staff: StaffRequest) -> Response:
    """Retires the old secret."""
    park_uuid = path_text(staff, "park_uuid")
    entry = staff.audit_entry("park.retire_secret", park_uuid=park_uuid)

    if not await staff.database(lambda database: database.store.retire_secret(park_uuid, entry)):
        raise conflict("没有可停用的旧密钥", "there is no old secret to retire")
    staff.context.park_status.forget()
    return staff.go(park_at(park_uuid, "/settings"), "retired")


PAGES: Final = (
    StaffRoute("/parks/{park_uuid}/settings", show),
    StaffRoute("/parks/{park_uuid}/settings", change, "POST", role="operator"),
    StaffRoute("/parks/{park_uuid}/secret/rotate", rotate, "POST", role="operator"),
    StaffRoute("/parks/{park_uuid}/secret/retire", retire, "POST", role="operator"),
)
