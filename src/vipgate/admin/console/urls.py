"""URLs of the console's pages. A park_uuid or an order number may hold anything, even `/` and `..`."""

from __future__ import annotations

from urllib.parse import quote, urlencode

_PATH_CHARS_MAX = 2000


def segment(text: str) -> str:
    """Encodes `text` as one path segment that browsers and proxies neither split nor drop."""
    escaped = text.replace("~", "~~").replace("/", "~s").replace("\\", "~b")
    if not escaped.strip("."):
        escaped = escaped.replace(".", "~d")
    return quote(escaped, safe="~")


def from_segment(segment: str) -> str:
    """Decodes an unquoted segment: the inverse of `segment`."""
    parts = segment.split("~~")
    return "~".join(part.replace("~s", "/").replace("~b", "\\").replace("~d", ".") for part in parts)


def park_at(park_uuid: str, below: str = "") -> str:
    """Returns the URL of a park's page, or of one below it."""
    return f"/parks/{segment(park_uuid)}{below}"


def with_query(path: str, **values: object) -> str:
    """Adds the `values` that are not empty to `path` as a query."""
    query = urlencode({name: value for name, value in values.items() if value not in (None, "", False)})
    return f"{path}?{query}" if query else path


def is_local(path: str) -> bool:
    """Whether `path` is a page of this console, and so a safe target for redirects."""
    return (
        path.startswith("/")
        and not path.startswith(("//", "/\\"))
        and len(path) <= _PATH_CHARS_MAX
        and path.isprintable()
        and "\\" not in path
    )
