"""The accounts of all staff, for administrators."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from vipgate.admin.auth.passwords import hash_password
from vipgate.admin.console.pages import StaffRoute, path_text
from vipgate.admin.console.request import StaffRequest
from vipgate.admin.console.urls import segment
from vipgate.admin.console.views.login import read_name
from vipgate.admin.console.views.secret_shown import once
from vipgate.store.interfaces.accounts import ROLES, Role, Session, User
from vipgate.store.interfaces.admin import Database
from vipgate.support.web.errors import PageError, conflict, not_there
from vipgate.support.web.forms import FormData

PASSWORD_BYTES: Final = 12


async def show(staff: StaffRequest) -> Response:
    """Shows the list and the form for a new account."""
    return await _page(staff, staff.form)


async def _page(staff: StaffRequest, form: FormData, status: int = 200) -> Response:
    users = await staff.database(lambda database: database.accounts.list_users())
    return staff.page("accounts.html", status=status, users=users, roles=ROLES, form=form)


async def add(staff: StaffRequest) -> Response:
    """Creates an account with a first password, which is shown once."""
    form = staff.form
    name, role = read_name(form), read_role(form)
    password = staff.context.new_secret(PASSWORD_BYTES)
    if form.errors:
        return await _page(staff, form, 422)
    hashed = await staff.context.hashing.run(lambda: hash_password(password))
    user = User(
        name=name,
        role=role,
        password=hashed,
        sees_plates=form.ticked("sees_plates"),
        enabled=True,
        language=None,
        created_us=staff.now_us,
        last_login_us=None,
    )
    entry = staff.audit_entry("user.add", subject=name, detail=_rights(role, sees_plates=user.sees_plates))
    if not await staff.database(lambda database: database.accounts.add_user(user, entry)):
        form.fault("name", "已有这个账号", "there is an account of this name")
        return await _page(staff, form, 422)
    return once(staff, "secret_shown.user", password, name, "/accounts")


def read_role(form: FormData) -> Role:
    """Returns the chosen role; reader if it is invalid."""
    chosen = form.choice("role", ROLES)
    return next((role for role in ROLES if role == chosen), "reader")


def _rights(role: Role, *, sees_plates: bool) -> str:
    return f"{role}, plates: {'yes' if sees_plates else 'no'}"


async def show_one(staff: StaffRequest) -> Response:
    """Shows one account and its sessions."""
    name = path_text(staff, "name")

    def read(database: Database) -> tuple[User | None, list[Session]]:
        return database.accounts.find_user(name), database.accounts.list_sessions(name, staff.now_us)

    user, sessions = await staff.database(read)
    if user is None:
        raise _unknown(name)
    return staff.page("account_edit.html", user=user, sessions=sessions, roles=ROLES, form=staff.form)


async def change(staff: StaffRequest) -> Response:
    """Changes the role, the right to see plates, and whether the account is enabled."""
    name = _other(staff)
    role, sees_plates, enabled = read_role(staff.form), staff.form.ticked("sees_plates"), staff.form.ticked("enabled")
    if staff.form.errors:
        raise PageError(422, staff.form.errors["role"])

    def do(database: Database) -> bool:
        user = database.accounts.find_user(name)
        if user is None:
            raise _unknown(name)
        before = f"{_rights(user.role, sees_plates=user.sees_plates)}{'' if user.enabled else ', disabled'}"
        after = f"{_rights(role, sees_plates=sees_plates)}{'' if enabled else ', disabled'}"
        if before == after:
            return False
        return database.accounts.change_user(
            name,
            staff.audit_entry("user.change", subject=name, detail=f"{before} → {after}"),
            role=role if role != user.role else None,
            sees_plates=sees_plates if sees_plates != user.sees_plates else None,
            enabled=enabled if enabled != user.enabled else None,
        )

    changed = await staff.database(do)
    return staff.go(_at(name), "user_saved" if changed else "nothing_changed")


async def reset_password(staff: StaffRequest) -> Response:
    """Sets a new first password, which is shown once; ends the account's sessions."""
    name = _other(staff)
    password = staff.context.new_secret(PASSWORD_BYTES)
    hashed = await staff.context.hashing.run(lambda: hash_password(password))
    entry = staff.audit_entry("user.password", subject=name)
    if not await staff.database(lambda database: database.accounts.change_user(name, entry, password=hashed)):
        raise _unknown(name)
    return once(staff, "secret_shown.password", password, name, _at(name))


async def end_sessions(staff: StaffRequest) -> Response:
    """Ends all sessions of an account."""
    name = _other(staff)
    entry = staff.audit_entry("user.sessions_end", subject=name)
    await staff.database(lambda database: database.accounts.end_sessions_of(name, entry))
    return staff.go(_at(name), "sessions_ended")


def _other(staff: StaffRequest) -> str:
    """Returns the account to change. Raises PageError for the user's own, so that an administrator always remains."""
    name = path_text(staff, "name")
    if name == staff.user.name:
        raise conflict(
            "不能在这里更改自己的账号；请由另一位管理员操作，或使用“我的账号”",
            "you cannot change your own account here; ask another administrator, or use My account",
        )
    return name


def _at(name: str) -> str:
    return f"/accounts/{segment(name)}"


def _unknown(name: str) -> PageError:
    return not_there(f"没有账号 {name}", f"there is no account {name}")


PAGES: Final = (
    StaffRoute("/accounts", show, role="admin"),
    StaffRoute("/accounts", add, "POST", role="admin"),
    StaffRoute("/accounts/{name}", show_one, role="admin"),
    StaffRoute("/accounts/{name}", change, "POST", role="admin"),
    StaffRoute("/accounts/{name}/password", reset_password, "POST", role="admin"),
    StaffRoute("/accounts/{name}/sessions/end", end_sessions, "POST", role="admin"),
)
