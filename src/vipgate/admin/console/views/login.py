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
from vipgate.admin.console.errors import PageError, not_there
from vipgate.admin.console.forms import FormData
from vipgate.admin.console.pages import PublicRoute, StaffRoute, path_text
from vipgate.admin.console.request import LANGUAGE_COOKIE, LANGUAGE_S, PageRequest, StaffRequest, session_cookie
from vipgate.admin.console.urls import is_local
from vipgate.i18n import LocalizedText
from vipgate.store.interfaces.accounts import AuditEntry, Language, User
from vipgate.store.interfaces.admin import Database

SECRET_CHARS_MAX: Final = 128
log = structlog.get_logger("vipgate.admin.console")


async def show_login(visit: PageRequest) -> Response:
    """Shows the form."""
    return _login_page(visit, 200, None)


def _login_page(visit: PageRequest, status: int, trouble: str | None) -> Response:
    fields = visit.form if visit.request.method == "POST" else visit.query
    return visit.page(
        "login.html", status=status, trouble=trouble, name=visit.form.get("name"), next=fields.get("next")
    )


async def login(visit: PageRequest) -> Response:
    """Checks name and password. Unknown name, disabled account and wrong password get the same response."""
    name, password = visit.form.get("name")[:NAME_CHARS_MAX], visit.form.raw("password")[:PASSWORD_CHARS_MAX]
    throttle = visit.context.throttle
    wait_s = math.ceil(throttle.attempt(name, visit.peer, visit.now_us / 1_000_000))
    if wait_s:
        log.warning("login must wait", peer=visit.peer, wait_s=wait_s)
        response = _login_page(visit, 429, visit.speech("login.wait", seconds=wait_s))
        response.headers["retry-after"] = str(wait_s)
        return response
    user = await visit.database(lambda database: database.accounts.find_user(name))
    hashed = user.password if user is not None and user.enabled else None
    queue_max = HASHING_MAX if throttle.knows(name, visit.peer) else HASHING_OF_STRANGERS_MAX
    good = await visit.context.hashing.run(lambda: verify_password(hashed, password), queue_max)
    if not good or user is None:
        log.warning("login failed", peer=visit.peer)
        return _login_page(visit, 422, visit.speech("login.wrong"))
    throttle.passed(name, visit.peer)
    if needs_rehash(user.password):
        await _rehash(visit, user, password)
    return await enter(visit, user, "login", visit.form.get("next"))


async def _rehash(visit: PageRequest, user: User, password: str) -> None:
    hashed = await visit.context.hashing.run(lambda: hash_password(password))
    entry = _audit_entry(visit, user.name, "user.rehash")
    await visit.database(lambda database: database.accounts.change_user(user.name, entry, password=hashed))


async def enter(visit: PageRequest, user: User, action: str, onward: str) -> Response:
    """Opens a session for `user` and redirects to `onward`."""
    secret, session = open_session(user.name, visit.peer, visit.now_us, visit.context.chance)
    entry = _audit_entry(visit, user.name, action)
    await visit.database(lambda database: database.accounts.note_login(session, entry))
    response = visit.go(onward if is_local(onward) else "/")
    visit.set_cookie(response, session_cookie(secure=visit.context.settings.secure), secret)
    if user.language is not None:
        visit.set_cookie(response, LANGUAGE_COOKIE, user.language, age_s=LANGUAGE_S)
    return response


def _audit_entry(visit: PageRequest, who: str, action: str) -> AuditEntry:
    return AuditEntry(
        at_us=visit.now_us, who=who, action=action, park_uuid=None, subject=who, detail="", peer=visit.peer
    )


async def logout(visit: StaffRequest) -> Response:
    """Ends this session."""
    entry = visit.audit_entry("logout", subject=visit.user.name)

    def end(database: Database) -> None:
        database.accounts.end_session(visit.session.digest)
        database.accounts.write_audit_entry(entry)

    await visit.database(end)
    response = visit.go("/login", "logout")
    response.delete_cookie(
        session_cookie(secure=visit.context.settings.secure),
        secure=visit.context.settings.secure,
        httponly=True,
        samesite="strict",
    )
    return response


async def show_welcome(visit: PageRequest) -> Response:
    """Shows the form for the first account, behind the one-time link."""
    digest = _invitation(visit)
    if not await visit.database(lambda database: database.accounts.find_invitation(digest, visit.now_us)):
        raise _no_invitation()
    return visit.page("welcome.html", form=visit.form, action=visit.here)


async def welcome(visit: PageRequest) -> Response:
    """Creates the first account, an administrator, and logs it in."""
    digest = _invitation(visit)
    name = read_name(visit.form)
    password = read_new_password(visit.form)
    if visit.form.errors:
        return visit.page("welcome.html", status=422, form=visit.form, action=visit.here)
    if not await visit.database(lambda database: database.accounts.find_invitation(digest, visit.now_us)):
        raise _no_invitation()
    hashed = await visit.context.hashing.run(lambda: hash_password(password))
    user = User(
        name=name,
        role="admin",
        password=hashed,
        sees_plates=True,
        enabled=True,
        language=visit.speech.language,
        created_us=visit.now_us,
        last_login_us=None,
    )
    entry = _audit_entry(visit, name, "user.first")
    if not await visit.database(lambda database: database.accounts.take_invitation(digest, user, visit.now_us, entry)):
        raise _no_invitation()
    return await enter(visit, user, "login", "/")


def _invitation(visit: PageRequest) -> str:
    return hash_token(path_text(visit, "secret")[:SECRET_CHARS_MAX])


def _no_invitation() -> PageError:
    return not_there(
        "链接不正确、已使用或已过期；请在服务器上用 vipgate user add 新建账号",
        "the link is wrong, used or too old; make an account on the server with: vipgate user add",
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


async def choose_language(visit: PageRequest) -> Response:
    """Stores a guest's language in a cookie."""
    response = visit.go(onward(visit))
    visit.set_cookie(response, LANGUAGE_COOKIE, visit.form.choice("language", ("zh", "en")), age_s=LANGUAGE_S)
    return response


async def choose_own_language(visit: StaffRequest) -> Response:
    """Stores the user's language in the account and in a cookie."""
    wanted: Language = "en" if visit.form.get("language") == "en" else "zh"
    entry = visit.audit_entry("user.language", subject=visit.user.name, detail=wanted)
    await visit.database(lambda database: database.accounts.change_user(visit.user.name, entry, language=wanted))
    response = visit.go(onward(visit))
    visit.set_cookie(response, LANGUAGE_COOKIE, wanted, age_s=LANGUAGE_S)
    return response


def onward(visit: PageRequest) -> str:
    """Returns the page to go back to after a form that every page has."""
    path = visit.form.get("next")
    return path if is_local(path) else "/"


async def show_plates(visit: StaffRequest) -> Response:
    """Shows plates and cards unmasked for half an hour."""
    if not visit.user.sees_plates:
        raise PageError(
            403,
            LocalizedText(
                "您的账号无权查看完整车牌；请联系管理员", "your account may not see plates; ask an administrator"
            ),
        )
    return await _set_plates(visit, visit.now_us + PLATES_SHOWN_US, "plates.show")


async def hide_plates(visit: StaffRequest) -> Response:
    """Masks plates and cards again."""
    return await _set_plates(visit, 0, "plates.hide")


async def _set_plates(visit: StaffRequest, until_us: int, action: str) -> Response:
    # Without the query, which may hold a plate.
    entry = visit.audit_entry(action, subject=visit.user.name, detail=onward(visit).partition("?")[0])
    await visit.database(lambda database: database.accounts.show_plates(visit.session.digest, until_us, entry))
    return visit.go(onward(visit))


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
