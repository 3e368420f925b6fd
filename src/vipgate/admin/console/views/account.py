"""The user's own account: password, language, sessions."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from vipgate.admin.auth.passwords import PASSWORD_CHARS_MAX, hash_password, verify_password
from vipgate.admin.console.errors import conflict
from vipgate.admin.console.forms import FormData
from vipgate.admin.console.pages import StaffRoute
from vipgate.admin.console.request import StaffRequest
from vipgate.admin.console.views.login import enter, read_new_password
from vipgate.store.interfaces.admin import Database


async def show(visit: StaffRequest) -> Response:
    """Shows the page."""
    return await _page(visit, visit.form)


async def _page(visit: StaffRequest, form: FormData, status: int = 200) -> Response:
    sessions = await visit.database(lambda database: database.accounts.list_sessions(visit.user.name, visit.now_us))
    return visit.page("account.html", status=status, form=form, sessions=sessions)


async def change_password(visit: StaffRequest) -> Response:
    """Changes the password if the old one is right; ends all other sessions."""
    form, hashing = visit.form, visit.context.hashing
    password = read_new_password(form)
    old = form.raw("old")[:PASSWORD_CHARS_MAX]
    wait_s = visit.context.throttle.attempt(visit.user.name, visit.peer, visit.now_us / 1_000_000)
    if wait_s > 0:
        form.fault("old", f"尝试次数过多，请 {wait_s:.0f} 秒后重试", f"too many attempts; try again in {wait_s:.0f} s")
    elif not await hashing.run(lambda: verify_password(visit.user.password, old)):
        form.fault("old", "不正确", "not right")
    else:
        visit.context.throttle.passed(visit.user.name, visit.peer)
    if form.errors:
        return await _page(visit, form, 422)
    hashed = await hashing.run(lambda: hash_password(password))
    entry = visit.audit_entry("user.password", subject=visit.user.name)
    await visit.database(lambda database: database.accounts.change_user(visit.user.name, entry, password=hashed))
    return await enter(visit, visit.user, "login", "/account?done=password_changed")


async def end_session(visit: StaffRequest) -> Response:
    """Ends another session of the user."""
    digest = visit.form.get("session")
    entry = visit.audit_entry("session.end", subject=visit.user.name)

    def end(database: Database) -> bool:
        own = database.accounts.list_sessions(visit.user.name, visit.now_us)
        if not any(one.digest == digest for one in own):
            return False
        database.accounts.end_session(digest)
        database.accounts.write_audit_entry(entry)
        return True

    if not await visit.database(end):
        raise conflict("这个会话已经结束", "this session has ended already")
    return visit.go("/account", "session_ended")


PAGES: Final = (
    StaffRoute("/account", show),
    StaffRoute("/account/password", change_password, "POST"),
    StaffRoute("/account/sessions/end", end_session, "POST"),
)
