"""What the operating system says of an error, in the current language."""

from __future__ import annotations

import re
from typing import Final

from vipgate.i18n import tr, translatable

# Those that an operator meets. On Windows many come in the system's own language.
KNOWN: Final = (
    translatable("No such file or directory"),
    translatable("Permission denied"),
    translatable("Operation not permitted"),
    translatable("Is a directory"),
    translatable("Not a directory"),
    translatable("File exists"),
    translatable("No space left on device"),
    translatable("Read-only file system"),
    translatable("Input/output error"),
    translatable("Stale file handle"),
    translatable("Too many open files"),
    translatable("Address already in use"),
    translatable("Cannot assign requested address"),
    translatable("Connection refused"),
    translatable("Connection reset by peer"),
    translatable("Connection timed out"),
    translatable("Network is unreachable"),
    translatable("No route to host"),
    translatable("Name or service not known"),
    translatable("Temporary failure in name resolution"),
    translatable("No address associated with hostname"),
    translatable("timed out"),
    translatable("All connection attempts failed"),
    translatable("Server disconnected without sending a response."),
)
_NUMBERED: Final = re.compile(r"(\[Errno -?\d+\] )(.*)", re.DOTALL).fullmatch


def error_reason(error: BaseException) -> str:
    """The text of an error of the system or of a connection; its type where it has none."""
    text = str(getattr(error, "strerror", None) or error) or type(error).__name__
    found = _NUMBERED(text)
    return tr(text) if found is None else found[1] + tr(found[2])
