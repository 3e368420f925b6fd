"""The signature check: explains what is wrong with a park's signature."""

from __future__ import annotations

from functools import partial
from typing import Final

from markupsafe import escape
from starlette.responses import Response

from vipgate.admin.console.pages import StaffRoute
from vipgate.admin.console.park_filter import PARK_CHARS_MAX, choose_park, parks_to_offer
from vipgate.admin.console.request import StaffRequest
from vipgate.admin.console.signature_check import (
    CODINGS,
    SignatureFinding,
    examine,
    examine_hmac,
    park_named,
    read_bodies,
    refusal_for_charset,
)
from vipgate.errors import UsageError
from vipgate.i18n import LocalizedText
from vipgate.protocol.authentication import ParkSecrets
from vipgate.protocol.signature_hmac import HMAC_MARK, WebhookSignature
from vipgate.protocol.signature_md5 import AUTHORIZATION_CHARS_MAX, DIAGNOSIS_BYTES_MAX
from vipgate.store.interfaces.admin import Database
from vipgate.store.interfaces.ledger import Park
from vipgate.support.web.errors import PageError
from vipgate.support.web.forms import FormData

SECRET_CHARS_MAX: Final = 256
# URL encoding takes three characters for most bytes.
FORM_BYTES_MAX: Final = 3 * DIAGNOSIS_BYTES_MAX + 16 * 1024
# A longer text is not shown again in the response.
ECHO_BYTES_MAX: Final = 24 * 1024
_ROLE: Final = LocalizedText(
    "使用平台保存的密钥需要运营权限；请改为输入密钥",
    "only operators may use the stored secret; enter the secret instead",
)


async def show(staff: StaffRequest) -> Response:
    """Shows the form, with the park that the query names."""
    offered = await staff.database(parks_to_offer) if staff.may("operator") else []
    return _page(staff, FormData([("park", staff.query.text("park", PARK_CHARS_MAX))]), None, None, offered)


def _page(
    staff: StaffRequest,
    form: FormData,
    finding: SignatureFinding | None,
    park: Park | None,
    offered: list[Park],
    refused: LocalizedText | None = None,
) -> Response:
    return staff.page(
        "signature_check.html",
        status=422 if form.errors else 200,
        form=form,
        finding=finding,
        refused=refused,
        park=park,
        offered=offered,
        codings=[(coding, staff.translator(f"signature_check.coding.{coding}")) for coding in CODINGS],
    )


async def ask(staff: StaffRequest) -> Response:
    """Checks the submitted signature. A typed secret is neither stored nor sent back."""
    form = staff.form
    sent = _headers(form)
    secret = form.raw("secret")
    if len(secret) > SECRET_CHARS_MAX:
        form.fault("secret", f"最多 {SECRET_CHARS_MAX} 个字符", f"at most {SECRET_CHARS_MAX} characters")
    if not secret:
        if form.get("park") and not staff.may("operator"):
            raise PageError(403, _ROLE)
        if not staff.may("operator"):
            form.fault("secret", "必填", "required")
    bodies = read_bodies(form)
    typed = ParkSecrets(secret) if secret else None
    finding, park, offered = await staff.database(partial(_examine, staff=staff, bodies=bodies, sent=sent, typed=typed))
    refused = None if park is None else refusal_for_charset(bodies[0], form.get("coding"), park.charset)
    return _page(staff, _echo(form), finding, park, offered, refused)


def _headers(form: FormData) -> WebhookSignature:
    """Reads the signature, with id and timestamp for HMAC; adds errors to the form."""
    sent = WebhookSignature(*(form.raw(name).strip() for name in ("webhook_id", "webhook_timestamp", "authorization")))
    for name, text in (
        ("authorization", sent.signature),
        ("webhook_id", sent.id),
        ("webhook_timestamp", sent.timestamp),
    ):
        if len(text) > AUTHORIZATION_CHARS_MAX:
            form.fault(name, f"最多 {AUTHORIZATION_CHARS_MAX} 个字符", f"at most {AUTHORIZATION_CHARS_MAX} characters")
    if sent.signature.startswith(HMAC_MARK) and not (sent.id and sent.timestamp):
        form.fault("webhook_id", "HMAC 签名还需要 id 和 timestamp", "an HMAC signature needs its id and timestamp")
    return sent


def _examine(
    database: Database, staff: StaffRequest, bodies: list[bytes], sent: WebhookSignature, typed: ParkSecrets | None
) -> tuple[SignatureFinding | None, Park | None, list[Park]]:
    form = staff.form
    offered = parks_to_offer(database) if staff.may("operator") else []
    if form.errors:
        return None, None, offered
    if typed is not None:
        return _look(staff, bodies, sent, typed), None, offered
    if not form.get("park"):
        form = FormData([("park", park_named(bodies))])
    park = choose_park(database, form)
    keys = None if park is None else _keys(database, staff, park.park_uuid)
    if park is None or keys is None:
        words = form.errors.get("park") or LocalizedText(
            "请填写车场或密钥；正文里没有可用的 park_uuid",
            "enter a park or a secret; the body has no usable park_uuid",
        )
        staff.form.fault("park", words.zh, words.en)
        return None, None, offered
    # Audited: the result contains a signature with which one could push as the park.
    database.accounts.write_audit_entry(
        staff.audit_entry("signature.check", park_uuid=park.park_uuid, subject=park.name)
    )
    return _look(staff, bodies, sent, keys), park, offered


def _look(staff: StaffRequest, bodies: list[bytes], sent: WebhookSignature, keys: ParkSecrets) -> SignatureFinding:
    """Checks HMAC if id or timestamp is given, else MD5."""
    if sent.id or sent.timestamp:
        return examine_hmac(bodies, sent, keys, staff.now_us / 1_000_000)
    return examine(bodies, sent.signature, keys)


def _keys(database: Database, staff: StaffRequest, park_uuid: str) -> ParkSecrets | None:
    access = database.store.park_access(park_uuid)
    if access is None:
        return None
    vault = staff.context.vault
    try:
        previous = None if access.previous_secret is None else vault.open(access.previous_secret, park_uuid)
        return ParkSecrets(vault.open(access.secret, park_uuid), previous)
    except UsageError as error:
        raise PageError(409, LocalizedText(f"无法打开该车场的密钥: {error}", str(error))) from None


def _echo(form: FormData) -> FormData:
    """Returns the fields to show again: never the secret, no long text."""
    shown = FormData(
        [
            (name, form.raw(name))
            for name in ("body", "coding", "authorization", "webhook_id", "webhook_timestamp", "park")
            if len(escape(form.raw(name)).encode()) <= ECHO_BYTES_MAX
        ]
    )
    shown.errors = form.errors
    return shown


PAGES: Final = (
    StaffRoute("/signature-check", show),
    StaffRoute("/signature-check", ask, "POST", body_bytes_max=FORM_BYTES_MAX),
)
