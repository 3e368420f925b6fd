"""The page that shows a new secret, this once and never again."""

from __future__ import annotations

from starlette.responses import Response

from vipgate.admin.console.request import StaffRequest


def once(visit: StaffRequest, key: str, secret: str, subject: str, onward: str) -> Response:
    """`secret` of `subject`; the texts are `key`.title and `key`.lead. `onward` is where one goes on when it is noted down."""
    return visit.page("once.html", key=key, secret=secret, subject=subject, onward=onward)
