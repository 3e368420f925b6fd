"""The user's own account: password, language, sessions."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from vipgate.admin.auth.passwords import PASSWORD_CHARS_MAX, hash_password, verify_password
from vipgate.admin.console.pages import StaffRoute
from vipgate.admin.console.request import StaffRequest
from vipgate.admin.console.views.login import enter, read_new_password
from vipgate.store.interfaces.admin import Database
from vipgate.support.web.errors import conflict
from vipgate.support.web.forms import FormData


async def show(staff: StaffRequest) -> Response:
    """Shows the page."""
    return await _page(staff, staff.form)


async def _page(staff: StaffRequest, form: FormData, status: int = 200) -> Response:
    sessions = await staff.database(lambda database: database.accounts.list_sessions(staff.user.name, staff.now_us))
    return staff.page("account.html", status=status, form=form, sessions=sessions)


async def change_password(staff: StaffRequest) -> Response:
    """Changes the password if the old one is right; ends all other sessions."""
    form, hashing = staff.form, staff.context.hashing
    password = read_new_password(form)
    old = form.raw("old")[:PASSWORD_CHARS_MAX]
    wait_s = staff.context.throttle.attempt(staff.user.name, staff.peer, staff.now_us / 1_000_000)
    if wait_s > 0:
        form.fault("old", f"尝试次数过多，请 {wait_s:.0f} 秒后重试", f"too many attempts; try again in {wait_s:.0f} s")
    elif not await hashing.run(lambda: verify_password(staff.user.password, old)):
        form.fault("old", "不正确", "not right")
    else:
        staff.context.throttle.passed(staff.user.name, staff.peer)
    if form.errors:
        return await _page(staff, form, 422)
    hashed = await hashing.run(lambda: hash_password(password))
    entry = staff.audit_entry("user.password", subject=staff.user.name)
    await staff.database(lambda database: database.accounts.change_user(staff.user.name, entry, password=hashed))
    return await enter(staff, staff.user, "login", "/account?done=password_changed")


async def end_session(staff: StaffRequest) -> Response:
    """Ends another session of the user."""
    digest = staff.form.get("session")
    entry = staff.audit_entry("session.end", subject=staff.user.name)

    def end(database: Database) -> bool:
        own = database.accounts.list_sessions(staff.user.name, staff.now_us)
        if not any(one.digest == digest for one in own):
            return False
        database.accounts.end_session(digest)
        database.accounts.write_audit_entry(entry)
        return True

    if not await staff.database(end):
        raise conflict("这个会话已经结束", "this session has ended already")
    return staff.go("/account", "session_ended")


PAGES: Final = (
    StaffRoute("/account", show),
    StaffRoute("/account/password", change_password, "POST"),
    StaffRoute("/account/sessions/end", end_session, "POST"),
)
