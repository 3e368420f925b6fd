"""Login, logout, the first account, the language, and showing plates for a while."""

from __future__ import annotations

import math
from typing import Final

import structlog
from starlette.responses import Response

from vipgate.admin.auth.passwords import (
    NAME_CHARS_MAX,
    PASSWORD_CHARS_MAX,
    PASSWORD_CHARS_MIN,
    hash_password,
    is_name,
    needs_rehash,
    verify_password,
)
from vipgate.admin.auth.sessions import PLATES_SHOWN_US, hash_token, open_session
from vipgate.admin.console.context import HASHING_MAX, HASHING_OF_STRANGERS_MAX
from vipgate.admin.console.pages import PublicRoute, StaffRoute, path_text
from vipgate.admin.console.request import LANGUAGE_COOKIE, LANGUAGE_S, PageRequest, StaffRequest, session_cookie
from vipgate.admin.console.urls import is_local
from vipgate.i18n import LocalizedText
from vipgate.store.interfaces.accounts import AuditEntry, Language, User
from vipgate.store.interfaces.admin import Database
from vipgate.support.web.errors import PageError, not_there
from vipgate.support.web.forms import FormData

SECRET_CHARS_MAX: Final = 128
log = structlog.get_logger("vipgate.admin.console")


async def show_login(staff: PageRequest) -> Response:
    """Shows the form."""
    return _login_page(staff, 200, None)


def _login_page(staff: PageRequest, status: int, trouble: str | None) -> Response:
    fields = staff.form if staff.request.method == "POST" else staff.query
    return staff.page(
        "login.html", status=status, trouble=trouble, name=staff.form.get("name"), next=fields.get("next")
    )


async def login(staff: PageRequest) -> Response:
    """Checks name and password. Unknown name, disabled account and wrong password get the same response."""
    name, password = staff.form.get("name")[:NAME_CHARS_MAX], staff.form.raw("password")[:PASSWORD_CHARS_MAX]
    throttle = staff.context.throttle
    wait_s = math.ceil(throttle.attempt(name, staff.peer, staff.now_us / 1_000_000))
    if wait_s:
        log.warning("login must wait", peer=staff.peer, wait_s=wait_s)
        response = _login_page(staff, 429, staff.translator("login.wait", seconds=wait_s))
        response.headers["retry-after"] = str(wait_s)
        return response
    user = await staff.database(lambda database: database.accounts.find_user(name))
    hashed = user.password if user is not None and user.enabled else None
    queue_max = HASHING_MAX if throttle.knows(name, staff.peer) else HASHING_OF_STRANGERS_MAX
    good = await staff.context.hashing.run(lambda: verify_password(hashed, password), queue_max)
    if not good or user is None:
        log.warning("login failed", peer=staff.peer)
        return _login_page(staff, 422, staff.translator("login.wrong"))
    throttle.passed(name, staff.peer)
    if needs_rehash(user.password):
        await _rehash(staff, user, password)
    return await enter(staff, user, "login", staff.form.get("next"))


async def _rehash(staff: PageRequest, user: User, password: str) -> None:
    hashed = await staff.context.hashing.run(lambda: hash_password(password))
    entry = _audit_entry(staff, user.name, "user.rehash")
    await staff.database(lambda database: database.accounts.change_user(user.name, entry, password=hashed))


async def enter(staff: PageRequest, user: User, action: str, onward: str) -> Response:
    """Opens a session for `user` and redirects to `onward`."""
    secret, session = open_session(user.name, staff.peer, staff.now_us, staff.context.new_secret)
    entry = _audit_entry(staff, user.name, action)
    await staff.database(lambda database: database.accounts.note_login(session, entry))
    response = staff.go(onward if is_local(onward) else "/")
    staff.set_cookie(response, session_cookie(secure=staff.context.settings.secure), secret)
    if user.language is not None:
        staff.set_cookie(response, LANGUAGE_COOKIE, user.language, age_s=LANGUAGE_S)
    return response


def _audit_entry(staff: PageRequest, who: str, action: str) -> AuditEntry:
    return AuditEntry(
        at_us=staff.now_us, who=who, action=action, park_uuid=None, subject=who, detail="", peer=staff.peer
    )


async def logout(staff: StaffRequest) -> Response:
    """Ends this session."""
    entry = staff.audit_entry("logout", subject=staff.user.name)

    def end(database: Database) -> None:
        database.accounts.end_session(staff.session.digest)
        database.accounts.write_audit_entry(entry)

    await staff.database(end)
    response = staff.go("/login", "logout")
    response.delete_cookie(
        session_cookie(secure=staff.context.settings.secure),
        secure=staff.context.settings.secure,
        httponly=True,
        samesite="strict",
    )
    return response


async def show_welcome(staff: PageRequest) -> Response:
    """Shows the form for the first account, behind the one-time link."""
    digest = _invitation(staff)
    if not await staff.database(lambda database: database.accounts.find_invitation(digest, staff.now_us)):
        raise _no_invitation()
    return staff.page("welcome.html", form=staff.form, action=staff.here)


async def welcome(staff: PageRequest) -> Response:
    """Creates the first account, an administrator, and logs it in."""
    digest = _invitation(staff)
    name = read_name(staff.form)
    password = read_new_password(staff.form)
    if staff.form.errors:
        return staff.page("welcome.html", status=422, form=staff.form, action=staff.here)
    if not await staff.database(lambda database: database.accounts.find_invitation(digest, staff.now_us)):
        raise _no_invitation()
    hashed = await staff.context.hashing.run(lambda: hash_password(password))
    user = User(
        name=name,
        role="admin",
        password=hashed,
        sees_plates=True,
        enabled=True,
        language=staff.translator.language,
        created_us=staff.now_us,
        last_login_us=None,
    )
    entry = _audit_entry(staff, name, "user.first")
    if not await staff.database(lambda database: database.accounts.take_invitation(digest, user, staff.now_us, entry)):
        raise _no_invitation()
    return await enter(staff, user, "login", "/")


def _invitation(staff: PageRequest) -> str:
    return hash_token(path_text(staff, "secret")[:SECRET_CHARS_MAX])


def _no_invitation() -> PageError:
    return not_there(
        "链接不正确、已使用或已过期；请在服务器上用 vipgate user add 新建账号",
        "the link is wrong, used or expired; create an account on the server: vipgate user add",
    )


def read_name(form: FormData) -> str:
    """Reads the name of a new account."""
    name = form.text("name", NAME_CHARS_MAX, needed=True)
    if name and not is_name(name):
        form.fault("name", "只能用文字、数字和 . @ - _", "letters, digits and . @ - _ only")
    return name


def read_new_password(form: FormData) -> str:
    """Reads a new password, typed twice."""
    password = form.raw("password")
    if len(password) < PASSWORD_CHARS_MIN:
        form.fault("password", f"至少 {PASSWORD_CHARS_MIN} 个字符", f"at least {PASSWORD_CHARS_MIN} characters")
    if len(password) > PASSWORD_CHARS_MAX:
        form.fault("password", f"最多 {PASSWORD_CHARS_MAX} 个字符", f"at most {PASSWORD_CHARS_MAX} characters")
    if form.raw("again") != password:
        form.fault("again", "两次输入不一致", "not the same as above")
    return password


async def choose_language(staff: PageRequest) -> Response:
    """Stores a guest's language in a cookie."""
    response = staff.go(onward(staff))
    staff.set_cookie(response, LANGUAGE_COOKIE, staff.form.choice("language", ("zh", "en")), age_s=LANGUAGE_S)
    return response


async def choose_own_language(staff: StaffRequest) -> Response:
    """Stores the user's language in the account and in a cookie."""
    wanted: Language = "en" if staff.form.get("language") == "en" else "zh"
    entry = staff.audit_entry("user.language", subject=staff.user.name, detail=wanted)
    await staff.database(lambda database: database.accounts.change_user(staff.user.name, entry, language=wanted))
    response = staff.go(onward(staff))
    staff.set_cookie(response, LANGUAGE_COOKIE, wanted, age_s=LANGUAGE_S)
    return response


def onward(staff: PageRequest) -> str:
    """Returns the page to go back to after a form that every page has."""
    path = staff.form.get("next")
    return path if is_local(path) else "/"


async def show_plates(staff: StaffRequest) -> Response:
    """Shows plates and cards unmasked for half an hour."""
    if not staff.user.sees_plates:
        raise PageError(
            403,
            LocalizedText(
                "您的账号无权查看完整车牌；请联系管理员", "your account may not see plates; ask an administrator"
            ),
        )
    return await _set_plates(staff, staff.now_us + PLATES_SHOWN_US, "plates.show")


async def hide_plates(staff: StaffRequest) -> Response:
    """Masks plates and cards again."""
    return await _set_plates(staff, 0, "plates.hide")


async def _set_plates(staff: StaffRequest, until_us: int, action: str) -> Response:
    # Without the query, which may hold a plate.
    entry = staff.audit_entry(action, subject=staff.user.name, detail=onward(staff).partition("?")[0])
    await staff.database(lambda database: database.accounts.show_plates(staff.session.digest, until_us, entry))
    return staff.go(onward(staff))


PAGES: Final = (
    PublicRoute("/login", show_login),
    PublicRoute("/login", login, "POST"),
    PublicRoute("/welcome/{secret}", show_welcome),
    PublicRoute("/welcome/{secret}", welcome, "POST"),
    PublicRoute("/language", choose_language, "POST"),
    StaffRoute("/account/language", choose_own_language, "POST"),
    StaffRoute("/plates/show", show_plates, "POST"),
    StaffRoute("/plates/hide", hide_plates, "POST"),
    StaffRoute("/logout", logout, "POST"),
)
