"""Creates files and folders that only their user may access, whatever the umask, and finds those that others may access.

Windows has no such modes: files inherit the rights of their folder, and nothing is reported.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vipgate.i18n import tr

FILE_MODE: Final = 0o600
FOLDER_MODE: Final = 0o700
# For the two files that others must read: an agent's metrics and its systemd unit.
READABLE_MODE: Final = 0o644


def make_folder(folder: Path) -> None:
    """Creates `folder` and missing parents with mode 0700; existing ones keep their mode."""
    for missing in [parent for parent in reversed(folder.parents) if not parent.exists()]:
        missing.mkdir(FOLDER_MODE, exist_ok=True)
    folder.mkdir(FOLDER_MODE, exist_ok=True)


def reserve_file(path: Path) -> None:
    """Creates an empty file with mode 0600 if missing, for libraries that leave the mode to the umask.

    Does not open an existing file: on POSIX closing it would drop the locks that SQLite holds on it in this process.
    """
    with suppress(FileExistsError):
        os.close(os.open(path.resolve(), os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE))


def open_private(path: str, flags: int) -> int:
    """An `opener` for `open` that creates missing files with mode 0600."""
    return os.open(path, flags, FILE_MODE)


def write_file(path: Path, content: bytes, mode: int = FILE_MODE) -> None:
    """Replaces a file atomically, with exactly `mode`."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if os.name == "posix":
                # A strict umask would remove rights of a READABLE_MODE file.
                os.fchmod(file.fileno(), mode)
            file.write(content)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """Flushes the directory entries of `folder` to disk; no-op on Windows."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@dataclass(frozen=True, slots=True)
class Exposed:
    """A file or folder that other users may access, and the remedy."""

    path: Path
    mode: int
    remedy: str

    @property
    def text(self) -> str:
        """The finding as text."""
        return tr(
            "{path} has mode {mode:04o}: other users of this machine may reach it", path=self.path, mode=self.mode
        )


def with_companions(file: Path, *endings: str) -> list[Path]:
    """Lists a file and those with one of `endings` behind its name."""
    return [file, *(file.with_name(file.name + ending) for ending in endings)]


def find_exposed(paths: Iterable[Path]) -> Iterator[Exposed]:
    """Yields those of `paths` that other users may access; skips missing ones.

    Where another user is the owner (root, say), group rights are allowed: this process needs them.
    """
    for path in paths if os.name == "posix" else ():
        with suppress(OSError):
            found = path.stat()
            mode, is_own = stat.S_IMODE(found.st_mode), found.st_uid == os.geteuid()
            if mode & (0o077 if is_own else 0o007):
                yield Exposed(path, mode, _remedy(path, found.st_mode, is_own=is_own))


def _remedy(path: Path, mode: int, *, is_own: bool) -> str:
    if stat.S_ISDIR(mode) and (mode & stat.S_ISVTX or not is_own):
        # /tmp, or another user's folder: do not change its mode.
        return tr("keep these files in a folder of your own with mode 0700")
    if not is_own:
        return f"chmod o= {path}"
    return f"chmod {'700' if stat.S_ISDIR(mode) else '600'} {path}"
