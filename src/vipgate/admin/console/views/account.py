"""One's own account: password, language, where one is logged in."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from vipgate.admin.auth.passwords import (
    PASSWORD_CHARS_MAX,
    hash_password,
    verify_password,
)
from vipgate.admin.console.errors import conflict
from vipgate.admin.console.forms import Fields
from vipgate.admin.console.pages import Page
from vipgate.admin.console.request import StaffVisit
from vipgate.admin.console.views.login import (
    enter,
    read_new_password,
)
from vipgate.store.interfaces.admin import Desk


async def show(visit: StaffVisit) -> Response:
    """The page."""
    return await _page(visit, visit.form)


async def _page(visit: StaffVisit, form: Fields, status: int = 200) -> Response:
    sessions = await visit.desk(lambda desk: desk.staff.list_sessions(visit.user.name, visit.now_us))
    return visit.page("account.html", status=status, form=form, sessions=sessions)


async def change_password(visit: StaffVisit) -> Response:
    """Takes a new password from who knows the old one; all other sessions end."""
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
    if form.faults:
        return await _page(visit, form, 422)
    hashed = await hashing.run(lambda: hash_password(password))
    deed = visit.deed("user.password", subject=visit.user.name)
    await visit.desk(lambda desk: desk.staff.change_user(visit.user.name, deed, password=hashed))
    return await enter(visit, visit.user, "login", "/account?done=password_changed")


async def end_session(visit: StaffVisit) -> Response:
    """Logs out one other session of one's own."""
    digest = visit.form.get("session")
    deed = visit.deed("session.end", subject=visit.user.name)

    def end(desk: Desk) -> bool:
        own = desk.staff.list_sessions(visit.user.name, visit.now_us)
        if not any(one.digest == digest for one in own):
            return False
        desk.staff.end_session(digest)
        desk.staff.note(deed)
        return True

    if not await visit.desk(end):
        raise conflict("这个会话已经结束", "this session has ended already")
    return visit.go("/account", "session_ended")


PAGES: Final = (
    Page("/account", show),
    Page("/account/password", change_password, "POST"),
    Page("/account/sessions/end", end_session, "POST"),
)
