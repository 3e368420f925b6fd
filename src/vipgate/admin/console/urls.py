"""Addresses of the console's pages. A park_uuid or an order number may hold anything, `/` and `..` too."""

from __future__ import annotations

from urllib.parse import quote, urlencode

_PATH_CHARS_MAX = 2000


def segment(text: str) -> str:
    """`text` as one segment of a path, so that no browser or proxy takes it for several or drops it."""
    told = text.replace("~", "~~").replace("/", "~s").replace("\\", "~b")
    if not told.strip("."):
        told = told.replace(".", "~d")
    return quote(told, safe="~")


def from_segment(told: str) -> str:
    """What `segment` was given, out of the unquoted segment."""
    parts = told.split("~~")
    return "~".join(part.replace("~s", "/").replace("~b", "\\").replace("~d", ".") for part in parts)


def park_at(park_uuid: str, below: str = "") -> str:
    """The page of a park, or one below it."""
    return f"/parks/{segment(park_uuid)}{below}"


def with_query(path: str, **values: object) -> str:
    """`path` with those of `values` that are not empty."""
    query = urlencode({name: value for name, value in values.items() if value not in (None, "", False)})
    return f"{path}?{query}" if query else path


def is_local(path: str) -> bool:
    """Whether `path` leads to a page of this console, so that one may be sent there after the login."""
    return (
        path.startswith("/")
        and not path.startswith(("//", "/\\"))
        and len(path) <= _PATH_CHARS_MAX
        and path.isprintable()
        and "\\" not in path
    )
