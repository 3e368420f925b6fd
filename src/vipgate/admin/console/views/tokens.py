"""Tokens of the read API, for administrators."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from vipgate.admin.auth.api_tokens import TOKEN_NAME_CHARS_MAX, make_token
from vipgate.admin.auth.sessions import hash_token
from vipgate.admin.console.pages import StaffRoute
from vipgate.admin.console.request import StaffRequest
from vipgate.admin.console.views.parks import PARK_UUID_CHARS_MAX
from vipgate.admin.console.views.secret_shown import once
from vipgate.store.interfaces.accounts import SCOPES, Token
from vipgate.store.interfaces.admin import Database
from vipgate.support.web.errors import conflict
from vipgate.support.web.forms import FormData


async def show(staff: StaffRequest) -> Response:
    """Shows the list and the form for a new token."""
    return await _page(staff, staff.form)


async def _page(staff: StaffRequest, form: FormData, status: int = 200) -> Response:
    tokens = await staff.database(lambda database: database.accounts.list_tokens())
    return staff.page("tokens.html", status=status, tokens=tokens, scopes=SCOPES, form=form, ticked=form.all("scope"))


async def add(staff: StaffRequest) -> Response:
    """Creates a token, which is shown once."""
    form = staff.form
    name = form.text("name", TOKEN_NAME_CHARS_MAX, needed=True)
    park_uuid = form.text("park_uuid", PARK_UUID_CHARS_MAX) or None
    scopes = tuple(scope for scope in SCOPES if scope in form.all("scope"))
    if not scopes:
        form.fault("scope", "至少选择一项", "choose one or more")
    if form.errors:
        return await _page(staff, form, 422)
    secret = make_token(staff.context.new_secret)
    token = Token(
        number=0,
        name=name,
        digest=hash_token(secret),
        scopes=scopes,
        park_uuid=park_uuid,
        masked=form.ticked("masked"),
        created_us=staff.now_us,
        used_us=None,
        revoked_us=None,
    )
    detail = f"{', '.join(scopes)}; plates: {'masked' if token.masked else 'in the clear'}"
    entry = staff.audit_entry("token.add", park_uuid=park_uuid, subject=name, detail=detail)

    def do(database: Database) -> None:
        if park_uuid is not None and database.store.find_park(park_uuid) is None:
            form.fault("park_uuid", "没有这个车场", "there is no such park")
        elif not database.accounts.add_token(token, entry):
            form.fault("name", "已有这个名称的令牌", "there is a token of this name")

    await staff.database(do)
    return await _page(staff, form, 422) if form.errors else once(staff, "secret_shown.token", secret, name, "/tokens")


async def revoke(staff: StaffRequest) -> Response:
    """Revokes a token."""
    name = staff.form.raw("name")
    entry = staff.audit_entry("token.revoke", subject=name)
    if not await staff.database(lambda database: database.accounts.revoke_token(name, staff.now_us, entry)):
        raise conflict("这个令牌已经停用", "this token has been revoked already")
    return staff.go("/tokens", "token_revoked")


PAGES: Final = (
    StaffRoute("/tokens", show, role="admin"),
    StaffRoute("/tokens", add, "POST", role="admin"),
    StaffRoute("/tokens/revoke", revoke, "POST", role="admin"),
)
