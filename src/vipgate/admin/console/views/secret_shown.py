"""The page that shows a new secret once."""

from __future__ import annotations

from starlette.responses import Response

from vipgate.admin.console.request import StaffRequest


def once(staff: StaffRequest, key: str, secret: str, subject: str, onward: str) -> Response:
    """Shows the `secret` of `subject` with the texts `key`.title and `key`.lead. `onward`: the link to continue."""
    return staff.page("secret_shown.html", key=key, secret=secret, subject=subject, onward=onward)
